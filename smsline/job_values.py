"""Values of a job's fields: each is returned as it is kept, or refused by its name."""

import math
import re
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Final, TypeGuard

from smsline.errors import BadInput
from smsline.row_values import no_text
from smsline.windows import parse_window

# Keeps a slip (milliseconds for seconds) from making a job that lives for centuries.
MAX_START_DELAY_S: Final = 90 * 86_400.0

_ACCOUNT: Final = re.compile(r"[A-Za-z0-9_-]{1,40}")


def account(values: Mapping[str, object]) -> str:
    """The name of an account, or nothing.

    Raises:
        BadInput: No account can be called so.
    """
    found = values.get("account", "")
    if found == "" or (isinstance(found, str) and _ACCOUNT.fullmatch(found)):
        return str(found)
    raise BadInput("account", found, "must be the name of a configured account; `smsline accounts` lists them")


def text(values: Mapping[str, object], name: str, limit: int) -> str:
    """Text of at most so many characters, or nothing.

    Raises:
        BadInput: It is no such text.
    """
    value = values.get(name, "")
    if not isinstance(value, str):
        raise BadInput(name, type(value).__name__, "must be text")
    if len(value) > limit or any(ord(character) < 32 for character in value):
        raise BadInput(name, value, f"must be at most {limit} characters, none of them a control character")
    if rule := no_text(value):
        raise BadInput(name, value, rule)
    # Two keys of other bytes would be one.
    if "\ufffd" in value:
        raise BadInput(name, value, "has a \ufffd, where a program could not read a character; write it in UTF-8")
    return value


def matching(values: Mapping[str, object], name: str, pattern: re.Pattern[str], rule: str) -> str:
    """Text of a form, or nothing where the form allows that.

    Raises:
        BadInput: It has another form.
    """
    value = values.get(name, "")
    if not isinstance(value, str):
        raise BadInput(name, value, f"must be text; {rule}")
    if not pattern.fullmatch(value):
        raise BadInput(name, value, rule)
    return value


def number(values: Mapping[str, object], name: str, default: float, most: float) -> float:
    """A number above 0, or the default where it is left out.

    Raises:
        BadInput: It is none, or out of bounds.
    """
    if name not in values:
        return default
    value = values[name]
    if not _is_number(value):
        raise BadInput(name, value, "must be a number")
    if not 0 < value <= most:
        raise BadInput(name, value, f"must be more than 0 and at most {most:,.0f}")
    return float(value)


def _is_number(value: object) -> TypeGuard[int | float]:
    # True is an int to Python; NaN passes every comparison by failing it. An int is not asked
    # whether it is finite: it may be too large for a float.
    if isinstance(value, float):
        return math.isfinite(value)
    return isinstance(value, int) and not isinstance(value, bool)


def flag(values: Mapping[str, object], name: str) -> bool:
    """A switch, off where it is left out.

    Raises:
        BadInput: It is neither true nor false.
    """
    value = values.get(name, False)
    if not isinstance(value, bool):
        raise BadInput(name, value, "must be true or false")
    return value


def start(values: Mapping[str, object], now_s: float) -> float:
    """When the job starts, epoch seconds; 0 for now.

    Raises:
        BadInput: It is no time, or too far away.
    """
    value = values.get("start_s", 0.0)
    if not _is_number(value) or value < 0:
        raise BadInput("at", value, "must be epoch seconds")
    if value > now_s + MAX_START_DELAY_S:
        last = datetime.fromtimestamp(now_s + MAX_START_DELAY_S, UTC)
        raise BadInput("at", value, f"must be within {MAX_START_DELAY_S / 86_400:g} days, by {last:%Y-%m-%d %H:%M} UTC")
    # Whole seconds, as outputs have them: by what it was told a call can be repeated. Redis'
    # clock decides what is past.
    return float(math.ceil(value))


def window(values: Mapping[str, object], lane: str) -> str:
    """Hours of sending, or nothing for any hour.

    Raises:
        BadInput: They are none, or the lane cannot wait for them.
    """
    found = values.get("window", "")
    if not isinstance(found, str):
        raise BadInput("window", type(found).__name__, "must be text such as 09:00-20:00")
    if found and lane == "otp":
        raise BadInput("window", found, "is not for the lane otp: a code is wanted at once")
    try:
        parse_window(found) if found else None
    except ValueError as error:
        raise BadInput("window", found, str(error)) from None
    return found
