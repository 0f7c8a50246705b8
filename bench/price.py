"""The price of the statistics: what they add to a campaign's CPU, and a month of them in Redis."""

import random
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

from bench.rows import Row, TargetRow
from bench.show import Show
from bench.sizes import Sizes
from bench.stack import Stack
from bench.stages import STAGES, Stages, measured
from smsline.ledger import scripts, statistics
from smsline.ledger.link import Ledger
from smsline.ledger.statistics import HOUR_MS, MINUTE_MS

ACCOUNTS, DAYS = 10, 30
COUNTRIES: Final = ("CN", "US", "GB", *(f"X{letter}" for letter in "ABCDEFGHIJKLMNOPQRSTUVWXYZ0"))
MOST_AN_HOUR: Final = 20_000
STATES: Final = ("accepted", "delivered", "undelivered")
GROW: Final = "local function grow(book, field, by)\n"


@contextmanager
def uncounted() -> Iterator[None]:
    """Scripts that raise no counter of the statistics."""
    read = scripts._read  # noqa: SLF001 - nothing else can leave them out, and nothing but this bench may

    # Lua wants a `return` to be the last statement of its block, so this one
    # has a block of its own.
    def changed(part: str) -> str:
        text = read(part)
        return text.replace(GROW, f"{GROW}  do return end\n") if part == "_lib" else text

    scripts._read = changed  # noqa: SLF001
    _forget()
    try:
        yield
    finally:
        scripts._read = read  # noqa: SLF001
        _forget()


def _forget() -> None:
    scripts.script_text.cache_clear()
    scripts.script_sha.cache_clear()


def campaign_us(stack: Stack, numbers: int) -> float:
    """CPU of all stages for a number, Python and Redis together, microseconds."""
    stack.clear()
    stages = Stages(stack, numbers)
    return sum(sum(measured(stages, name)[:2]) for name in STAGES)


def month_bytes(stack: Stack) -> int:
    """What Redis keeps after a month of growth.

    Every counter grew in every hour, the last day minute by minute.
    """
    stack.clear()
    ledger = stack.ledger
    growing, start_ms = _Growing(ledger), ledger.now_ms() // HOUR_MS * HOUR_MS - DAYS * 24 * HOUR_MS
    for hour in range((DAYS - 1) * 24):
        growing.write(start_ms + hour * HOUR_MS + MINUTE_MS)
    # The minutes of those days are asked for no more; Redis' own clock has not moved, so they
    # are taken away by hand.
    ledger.redis.unlink(*(ledger.keys.stats_minutes(start_ms // HOUR_MS + hour) for hour in range((DAYS - 1) * 24)))
    for minute in range(24 * 60 + 1):
        growing.write(start_ms + (DAYS - 1) * 24 * HOUR_MS + minute * MINUTE_MS, minutes=1)
    kept = ledger.redis.scan_iter(match=f"{ledger.keys.stats}*", count=5_000)
    return sum(ledger.redis.memory_usage(key, samples=0) or 0 for key in kept)


class _Growing:
    """Counters of ten accounts with thirty countries each.

    One country gets most of the account's messages, the others ever fewer. One message in twenty is
    not delivered.
    """

    def __init__(self, ledger: Ledger) -> None:
        self._ledger, self._chance = ledger, random.Random(1)
        most = dict[str, int]()
        for n in range(ACCOUNTS):
            for rank, country in enumerate(COUNTRIES, 1):
                most |= {f"c|account{n}|{country}|{state}": MOST_AN_HOUR // rank**2 for state in STATES}
            others = [f"r|account{n}|{lane}|{state}" for lane in ("otp", "notify", "marketing") for state in STATES]
            others += [f"t|account{n}|{1000 + template}|{state}" for template in range(3) for state in STATES]
            others += [f"k|account{n}|receipt|{code}" for code in ("DELIVRD", "UNDELIV", "EXPIRED", "MK:0001")]
            most |= dict.fromkeys([*others, f"l|account{n}|SendSms|answered"], MOST_AN_HOUR)
        self._totals = dict.fromkeys(most, 0)
        self._most = {field: by // 20 if field.endswith("undelivered") else by for field, by in most.items()}

    def write(self, now_ms: int, *, minutes: int = 60) -> None:
        """Let every counter grow by what so many minutes bring."""
        for field, most in self._most.items():
            self._totals[field] += self._chance.randrange(1, 2 + most * minutes // 60)
        self._ledger.redis.hset(self._ledger.keys.stats, mapping=self._totals)
        statistics.write_history(self._ledger, now_ms=now_ms, keep_s=DAYS * 86_400)


def measure(stack: Stack, sizes: Sizes, _procs: int, show: Show) -> list[Row]:
    """The rows about the statistics: the least of the rounds with and without, which take turns."""
    counted, bare = list[float](), list[float]()
    for turn in range(1, sizes.rounds + 2):
        show(f"the price of the statistics, round {turn} of {sizes.rounds + 1}")
        # In turns: what else the machine does meanwhile slows down both alike.
        counted.append(campaign_us(stack, sizes.priced))
        with uncounted():
            bare.append(campaign_us(stack, sizes.priced))
    show("a month of statistics")
    return rows(min(counted), min(bare), month_bytes(stack))


def rows(counted_us: float, bare_us: float, month: int) -> list[Row]:
    """The table's lines."""
    return [
        Row(
            key="statistics_cpu",
            measure="statistics: what they add to a campaign's CPU, submit to receipts",
            values=[max(0.0, counted_us / bare_us - 1) * 100],
            unit="%",
            target=TargetRow("most", 3, "value"),
            note=f"{counted_us:.1f} µs a number with them, {bare_us:.1f} without, in one thread, Redis' share with it",
        ),
        Row(
            key="statistics_month",
            measure=f"statistics: Redis memory of a month, {ACCOUNTS} accounts, {len(COUNTRIES)} countries",
            values=[month / 1e6],
            unit="MB",
            target=TargetRow("most", 2, "value"),
            note="every counter grew in every hour, and on the last day in every minute",
        ),
    ]
