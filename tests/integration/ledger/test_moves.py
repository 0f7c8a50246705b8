"""The ledger's scripts, on fakeredis and on a real Redis: what one recipient goes through."""

import pytest

from smsline.ledger import accounts, batch_queues, due, inbox, jobs, receipts, serials, steering, waits
from smsline.ledger.accepting import Timing
from smsline.ledger.batch_queues import NotStarted, StartedCall
from smsline.ledger.link import Ledger
from smsline.ledger.runs import decode
from smsline.ledger.serials import BlockReceipts
from smsline.receipt import Receipt
from smsline.states import State
from tests.support.clock import advance
from tests.support.waiting import wait_until
from tests.support.world import FIRST, TERMS, World, some_numbers


@pytest.fixture
def world(ledger: Ledger) -> World:
    """A world on the ledger."""
    return World(ledger)


def status_state(world: World, job: str) -> str:
    """The job's state."""
    status = jobs.read_status(world.ledger, job)
    assert status is not None
    return status["state"]


def test_a_job_travels_from_submit_to_closed(world: World) -> None:
    """Every recipient is waiting, sending, accepted, delivered, and the job closes by itself."""
    job = world.submit(some_numbers(450))
    assert world.counts(job) == {"total": 450, "waiting": 450}

    world.accept(job)
    sizes = []
    started_ms = 0
    while (claim := world.take()) is not None:
        begun = batch_queues.begin(world.ledger, claim, TERMS)
        assert isinstance(begun, StartedCall)
        started_ms = begun.started_ms
        sizes.append(sum(len(group.numbers) for group in begun.groups))
        assert world.record(claim, begun, State.ACCEPTED) is False
    assert sizes == [200, 200, 50]
    assert world.counts(job) == {"total": 450, "accepted": 450}

    told = [Receipt(number, f"s:{number}", True, "DELIVRD", 1_790_000_000) for number in some_numbers(450)]
    found = serials.find(world.ledger, "main", told, today=started_ms // 86_400_000)
    assert (len(found.matched), found.left) == (3, [])
    assert receipts.apply(world.ledger, "main", found.matched, now_s=1_790_000_001).applied == 450
    assert world.counts(job) == {"total": 450, "delivered": 450}
    assert status_state(world, job) == "closed"
    assert receipts.apply(world.ledger, "main", found.matched[:1], now_s=1_790_000_001).late == 200
    row = next(jobs.results(world.ledger, job))
    assert (row["phone"], row["state"], row["code"], row["serial"]) == (
        f"+{FIRST}",
        "delivered",
        "DELIVRD",
        f"s:{FIRST}",
    )
    assert accounts.outstanding(world.ledger, "main") == 0


def test_single_number_jobs_share_calls(world: World) -> None:
    """Fifty equal single-number jobs leave in two calls of thirty numbers at most."""
    for number in some_numbers(50):
        world.job([number])
    sizes = []
    while (claim := world.take(30)) is not None:
        sizes.append(sum(len(decode(entry.runs)) for entry in claim.entries))
    assert sizes == [30, 20]


def test_a_part_twice_is_once(world: World) -> None:
    """A part that is handed over, or accepted, twice changes nothing the second time."""
    job = world.submit(some_numbers(10), parts=None)
    world.submit(some_numbers(10), job=job, parts=None)
    world.submit(some_numbers(10, FIRST + 10), job=job, part_no=1, parts=2)
    assert world.counts(job) == {"total": 20, "waiting": 20}
    assert world.accept(job, 0) is not None
    assert inbox.read_part(world.ledger, job, 0) is None


def test_parts_in_any_order_complete_the_job(world: World) -> None:
    """The part that says how many there are may come first; the last one completes the job."""
    job = world.submit(some_numbers(5, FIRST + 5), part_no=1, parts=2)
    status = jobs.read_status(world.ledger, job)
    assert status is not None
    assert not status["complete"]
    world.submit(some_numbers(5), job=job, part_no=0, parts=None)
    status = jobs.read_status(world.ledger, job)
    assert status is not None
    assert status["complete"]


def test_doubles_between_parts_are_sent_once(world: World) -> None:
    """A number that an earlier part of the job had is not taken, and the total is corrected."""
    job = world.submit(some_numbers(300), parts=None)
    world.submit(some_numbers(300, FIRST + 100), job=job, part_no=1, parts=2)
    first, second = world.accept(job, 0, shards=4), world.accept(job, 1, shards=4)
    assert (first and first.taken, second and second.taken, second and second.doubled) == (300, 100, 200)
    assert world.counts(job) == {"total": 400, "waiting": 400}


def test_calls_stay_full_across_doubles(world: World) -> None:
    """Gaps that doubles leave in a block are filled from the next one: no call is wasted."""
    job = world.submit(some_numbers(200), parts=None)
    world.submit(some_numbers(200, FIRST + 100), job=job, part_no=1, parts=2)
    world.accept(job, 0, shards=2)
    world.accept(job, 1, shards=2)
    sizes = []
    while (claim := world.take(150)) is not None:
        sizes.append(sum(len(decode(entry.runs)) for entry in claim.entries))
    assert sizes == [150, 150]


def test_a_cancelled_job_sends_nothing_more(world: World) -> None:
    """What was claimed when the job was cancelled is ended at the last look."""
    job = world.job(some_numbers(3))
    claim = world.take()
    assert claim is not None
    steering.control(world.ledger, job, "cancelled")
    assert batch_queues.begin(world.ledger, claim, TERMS) == NotStarted("empty")
    assert world.counts(job) == {"total": 3, "cancelled": 3}
    assert status_state(world, job) == "cancelled"


def test_a_paused_job_is_set_aside_and_comes_back(world: World) -> None:
    """Entries of a paused job leave the batch queue and return when it is resumed."""
    job = world.job(some_numbers(3))
    steering.control(world.ledger, job, "paused")
    claim = world.take()
    assert claim is not None
    assert batch_queues.begin(world.ledger, claim, TERMS) == NotStarted("empty")
    assert world.take() is None
    steering.control(world.ledger, job, "open")
    assert waits.move_due(world.ledger, world.ledger.keys.held(job), only_due=False) == 1
    _, begun = world.begin()
    assert isinstance(begun, StartedCall)


def test_an_overdue_recipient_is_never_sent(world: World) -> None:
    """The deadline is looked at right before the call."""
    job = world.job(some_numbers(2), ttl_s=0.001)
    advance(world.ledger, 0.001)
    _, begun = world.begin()
    assert begun == NotStarted("empty")
    assert world.counts(job) == {"total": 2, "expired": 2}
    assert status_state(world, job) == "closed"


def test_a_released_claim_is_taken_again(world: World) -> None:
    """A claim that was not begun goes back whole, and a second release does nothing."""
    world.job(some_numbers(250))
    claim = world.take()
    assert claim is not None
    assert batch_queues.release(world.ledger, claim) == 1
    assert batch_queues.release(world.ledger, claim) == 0
    total = 0
    while (again := world.take()) is not None:
        total += sum(len(decode(entry.runs)) for entry in again.entries)
    assert total == 250


def test_an_outcome_is_written_once(world: World) -> None:
    """The second record of an attempt changes nothing, whatever it says."""
    job = world.job(some_numbers(2))
    claim, begun = world.begin()
    assert isinstance(begun, StartedCall)
    assert world.record(claim, begun, State.UNSURE, code="http.ReadTimeout") is False
    assert world.record(claim, begun, State.ACCEPTED) is None
    assert world.counts(job) == {"total": 2, "sending": 2}


def test_a_retry_waits_and_keeps_its_count(world: World) -> None:
    """A counted retry comes due later and knows how often it was tried."""
    world.job(some_numbers(2))
    claim, begun = world.begin()
    assert isinstance(begun, StartedCall)
    world.record(claim, begun, State.WAITING, code="FailedOperation.X", delay_ms=0.0)
    assert world.take() is None
    assert waits.move_due(world.ledger, world.ledger.keys.later, only_due=True) == 1
    _, again = world.begin()
    assert isinstance(again, StartedCall)
    assert again.groups[0].attempts == b"\x01\x01"


def test_params_are_erased_when_no_retry_can_need_them(world: World) -> None:
    """A block's params go with its last recipient that could still be sent.

    One that is accepted could, after its receipt.
    """
    world.job(some_numbers(2))
    claim, begun = world.begin(1)
    assert isinstance(begun, StartedCall)
    block = world.ledger.keys.block(begun.groups[0].entry.block)
    world.record(claim, begun, State.ACCEPTED)
    assert world.ledger.redis.hexists(block, "p")
    claim, begun = world.begin(1)
    assert isinstance(begun, StartedCall)
    world.record(claim, begun, State.ACCEPTED)
    assert world.ledger.redis.hexists(block, "p")
    told = [Receipt(FIRST + n, "", True, "DELIVRD", 1) for n in range(2)]
    matched = BlockReceipts(begun.groups[0].entry.block, range(2), told)
    receipts.apply(world.ledger, "main", [matched], now_s=1)
    assert not world.ledger.redis.hexists(block, "p")


def test_a_batch_queue_lingers_until_it_is_full(world: World) -> None:
    """A batch queue that lingers is not taken before its time, unless a call is full."""
    timing = Timing(linger_ms=60_000)
    job = world.submit(some_numbers(150))
    world.accept(job, timing=timing)
    assert world.take() is None
    job = world.submit(some_numbers(50, FIRST + 1000))
    world.accept(job, timing=timing)
    assert world.take() is not None


def test_a_small_job_does_not_wait_behind_a_huge_one(world: World) -> None:
    """Two jobs in the same batch queue take turns."""
    world.job(some_numbers(2000))
    world.take()
    small = world.job(some_numbers(200, FIRST + 5000))
    claims = [world.take() for _ in range(3)]
    assert small in {entry.job for claim in claims if claim for entry in claim.entries}


def test_work_that_comes_while_a_member_is_worked_on_is_kept(ledger: Ledger) -> None:
    """Who made it due meanwhile is not undone by who finishes: the earlier of two times holds."""
    key = ledger.keys.drain
    ledger.redis.zadd(key, {"main": 1})
    lease = due.claim_one(ledger, key, "main", lease_ms=60_000)
    assert lease is not None
    assert due.claim_one(ledger, key, "main") is None
    ledger.redis.zadd(key, {"main": float(lease.fence) - 50_000}, lt=True)
    assert not due.finish(ledger, key, lease, 30_000)
    assert ledger.redis.zscore(key, "main") == pytest.approx(float(lease.fence) - 50_000, abs=0.01)
    assert not due.finish(ledger, key, lease, 5)
    assert ledger.redis.zscore(key, "main") < float(lease.fence) - 50_000
    assert not due.finish(ledger, key, lease)
    assert ledger.redis.zcard(key) == 1
    ledger.redis.delete(key)


def test_a_lease_that_another_has_taken_over_finishes_nothing(ledger: Ledger) -> None:
    """The worker that was asleep finds that its item is another worker's."""
    key = ledger.keys.drain
    ledger.redis.zadd(key, {"main": 1})
    asleep = due.claim_one(ledger, key, "main", lease_ms=0)
    other = wait_until(lambda: due.claim_one(ledger, key, "main", lease_ms=60_000), what="a second claim")
    assert asleep is not None
    assert other is not None
    assert not due.finish(ledger, key, asleep)
    assert not due.finish(ledger, key, asleep, 0)
    assert due.finish(ledger, key, other)
    assert not ledger.redis.exists(key)


def test_a_drain_that_ends_while_something_is_sent_comes_again(world: World) -> None:
    """Also when its lease is shorter than the time to the first poll."""
    world.job(some_numbers(2))
    key = world.ledger.keys.drain
    world.ledger.redis.zadd(key, {"main": 1})
    lease = due.claim_one(world.ledger, key, "main", lease_ms=1_000)
    claim, begun = world.begin()
    assert isinstance(begun, StartedCall)
    world.record(claim, begun, State.ACCEPTED)
    assert lease is not None
    assert not due.finish(world.ledger, key, lease)
    assert world.ledger.redis.zcard(key) == 1
