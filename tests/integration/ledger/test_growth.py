"""What is done per message, or per job, costs the same whatever else is kept."""

from collections.abc import Callable

import pytest

from smsline.job import JobSpec
from smsline.ledger import accounts, batch_queues, dead, inbox, job_list, jobs, receipts, retention, serials
from smsline.ledger.batch_queues import BatchQueue, NotStarted
from smsline.ledger.link import Ledger
from smsline.ledger.talk import carry
from smsline.names import LANES, Lane
from smsline.receipt import Receipt
from smsline.states import State
from tests.support.world import FIRST, TERMS, World

KEPT = 300


@pytest.fixture
def world(ledger: Ledger) -> World:
    """A world on the ledger."""
    return World(ledger)


def commands(ledger: Ledger, do: Callable[[], object]) -> int:
    """Kilobytes that Redis answers to commands of Python's while something is done."""
    seen = 0

    def counted(ask: Callable[..., object]) -> Callable[..., object]:
        def asked(*args: object, **options: object) -> object:
            nonlocal seen
            answer = ask(*args, **options)
            seen += len(answer) if isinstance(answer, list | dict) else 1
            return answer

        return asked

    # A script goes past the client's own method.
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(ledger.redis, "execute_command", counted(ledger.redis.execute_command))
        patch.setattr(ledger, "run", counted(ledger.run))
        do()
    return seen


def end(world: World, job: str, number: int, state: State) -> None:
    """Let a job's only recipient end."""
    claim, begun = world.begin()
    assert not isinstance(begun, NotStarted)
    world.record(claim, begun, state, **({"code": "FailedOperation.X"} if state is State.DEAD else {}))
    if state is State.ACCEPTED:
        told = [Receipt(number, f"s:{number}", True, "DELIVRD", 1_790_000_000)]
        found = serials.find(world.ledger, "main", told, today=begun.started_ms // 86_400_000)
        receipts.apply(world.ledger, "main", found.matched, now_s=1_790_000_001)
    assert jobs.read_status(world.ledger, job)["state"] == "closed"  # type: ignore[index]


def test_a_job_is_removed_without_a_look_at_others_dead_letters(world: World) -> None:
    """Its own go with it; those of others are neither read nor touched."""
    ledger, mine = world.ledger, world.job([FIRST])
    end(world, mine, FIRST, State.DEAD)
    ledger.redis.hset(ledger.keys.dead, mapping={f"main X other{n} x": 1 for n in range(KEPT)})
    clean = world.job([FIRST + 1])
    end(world, clean, FIRST + 1, State.ACCEPTED)
    assert commands(ledger, lambda: retention.remove(ledger, clean)) < 40
    assert commands(ledger, lambda: retention.remove(ledger, mine)) < 60
    assert ledger.redis.hlen(ledger.keys.dead) == KEPT
    assert not ledger.redis.keys(f"*{mine}*")
    assert dead.summary(ledger, dead.DeadFilter()) == []
    assert dead.recount(ledger) == KEPT
    assert [group.count for group in dead.summary(ledger, dead.DeadFilter())] == [KEPT]
    ledger.redis.delete(ledger.keys.dead)


def test_open_jobs_are_found_without_a_look_at_closed_ones(world: World) -> None:
    """The advised liveness check, `jobs --state open`, is as quick with a million closed jobs."""
    ledger, job = world.ledger, world.job([FIRST])
    ledger.redis.zadd(ledger.keys.jobs, {f"closed{n}": 9e15 + n for n in range(KEPT)})
    found: list[str] = []
    spent = commands(ledger, lambda: found.extend(each["job"] for each in job_list.list_jobs(ledger, state="open")))
    assert (found, spent < 20) == ([job], True)
    ledger.redis.zremrangebyscore(ledger.keys.jobs, 9e15, "+inf")


def test_a_closed_job_leaves_nothing_due_but_its_removal(world: World) -> None:
    """No deadline, probe or open job is left to be looked at, once its receipt has come."""
    ledger, job = world.ledger, world.job([FIRST])
    end(world, job, FIRST, State.ACCEPTED)
    keys = ledger.keys
    for gone in (keys.expire, keys.open, keys.probe, keys.lease, keys.unsure_due, keys.later):
        assert not ledger.redis.zcard(gone)
    assert ledger.redis.zcard(keys.closing) == 1


@pytest.mark.parametrize("lane", LANES)
def test_a_closed_message_is_kept_in_small_space(world: World, lane: Lane) -> None:
    """Two hashes, each in one piece.

    All that is shown of it is still shown, and the same part again is the same job.
    """
    ledger, job = world.ledger, world.job([FIRST], lane=lane)
    end(world, job, FIRST, State.ACCEPTED)
    before, status = list(jobs.results(ledger, job)), jobs.read_status(ledger, job)
    spec = JobSpec.checked({"template": "5678", "lane": lane})
    assert job_list.asked_of(ledger, job) == spec
    closed = {job: ledger.now_ms()}
    retention.compact(ledger, closed, keep_ms=1000)
    retention.compact(ledger, closed, keep_ms=1000)
    assert (list(jobs.results(ledger, job)), jobs.read_status(ledger, job)) == (before, status)
    # Its lane's usual ttl goes without saying, and so it must be the one that was meant.
    assert not ledger.redis.hexists(ledger.keys.job(job), "spec")
    repeated = carry(ledger.redis, inbox.kept_job(ledger.keys, job))
    assert (job_list.asked_of(ledger, job), repeated and repeated.spec) == (spec, spec)
    assert inbox.submit_part(ledger, job, spec, inbox.Part([FIRST]), part_no=0, parts=1).complete
    kept = {key for name in (job, str(jobs.blocks_of(ledger, job)[0])) for key in ledger.redis.keys(f"*{name}*")}
    assert kept == {name.encode() for name in (ledger.keys.job(job), ledger.keys.block(jobs.blocks_of(ledger, job)[0]))}
    assert max(len(value) for key in kept for value in ledger.redis.hgetall(key).values()) <= 64, (
        "Redis keeps a hash with a longer value in three times the space"
    )
    # Who accepted it may have been stopped before it was taken out of the inbox: it has no
    # text to be read any more.
    ledger.redis.zadd(ledger.keys.inbox(lane), {job: 1})
    assert not inbox.open_jobs(ledger, [job], lease_ms=60_000)
    assert not ledger.redis.exists(ledger.keys.inbox(lane), ledger.keys.poison)
    retention.remove(ledger, job)
    assert not any(ledger.redis.exists(key) for key in kept)


def test_codes_that_no_table_knows_do_not_grow_without_end(world: World) -> None:
    """The first few hundred are told apart, the rest is counted together."""
    for n in range(accounts.MOST_FIELDS + 50):
        accounts.note_unknown(world.ledger, "main", f"Strange.{n}")
    codes = accounts.health(world.ledger, "main", "tencent")["unknown_codes"]
    assert len(codes) <= accounts.MOST_FIELDS + 1
    assert codes["other"] >= 50


def test_a_dead_letters_deadline_stays_due(world: World) -> None:
    """Its params are erased when it passes."""
    job = world.job([FIRST])
    end(world, job, FIRST, State.DEAD)
    assert world.ledger.redis.zscore(world.ledger.keys.expire, job)


def test_parked_batch_queues_do_not_all_come_back_at_once(world: World) -> None:
    """One of them finds out each time whether it is still parked.

    The others are looked at over nine times as long.
    """
    ledger = world.ledger
    accounts.park(ledger, "main", "", "Arrears", probe_ms=60_000)
    waits = []
    for n in range(40):
        one = World(ledger, BatchQueue("otp", "main", "5678", "m", "s", f"h{n}"))
        one.job([FIRST + n], lane="otp")
        claim, answer = one.begin(1, TERMS)
        assert isinstance(answer, NotStarted)
        waits.append(answer.wait_ms)
        batch_queues.release(ledger, claim, waits[-1])
    soon = [wait for wait in waits if wait <= 60_000]
    assert len(soon) <= 12
    assert 59_000 < waits[0] <= 60_000
    assert max(waits) <= 10 * 60_000 + 1_000
    accounts.unpark(ledger, "main")
    due = ledger.redis.zrange(ledger.keys.send("otp"), 0, -1, withscores=True)
    # With its fraction: the whole millisecond may be the one in which they were made due.
    seconds, micros = ledger.redis.time()
    assert all(score <= seconds * 1000 + micros / 1000 for _, score in due)
