"""Numbers and times as Alibaba Cloud spells them, read as E.164 integers and epoch seconds.

A mainland number goes without its country code, any other with it and without a plus sign. Times
without a zone are Beijing's, which has had no summer time since 1991, so eight hours are its whole
rule.
"""

import re
from datetime import UTC, date, datetime, timedelta, timezone
from email.utils import parsedate_to_datetime
from typing import Final

from smsline.numbers import MAINLAND, is_mainland

BEIJING: Final = timezone(timedelta(hours=8))

# 7 to 15 digits, as E.164 has them with the country code.
_DIGITS: Final = re.compile(r"(?:\+|00)?([1-9][0-9]{6,14})")


def local(number: int) -> str:
    """The number as the API of 2017-05-25 takes it: `13711112222`, `6591234567`."""
    digits = str(number)
    return digits.removeprefix(MAINLAND) if is_mainland(number) else digits


def means(text: str, number: int) -> bool:
    """Whether the written number is this one, with or without its country code, `+` or `00`."""
    found = _DIGITS.fullmatch(text.strip())
    # The mainland API drops +86 in answers too; any other number comes with its country code.
    return found is not None and found[1] in {str(number), local(number)}


def serial_of(send: str, number: int) -> str:
    """The id of the message to one number of a send of the mainland site, which is called by its BizId or its OutId."""
    return f"{send}/{number}"


def days_between(since_s: float, until_s: float) -> list[str]:
    """The days of Beijing's calendar, `yyyyMMdd`, that have a part in a span of epoch seconds; none when it is empty."""
    first, last = _day(since_s), _day(until_s)
    return [f"{first + timedelta(days=count):%Y%m%d}" for count in range((last - first).days + 1)]


def moment(text: str) -> int:
    """Epoch seconds of `2026-01-02 15:04:05` in Beijing, or of an RFC 2822 date; 0 for anything else."""
    try:
        return int(datetime.strptime(text, "%Y-%m-%d %H:%M:%S").replace(tzinfo=BEIJING).timestamp())
    except ValueError:
        pass
    try:
        # QueryMessage writes its ReceiveDate so; a date without a zone is taken for UTC, as RFC
        # 2822 has it.
        found = parsedate_to_datetime(text)
        return int((found if found.tzinfo else found.replace(tzinfo=UTC)).timestamp())
    except (ValueError, OverflowError):
        return 0


def _day(at_s: float) -> date:
    return datetime.fromtimestamp(at_s, BEIJING).date()
