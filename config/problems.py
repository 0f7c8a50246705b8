"""Sentences about wrong settings, with name, value and rule, made of pydantic's errors."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Final

from pydantic import ValidationError
from pydantic_core import ErrorDetails, PydanticCustomError

from config.sources import NamePath, RawSetting, env_name
from config.suggestions import SettingNames
from smsline.errors import SmslineError, shorten
from smsline.urls import shown

# Types of errors: ours about settings that do not go together (its context names one of them), and
# pydantic's about a name that is no setting.
BETWEEN: Final = "between_settings"
UNKNOWN: Final = "extra_forbidden"

_SECRET: Final = frozenset({"secret_id", "secret_key", "token", "texts", "metrics_token"})
_URLS: Final = frozenset({"redis_url", "broker_url", "endpoint", "proxy"})
# In a person's words, where pydantic's speak of models and dictionaries.
_RULES: Final = {
    "missing": "is required",
    "model_type": "must be a table of settings, not a single value",
    "dict_type": "must be a table of settings, not a single value",
    "too_short": "must not be empty",
    "string_too_short": "must not be empty",
    "path_not_file": "must be the path of a file that exists",
}
# By the end of a setting's name: 60s is told from 60 of a setting in seconds.
_UNITS: Final = {"s": "seconds", "ms": "milliseconds", "days": "days", "hours": "hours", "mb": "megabytes"}


class SettingsError(SmslineError, ValueError):
    """The settings cannot be used; nothing was started.

    Attributes:
        problems: One line each: name as written, value (secrets hidden), rule.
    """

    def __init__(self, problems: Iterable[str]) -> None:
        # One mistake may be met twice: a setting that is left out for the second
        # look can be missed there.
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


def describe(error: ErrorDetails, written: Mapping[NamePath, RawSetting], known: SettingNames) -> str:
    """One line for one of pydantic's errors: `SMSLINE_LEASE_S='-1': must be greater than 0`."""
    path = path_of(error)
    # The value is the path's own, or the one above it that is meant for all lanes, or the first one
    # below: of a table that is wrong as a whole only the parts were written.
    above = (written.get(path[:length]) for length in range(len(path), 0, -1))
    below = ((at, each) for at, each in written.items() if at[: len(path)] == path)
    first_below = next(below, None)
    source = next((each for each in above if each), first_below[1] if first_below else None)

    if error["type"] == UNKNOWN:
        hint = ""
        if first_below and (meant := known.meant(path)):
            # In the spelling of the place that it was written in, so that it can be pasted there.
            whole = (*meant, *first_below[0][len(path) :])
            hint = f"; did you mean {'.'.join(whole) if first_below[1].in_file else env_name(whole)}?"
        return f"{source.name if source else env_name(path)}: no such setting{hint}"

    in_words = error["msg"].removeprefix("Value error, ").replace("Input should", "must")
    in_words = in_words.replace(", unable to parse string as", "; this is not")
    if error["type"] in {"float_parsing", "int_parsing"}:
        unit = next((_UNITS[end] for part in path if (end := part.rpartition("_")[2]) in _UNITS), "")
        in_words += f"; it counts {unit}: write the number alone" if unit else ""
    rule = _RULES.get(error["type"], in_words) + known.nameless_account(path)
    if source is None or error["type"] == "missing":
        return f"{env_name(path)}: {rule}"
    text = str(source.value)
    if source.secret or _SECRET & set(path):
        value = "(hidden)"
    else:
        # A URL may stand where none is expected, and its password in it: whatever looks
        # like one is shown as one.
        is_url = path[-1] in _URLS or "://" in text or "@" in text
        value = repr(shorten(shown(text) if is_url else text))
    return f"{source.name}: {value}: {rule}"
