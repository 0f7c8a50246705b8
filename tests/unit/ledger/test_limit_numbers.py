"""Rules of a rate limit's numbers: how fast tokens come back, how many, and what is otp's."""

import math
from collections import deque

import pytest

from smsline.ledger.buckets import MICRO, Limit

LIMITS = [0.2, 1, 3, 5, 10, 19, 20, 21, 25, 30, 40, 100, 125, 500, 3000]
TICKS_PER_S = 5_000


def greedy(limit: Limit, *, urgent: bool, seconds: float) -> list[float]:
    """When calls are made by a worker that takes every token at once, from a full bucket on."""
    rate, burst, floor = limit.numbers(urgent=urgent)
    level, calls = float(burst), []
    for tick in range(int(seconds * TICKS_PER_S)):
        level = min(burst, level + rate * 1000 / TICKS_PER_S)
        while level >= MICRO + floor:
            level -= MICRO
            calls.append(tick / TICKS_PER_S)
    return calls


def most_in_a_second(calls: list[float]) -> int:
    """The most calls of any second, its end not counted."""
    window: deque[float] = deque()
    most = 0
    for at_s in calls:
        window.append(at_s)
        while at_s - window[0] >= 1 - 1e-9:
            window.popleft()
        most = max(most, len(window))
    return most


@pytest.mark.parametrize("per_s", LIMITS)
@pytest.mark.parametrize("urgent", [True, False])
def test_no_second_sees_more_calls_than_the_limit(per_s: float, urgent: bool) -> None:
    """However greedy the workers are, and whatever was saved up before."""
    assert most_in_a_second(greedy(Limit(per_s), urgent=urgent, seconds=3)) <= math.ceil(per_s)


@pytest.mark.parametrize("per_s", LIMITS)
def test_nearly_all_of_the_limit_can_be_used(per_s: float) -> None:
    """A campaign alone gets at least 95 % of it for as long as there is work.

    From 20 to 30 calls a second, where one is much, 93 %.
    """
    seconds = max(5.0, 20 / per_s)
    assert (
        len(greedy(Limit(per_s), urgent=False, seconds=seconds))
        >= (0.93 if 20 <= per_s < 30 else 0.95) * per_s * seconds
    )


@pytest.mark.parametrize("per_s", LIMITS)
@pytest.mark.parametrize("reserve", [0, 0.2, 0.5, 0.99])
def test_workers_may_be_late_a_little(per_s: float, reserve: float) -> None:
    """Ten milliseconds after other lanes' token was there it is not lost yet, whatever is otp's."""
    rate, burst, floor = Limit(per_s, reserve).numbers(urgent=False)
    assert burst >= MICRO + floor + rate * 9.9


@pytest.mark.parametrize("per_s", LIMITS)
@pytest.mark.parametrize("reserve", [0.2, 0.5, 0.99])
def test_no_share_left_to_otp_breaks_the_limit(per_s: float, reserve: float) -> None:
    """However much is reserved, all lanes together keep to the limit."""
    assert most_in_a_second(greedy(Limit(per_s, reserve), urgent=True, seconds=3)) <= math.ceil(per_s)


@pytest.mark.parametrize("per_s", LIMITS)
def test_otp_comes_first(per_s: float) -> None:
    """When other lanes have taken all they may, otp gets its next token sooner than they do.

    This holds where a limit is small, too.
    """
    limit = Limit(per_s)
    rate, _, floor = limit.numbers(urgent=False)
    assert limit.numbers(urgent=True)[2] == 0
    assert floor / rate >= 5  # ms


def test_a_fifth_of_the_burst_is_left_to_otp() -> None:
    """At 3,000 a second 24 of 120 tokens; the share can be set."""
    assert Limit(3000).numbers(urgent=False) == (2_880_000, 120 * MICRO, 24 * MICRO)
    assert Limit(3000, 0.5).numbers(urgent=False)[2] == 60 * MICRO


@pytest.mark.parametrize("per_s", LIMITS)
def test_nothing_is_left_to_otp_when_the_share_is_nothing(per_s: float) -> None:
    """All lanes are alike then."""
    assert Limit(per_s, 0).numbers(urgent=False)[2] == 0


def test_a_very_small_limit_still_comes_back() -> None:
    """One call in some hours is one call in some hours, not none."""
    assert Limit(0.0001).numbers(urgent=True)[0] >= 1
