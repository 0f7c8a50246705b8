"""The world in memory.

Receipts given once and in time, a million messages in a few bytes each, seconds that slide.
"""

import sys
from collections import Counter
from random import Random

from hypothesis import given, settings
from hypothesis import strategies as st

from worker.sandbox.rates import Rates, RateWindow
from worker.sandbox.receipts import ReceiptQueue
from worker.sandbox.state import Delay, Origin, World
from worker.sandbox.steering import DELIVERED, SUFFIXES

BASE = 8_613_700_000_000


class Clock:
    """Milliseconds that move when told."""

    def __init__(self) -> None:
        self.ms = 1_790_000_000_000

    def __call__(self) -> int:
        """Now."""
        return self.ms


@settings(deadline=None)
@given(
    st.lists(st.tuples(st.integers(0, 50), st.integers(1, 5)), max_size=30),
    st.lists(st.tuples(st.integers(0, 20), st.integers(1, 10)), max_size=30),
)
def test_a_queue_gives_each_entry_once_and_never_early(
    scheduled: list[tuple[int, int]], takes: list[tuple[int, int]]
) -> None:
    """Whatever is scheduled and taken when: nothing is lost, doubled or given before its time."""
    queue, due, taken = ReceiptQueue(), {}, Counter[int]()
    for first, (due_ms, count) in enumerate(scheduled):
        ids = range(first * 10, first * 10 + count)
        queue.schedule(ids, due_ms)
        due.update(dict.fromkeys(ids, due_ms))
    now_ms = 0
    for step, limit in [*takes, (100, 1000)]:
        now_ms += step
        ready = queue.ready(now_ms)
        page = queue.take(limit, now_ms)
        taken.update(page)
        assert len(page) == min(limit, ready)
        assert all(due[one] <= now_ms for one in page)

    assert taken == Counter(dict.fromkeys(due, 1))
    assert queue.given == queue.scheduled == len(due)


def test_a_long_queue_forgets_what_it_gave() -> None:
    """Entries given are dropped from memory, and the order stays."""
    queue = ReceiptQueue()
    queue.schedule(range(200_000), 0)

    given_ids = [one for _ in range(2_000) for one in queue.take(100, 0)]

    assert given_ids == list(range(200_000))
    assert len(queue._ready) < 100_000


def test_receipts_come_out_of_order_with_jitter() -> None:
    """Jitter spreads a send's receipts over its range, none before the delay."""
    clock = Clock()
    world = World(clock, seed=1)
    world.send(Origin("app", "", clock()), range(BASE, BASE + 100), [DELIVERED] * 100, Delay(1000, 500))

    clock.ms += 999
    assert world.take("app", 100) == []
    clock.ms += 251
    half = world.take("app", 100)
    clock.ms += 250
    rest = world.take("app", 100)

    assert len(half) + len(rest) == 100
    assert 20 < len(half) < 80
    assert [receipt.number for receipt in half] != sorted(receipt.number for receipt in half)


def test_a_receipt_has_the_time_it_came() -> None:
    """Received is when it was due, not when it was pulled."""
    clock = Clock()
    world = World(clock, seed=1)
    world.send(Origin("app", "b1", clock()), [BASE], [DELIVERED], Delay(3000, 0))
    clock.ms += 3_600_000

    (receipt,) = world.take("app", 1)

    assert receipt.received_s == 1_790_000_003


def test_the_second_copy_comes_later() -> None:
    """A doubled receipt's copy takes twice the delay."""
    clock = Clock()
    world = World(clock, seed=1)
    world.send(Origin("app", "", clock()), [BASE], [SUFFIXES[7]], Delay(1000, 0))

    clock.ms += 1999
    assert len(world.take("app", 10)) == 1
    clock.ms += 1
    assert len(world.take("app", 10)) == 1


def test_messages_are_small() -> None:
    """With its receipt queued a message takes less than 30 bytes, so that a million take 30 MB."""
    clock = Clock()
    world = World(clock, seed=1)
    for call in range(500):
        first = BASE + call * 200
        world.send(Origin("app", "b1", clock()), range(first, first + 200), [DELIVERED] * 200, Delay(1000, 0))
        clock.ms += 1

    columns = (world.numbers, world._origin, world._due, world._fate)
    buckets = world.queues["app"]._buckets.values()
    size = sum(map(sys.getsizeof, (*columns, *buckets))) + sum(map(sys.getsizeof, world._origins))

    assert size / len(world.numbers) < 30


def test_serials_of_two_worlds_never_meet() -> None:
    """After a reset ids begin anew and serials do not."""
    clock = Clock()
    serials = []
    for _ in range(2):
        world = World(clock, seed=1)
        world.send(Origin("app", "", clock()), [BASE], [DELIVERED], Delay(0, 0))
        serials.append(world.serial(0))

    assert serials[0] != serials[1]


@settings(deadline=None)
@given(st.lists(st.floats(0, 0.6), max_size=60), st.integers(1, 5))
def test_no_second_holds_more_than_the_limit(gaps: list[float], limit: int) -> None:
    """Slide a second over the admitted calls as you like: never more than the limit.

    None is refused without need.
    """
    rates, now, admitted = Rates(), 0.0, list[float]()
    for gap in gaps:
        now += gap
        before = [one for one in admitted if now - one < 1.0]
        if rates.admit("key", "SendSms", limit=limit, now=now):
            admitted.append(now)
        else:
            assert len(before) == limit
        assert len([one for one in admitted if now - one < 1.0]) <= limit


def test_rates_are_counted_per_key_and_action() -> None:
    """One key's calls leave another's alone."""
    rates = Rates()

    assert rates.admit("a", "SendSms", limit=1, now=0.0)
    assert not rates.admit("a", "SendSms", limit=1, now=0.1)
    assert rates.admit("b", "SendSms", limit=1, now=0.1)
    assert rates.admit("a", "PullSmsSendStatus", limit=1, now=0.1)


def test_the_most_in_any_second_is_remembered() -> None:
    """The highest count stays after quieter seconds."""
    window, times = RateWindow(), [0.0, 0.4, 0.99, 1.0, 1.05, 5.0]
    for now in times:
        window.add(now)

    assert window.most == max(sum(one <= other < one + 1 for other in times) for one in times) == 4


def test_first_tries_are_per_number() -> None:
    """A number is tried for the first time once."""
    world, rng = World(Clock(), seed=1), Random(7)
    numbers = [rng.randrange(5) for _ in range(50)]

    assert [world.first_try(one) for one in numbers] == [
        one not in numbers[:place] for place, one in enumerate(numbers)
    ]
