"""A code as somebody wrote it in, the spellings it may stand for out; pure, and safe for any text."""

import re
from collections.abc import Iterator
from datetime import date, timedelta
from typing import Final

_QUOTES: Final = " \t\r\n\"'`"
_PREFIX: Final = re.compile(r"is[vp]\.(?=.)")
_STATUS: Final = re.compile(r"(?:http[ ._-]*)?([3-5](?:[0-9]{2}|xx))", re.IGNORECASE)
_FAULT: Final = re.compile(r"(?:httpx\.)?([A-Z][A-Za-z]+(?:Error|Timeout|Protocol|URL))")
_FRACTION: Final = re.compile(r"0\.([0-9]{4,12})")
_DAY: Final = re.compile(r"[1-9][0-9]{4}")
_DAY_ZERO: Final = date(1899, 12, 30)
_MINUTES: Final = 1_440


def plain(code: str) -> str:
    """The code without blanks around it, `isv.` or `isp.` before it, and dots after it."""
    return _PREFIX.sub("", code.strip(), count=1).rstrip(".")


def spellings(code: str) -> Iterator[str]:
    """The spellings to try for a code that a person typed or pasted, the literal one first, without repeats."""
    seen: set[str] = set()
    for spelling in _variants(code):
        if spelling and spelling not in seen:
            seen.add(spelling)
            yield spelling


def _variants(code: str) -> Iterator[str]:
    yield code
    text = code.strip(_QUOTES)
    yield text
    yield plain(text)
    if status := _STATUS.fullmatch(text):
        yield f"http.{status[1].lower()}"
        yield f"HTTP {status[1].lower()}"
    if fault := _FAULT.fullmatch(text):
        yield f"http.{fault[1]}"
    yield from unspoiled(text)
    # Two codes that a table ran together (`508 | 509`), or a person names together.
    for part in re.split(r"[/|,;]+", text):
        yield plain(part)


def unspoiled(code: str) -> Iterator[str]:
    """What a spreadsheet may have turned into this number: `0.089583` was a time of day, `43497` a date.

    A code such as `2:9` is read as a time and kept as a fraction of the day; `2-1` is read as a date and kept as the
    number of days since the end of 1899.
    """
    if fraction := _FRACTION.fullmatch(code):
        yield from _times(float(code), len(fraction[1]))
    elif _DAY.fullmatch(code):
        day = _DAY_ZERO + timedelta(days=int(code))
        # Where the second number is no day it is taken for a year, and the first of that month stands for it.
        if day.day == 1:
            yield f"{day.month}-{day.year % 100:02d}"
        yield f"{day.month}-{day.day}"


def _times(fraction: float, digits: int) -> Iterator[str]:
    minutes = round(fraction * _MINUTES)
    if abs(minutes / _MINUTES - fraction) > 0.5 * 10**-digits + 1e-12:
        return
    for hours in range(minutes // 60 + 1):
        rest = minutes - 60 * hours
        yield f"{hours}:{rest}"
        if rest < 10:
            yield f"{hours}:{rest:02d}"
