"""Times in requests: a moment, a day of a filter, or the clock of a place.

What a clock shows may be no moment, or two.
"""

from contextlib import suppress
from datetime import datetime
from functools import cache
from typing import Final
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError, available_timezones

from smsline.errors import BadInput

UTC: Final = "UTC"

# In the year 5138; what is later, infinity and NaN were not meant as a time.
LAST_S: Final = 1e11

_RULE: Final = "must be epoch seconds, or a time with its offset such as 2030-05-01T09:00:00+08:00"


def epoch_s(text: str, field: str) -> float:
    """A moment as epoch seconds.

    Args:
        text: Epoch seconds, or ISO 8601 with an offset; without one it would be read by the
            server's own clock.
        field: What it is called in an error.

    Raises:
        BadInput: It is neither.
    """
    with suppress(ValueError):
        # NaN compares as false and is no time; `inf` is over the last.
        if 0 <= (seconds := float(text)) < LAST_S:
            return seconds
    with suppress(ValueError, OverflowError):
        at = datetime.fromisoformat(text)
        # A time without an offset would mean another moment on another server.
        if at.tzinfo:
            return max(0.0, at.timestamp())
    raise BadInput(field, text, _RULE)


def day_ms(text: str) -> int:
    """A day, or a time of a day, in UTC as epoch ms.

    0 for what is none, so that a filter by it is none.
    """
    with suppress(ValueError, OverflowError):
        return int(datetime.fromisoformat(text).replace(tzinfo=ZoneInfo(UTC)).timestamp() * 1000)
    return 0


@cache
def zones() -> tuple[str, ...]:
    """Names of time zones to choose from: places, and UTC."""
    return (
        UTC,
        *sorted(
            name for name in available_timezones() if "/" in name and not name.startswith(("Etc/", "posix", "right"))
        ),
    )


def zone_of(name: str) -> ZoneInfo:
    """A time zone by its name.

    Raises:
        BadInput: There is none of that name.
    """
    try:
        return ZoneInfo(name if name in available_timezones() else "")  # which alone is asked for a file
    except (ZoneInfoNotFoundError, ValueError):
        raise BadInput("zone", name, "must be a time zone such as Asia/Shanghai, or UTC") from None


def on_the_clock_s(text: str, zone: ZoneInfo, field: str) -> float:
    """What a clock in a zone shows, as epoch seconds.

    Args:
        text: `2030-05-01T09:00`, as a browser's field gives it.
        zone: Where.
        field: What it is called in an error.

    Raises:
        BadInput: It is no time; or that hour is left out, or comes twice, because clocks are
            changed. The error names both moments.
    """
    try:
        at = datetime.strptime(text[:16], "%Y-%m-%dT%H:%M").replace(tzinfo=zone)
        # fold tells the two readings of an hour that is there twice, or not at all; else they are
        # the same.
        early, late = sorted(at.replace(fold=fold).timestamp() for fold in (0, 1))
    except (ValueError, OverflowError):
        raise BadInput(field, text, "must be a time such as 2030-05-01T09:00") from None
    if early != late:
        moments = [datetime.fromtimestamp(each, ZoneInfo(UTC)) for each in (early, late)]
        is_twice = moments[0].astimezone(zone).replace(tzinfo=None) == at.replace(tzinfo=None)
        why = "is there twice, as clocks are put back" if is_twice else "does not exist, as clocks are put forward"
        either = " or ".join(f"{moment:%Y-%m-%dT%H:%M}" for moment in moments)
        raise BadInput(field, text, f"{why} in {zone.key} that day; choose UTC and write {either}")
    return early
