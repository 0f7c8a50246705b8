"""How long a row asks to wait at a given time, in seconds; a pure function of both."""

from datetime import UTC, datetime, timedelta, timezone, tzinfo
from functools import lru_cache
from typing import Final
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from smsline.codes.row import CodeRow, Window
from smsline.codes.store import namespaces
from smsline.verdicts import Scope

# Added to the end of a window, because the provider's clock is not ours.
SETTLE_S: Final = 60

# Longest wait for an account's or a template's daily or monthly cap: a person
# can raise it at any time.
RECHECK_S: Final = 600

# The wait when the answer's text should name the window and does not.
UNNAMED_S: Final = 3_600

_OPENS_AT_HOUR: Final = 8


def wait_s(row: CodeRow, *, now_s: float, message: str = "") -> float | None:
    """How long the code asks to wait.

    Args:
        row: The code's row.
        now_s: The time now, epoch seconds.
        message: The answer's text, which names the window for a row `from_message`.

    Returns:
        Seconds; None when the code names no time, so that the engine's own backoff holds. A daily
        or monthly cap of an account or template is asked about again after `RECHECK_S` at the
        latest.
    """
    window = row.until_window
    if window is None:
        return None if row.delay_s is None else float(row.delay_s)
    # Alibaba has one code for its minute's, hour's and day's cap, and tells them
    # apart in the text alone.
    if window == "from_message":
        named = _named(message)
        if isinstance(named, int):
            return float(named)
        window = named
    space = namespaces().get((row.provider, row.namespace))
    now = datetime.fromtimestamp(now_s, tz=_zone_of(space.zone, space.utc_offset_h) if space else UTC)
    seconds = (_end(window, now) - now).total_seconds() + SETTLE_S
    # A cap of an account or template can be raised in the provider's console at any time;
    # one of a number cannot.
    raisable = window in {"next_day", "next_month"} and row.scope in {Scope.ACCOUNT, Scope.TEMPLATE, Scope.PROVIDER}
    return min(seconds, float(RECHECK_S)) if raisable else seconds


def _named(message: str) -> int | Window:
    """The window that Alibaba's text names, in Chinese or English.

    Longer ones first, to be on the safe side.
    """
    # The characters stand for day, hour and minute; a text that names two is about the longer one.
    text = message.casefold()
    if "天" in text or "day" in text or "日" in text:
        return "next_day_08:00"
    if "小时" in text or "hour" in text:
        return 3_600
    if "分钟" in text or "minute" in text:
        return 60
    return UNNAMED_S


def _end(window: Window, now: datetime) -> datetime:
    # By the wall clock of the provider's zone: with a change of summer time a window is an
    # hour off, never a day.
    midnight = now.replace(hour=0, minute=0, second=0, microsecond=0)
    opening = midnight + timedelta(hours=_OPENS_AT_HOUR)
    if window == "08:00":
        return opening if now < opening else opening + timedelta(days=1)
    if window == "next_day":
        return midnight + timedelta(days=1)
    if window == "next_month":
        # 32 days from the first of a month are always in the next one.
        return (midnight.replace(day=1) + timedelta(days=32)).replace(day=1)
    tomorrow = opening + timedelta(days=1)
    sunday = window == "next_working_day_08:00" and tomorrow.isoweekday() == 7
    return tomorrow + timedelta(days=1) if sunday else tomorrow


@lru_cache(maxsize=8)
def _zone_of(name: str, utc_offset_h: int) -> tzinfo:
    if name == "UTC":
        return UTC
    try:
        return ZoneInfo(name)
    except ZoneInfoNotFoundError:  # a slim image without tzdata; the offset is right for zones without summer time
        return timezone(timedelta(hours=utc_offset_h))
