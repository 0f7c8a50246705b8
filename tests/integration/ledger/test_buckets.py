"""The rate limit: never more calls in a second, nearly all of it used, and a share left to otp."""

from bisect import bisect_left
from heapq import heappop, heappush

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from smsline.ledger.buckets import MICRO, Limit, shut, take_token
from smsline.ledger.link import Ledger
from tests.support.clock import advance, standing_still
from tests.support.redis_server import RedisServer

ACTION = "SendSms"
LIMITS = st.one_of(st.integers(1, 20), st.integers(20, 5000), st.floats(0.1, 50))


def fullest_second(times: list[float]) -> int:
    """The most moments within any second that begins with one of them."""
    return max(bisect_left(times, at + 1.0) - i for i, at in enumerate(times))


@given(limit=LIMITS.map(float), reserve=st.floats(0, 0.9))
def test_a_second_of_burst_and_refill_is_within_the_limit(limit: float, reserve: float) -> None:
    """What can come at once plus what comes back in a second: the limit, or the next whole call."""
    rate, burst, floor = Limit(limit, reserve).numbers(urgent=False)
    at_most = (burst + rate * 1000) / MICRO
    assert at_most <= (limit + 0.001 if limit >= 20 else limit + 1.001)
    lead = Limit(limit, reserve).head_start if limit < 50 else 0.0
    assert rate * 1000 / MICRO >= min(limit * 0.95, limit - 0.001) - lead - 0.001
    assert floor + MICRO <= burst, "no lane but otp would ever get a token"


@pytest.mark.parametrize("limit", [100.0, 400.0])
def test_no_second_sees_more_calls_than_the_limit_and_nearly_all_are_used(ledger: Ledger, limit: float) -> None:
    """Eight that want as much as they can get, each of which asks again when it was told to."""
    taken, asking, now_ms, began_ms = list[float](), [0.0] * 8, 0.0, ledger.now_ms()
    while asking[0] < 2_200:
        at_ms = heappop(asking)
        advance(ledger, (at_ms - now_ms) / 1000)
        now_ms = at_ms
        wait_ms = take_token(ledger, "main", ACTION, limit=Limit(limit), urgent=True)
        if not wait_ms:
            taken.append(now_ms / 1000)
        heappush(asking, now_ms + wait_ms)
    rate = Limit(limit).numbers(urgent=True)[0] * 1000 / MICRO
    assert fullest_second(taken) <= limit
    passed_s = 2.2 + (ledger.now_ms() - began_ms) / 1000
    assert len(taken) <= Limit(limit).burst + rate * passed_s + 1
    assert len(taken) >= 0.95 * limit * 2.2


def freeze(ledger: Ledger, limit: Limit) -> None:
    """A full bucket whose clock stands still: it was looked at last in an hour from now."""
    seconds, _ = ledger.redis.time()
    full = {"level": limit.numbers(urgent=True)[1], "us": (seconds + 3600) * 1_000_000}
    ledger.redis.hset(ledger.keys.bucket("main", ACTION), mapping=full)


def stand_still(ledger: Ledger) -> None:
    """No time has passed since the bucket was looked at."""
    ledger.redis.hset(ledger.keys.bucket("main", ACTION), "us", 9 * 10**15)


def take_all(ledger: Ledger, limit: Limit, *, urgent: bool, still: bool = False) -> int:
    """Take tokens until there is none; how many there were.

    While time stands `still`, none come back.
    """
    taken = 0
    while not take_token(ledger, "main", ACTION, limit=limit, urgent=urgent):
        taken += 1
        if still:
            stand_still(ledger)
    return taken


@settings(max_examples=15, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(gaps=st.lists(st.sampled_from([0.001, 0.01, 0.1, 0.3, 1.0, 5.0]), min_size=5, max_size=25))
def test_the_bound_holds_however_the_tokens_are_asked_for(redis_server: RedisServer, gaps: list[float]) -> None:
    """All there is, taken after pauses of any length: no sliding second has more than the limit."""
    ledger = Ledger.at(redis_server.url, "pauses")
    ledger.redis.delete(ledger.keys.bucket("main", ACTION))
    limit, now, times = Limit(50.0), 0.0, list[float]()
    with standing_still(ledger):
        for gap in gaps:
            times += [now] * take_all(ledger, limit, urgent=True)
            advance(ledger, gap)
            now += gap
    assert fullest_second(times) <= 50


def test_the_last_share_is_left_to_otp(ledger: Ledger) -> None:
    """Other lanes stop before the bucket is empty; waiting is told to the millisecond."""
    limit = Limit(1000.0, reserve=0.5)
    freeze(ledger, limit)
    assert take_all(ledger, limit, urgent=False, still=True) == 20
    stand_still(ledger)
    assert take_token(ledger, "main", ACTION, limit=limit) == 2
    stand_still(ledger)
    assert take_all(ledger, limit, urgent=True, still=True) == 20
    stand_still(ledger)
    assert take_token(ledger, "main", ACTION, limit=limit, urgent=True) == 2


def test_a_small_limit_lets_its_calls_through_one_by_one(ledger: Ledger) -> None:
    """One call every ten seconds."""
    limit = Limit(0.1)
    assert take_token(ledger, "main", ACTION, limit=limit) == 0
    assert 9_000 < take_token(ledger, "main", ACTION, limit=limit) <= 10_430
    advance(ledger, 10.5)
    assert take_token(ledger, "main", ACTION, limit=limit) == 0


def test_a_shut_bucket_lets_nothing_through_and_the_longest_time_holds(ledger: Ledger) -> None:
    """Also when a shorter one is said later, and after the bucket's own expiry."""
    limit = Limit(1.0)
    shut(ledger, "main", ACTION, 3_600_000)
    shut(ledger, "main", ACTION, 1_000)
    assert take_token(ledger, "main", ACTION, limit=limit, urgent=True) > 3_500_000
    advance(ledger, 1800)
    assert take_token(ledger, "main", ACTION, limit=limit, urgent=True) > 1_700_000
    advance(ledger, 1801)
    assert take_token(ledger, "main", ACTION, limit=limit, urgent=True) <= 1050
    advance(ledger, 1.05)
    assert take_token(ledger, "main", ACTION, limit=limit, urgent=True) == 0


def test_actions_and_accounts_have_buckets_of_their_own(ledger: Ledger) -> None:
    """One being empty says nothing about the others."""
    limit = Limit(1.0)
    assert take_token(ledger, "main", ACTION, limit=limit) == 0
    assert take_token(ledger, "main", ACTION, limit=limit) > 0
    assert take_token(ledger, "main", "PullSmsSendStatus", limit=limit) == 0
    assert take_token(ledger, "other", ACTION, limit=limit) == 0


def test_a_clock_that_goes_back_gives_nothing_away(ledger: Ledger) -> None:
    """Redis' clock was set back by an hour: the bucket fills from then on, as it would have.

    It neither waits an hour nor is full.
    """
    limit = Limit(1.0)
    assert take_token(ledger, "main", ACTION, limit=limit) == 0
    advance(ledger, -3600)
    assert 900 <= take_token(ledger, "main", ACTION, limit=limit) <= 1050
    advance(ledger, 1.05)
    assert take_token(ledger, "main", ACTION, limit=limit) == 0


def test_a_clock_that_goes_back_keeps_no_bucket_shut_for_longer_than_was_said(ledger: Ledger) -> None:
    """Shut for a minute; an hour back: a minute from then on."""
    shut(ledger, "main", ACTION, 60_000)
    advance(ledger, -3600)
    assert take_token(ledger, "main", ACTION, limit=Limit(1.0)) <= 60_000
    advance(ledger, 61)
    assert take_token(ledger, "main", ACTION, limit=Limit(1.0)) <= 1050
