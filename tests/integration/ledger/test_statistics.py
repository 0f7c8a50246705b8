"""The history of the statistics: what grew, by minute and by hour, written once."""

import json
import zlib

from smsline.ledger import statistics
from smsline.ledger.link import Ledger
from smsline.ledger.statistics import HOUR_MS, MINUTE_MS, Sample

NOON_MS = 500_000 * HOUR_MS
TAKEN, BY_COUNTRY = "r|main|otp|accepted", "c|main|CN|accepted"


def write(ledger: Ledger, minute: int) -> bool:
    """Write the history at the end of a minute after noon."""
    return statistics.write_history(ledger, now_ms=NOON_MS + (minute + 1) * MINUTE_MS, keep_s=86_400)


def grow(ledger: Ledger, field: str, by: int) -> None:
    """Raise a counter, as a script does."""
    ledger.redis.hincrby(ledger.keys.stats, field, by)


def test_minutes_tell_what_grew_in_them(ledger: Ledger) -> None:
    """Of the kinds that charts of the last hours show; quiet minutes have no sample."""
    write(ledger, 0)
    grow(ledger, TAKEN, 5)
    grow(ledger, BY_COUNTRY, 5)
    write(ledger, 1)
    write(ledger, 2)
    grow(ledger, TAKEN, 2)
    write(ledger, 3)

    told = statistics.minutes(ledger, since_ms=NOON_MS, until_ms=NOON_MS + HOUR_MS)

    assert told == [
        Sample(NOON_MS + MINUTE_MS, {TAKEN: 5}),
        Sample(NOON_MS + 3 * MINUTE_MS, {TAKEN: 2}),
    ]
    assert statistics.minutes(ledger, since_ms=NOON_MS + 2 * MINUTE_MS, until_ms=NOON_MS + HOUR_MS) == told[1:]


def test_an_hour_is_written_by_the_first_minute_after_it(ledger: Ledger) -> None:
    """With all kinds but histograms; also when no process ran for some hours."""
    write(ledger, 0)
    grow(ledger, TAKEN, 7)
    grow(ledger, BY_COUNTRY, 7)
    grow(ledger, "h|submit_to_accepted|otp|4", 7)
    write(ledger, 59)
    assert statistics.hours(ledger, since_ms=NOON_MS, until_ms=NOON_MS + HOUR_MS) == []
    write(ledger, 60)
    grow(ledger, TAKEN, 1)
    write(ledger, 200)

    told = statistics.hours(ledger, since_ms=NOON_MS, until_ms=NOON_MS + 4 * HOUR_MS)

    assert told == [
        Sample(NOON_MS, {BY_COUNTRY: 7, TAKEN: 7}),
        Sample(NOON_MS + HOUR_MS, {TAKEN: 1}),
    ]


def test_the_slower_of_two_writers_changes_nothing(ledger: Ledger) -> None:
    """What grew is told once, whichever process tells it."""
    write(ledger, 0)
    grow(ledger, TAKEN, 3)
    run = ledger.run
    ledger.run = lambda *call: write(Ledger(ledger.redis, "t"), 1) and run(*call)  # type: ignore[method-assign]

    assert not write(ledger, 1)
    assert statistics.minutes(ledger, since_ms=NOON_MS, until_ms=NOON_MS + HOUR_MS) == [
        Sample(NOON_MS + MINUTE_MS, {TAKEN: 3})
    ]


def test_a_counter_that_a_failover_set_back_does_not_shrink_the_history(ledger: Ledger) -> None:
    """What it counts from there on has grown."""
    grow(ledger, TAKEN, 10)
    write(ledger, 0)
    ledger.redis.hset(ledger.keys.stats, TAKEN, 4)
    write(ledger, 1)
    (sample,) = statistics.minutes(ledger, since_ms=NOON_MS, until_ms=NOON_MS + HOUR_MS)
    assert sample.grown == {TAKEN: 4}


def test_a_month_of_ten_accounts_and_thirty_countries_is_two_megabytes_at_most() -> None:
    """The size of an hour and of a minute, times as many as are kept."""
    states = ("accepted", "delivered", "undelivered")
    lanes = [f"r|account{n}|{lane}|{state}" for n in range(10) for lane in ("otp", "marketing") for state in states]
    countries = [f"c|account{n % 10}|C{n}|{state}" for n in range(30) for state in states]
    templates = [f"t|account{n % 10}|{100000 + n}|{state}" for n in range(20) for state in states]
    codes = [f"k|account{n % 10}|receipt|MK:{n:04}" for n in range(30)]
    hour = {field: 7919 * n % 10_000 + 1 for n, field in enumerate(lanes + countries + templates + codes)}
    minute = {field: 7919 * n % 100 + 1 for n, field in enumerate(lanes)}

    month = 30 * 24 * len(statistics._packed(hour)) + 26 * 60 * len(statistics._packed(minute))

    assert month < 2_000_000


def test_records_of_an_older_version_are_still_read(ledger: Ledger) -> None:
    """Those held their names themselves."""
    grow(ledger, TAKEN, 3)
    write(ledger, 0)
    grow(ledger, TAKEN, 2)
    write(ledger, 1)
    old = zlib.compress(json.dumps({TAKEN: 9}).encode())
    ledger.redis.hset(ledger.keys.stats_minutes(NOON_MS // HOUR_MS), str(NOON_MS // MINUTE_MS), old)
    told = statistics.minutes(ledger, since_ms=NOON_MS, until_ms=NOON_MS + HOUR_MS)
    assert [sample.grown for sample in told] == [{TAKEN: 9}, {TAKEN: 2}]
