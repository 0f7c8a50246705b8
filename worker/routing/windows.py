"""Sending windows: how long a batch queue waits for the account's hours in a country.

Marketing goes out in the recipient's own daytime. In a country of several time zones only the hours
that are within the window in all of them count, because a number does not tell where its owner is.
"""

import logging
import math
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime, time, timedelta
from functools import cache
from importlib.resources import files
from typing import Final, NamedTuple
from zoneinfo import ZoneInfo

from config.accounts import Account
from smsline.countries import country_of
from smsline.ledger.batch_queues import BatchQueue

MAINLAND_COUNTRY: Final = "CN"

NOWHERE: Final = "001"
"""What the library calls the country of numbers that belong to none."""

LIKE: Final = {"AC": "SH", "TA": "SH", "XK": "RS"}
"""Countries of the numbering plans that the table of zones leaves out, each with one of the same time."""

NEVER_OPEN_S: Final = 3_600.0
"""How long a batch queue waits whose window is never open, until it is looked at, and told of, again."""

log = logging.getLogger(__name__)


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
    return tuple(ZoneInfo(name) for name in _zone_names().get(LIKE.get(country, country), ()))


@cache
def _zone_names() -> dict[str, list[str]]:
    table, names = (files("tzdata") / "zoneinfo" / "zone.tab").read_text("utf-8"), dict[str, list[str]]()
    for queue in table.splitlines():
        if not queue.startswith("#"):
            country, _, name, *_ = queue.split("\t")
            names.setdefault(country, []).append(name)
    return names


def country_for(account: Account, lane: str, region: str, number: int) -> str:
    """The number's country where the hour of sending depends on it, else empty; `region` is a batch queue's letter."""
    return country_of(number) if account.window and lane == "marketing" and region == "g" else ""


def closed_s(window: Window, zones: Sequence[ZoneInfo], now_s: float) -> float:
    """Seconds until the window is open in every zone; 0 when it is, or when there is no zone to go by; infinite when it never is."""
    moment = start = datetime.fromtimestamp(now_s, UTC)
    # Each step is the latest opening of any zone, and the others may have closed by then. A window
    # that opens at all does within a few days.
    for _ in range(4 * max(1, len(zones))):
        later = max((_opening(window, moment.astimezone(zone)) for zone in zones), default=moment)
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


def queue_at(queue: BatchQueue, account: Account, name: str, number: int) -> BatchQueue:
    """The batch queue of the same messages at another account, with the recipient's country where that one goes by the hour there.

    Args:
        queue: Where the recipient is.
        account: Where it goes.
        name: What smsline calls that account.
        number: The recipient's.
    """
    country = country_for(account, queue.lane, queue.region[0], number)
    return queue._replace(account=name, region=queue.region[0] + country)


def queue_closed_s(accounts: Mapping[str, Account], queue: BatchQueue, now_ms: Callable[[], int]) -> float:
    """How long a batch queue must wait for its account's window, seconds; only marketing waits.

    Args:
        accounts: All that are configured.
        queue: Which.
        now_ms: The present by Redis, epoch ms; asked for only where there is a window.
    """
    account = accounts.get(queue.account)
    # Codes and notices are wanted at night too.
    if account is None or not account.window or queue.lane != "marketing":
        return 0.0
    country = MAINLAND_COUNTRY if queue.region.startswith("m") else queue.region[1:]
    wait_s = closed_s(parse_window(account.window), zones_of(country), now_ms() / 1000)
    if math.isfinite(wait_s):
        return wait_s
    log.error(
        "account %s: its window %s is never open in all time zones of %s at once: marketing to that country waits until its ttl;"
        " widen the window",
        queue.account,
        account.window,
        country,
    )
    return NEVER_OPEN_S
