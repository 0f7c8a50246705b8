"""Settings as an environment gives them.

Variables, the files that stand in for them, and a folder of secrets.

Producers and the service read theirs through here. Three sources hold the same names; the first
that has a value wins:

1. the variable itself, `SMSLINE_REDIS_URL`;
2. `SMSLINE_REDIS_URL_FILE`, the path of a file that holds the value; 3. a file called
`SMSLINE_REDIS_URL`, in any case, in a folder of secrets as Docker and Kubernetes mount it.
"""

import os
import re
import stat
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from smsline.errors import BadInput

PREFIX: Final = "SMSLINE_"
CONFIG_VARIABLE: Final = "SMSLINE_CONFIG"
FOLDER_VARIABLE: Final = "SMSLINE_SECRETS_DIR"

# Where Docker mounts secrets, and where they are looked for unless `SMSLINE_SECRETS_DIR` names
# other folders.
FOLDER: Final = Path("/run/secrets")

_FILE: Final = "_FILE"

# Where `python -m worker alive` looks; no setting, because that probe reads none.
ALIVE_VARIABLE: Final = "SMSLINE_ALIVE_DIR"

# Names of the prefix that are no settings: where the settings are found, and where a probe looks.
_OURS: Final = frozenset({CONFIG_VARIABLE, FOLDER_VARIABLE, FOLDER_VARIABLE + _FILE, ALIVE_VARIABLE})

_LINK: Final = re.compile(
    r"SMSLINE_(?:\w+_)?(?:SERVICE_HOST|SERVICE_PORT(?:_[A-Z0-9_]+)?|PORT_\d+_(?:TCP|UDP|SCTP)(?:_(?:PROTO|PORT|ADDR))?)"
)
_LINK_PORT: Final = re.compile(r"SMSLINE_(?:\w+_)?PORT")
_LINK_VALUE: Final = re.compile(r"(?:tcp|udp|sctp)://\S+")


@dataclass(frozen=True, slots=True)
class Value:
    """A setting's text.

    Attributes:
        text: The value; of a file without the blanks and line ends around it.
        source: The variable that gave it, or `SMSLINE_REDIS_URL in /run/secrets`.
        path: The file it was read from.
    """

    text: str
    source: str
    path: Path | None = None


def is_service_link(name: str, value: str) -> bool:
    """Whether Kubernetes set a variable for a service whose name begins with `smsline`.

    It does so in every pod.

    A service `smsline-redis` becomes `SMSLINE_REDIS_SERVICE_HOST`,
    `SMSLINE_REDIS_PORT=tcp://10.0.0.1:6379` and others.
    """
    return bool(_LINK.fullmatch(name) or (_LINK_PORT.fullmatch(name) and _LINK_VALUE.fullmatch(value)))


def read_values(
    environ: Mapping[str, str], *, own_name: Callable[[str], bool] = lambda _name: False
) -> tuple[dict[str, Value], list[BadInput]]:
    """Every `SMSLINE_…` value of an environment, whichever of the three ways it came.

    Args:
        environ: The environment.
        own_name: Whether a name that ends in `_FILE` is a setting by itself, and no file's path.

    Returns:
        Values by the variable's name, and the files and folders that cannot be used.
    """
    problems: list[BadInput] = []
    ours = {
        name: value
        for name, value in environ.items()
        if name.startswith(PREFIX) and name not in _OURS and not is_service_link(name, value)
    }
    plain = {name: value for name, value in ours.items() if not name.endswith(_FILE) or own_name(name)}
    found = {
        path.name.upper(): _read(path, f"{path.name} in {path.parent}") for path in _secret_files(environ, problems)
    }
    for name in sorted(ours.keys() - plain.keys()):
        setting, path = name.removesuffix(_FILE), ours[name]
        if path and plain.get(setting):
            problems.append(BadInput(name, path, f"leave out this or {setting}; both are set"))
        elif path:
            found[setting] = _read(Path(path).expanduser(), name)
    # The variable itself wins, unless it is empty: compose files pass on empty ones
    # for whatever is not set.
    found |= {name: Value(value, name) for name, value in plain.items() if value or name not in found}
    problems += [value for value in found.values() if isinstance(value, BadInput)]
    return {name: value for name, value in found.items() if isinstance(value, Value)}, problems


def open_to_others(path: Path) -> str:
    """How to close a file of keys that others can read, or nothing.

    The group may read what belongs to root: so a service that runs as another user is given its
    keys.
    """
    try:
        found = path.stat()
    except OSError:
        return ""
    group_is_meant = found.st_uid == 0 and os.geteuid() != 0
    unwanted = stat.S_IROTH | (0 if group_is_meant else stat.S_IRGRP)
    if not found.st_mode & unwanted or FOLDER in path.absolute().parents:
        return ""  # what Docker mounts under /run/secrets is open to all, within a container that has one user
    return f"{path} can be read by others (mode {stat.S_IMODE(found.st_mode):04o}); chmod 600, or defaultMode: 0400 in Kubernetes"


def _secret_files(environ: Mapping[str, str], problems: list[BadInput]) -> Iterator[Path]:
    """The files of the secret folders whose names begin as our settings do.

    The others belong to other services.
    """
    named = [Path(part).expanduser() for part in environ.get(FOLDER_VARIABLE, "").split(os.pathsep) if part]
    for folder in named or [FOLDER]:
        try:
            found = sorted(path for path in folder.iterdir() if path.name.upper().startswith(PREFIX))
        except OSError as error:
            # The usual folder may be missing; one that was named is expected to be there.
            if named:
                problems.append(BadInput(FOLDER_VARIABLE, str(folder), f"cannot be read: {error.strerror}"))
            continue
        yield from found


def _read(path: Path, source: str) -> Value | BadInput:
    """What a file holds, or why it cannot be used."""
    try:
        # Stripped: `echo` and editors end a file with a line break, which no key or password has.
        return Value(path.read_text(encoding="utf-8-sig").strip(), source, path)
    except OSError as error:
        return BadInput(source, str(path), f"the file cannot be read: {error.strerror}")
    except UnicodeDecodeError:
        return BadInput(source, str(path), "the file must hold text in UTF-8")
