"""Where settings come from.

An environment or a TOML file, read as a nested tree with the names as written.

Own readers rather than pydantic-settings' because of three needs: an error must name the variable
as a person wrote it, a lane's value must be able to refine the number set for all lanes, and
text must stay text (an SmsSdkAppId is not a number, whatever it looks like).
"""

import tomllib
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final, TypeAlias

from smsline.environ import CONFIG_VARIABLE, PREFIX, cleaned, read_values
from smsline.names import LANES

Tree: TypeAlias = dict[str, Any]
NamePath: TypeAlias = tuple[str, ...]

DEFAULT_FILE: Final = "smsline.toml"


@dataclass(frozen=True, slots=True)
class RawSetting:
    """A setting as it was written down.

    Attributes:
        name: `SMSLINE_LEASE_S`, or `lease_s in smsline.toml`.
        value: What stands there.
        in_file: Whether it was written in a TOML file.
        secret: Whether it came out of a file of its own, as secrets do, and is not to be shown.
    """

    name: str
    value: object
    in_file: bool = False
    secret: bool = False


@dataclass(frozen=True, slots=True)
class SourceContent:
    """What one source holds.

    Attributes:
        tree: Values by lower-case name, nested.
        written: Each value's path to how it was written.
        problems: Files that were to hold a value and cannot be used, and names that are written
            twice, a sentence each.
        key_files: The files that it was read from.
        spelt: How each path, and each table above it, was first written.
    """

    tree: Tree = field(default_factory=dict)
    written: dict[NamePath, RawSetting] = field(default_factory=dict)
    problems: list[str] = field(default_factory=list)
    key_files: list[Path] = field(default_factory=list)
    spelt: dict[NamePath, str] = field(default_factory=dict)


def env_name(path: NamePath) -> str:
    """The environment variable of a setting: `SMSLINE_LINGER_MS__OTP`."""
    return PREFIX + "__".join(part.upper() for part in path)


def read_environ(environ: Mapping[str, str], per_lane: frozenset[str], top: Collection[str]) -> SourceContent:
    """Take every `SMSLINE_…` variable as a setting, and every file that stands in for one.

    An empty one counts as not set, as for the client, because that is what compose files pass on;
    but not within an account, where an empty credential is a mistake and an empty signature a
    choice.

    Args:
        environ: The environment.
        per_lane: Settings whose single value is meant for all lanes.
        top: Settings at the top level: `SMS_LINE_REDIS_URL` is a misspelt one, and `SMS_LINE_TEAM`
            may be anyone's.

    Returns:
        The values, all of them text.
    """

    def own_name(name: str) -> bool:
        # These end in _FILE by themselves: two settings, and an account's templates or
        # limits, whose names are free.
        path = _path_of(name)
        in_account = len(path) == 4 and path[2] in {"texts", "templates", "limits"}
        return path in {("codes_file",), ("words_file",)} or in_account

    def is_ours(name: str) -> bool:
        return name in environ or f"{name}_FILE" in environ or _path_of(name)[0] in top

    values, problems = read_values(environ, own_name=own_name, is_ours=is_ours)
    given = SourceContent(problems=[str(problem) for problem in problems])
    # Shallow names first, so that `SMSLINE_LINGER_MS__OTP` refines `SMSLINE_LINGER_MS` in
    # whatever order they are set.
    for name in sorted(values, key=lambda name: (name.count("__"), name)):
        value, path = values[name], _path_of(name)
        if value.text or path[0] in {"accounts", "routes"}:
            _tell_other_spelling(given, name.removeprefix(PREFIX).split("__"), value.source)
            _put(given, path, RawSetting(value.source, value.text, secret=value.path is not None), per_lane)
        if value.path:
            given.key_files.append(value.path)
    return given


def read_file(path: Path, per_lane: frozenset[str]) -> SourceContent:
    """Take every key of a TOML file as a setting.

    Raises:
        OSError: The file cannot be read.
        tomllib.TOMLDecodeError: It is not TOML; the message has line and column.
        UnicodeDecodeError: It is not UTF-8.
    """
    given = SourceContent()
    for keys, value in sorted(
        _leaves(tomllib.loads(path.read_text(encoding="utf-8-sig"))), key=lambda leaf: len(leaf[0])
    ):
        written = RawSetting(f"{'.'.join(keys)} in {path}", value, in_file=True)
        _tell_other_spelling(given, keys, written.name)
        _put(given, tuple(key.lower() for key in keys), written, per_lane)
    return given


def config_path(environ: Mapping[str, str]) -> Path | None:
    """The settings file: the one `SMSLINE_CONFIG` names, else `./smsline.toml` if it is there."""
    if named := cleaned(environ.get(CONFIG_VARIABLE, "")):
        return Path(named).expanduser()
    return Path(DEFAULT_FILE) if Path(DEFAULT_FILE).is_file() else None


def without(tree: Tree, path: NamePath) -> None:
    """Take a path out of a tree, if it is there."""
    node: Any = tree
    for part in path[:-1]:
        node = node.get(part) if isinstance(node, dict) else None
    if isinstance(node, dict) and path:
        node.pop(path[-1], None)


def overlaid(base: Tree, over: Tree) -> Tree:
    """One tree over another: tables of both are merged.

    Of any other two values the upper one holds.
    """
    merged = dict(base)
    for name, value in over.items():
        below = merged.get(name)
        merged[name] = overlaid(below, value) if isinstance(below, dict) and isinstance(value, dict) else value
    return merged


def _path_of(name: str) -> NamePath:
    """The setting of a variable: `SMSLINE_LINGER_MS__OTP` is `linger_ms`, `otp`."""
    return tuple(name.removeprefix(PREFIX).lower().split("__"))


def _leaves(tree: Mapping[str, Any], above: NamePath = ()) -> Iterator[tuple[NamePath, object]]:
    for key, value in tree.items():
        # An empty table is a value, too: an account without settings is told what it lacks.
        if isinstance(value, Mapping) and value:
            yield from _leaves(value, (*above, key))
        else:
            yield (*above, key), _cleaned(value)


def _cleaned(value: object) -> object:
    if isinstance(value, list):
        return [_cleaned(each) for each in value]
    return cleaned(value) if isinstance(value, str) else value


def _tell_other_spelling(given: SourceContent, keys: Sequence[str], name: str) -> None:
    """Note how a setting is written.

    `[accounts.Main]` and `[accounts.main]` are one account, though their writer has two in mind; of
    a setting that is there twice one value would be lost.
    """
    for length in range(1, len(keys) + 1):
        spelt = ".".join(keys[:length])
        first = given.spelt.setdefault(tuple(key.lower() for key in keys[:length]), spelt)
        if first != spelt:
            given.problems.append(f"{name}: {spelt} is {first} in another case; write one of them")
            return


def _put(given: SourceContent, path: NamePath, written: RawSetting, per_lane: frozenset[str]) -> None:
    """Add one value.

    Shallow paths come first, so that a lane's own value refines the number set for all lanes.
    """
    given.written[path] = written
    node: Any = given.tree
    for part in path[:-1]:
        node = node.setdefault(part, {}) if isinstance(node, dict) else None
    if not isinstance(node, dict):
        return  # lies under a plain value: that one's kind is wrong, and is reported
    for_all_lanes = len(path) == 1 and path[0] in per_lane and not isinstance(written.value, dict)
    node[path[-1]] = dict.fromkeys(LANES, written.value) if for_all_lanes else written.value
