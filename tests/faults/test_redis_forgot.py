"""Redis loses its last moments while workers go on.

A promoted replica that lagged, a copy restored, a power cut.
"""

import logging
import time
from collections import Counter
from typing import Any, Final

import pytest
from redis import Redis

from smsline import Client, NotFound
from smsline.job import JobSpec, new_job_id
from smsline.ledger import accounts, inbox, jobs, losses, webhooks, webhooks_queue
from smsline.ledger.link import Ledger
from tests.faults.support.hands import Hands, engine_of
from tests.faults.support.provider import CountingProvider
from tests.support.clock import advance
from tests.support.redis_server import RedisServer
from tests.support.world import FIRST
from worker.maintenance.witness import Witness
from worker.providers.base import Answer, Call, Item, Sent
from worker.runtime.bootstep import register

SENSITIVE: Final = "FailedOperation.ContainSensitiveWord"
BLACKLISTED: Final = "FailedOperation.PhoneNumberInBlacklist"

Copy = dict[bytes, tuple[bytes, int]]


def copy_of(client: Any) -> Copy:
    """Everything a Redis holds at this moment, as a replica has it that gets nothing more."""
    return {key: (client.dump(key), client.pttl(key)) for key in client.keys("*")}


def promote(client: Any, copy: Copy) -> None:
    """The replica takes the primary's place; the processes' connections lead to it."""
    client.flushall()
    for key, (value, expiry_ms) in copy.items():
        client.restore(key, max(0, expiry_ms), value)


class Line:
    """Two worker processes and a producer on one ledger.

    Attributes:
        hands: The processes.
        provider: The one behind both.
    """

    def __init__(self, server: RedisServer, patch: pytest.MonkeyPatch) -> None:
        self.client = Redis(port=server.port)
        self.client.flushall()
        self.ledger = Ledger(self.client)
        self.provider = CountingProvider()
        engines = [engine_of(Ledger(Redis(port=server.port)), self.provider) for _ in range(2)]
        for nth, engine in enumerate(engines):
            engine.worker = f"worker{nth}"
        self.hands = [Hands(engine, patch, self.ledger) for engine in engines]
        self.witnesses = [Witness(engine, monotonic_s=iter(range(0, 10_000, 2)).__next__) for engine in engines]
        self.given: dict[str, list[int]] = {}
        self._next = FIRST

    def beat(self) -> None:
        """Every process shows that it lives."""
        for witness in self.witnesses:
            witness.look()

    def submit(self, count: int) -> str:
        """Hand a campaign over."""
        job, numbers = new_job_id(), list(range(self._next, self._next + count))
        self._next += count
        spec = JobSpec.checked({"template": "5678", "lane": "marketing"})
        inbox.submit_part(self.ledger, job, spec, inbox.Part(numbers), part_no=0, parts=1)
        self.given[job] = numbers
        return job

    def closed(self, job: str) -> bool:
        """Whether a job is over."""
        status = jobs.read_status(self.ledger, job)
        return status is not None and status["state"] == "closed"

    def work_off(self, *wanted: str) -> None:
        """Both processes work, by turns, until these jobs are closed."""
        for turn in range(200):
            if all(self.closed(job) for job in wanted):
                return
            self.hands[turn % 2].step()
        raise AssertionError([jobs.read_status(self.ledger, job) for job in wanted])

    def outcome(self, job: str) -> dict[str, tuple[str, str]]:
        """State and code of each number of a job."""
        return {row["phone"]: (row["state"], row["code"]) for row in jobs.results(self.ledger, job)}


@pytest.fixture
def line(redis_server: RedisServer, monkeypatch: pytest.MonkeyPatch) -> Line:
    """Two processes that have worked a while."""
    found = Line(redis_server, monkeypatch)
    found.beat()
    found.work_off(found.submit(450), found.submit(3))
    return found


def test_jobs_after_a_replica_without_the_last_moments_was_promoted(line: Line) -> None:
    """Each of their numbers is sent once and is its own job's.

    Jobs before keep what they had; what was lost leaves nothing behind.
    """
    before = line.submit(250)
    copy = copy_of(line.client)
    for _ in range(3):
        line.submit(450)
        line.hands[0].step()
        line.hands[1].step()
    promote(line.client, copy)
    after = [line.submit(count) for count in (450, 1, 30, 450, 7, 250)]
    line.work_off(before, *after)
    for job in after:
        assert line.outcome(job) == {f"+{number}": ("delivered", "DELIVRD") for number in line.given[job]}
        status = jobs.read_status(line.ledger, job)
        assert status is not None
        assert {name: count for name, count in status["counts"].items() if count} == {
            "total": len(line.given[job]),
            "delivered": len(line.given[job]),
        }
        assert {line.provider.sent[number] for number in line.given[job]} == {1}
    assert set(line.outcome(before)) == {f"+{number}" for number in line.given[before]}


def test_a_call_under_way_belongs_to_its_worker_alone(line: Line) -> None:
    """Its block and its attempt are gone with its job: what it comes to is written nowhere.

    No later job has a share in it.
    """
    copy = copy_of(line.client)
    lost = line.submit(200)
    after: list[str] = []

    def answer(call: Call) -> Answer | None:
        if not after and line.given[lost][0] in call.numbers:
            promote(line.client, copy)
            after.append(line.submit(200))
        return None

    line.provider.answer = answer
    line.hands[0].step()
    assert after
    line.work_off(*after)
    assert jobs.read_status(line.ledger, lost) is None
    assert Counter(line.outcome(after[0]).values()) == {("delivered", "DELIVRD"): 200}


def test_a_code_whose_number_was_lost_is_still_shown_as_itself(line: Line) -> None:
    """One process has a number in mind that the other gives to another code since."""

    def refused(by: Hands, code: str) -> str:
        def answer(call: Call) -> Answer:
            items = [Item(number, ok=False, code=code, serial="", fee=0, message="") for number in call.numbers]
            return Sent(tuple(items), "request")

        line.provider.answer = answer
        job = line.submit(1)
        by.work(lambda: line.closed(job))
        return job

    first, second = line.hands
    copy = copy_of(line.client)
    refused(first, SENSITIVE)
    promote(line.client, copy)
    others = refused(second, BLACKLISTED)
    again = refused(first, SENSITIVE)
    assert {code for _, code in line.outcome(again).values()} == {SENSITIVE}
    assert {code for _, code in line.outcome(others).values()} == {BLACKLISTED}


def test_what_was_lost_is_told(line: Line, caplog: pytest.LogCaptureFixture) -> None:
    """Each process whose last beat is gone says from when to when.

    It is kept once for `check`, and the process' caches are believed no more. A producer that asks
    about a job of that time is told, and to hand it over again; of an older one, that there is
    none.
    """
    instance = line.hands[0].engine.ledger.instance()
    copy = copy_of(line.client)
    line.beat()
    lost = line.submit(1)
    promote(line.client, copy)
    with caplog.at_level(logging.ERROR):
        line.beat()
        line.beat()
    told = [record.getMessage() for record in caplog.records if "Redis has lost" in record.getMessage()]
    assert len(told) == 2
    assert len(losses.losses(line.ledger)) == 1
    assert line.hands[0].engine.ledger.instance() == instance
    with Client(
        redis_url=f"redis://127.0.0.1:{line.client.connection_pool.connection_kwargs['port']}/0", namespace="sl"
    ) as client:
        for ask in (client.status, client.cancel):
            with pytest.raises(NotFound, match=rf"no job {lost}: it was handed over in a time that Redis has lost"):
                ask(lost)
            with pytest.raises(NotFound, match="lists those that are kept"):
                ask(new_job_id(time.time() - 3_600))


def test_a_beat_that_expired_is_no_loss(line: Line) -> None:
    """Redis' clock is set forward by two hours, or the process was stopped for them.

    An empty Redis is one all the same.
    """
    keys, witness = line.ledger.keys, line.witnesses[0]

    def two_hours_later() -> None:
        line.ledger.redis.delete(keys.beat(witness.engine.worker))
        witness._now_ms -= 7_200_000
        witness.look()

    line.beat()
    two_hours_later()
    assert not losses.losses(line.ledger)
    line.ledger.redis.delete(keys.clock)
    two_hours_later()
    assert [loss.certain for loss in losses.losses(line.ledger)] == [True]


def test_a_clock_that_is_set_back_holds_nothing_up(line: Line, caplog: pytest.LogCaptureFixture) -> None:
    """What was put off for a minute is due in a minute, not in an hour and a minute; it is said."""
    keys = line.ledger.keys
    line.ledger.redis.zadd(keys.drain, {"main": line.ledger.now_ms() + 60_000})
    line.beat()
    advance(line.ledger, -3600)
    line.ledger.redis.set(keys.clock, line.ledger.now_ms() + 3_600_000)
    with caplog.at_level(logging.ERROR):
        line.beat()
    assert 0 < line.ledger.redis.zscore(keys.drain, "main") - line.ledger.now_ms() <= 60_000


def test_nothing_that_was_put_off_on_a_day_ahead_waits_for_that_day(line: Line) -> None:
    """A clock a day ahead for seconds holds up nothing once it is back.

    That is held and parked accounts, paced jobs, held batch queues and the inbox.
    """
    ledger, day_ms = line.ledger, 86_400_000
    keys, redis, ahead_ms = ledger.keys, ledger.redis, ledger.now_ms() + day_ms
    paced, planned = line.submit(1), new_job_id()
    redis.hset(keys.accounts, "main", "tencent")
    spec = JobSpec.checked({"template": "5678", "lane": "marketing", "start_s": time.time() + 7_200})
    inbox.submit_part(ledger, planned, spec, inbox.Part([FIRST]), part_no=0, parts=1)
    redis.hset(keys.breaker("main"), mapping={"held_ms": ahead_ms, "probe_ms": ahead_ms + 1_000, "pause_ms": 2_000})
    accounts.park(ledger, "main", "1234", "X", probe_ms=60_000)
    redis.hset(keys.park("main", "1234"), mapping={"probe_ms": ahead_ms + 60_000, "prober_ms": ahead_ms + 65_000})
    redis.hset(keys.job(paced), mapping={"pace_ms": ahead_ms, "pace_tail": f"{ahead_ms}.500"})
    redis.zadd(keys.inbox("marketing"), {paced: ahead_ms})
    redis.zadd(keys.send("marketing"), {"q": ahead_ms + 500})
    redis.set(keys.hold("q"), 1, px=day_ms + 5_000)
    redis.set(keys.clock, ahead_ms + 2_000)
    line.beat()
    now_ms = ledger.now_ms()
    hashes = [(keys.breaker("main"), ["probe_ms"]), (keys.park("main", "1234"), ["probe_ms", "prober_ms"])]
    hashes.append((keys.job(paced), ["pace_ms", "pace_tail"]))
    waits_ms = [float(at) for key, fields in hashes for at in redis.hmget(key, fields)]
    waits_ms += [redis.zscore(keys.inbox("marketing"), paced), redis.zscore(keys.send("marketing"), "q")]
    assert max(waits_ms) <= now_ms + 65_000
    assert 0 < redis.pttl(keys.hold("q")) <= 5_000
    assert redis.zscore(keys.inbox("marketing"), planned) >= now_ms + 7_000_000, "a start that was asked for is kept"


def test_events_for_webhooks_do_not_wait_for_a_clock_that_was_set_back(line: Line) -> None:
    """Those that wait, those with a request under way, and the endpoint left alone for a while."""
    ledger, hour_ms = line.ledger, 3_600_000
    webhooks.add(ledger, "shop", "https://shop.example/", ["job.closed"])
    endpoint = webhooks.find(ledger, "shop")
    for _ in range(3):
        webhooks.send_test(ledger, "shop")
    assert webhooks_queue.take(ledger, endpoint, lease_ms=30_000)
    state, queue, flying = (ledger.keys.webhook(part, endpoint.id) for part in ("state", "queue", "flying"))
    ledger.redis.hset(state, "until_ms", ledger.now_ms() + 10_000 + hour_ms)
    for key in (queue, flying):
        for event in ledger.redis.zrange(key, 0, -1):
            ledger.redis.zincrby(key, hour_ms, event)
    ledger.redis.set(ledger.keys.clock, ledger.now_ms() + hour_ms)
    line.beat()
    waits = [time for key in (queue, flying) for _, time in ledger.redis.zrange(key, 0, -1, withscores=True)]
    waits += [ledger.redis.zscore(ledger.keys.webhooks_due, "to shop"), int(ledger.redis.hget(state, "until_ms"))]
    assert len(waits) == 6
    assert max(waits) <= ledger.now_ms() + 30_000


def test_a_redis_that_may_evict_keys_is_told_at_the_start(line: Line, caplog: pytest.LogCaptureFixture) -> None:
    """Each process that starts on it says so in its log; on one that refuses writes none does."""
    told = []
    for policy in ("allkeys-lru", "noeviction"):
        line.client.config_set("maxmemory-policy", policy)
        with caplog.at_level(logging.ERROR):
            register(line.hands[0].engine)
        told.append([record.getMessage() for record in caplog.records if "evict" in record.getMessage()])
        caplog.clear()
    assert "maxmemory-policy allkeys-lru" in told[0][0]
    assert told[1] == []


def test_ids_that_are_in_use_are_drawn_anew(line: Line) -> None:
    """Two processes that drew the same ids: the second finds them in use and takes others."""
    first, second = (hands.engine.ledger for hands in line.hands)
    job = line.submit(450)
    line.hands[0].step()
    second.block_ids._next = first.block_ids._next - 1
    other = line.submit(450)
    line.hands[1].step()
    line.work_off(job, other)
    for each in (job, other):
        assert set(line.outcome(each)) == {f"+{number}" for number in line.given[each]}
