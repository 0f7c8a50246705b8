"""The spellings that a code as written may stand for; pure, and safe for any text."""

import re
from collections.abc import Iterable, Iterator
from datetime import date, timedelta
from typing import Final
from unicodedata import normalize

# Compiled once and without nested repeats: each is run over whatever a person
# pastes, or a provider sends.
_QUOTES: Final = " \t\r\n\"'`"
_PREFIX: Final = re.compile(r"is[vp]\.(?=.)")
_ANY_PREFIX: Final = re.compile(r"is[vp]\s*[.:_/ -]\s*(?=.)", re.IGNORECASE)
_AROUND: Final = _QUOTES + "[](){}<>\u3010\u3011\u300c\u300d\u300e\u300f\u00ab\u00bb\u2039\u203a.,;:!?#"

# What word processors and Chinese keyboards put in place of plain signs, and what cannot be seen.
_SIGNS: Final = str.maketrans(
    {
        **dict.fromkeys("\u2010\u2011\u2012\u2013\u2014\u2015\u2212", "-"),
        **dict.fromkeys("\u201c\u201d\u201e\u2018\u2019\u201a", '"'),
        **dict.fromkeys("\u200b\u200c\u200d\u200e\u200f\u2060\ufeff\u00ad"),
        "\u3002": ".",
        "\u3001": ",",
    }
)

_NAME: Final = r"(?:[a-z]+[ _-]?)?(?:code|errmsg|description|\u9519\u8bef\u7801|\u72b6\u6001\u7801|\u4ee3\u7801)"
_QUOTED_FIELD: Final = re.compile(rf"{_NAME}[\"']?\s*[:=]\s*([\"'][^\"']+)", re.IGNORECASE)
_LABEL: Final = re.compile(
    rf"^\W*(?:{_NAME}|error|err|no\.?|nr\.?)(?:[\"']?\s*[:=#]\s*|\s+|(?=-?[0-9]))(.+)", re.IGNORECASE
)
_FIELD: Final = re.compile(rf"{_NAME}[\"']?\s*[:=]\s*([^\"',}}\]\s]+)", re.IGNORECASE)
_NEGATIVE: Final = re.compile(r"-[0-9]")
_BETWEEN_CODES: Final = re.compile(r"[/|,;&]+")
_MORE_THAN_ONE: Final = re.compile(r"[|,;&]|[0-9]\s*/\s*[0-9]")
_BETWEEN_NUMBERS: Final = re.compile(r"(?<=[0-9])[^a-z0-9]+(?=[0-9])")
_SEPARATORS: Final = re.compile(r"[^\w:]|_|(?<![0-9]):|:(?![0-9])")
_ZEROS: Final = re.compile(r"(?<![0-9])0+(?=[0-9])")
_FIGURES: Final = re.compile(r"\+?(-?(?:[0-9]+|[0-9]{1,3}(?:,[0-9]{3})+))(?:\.0+)?")
_STATUS: Final = re.compile(r"(?:http[ ._-]*)?([3-5](?:[0-9]{2}|xx))", re.IGNORECASE)
_FAULT: Final = re.compile(r"(?:httpx\.)?([A-Z][A-Za-z]+(?:Error|Timeout|Protocol|URL))")
_FRACTION: Final = re.compile(r"0\.([0-9]{4,12})")
_DAY: Final = re.compile(r"[1-9][0-9]{4}")
# Spreadsheets count days from here: their first day is 1 January 1900, and they
# take 1900 for a leap year.
_DAY_ZERO: Final = date(1899, 12, 30)
_MINUTES: Final = 1_440


def plain(code: str) -> str:
    """The code without blanks around it, `isv.` or `isp.` before it, and dots after it."""
    return _PREFIX.sub("", code.strip(), count=1).rstrip(".")


def variants(code: str) -> tuple[str, ...]:
    """The code as it stands, then what it surely is without its wrapping; empty for nothing."""
    text = _straight(code).strip(_QUOTES)
    bare = _ANY_PREFIX.sub("", tidy(text), count=1)
    found = [code, text, plain(text), bare]
    if status := _STATUS.fullmatch(bare):
        # Ours is `http.503`, SMSPartner's `HTTP 503`.
        found += (f"http.{status[1].lower()}", f"HTTP {status[1].lower()}")
    if fault := _FAULT.fullmatch(bare):
        found.append(f"http.{fault[1]}")
    if number := _FIGURES.fullmatch(bare):
        found.append(number[1].replace(",", ""))  # 1,016 and 1016.0, as a spreadsheet shows a number
    return tuple(_without_repeats((*found, *unspoiled(bare))))


def parts(code: str) -> tuple[str, ...]:
    """The codes of several that a table ran together (`508 | 509`) or a person names together.

    Empty for one alone.
    """
    several = [part for part in _BETWEEN_CODES.split(_straight(code)) if tidy(part)]
    return tuple(_without_repeats(plain(tidy(part)) for part in several)) if len(several) > 1 else ()


def surely_several(code: str) -> bool:
    """Whether the signs in the code stand between codes rather than in one."""
    return _MORE_THAN_ONE.search(tidy(code)) is not None


def tidy(code: str) -> str:
    """The code in plain signs: no full-width or invisible ones, no brackets or stops around it."""
    return _straight(code).strip(_AROUND)


def unlabelled(code: str) -> list[str]:
    """What a label announces as the code, likeliest first.

    `code: 1016`, `"Code":"isv.X"`, `Error 2053`, `#9`.
    """
    text = _straight(code).strip()
    named = [found[1] for pattern in (_QUOTED_FIELD, _LABEL, _FIELD) if (found := pattern.search(text))]
    return list(_without_repeats(tidy(one) for one in named))


def skeleton(code: str) -> str:
    """What is left when case, separators and `isv.` say nothing.

    Equal for `MK:0001`, `mk 0001` and `MK-0001`.
    """
    text = _ANY_PREFIX.sub("", tidy(code), count=1)
    # A dash before a number is its sign (-1 is another code than 1); one within is a
    # separator like any other.
    sign = "-" if _NEGATIVE.match(text) else ""
    return sign + _SEPARATORS.sub("", _BETWEEN_NUMBERS.sub(":", text.casefold()))


def unpadded(code: str) -> str:
    """The skeleton without the zeros before its numbers.

    Equal for `MK:0001` and `MK:1`, `002` and `2`.
    """
    return skeleton(_ZEROS.sub("", tidy(code)))


def coloned(code: str) -> Iterator[str]:
    """The code as carriers write theirs, in capitals with a colon.

    For ranges and beginnings, which need one.
    """
    text = _ANY_PREFIX.sub("", tidy(code), count=1).upper()
    yield text
    yield re.sub(r"\s*[ :=_.-]\s*", ":", text)
    yield re.sub(r"^([A-Z]+)([0-9]+)$", r"\1:\2", text)


def _without_repeats(spelt: Iterable[str]) -> Iterator[str]:
    return iter(dict.fromkeys(spelling for spelling in spelt if spelling))


def _straight(code: str) -> str:
    return normalize("NFKC", code).translate(_SIGNS)


def unspoiled(code: str) -> Iterator[str]:
    """What a spreadsheet may have turned into this number.

    `0.089583` was a time of day, `43497` a date.

    A code such as `2:9` is read as a time and kept as a fraction of the day; `2-1` is read as a
    date and kept as the number of days since the end of 1899.
    """
    if found := _FRACTION.fullmatch(code):
        fraction = float(code)
        minutes = round(fraction * _MINUTES)
        # The fraction was rounded to its last digit, so a time is meant if it lies
        # within half of that digit.
        if abs(minutes / _MINUTES - fraction) > 0.5 * 10 ** -len(found[1]) + 1e-12:
            return
        # A time of 69 minutes may have been 1:9 or 0:69: a code's second number is not bound to 59.
        for hours in range(minutes // 60 + 1):
            rest = minutes - 60 * hours
            yield f"{hours}:{rest}"
            if rest < 10:
                yield f"{hours}:{rest:02d}"
    elif _DAY.fullmatch(code):
        day = _DAY_ZERO + timedelta(days=int(code))
        # Where the second number is no day it is taken for a year, and the first of
        # that month stands for it.
        if day.day == 1:
            yield f"{day.month}-{day.year % 100:02d}"
        yield f"{day.month}-{day.day}"
