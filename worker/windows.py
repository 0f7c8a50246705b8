"""Sending windows: an account's hours and a recipient's country go in, how long a line must wait comes out.

Marketing goes out in the recipient's own daytime. In a country of several time zones only the hours that are within the window in
all of them count, because a number does not tell where its owner is.
"""

from collections.abc import Sequence
from datetime import UTC, datetime, time, timedelta
from functools import cache
from importlib.resources import files
from typing import NamedTuple
from zoneinfo import ZoneInfo

import phonenumbers

from smsline.ledger.lines import Line
from worker.engine import Engine

MAINLAND_COUNTRY = "CN"


class Window(NamedTuple):
    """Hours of the day in which marketing may go out; `closes` is later than `opens`."""

    opens: time
    closes: time


def parse_window(text: str) -> Window:
    """`08:00-22:00` as a window."""
    opens, closes = text.split("-")
    return Window(time.fromisoformat(opens), time.fromisoformat(closes))


@cache
def zones_of(country: str) -> tuple[ZoneInfo, ...]:
    """The time zones of an ISO 3166 country; empty for one that has none of its own. All of mainland China lives by Beijing's."""
    if country == MAINLAND_COUNTRY:
        return (ZoneInfo("Asia/Shanghai"),)
    table = (files("tzdata") / "zoneinfo" / "zone.tab").read_text("utf-8")
    rows = [line.split("\t") for line in table.splitlines() if line and not line.startswith("#")]
    return tuple(ZoneInfo(row[2]) for row in rows if row[0] == country)


def country_of(number: int) -> str:
    """The ISO 3166 country of an E.164 integer; empty when its calling code belongs to none."""
    found = phonenumbers.region_code_for_number(phonenumbers.parse(f"+{number}"))
    return found or ""


def closed_s(window: Window, zones: Sequence[ZoneInfo], now_s: float) -> float:
    """Seconds until the window is open in every zone; 0 when it is, or when there is no zone to go by."""
    moment = start = datetime.fromtimestamp(now_s, UTC)
    for _ in range(4 * max(1, len(zones))):
        later = max((_opening(window, moment.astimezone(zone)) for zone in zones), default=moment)
        if later <= moment:
            break
        moment = later
    return (moment - start).total_seconds()


def _opening(window: Window, local: datetime) -> datetime:
    """When the window is open next in a zone: the given moment itself, if it is open then."""
    if window.opens <= local.time() < window.closes:
        return local.astimezone(UTC)
    day = local.date() if local.time() < window.opens else local.date() + timedelta(days=1)
    return datetime.combine(day, window.opens, local.tzinfo).astimezone(UTC)


def line_closed_s(engine: Engine, line: Line) -> float:
    """How long a line must wait for its account's window, seconds; only marketing waits."""
    account = engine.settings.accounts.get(line.account)
    if account is None or not account.window or line.lane != "marketing":
        return 0.0
    country = MAINLAND_COUNTRY if line.region.startswith("m") else line.region[1:]
    return closed_s(parse_window(account.window), zones_of(country), engine.now_ms() / 1000)
