"""Sentences about wrong settings, with name, value and rule, made of pydantic's errors."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Final

from pydantic import ValidationError
from pydantic_core import ErrorDetails, PydanticCustomError

from config.sources import NamePath, Written, env_name
from config.suggestions import Known
from smsline.errors import SmslineError, shorten
from smsline.urls import shown

BETWEEN: Final = "between_settings"
"""The type of an error about settings that do not go together; its context names one of them."""

UNKNOWN: Final = "extra_forbidden"
"""The type of pydantic's error about a name that is no setting."""

_SECRET: Final = frozenset({"secret_id", "secret_key", "token", "texts", "metrics_token"})
_URLS: Final = frozenset({"redis_url", "broker_url", "endpoint", "proxy"})
_RULES: Final = {
    "missing": "is required",
    "model_type": "must be a table of settings, not a single value",
    "dict_type": "must be a table of settings, not a single value",
    "too_short": "must not be empty",
    "string_too_short": "must not be empty",
    "path_not_file": "must be the path of a file that exists",
}


class SettingsError(SmslineError, ValueError):
    """The settings cannot be used; nothing was started.

    Attributes:
        problems: One line each: name as written, value (secrets hidden), rule.
    """

    def __init__(self, problems: Iterable[str]) -> None:
        self.problems = tuple(dict.fromkeys(problems))
        count = f"{len(self.problems)} problems" if len(self.problems) > 1 else "1 problem"
        super().__init__("\n  ".join((f"the settings cannot be used ({count}):", *self.problems)))


@dataclass(frozen=True, slots=True)
class Unfit:
    """Settings that do not go together: the one to blame, and the rule in words."""

    path: NamePath
    rule: str

    def as_error(self) -> PydanticCustomError:
        """The form in which a validator can raise it."""
        return PydanticCustomError(BETWEEN, "{rule}", {"path": self.path, "rule": self.rule})


def errors_of(error: ValidationError) -> list[ErrorDetails]:
    """The errors worth telling; a default that could not be made follows from another error."""
    return [each for each in error.errors(include_url=False) if each["type"] != "default_factory_not_called"]


def path_of(error: ErrorDetails) -> NamePath:
    """The setting an error speaks of."""
    where = error["ctx"]["path"] if error["type"] == BETWEEN else error["loc"]
    return tuple(str(part) for part in where if part != "[key]" and not isinstance(part, int))


def describe(error: ErrorDetails, written: Mapping[NamePath, Written], known: Known) -> str:
    """One line for one of pydantic's errors: `SMSLINE_LEASE_S='-1': must be greater than 0`."""
    path = path_of(error)
    source = _written_at(path, written)
    if error["type"] == UNKNOWN:
        return f"{source.name if source else env_name(path)}: no such setting{_hint(path, written, known)}"
    rule = (_RULES.get(error["type"]) or _in_words(error)) + known.nameless_account(path)
    if source is None or error["type"] == "missing":
        return f"{env_name(path)}: {rule}"
    return f"{source.name}: {'(hidden)' if source.secret else _shown(path, source.value)}: {rule}"


def _hint(path: NamePath, written: Mapping[NamePath, Written], known: Known) -> str:
    """`; did you mean …?` in the spelling of the source, or nothing."""
    if (meant := known.meant(path)) is None:
        return ""
    at, source = next((at, source) for at, source in written.items() if at[: len(path)] == path)
    whole = (*meant, *at[len(path) :])
    return f"; did you mean {'.'.join(whole) if source.in_file else env_name(whole)}?"


def _written_at(path: NamePath, written: Mapping[NamePath, Written]) -> Written | None:
    """How the value at a path was written: itself, the value above meant for all lanes, or the first one below."""
    above = (written.get(path[:length]) for length in range(len(path), 0, -1))
    below = (source for at, source in written.items() if at[: len(path)] == path)
    return next((source for source in (*above, *below) if source), None)


def _shown(path: NamePath, value: object) -> str:
    """The value as it may be shown: never a credential, never a part of a URL's password."""
    if _SECRET & set(path):
        return "(hidden)"
    text = str(value)
    is_url = path[-1] in _URLS or "://" in text or "@" in text
    return repr(shorten(shown(text) if is_url else text))


def _in_words(error: ErrorDetails) -> str:
    message: str = error["msg"].removeprefix("Value error, ")
    return message.replace("Input should", "must").replace(", unable to parse string as", "; this is not")
