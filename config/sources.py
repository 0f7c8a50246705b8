"""Where settings come from: an environment or a TOML file in, a nested tree and the names as written out.

Own readers rather than pydantic-settings' because of three needs: an error must name the variable as the operator wrote
it, a lane's value must be able to refine the number set for all lanes, and text must stay text (an SmsSdkAppId is not a
number, whatever it looks like).
"""

import tomllib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final, TypeAlias

from smsline.names import LANES

Tree: TypeAlias = dict[str, Any]
NamePath: TypeAlias = tuple[str, ...]

PREFIX: Final = "SMSLINE_"
CONFIG_VARIABLE: Final = "SMSLINE_CONFIG"
DEFAULT_FILE: Final = "smsline.toml"


@dataclass(frozen=True, slots=True)
class Written:
    """A setting as somebody wrote it down.

    Attributes:
        name: `SMSLINE_LEASE_S`, or `lease_s in smsline.toml`.
        value: What stands there.
        in_file: Whether it was written in a file.
    """

    name: str
    value: object
    in_file: bool = False


@dataclass(frozen=True, slots=True)
class Given:
    """What one source holds.

    Attributes:
        tree: Values by lower-case name, nested.
        written: Each value's path to how it was written.
    """

    tree: Tree = field(default_factory=dict)
    written: dict[NamePath, Written] = field(default_factory=dict)


def env_name(path: NamePath) -> str:
    """The environment variable of a setting: `SMSLINE_LINGER_MS__OTP`."""
    return PREFIX + "__".join(part.upper() for part in path)


def read_environ(environ: Mapping[str, str], per_lane: frozenset[str]) -> Given:
    """Take every `SMSLINE_…` variable as a setting.

    An empty one counts as not set, as for the client, because that is what compose files pass on; but not within an
    account, where an empty credential is a mistake and an empty signature a choice.

    Args:
        environ: The environment.
        per_lane: Settings whose single value is meant for all lanes.

    Returns:
        The values, all of them text.
    """
    given = Given()
    names = [name for name in environ if name.startswith(PREFIX) and name != CONFIG_VARIABLE]
    for name in sorted(names, key=lambda name: (name.count("__"), name)):
        path = tuple(name.removeprefix(PREFIX).lower().split("__"))
        if environ[name] or path[0] in {"accounts", "routes"}:
            _put(given, path, Written(name, environ[name]), per_lane)
    return given


def read_file(path: Path, per_lane: frozenset[str]) -> Given:
    """Take every key of a TOML file as a setting.

    Raises:
        OSError: The file cannot be read.
        tomllib.TOMLDecodeError: It is not TOML; the message has line and column.
        UnicodeDecodeError: It is not UTF-8.
    """
    given = Given()
    for keys, value in sorted(_leaves(tomllib.loads(path.read_text(encoding="utf-8"))), key=lambda leaf: len(leaf[0])):
        written = Written(f"{'.'.join(keys)} in {path}", value, in_file=True)
        _put(given, tuple(key.lower() for key in keys), written, per_lane)
    return given


def config_path(environ: Mapping[str, str]) -> Path | None:
    """The settings file: the one named by `SMSLINE_CONFIG`, else `./smsline.toml` if it is there."""
    if named := environ.get(CONFIG_VARIABLE):
        return Path(named).expanduser()
    return Path(DEFAULT_FILE) if Path(DEFAULT_FILE).is_file() else None


def without(tree: Tree, path: NamePath) -> None:
    """Take a path out of a tree, if it is there."""
    node: Any = tree
    for part in path[:-1]:
        node = node.get(part) if isinstance(node, dict) else None
    if isinstance(node, dict) and path:
        node.pop(path[-1], None)


def _leaves(tree: Mapping[str, Any], above: NamePath = ()) -> Iterator[tuple[NamePath, object]]:
    for key, value in tree.items():
        if isinstance(value, Mapping) and value:
            yield from _leaves(value, (*above, key))
        else:
            yield (*above, key), value


def _put(given: Given, path: NamePath, written: Written, per_lane: frozenset[str]) -> None:
    """Add one value; shallow paths come first, so that a lane's own value refines the number set for all lanes."""
    given.written[path] = written
    node: Any = given.tree
    for part in path[:-1]:
        node = node.setdefault(part, {}) if isinstance(node, dict) else None
    if not isinstance(node, dict):
        return  # lies under a plain value: that one's kind is wrong, and is reported
    for_all_lanes = len(path) == 1 and path[0] in per_lane and not isinstance(written.value, dict)
    node[path[-1]] = dict.fromkeys(LANES, written.value) if for_all_lanes else written.value
