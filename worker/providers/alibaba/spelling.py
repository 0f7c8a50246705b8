"""Numbers and times as Alibaba Cloud spells them, read as E.164 integers and epoch seconds.

A mainland number goes without its country code, any other with it and without a plus sign. Times
without a zone are Beijing's.
"""

from datetime import date, datetime, timedelta

from smsline.numbers import MAINLAND, is_mainland
from worker.providers.reading import BEIJING, dated


def local(number: int) -> str:
    """The number as the API of 2017-05-25 takes it: `13711112222`, `6591234567`."""
    digits = str(number)
    return digits.removeprefix(MAINLAND) if is_mainland(number) else digits


def means(text: str, number: int) -> bool:
    """Whether the written number is this one, with or without its country code, `+` or `00`."""
    # The mainland API drops +86 in answers too; any other number comes with its country code. With
    # anything else in it the row is odd, and is asked about again.
    return text.strip().removeprefix("+").removeprefix("00") in {str(number), local(number)}


def serial_of(send: str, number: int) -> str:
    """The id of the message to one number of a mainland send, known by its BizId or OutId."""
    return f"{send}/{number}"


def days_between(since_s: float, until_s: float) -> list[str]:
    """Beijing's days, `yyyyMMdd`, in a span of epoch seconds; none when it is empty."""
    first, last = _day(since_s), _day(until_s)
    return [f"{first + timedelta(days=count):%Y%m%d}" for count in range((last - first).days + 1)]


def moment(written: str) -> int:
    """Epoch seconds of `2026-01-02 15:04:05` in Beijing, or of an RFC 2822 date; else 0."""
    return dated(written, BEIJING)


def _day(at_s: float) -> date:
    return datetime.fromtimestamp(at_s, BEIJING).date()
