"""Phone numbers as Alibaba's wire spells them, read as E.164 integers."""

import re
from typing import Final

from worker.sandbox.numbers import country_of

_MAINLAND: Final = re.compile(r"(?:\+86|0086|86|\+)?(1[3-9][0-9]{9})")
_GLOBAL: Final = re.compile(r"[1-9][0-9]{6,14}")


def normalise(raw: str) -> int | None:
    """The E.164 integer of a number as a request may spell it, or None for what is no number.

    Mainland numbers may begin with +, +86, 0086 or 86, or with none of them; others have their
    country code and nothing before it (official SDK 4.6.0, `SendSmsRequest.phone_numbers`).
    """
    if mainland := _MAINLAND.fullmatch(raw):
        return int("86" + mainland[1])
    return international(raw)


def international(raw: str) -> int | None:
    """The E.164 integer of a number with its country code and nothing before it (2018-05-01)."""
    number = int(raw) if _GLOBAL.fullmatch(raw) else None
    return number if number and country_of(number) else None
