"""Lanes share a rate limit, but what is reserved of it is left to otp."""

from collections.abc import Callable

import pytest

from smsline.ledger import batch_queues, buckets
from smsline.ledger.batch_queues import BatchQueue, CallLimits, NotStarted, StartedCall
from smsline.ledger.buckets import MICRO, Limit
from smsline.ledger.keys import BUCKET_TTL_S
from smsline.ledger.link import Ledger
from smsline.names import LANES
from tests.support.clock import advance
from tests.support.provider import UNLIMITED, FakeProvider, refuse
from tests.support.scene import make_scene
from tests.support.world import FIRST, World, some_numbers

HOUR_US = 3_600_000_000


def terms(per_s: float, reserve: float = 0.2) -> CallLimits:
    """Terms with this rate limit."""
    return CallLimits(
        action="SendSms", limit=Limit(per_s, reserve), lease_ms=60_000, park_probe_ms=60_000, bucket="main"
    )


@pytest.fixture
def begin(ledger: Ledger) -> Callable[..., bool]:
    """`begin("otp", terms)`: whether a call of one number of this lane may be made now."""
    made = 0

    def begin_one(lane: str, with_terms: CallLimits) -> bool:
        nonlocal made
        made += 1
        world = World(ledger, BatchQueue(lane, "main", "5678", "m", "s", f"h{made}"))
        world.job([FIRST + made], lane=lane)
        if level := ledger.redis.hget(ledger.keys.bucket("main", "SendSms"), "level"):
            set_level(ledger, int(level) / MICRO)
        claim, answer = world.begin(1, with_terms)
        if isinstance(answer, NotStarted):
            batch_queues.release(ledger, claim, answer.wait_ms)
        return isinstance(answer, StartedCall)

    return begin_one


def set_level(ledger: Ledger, tokens: float) -> None:
    """So many tokens are in the bucket, and none comes back until the next look.

    The last one is put into the future.
    """
    seconds, micros = ledger.redis.time()
    far_us = seconds * 1_000_000 + micros + HOUR_US
    key = ledger.keys.bucket("main", "SendSms")
    ledger.redis.hset(key, mapping={"level": int(tokens * MICRO), "us": far_us})
    ledger.redis.expire(key, BUCKET_TTL_S)


@pytest.mark.parametrize("lane", ["notify", "marketing"])
@pytest.mark.parametrize(("per_s", "left"), [(500, 4), (125, 1)])
def test_the_last_share_is_left_to_otp(
    ledger: Ledger, begin: Callable[..., bool], lane: str, per_s: float, left: int
) -> None:
    """Of a full bucket other lanes take four fifths, then wait; otp takes the rest."""
    set_level(ledger, left + 3)
    assert [begin(lane, terms(per_s)) for _ in range(5)] == [True] * 3 + [False] * 2
    assert [begin("otp", terms(per_s)) for _ in range(left + 1)] == [True] * left + [False]


@pytest.mark.parametrize("per_s", [1, 5, 20, 40])
def test_at_a_small_limit_otp_is_first(ledger: Ledger, begin: Callable[..., bool], per_s: float) -> None:
    """Where the bucket holds hardly more than one token, that one is otp's first."""
    set_level(ledger, 1 + Limit(per_s).floor / 2)
    assert [begin(lane, terms(per_s)) for lane in ("marketing", "notify")] == [False, False]
    assert begin("otp", terms(per_s))
    set_level(ledger, Limit(per_s).burst)
    assert begin("marketing", terms(per_s))


@pytest.mark.parametrize("lane", LANES)
def test_without_a_reserve_all_lanes_are_alike(ledger: Ledger, begin: Callable[..., bool], lane: str) -> None:
    """Nothing is left over then."""
    set_level(ledger, 1)
    assert begin(lane, terms(3000, reserve=0))
    assert not begin(lane, terms(3000, reserve=0))


def test_the_wait_that_is_told_is_the_lanes_own(ledger: Ledger) -> None:
    """Who asks again after the wait has a token: otp sooner than others, by its reserve."""
    waits = {}
    for lane in ("otp", "marketing"):
        set_level(ledger, 0)
        waits[lane] = wait_of(ledger, lane)
    assert waits["otp"] == pytest.approx(1000 / 96, abs=1)
    assert waits["marketing"] == pytest.approx(1800 / 96, abs=1)


def wait_of(ledger: Ledger, lane: str) -> float:
    """How many ms a call of a lane must wait at a hundred a second."""
    world = World(ledger, BatchQueue(lane, "main", "5678", "m", "s", "h"))
    world.job([FIRST], lane=lane)
    _, answer = world.begin(1, terms(100))
    assert isinstance(answer, NotStarted)
    assert answer.why == "wait"
    return answer.wait_ms


def test_a_closed_bucket_is_closed_to_all(ledger: Ledger, begin: Callable[..., bool]) -> None:
    """When the provider says that there were too many, otp waits too."""
    buckets.shut(ledger, "main", "SendSms", 60_000)
    assert not any(begin(lane, terms(3000)) for lane in LANES)


def test_what_has_nothing_to_send_takes_no_token(ledger: Ledger) -> None:
    """A call of suppressed, cancelled or overdue recipients leaves the bucket as it is."""
    world = World(ledger)
    world.job(some_numbers(3), ttl_s=0.001)
    advance(ledger, 0.001)
    _, answer = world.begin(200, terms(100))
    assert answer == NotStarted("empty")
    assert not ledger.redis.exists(ledger.keys.bucket("main", "SendSms"))


def test_accounts_of_one_key_take_from_one_bucket(ledger: Ledger) -> None:
    """The one token goes to the first account.

    The second waits, and when one is told to call less the other calls less too.
    """
    providers = {name: FakeProvider(limits={**UNLIMITED, "SendSms": 1 / 60}) for name in ("main", "second")}
    scene = make_scene(ledger, providers, accounts={"second": {"sdk_app_id": "1401"}}, otp_reserve=0)

    def calls() -> list[int]:
        return [len(provider.calls) for provider in providers.values()]

    for account in providers:
        scene.submit([FIRST], account=account)
        scene.send_all()
    assert calls() == [1, 0]
    scene.later(70)
    assert calls() == [1, 1]
    providers["main"].script.append(refuse("RequestLimitExceeded"))
    scene.submit([FIRST + 1], account="main")
    scene.later(70)
    scene.submit([FIRST + 1], account="second")
    scene.send_all()
    assert calls() == [2, 1]
    assert not ledger.redis.exists(ledger.keys.bucket("second", "SendSms"))
