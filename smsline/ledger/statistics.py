"""Statistics: counters that scripts raise in the step that moves recipients, and their history.

`stats` is one hash of counters that only grow, so they are right over restarts and any number of
processes. Once a minute one process writes down by how much they grew: a compressed record for the
minute, kept a day, and one for the hour, kept as long as jobs. A field names its kind and its
labels, joined by `|`:

| field | counts |
|---|---|
| `r|<account>|<lane>|<state>` | recipients that came into a state |
| `c|<account>|<country>|<state>` | the same by country |
| `t|<account>|<template>|<state>` | the same by template |
| `k|<account>|<kind>|<code>` | recipients for whom a provider gave a code; kind: send or receipt |
| `l|<account>|<action>|<outcome>` | calls: answered, refused, or broken with the reason |
| `g|<lane>|waiting` | recipients that wait now: it also shrinks, and has no history |
| `d|<account>|<code>|<letter>` | dead letters now, by the letter of their state: as `g` |
| `h|<histogram>|<label>…|<le>` | values up to `le`, above the bound before; `sum`: their sum |
"""

import json
import math
import zlib
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from hashlib import blake2b
from typing import Final

from smsline.countries import UNKNOWN, country_of
from smsline.ledger.link import Ledger, argv
from smsline.names import LANES

MINUTE_MS: Final = 60_000
HOUR_MS: Final = 3_600_000

# A day of minutes, and the hour that a day begins and ends in.
MINUTES_TTL_S: Final = 26 * 3600

# Kinds that the minutes keep: what charts of the last hours show. The hours
# keep all but histograms.
RECENT: Final = ("r", "l")

# Times are observed by powers of two: from 2^3 ms to 2^28 ms, which is three days.
# `_lib.lua` has the same sum.
FIRST_BOUND, LAST_BOUND = 3, 28

# Bounds of the histogram of recipients in a call.
CALL_SIZES: Final = (1, 2, 5, 10, 20, 50, 100, 150, 200, 500, 1000)

Counters = Mapping[str, int]


@dataclass(frozen=True, slots=True)
class Sample:
    """How much counters grew in a minute or an hour.

    Attributes:
        start_ms: When it began, epoch ms.
        grown: Field -> by how much; fields that did not grow are left out.
    """

    start_ms: int
    grown: Counters


def time_fields(histogram: str, ms: float) -> list[tuple[str, int]]:
    """What an observed time adds to a histogram, `histogram` with its labels.

    Its bound's counter, and the sum in ms.
    """
    exponent = max(FIRST_BOUND, math.ceil(math.log2(max(ms, 1))))
    bound = str(exponent) if exponent <= LAST_BOUND else "inf"
    return [(f"h|{histogram}|{bound}", 1), (f"h|{histogram}|sum", max(0, round(ms)))]


def size_fields(recipients: int) -> list[tuple[str, int]]:
    """What a call of so many recipients adds to the histogram of call sizes."""
    bound = next((str(size) for size in CALL_SIZES if recipients <= size), "inf")
    return [(f"h|call_recipients|{bound}", 1), ("h|call_recipients|sum", recipients)]


def lines_of(fields: Iterable[tuple[str, int]]) -> str:
    """Counters as scripts read them: field and by how much, a line each."""
    return "\n".join(f"{field} {by}" for field, by in fields)


def ended_in_inbox(job: tuple[str, str, str], numbers: Iterable[int], state: str) -> str:
    """What the end of recipients adds that no account has been chosen for; for the script.

    Args:
        job: The account that the job names, or empty; its lane; its template.
        numbers: Theirs.
        state: In which they end.
    """
    account, lane, template = job
    by_country = Counter(country_of(number) or UNKNOWN for number in numbers)
    total = by_country.total()
    fields = [(f"r|{account}|{lane}|{state}", total), (f"t|{account}|{template}|{state}", total)]
    return lines_of([*fields, *((f"c|{account}|{country}|{state}", by) for country, by in by_country.items())])


def totals(ledger: Ledger) -> dict[str, int]:
    """Every counter as it stands."""
    return {field.decode(): int(value) for field, value in ledger.redis.hgetall(ledger.keys.stats).items()}


def waiting(ledger: Ledger) -> dict[str, int]:
    """Recipients that wait now, by lane."""
    counts = ledger.redis.hmget(ledger.keys.stats, [f"g|{lane}|waiting" for lane in LANES])
    # A failover may have taken back what was added and not what was taken off: below 0 is none.
    return {lane: max(0, int(count or 0)) for lane, count in zip(LANES, counts, strict=True)}


def write_history(ledger: Ledger, *, now_ms: int, keep_s: float) -> bool:
    """Write down by how much the counters grew since the last time; once a minute, by one process.

    Args:
        ledger: Where.
        now_ms: The present by Redis, epoch ms. What grew is told of the minute that has just ended.
        keep_s: For how long hours are kept.

    Returns:
        False when another process was faster: nothing was written.
    """
    keys = ledger.keys
    seq, before_minute, before_hour, hour = ledger.redis.hmget(keys.stats_last, "seq", "minute", "hour", "hour_no")
    now = totals(ledger)
    ended_ms = now_ms - MINUTE_MS // 2  # a look that comes a little late, or early, is told of the same minute
    minute_no, hour_no = ended_ms // MINUTE_MS, ended_ms // HOUR_MS
    # The hour before is closed by the first minute of the next one.
    closes = hour is not None and int(hour) < hour_no
    key_list = [keys.stats_last, keys.stats_minutes(hour_no), keys.stats_hours(int(hour or 0) // 24)]
    # Names go before the values that need them; written for nothing, when another process is
    # faster, they are the same.
    minute = ended = b""
    if before_minute is not None:
        names, minute = _columns(_grown(_unpacked(before_minute), now), now)
        ledger.redis.hset(key_list[1], minute[:LABEL_BYTES], names)
        ledger.redis.expire(key_list[1], MINUTES_TTL_S)
    if closes:
        names, ended = _columns(_grown(_unpacked(before_hour), now, all_kinds=True), now, all_kinds=True)
        ledger.redis.hset(key_list[2], ended[:LABEL_BYTES], names)
        ledger.redis.expire(key_list[2], int(keep_s))
    packed = _packed(now)
    args = argv(
        "write_history",
        follows=seq or b"",
        minute_no=minute_no,
        minute=minute,
        totals=packed,
        minutes_s=MINUTES_TTL_S,
        hour_no=hour_no,
        ended_no=int(hour or 0) if closes else "",
        ended=ended,
        ended_totals=packed if closes or hour is None else b"",
        hours_s=int(keep_s),
    )
    return bool(ledger.run("write_history", key_list, args))


def minutes(ledger: Ledger, *, since_ms: int, until_ms: int) -> list[Sample]:
    """How the recent counters grew, minute by minute.

    A minute in which nothing grew has no sample.
    """
    hours = range(since_ms // HOUR_MS, until_ms // HOUR_MS + 1)
    return _samples(ledger, [ledger.keys.stats_minutes(hour) for hour in hours], (since_ms, until_ms), MINUTE_MS)


def hours(ledger: Ledger, *, since_ms: int, until_ms: int) -> list[Sample]:
    """How all counters but histograms grew, hour by hour.

    The hour that has not ended is not among them.
    """
    days = range(since_ms // (24 * HOUR_MS), until_ms // (24 * HOUR_MS) + 1)
    return _samples(ledger, [ledger.keys.stats_hours(day) for day in days], (since_ms, until_ms), HOUR_MS)


def _samples(ledger: Ledger, keys: list[str], span: tuple[int, int], unit_ms: int) -> list[Sample]:
    pipe = ledger.redis.pipeline(transaction=False)
    for key in keys:
        pipe.hgetall(key)
    found = [
        Sample(int(number) * unit_ms, _read(held, packed))
        for held in pipe.execute()
        for number, packed in held.items()
        if not number.startswith(_NAMES) and span[0] - unit_ms < int(number) * unit_ms <= span[1]
    ]
    return sorted((sample for sample in found if sample.grown), key=lambda sample: sample.start_ms)


def _grown(before: Counters, now: Counters, *, all_kinds: bool = False) -> dict[str, int]:
    kept = {field: value for field, value in now.items() if _is_kept(field, all_kinds=all_kinds)}
    # A counter that is lower than before lost a part of itself with a failover: what it
    # holds has grown since.
    return {
        field: value - before.get(field, 0) if value >= before.get(field, 0) else value
        for field, value in kept.items()
        if value != before.get(field, 0)
    }


def _is_kept(field: str, *, all_kinds: bool) -> bool:
    kind = field.split("|", 1)[0]
    return kind not in {"h", "g", "d"} if all_kinds else kind in RECENT


# Begins the field that holds the names of a period's counters, and each record whose values are in
# their order.
_NAMES: Final = b"="

# Of such a field: the sign and six bytes of the names' hash.
LABEL_BYTES: Final = 7


def _columns(grown: Counters, now: Counters, *, all_kinds: bool = False) -> tuple[bytes, bytes]:
    """The names of the counters, kept once beside the records of a period, and a record of values.

    Names would be a third of each record.
    """
    names = sorted(name for name in now if _is_kept(name, all_kinds=all_kinds))
    listed = zlib.compress("\n".join(names).encode(), 9)
    values = ",".join(str(grown.get(name, "")) for name in names)
    return listed, _NAMES + blake2b(listed, digest_size=LABEL_BYTES - 1).digest() + zlib.compress(values.encode(), 9)


def _read(held: Mapping[bytes, bytes], record: bytes) -> dict[str, int]:
    """The counters of a record; one of an older version holds its names itself."""
    if not record.startswith(_NAMES):
        return _unpacked(record)
    names = zlib.decompress(held[record[:LABEL_BYTES]]).decode().split("\n")
    values = zlib.decompress(record[LABEL_BYTES:]).decode().split(",")
    return {name: int(value) for name, value in zip(names, values, strict=True) if value}


def _packed(counters: Counters) -> bytes:
    return zlib.compress(json.dumps(counters, separators=(",", ":"), sort_keys=True).encode(), 6)


def _unpacked(packed: bytes | None) -> dict[str, int]:
    found: dict[str, int] = json.loads(zlib.decompress(packed)) if packed else {}
    return found


def by_labels(counters: Counters, kind: str) -> Iterator[tuple[tuple[str, ...], int]]:
    """The labels and the value of every counter of a kind."""
    for field, value in counters.items():
        name, *labels = field.split("|")
        if name == kind:
            yield tuple(labels), value
