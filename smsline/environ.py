"""Settings as an environment gives them: variables, files in their place, a folder of secrets.

Producers and the service read theirs through here. Three sources hold the same names; the first
that has a value wins:

1. the variable itself, `SMSLINE_REDIS_URL`;
2. `SMSLINE_REDIS_URL_FILE`, the path of a file that holds the value; 3. a file called
`SMSLINE_REDIS_URL`, in any case, in a folder of secrets as Docker and Kubernetes mount it.

Blanks, line ends and marks without ink around a value are no part of it, wherever it stands: files
with Windows' line ends leave a carriage return at each. Quotes around it are refused.
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
# What is around a value by no one's wish: blanks, line ends, a byte order mark, marks of no width.
_AROUND: Final = re.compile(
    "\\A[\\s\u200b-\u200f\u202a-\u202e\u2060\ufeff]+|[\\s\u200b-\u200f\u202a-\u202e\u2060\ufeff]+\\Z"
)
_QUOTED: Final = re.compile(r"""(?s)(["']).*\1""")
# Our prefix in another case, with another divider, with none, or with a letter too many.
_NEARLY: Final = re.compile(r"SMS_?LINE(?:S_|_*)(?=.)")
_LINK_PORT: Final = re.compile(r"SMSLINE_(?:\w+_)?PORT")
_LINK_VALUE: Final = re.compile(r"(?:tcp|udp|sctp)://\S+")


@dataclass(frozen=True, slots=True)
class Value:
    """A setting's text.

    Attributes:
        text: The value, without what `cleaned` takes off.
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


def cleaned(text: str) -> str:
    """A setting's value without the blanks, line ends and marks without ink around it."""
    return _AROUND.sub("", text)


def read_values(
    environ: Mapping[str, str],
    *,
    own_name: Callable[[str], bool] = lambda _name: False,
    is_ours: Callable[[str], bool] = lambda _name: True,
) -> tuple[dict[str, Value], list[BadInput]]:
    """Every `SMSLINE_…` value of an environment, whichever of the three ways it came.

    Args:
        environ: The environment.
        own_name: Whether a name that ends in `_FILE` is a setting by itself, and no file's path.
        is_ours: Whether a name is looked for, so that another spelling of it is a mistake.

    Returns:
        Values by the variable's name, and the files and folders that cannot be used.
    """
    problems: list[BadInput] = []
    ours = {
        name: cleaned(value)
        for name, value in environ.items()
        if name.startswith(PREFIX) and name not in _OURS and not is_service_link(name, value)
    }
    problems += _misspelt(environ, is_ours)
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
    # Quotes are kept by `docker run --env-file`, and by compose where a variable stands in a list.
    rule = "has quotes around it, which are taken for a part of the value here; leave them out"
    for name, value in found.items():
        if isinstance(value, Value) and is_ours(name) and _QUOTED.fullmatch(value.text):
            problems.append(BadInput(value.source, "…", rule))
        elif isinstance(value, BadInput) and is_ours(name):
            problems.append(value)
    return {name: value for name, value in found.items() if isinstance(value, Value)}, problems


def _misspelt(environ: Mapping[str, str], is_ours: Callable[[str], bool]) -> Iterator[BadInput]:
    """Names that only a mark, their case or another divider keeps from being read.

    The first name of a file with a byte order mark begins with it.
    """
    for name, value in environ.items():
        meant = "" if name.startswith(PREFIX) else _meant(name)
        if meant and (meant in _OURS or is_ours(meant)) and not is_service_link(meant, value):
            yield BadInput(ascii(name).strip("'"), "…", f"is not read under this name; did you mean {meant}?")


def _meant(name: str) -> str:
    """The name of ours that another is nearly, or nothing."""
    plain = re.sub(r"[^A-Z0-9]", "_", cleaned(name).upper())
    head, _, rest = plain.partition("_")
    # In its own letters, as with two of them swapped.
    if sorted(head) == sorted(PREFIX.strip("_")):
        return PREFIX + rest.lstrip("_")
    return _NEARLY.sub(PREFIX, plain, count=1) if _NEARLY.match(plain) else ""


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
    parts = map(cleaned, environ.get(FOLDER_VARIABLE, "").split(os.pathsep))
    named = [Path(part).expanduser() for part in parts if part]
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
        # `echo` and editors end a file with a line break, which no key or password has.
        return Value(cleaned(path.read_text(encoding="utf-8")), source, path)
    except OSError as error:
        return BadInput(source, str(path), f"the file cannot be read: {error.strerror}")
    except UnicodeDecodeError:
        return BadInput(source, str(path), "the file must hold text in UTF-8")
