"""Sending windows: hours of the day in which a message may go out.

By the recipient's own clock, or by that of a named zone.

In a country of several time zones only the hours that are within the window in all of them count,
because a number does not tell where its owner is.
"""

import math
import re
from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime, time, timedelta
from functools import cache, lru_cache
from importlib.resources import files
from typing import Final, NamedTuple
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from smsline.errors import BadInput

MAINLAND_COUNTRY: Final = "CN"

# Countries of the numbering plans that the table of zones leaves out, each with one of the same
# time.
LIKE: Final = {"AC": "SH", "TA": "SH", "XK": "RS"}

_CLOCK: Final = r"((?:[01]\d|2[0-3]):[0-5]\d)"
_WINDOW: Final = re.compile(rf"{_CLOCK}-{_CLOCK}(?: ([A-Za-z0-9_+/-]+))?")


class Window(NamedTuple):
    """Hours of the day in which messages may go out; `closes` is later than `opens`.

    Attributes:
        opens: The first second in it.
        closes: The first second after it.
        zone: The time zone whose clock counts; empty for the recipient's own.
    """

    opens: time
    closes: time
    zone: str = ""


# Windows that must all be open at once, each by the clock of a zone.
Hours = Sequence[tuple[Window, ZoneInfo]]


# Bounded: producers write them.
@lru_cache(maxsize=256)
def parse_window(text: str) -> Window:
    """`08:00-22:00`, by the recipient's own clock, or `08:00-22:00 Europe/Paris` as a window.

    Raises:
        ValueError: It is neither; says the rule.
    """
    found = _WINDOW.fullmatch(text)
    # Both have five characters, so their order as texts is their order in the day.
    if not found or found[1] >= found[2]:
        raise ValueError(
            "must be two times of a day, the earlier first, such as 08:00-22:00, or 08:00-22:00 Europe/Paris"
        )
    zone = found[3] or ""
    try:
        ZoneInfo(zone or "UTC")
    except (ZoneInfoNotFoundError, ValueError, OSError):  # OSError: a folder of zones, such as Europe
        raise ValueError(f"names no time zone: {zone}; there is Asia/Shanghai, Europe/Paris, UTC") from None
    return Window(time.fromisoformat(found[1]), time.fromisoformat(found[2]), zone)


@cache
def zones_of(country: str) -> tuple[ZoneInfo, ...]:
    """The time zones of an ISO 3166 country.

    Empty for one that has none of its own. All of mainland China lives by Beijing's.
    """
    if country == MAINLAND_COUNTRY:
        return (ZoneInfo("Asia/Shanghai"),)
    return tuple(ZoneInfo(name) for name in _zone_names().get(LIKE.get(country, country), ()))


@cache
def _zone_names() -> dict[str, list[str]]:
    table, names = (files("tzdata") / "zoneinfo" / "zone.tab").read_text("utf-8"), dict[str, list[str]]()
    for row in table.splitlines():
        if not row.startswith("#"):
            country, _, name, *_ = row.split("\t")
            names.setdefault(country, []).append(name)
    return names


def hours_of(window: Window, country: str) -> list[tuple[Window, ZoneInfo]]:
    """A window by every clock that counts for a recipient in a country."""
    zones = (ZoneInfo(window.zone),) if window.zone else zones_of(country)
    return [(window, zone) for zone in zones]


def closed_s(hours: Hours, now_s: float) -> float:
    """Seconds until all windows are open at once.

    0 when they are, or when there is no clock to go by; infinite when they never are.
    """
    moment = start = datetime.fromtimestamp(now_s, UTC)
    # Each step is the latest opening of any of them, and the others may have closed by then.
    # Windows that open together at all do within a few days.
    for _ in range(4 * max(1, len(hours))):
        later = max((_opening(window, moment.astimezone(zone)) for window, zone in hours), default=moment)
        if later <= moment:
            return (moment - start).total_seconds()
        moment = later
    return math.inf


def _opening(window: Window, local: datetime) -> datetime:
    """When the window is open next in a zone: the given moment itself, if it is open then."""
    if window.opens <= local.time() < window.closes:
        return local.astimezone(UTC)
    # Computed as local time, so that a change of clocks overnight moves the opening with it.
    day = local.date() if local.time() < window.opens else local.date() + timedelta(days=1)
    return datetime.combine(day, window.opens, local.tzinfo).astimezone(UTC)


def together_s(texts: Iterable[str], country: str, now_s: float) -> float:
    """Seconds until all these windows are open for a recipient in a country, as `closed_s`.

    Raises:
        ValueError: One of them names a zone that this machine does not know.
    """
    return closed_s([each for text in texts for each in hours_of(parse_window(text), country)], now_s)


def never_open(texts: Iterable[str], country: str) -> bool:
    """Whether these windows are never open at once in a country.

    Not for those that this machine cannot read.
    """
    try:
        return math.isinf(together_s(texts, country, datetime.now(UTC).timestamp()))
    except ValueError:
        return False


def refuse_never_open(
    text: str, countries: Iterable[str], *, start_s: float, ttl_s: float, accounts: Mapping[str, str] | None = None
) -> None:
    """Refuse a job whose window opens for none of its recipients while they may be sent to.

    Args:
        text: The job's window.
        countries: Of its recipients.
        accounts: The hours of each account that it may go through, empty for one without any.
        start_s: When it starts, epoch seconds.
        ttl_s: Seconds after the start in which it may be sent.

    Raises:
        BadInput: The window opens too late, or never.
    """
    waits, hours = dict[str, float](), set((accounts or {"": ""}).values())
    for country in countries:
        of_each = [together_s([each for each in (text, its) if each], country, start_s) for its in hours]
        waits[country] = min(of_each)
    first_s = min(waits.values(), default=0.0)
    if first_s < ttl_s:
        return
    if math.isinf(first_s):
        where, named = ", ".join(sorted(waits)), ", ".join(f"{name}: {its}" for name, its in (accounts or {}).items())
        if named and not all(never_open([text], country) for country in waits):
            raise BadInput(
                "window", text, f"has no hour in common with the account's ({named}) in {where}; change one of them"
            )
        raise BadInput("window", text, f"is never open in all time zones of {where} at once; widen it")
    opens = datetime.fromtimestamp(start_s + first_s, UTC).isoformat(timespec="minutes").replace("+00:00", "Z")
    raise BadInput(
        "window", text, f"opens at {opens}, after the job has ended (ttl_s {ttl_s:g}); lengthen ttl_s or start later"
    )
