"""Pause, resume and cancel: at once for all that is not begun, and all comes back exactly once."""

from collections import Counter

import pytest

from smsline.errors import Conflict
from smsline.ledger import batch_queues, steering
from smsline.ledger.batch_queues import NotStarted, StartedCall
from smsline.ledger.link import Ledger
from tests.integration.controls.passing_time import let_pass
from tests.support.provider import FakeProvider, never_left, refuse
from tests.support.provider import accept as accept_call
from tests.support.scene import Scene, make_scene
from tests.support.world import FIRST, TERMS, World, some_numbers
from worker.intake import accept
from worker.providers.base import Answer, Call


@pytest.fixture
def line(ledger: Ledger) -> Scene:
    """A scene whose lanes do not linger."""
    return make_scene(ledger, linger_ms=0)


def test_nothing_that_is_not_begun_goes_out(line: Scene) -> None:
    """Paused in the middle of a call: this call ends, there is no other one."""
    job = line.submit(some_numbers(1000))

    def pause_in_the_third(provider: FakeProvider, call: Call) -> Answer:
        if len(provider.calls) == 3:
            line.ask.pause(job)
        return accept_call(provider, call)

    line.provider.usual = pause_in_the_third
    line.run()
    assert len(line.provider.calls) == 3
    assert line.counts(job) == {"total": 1000, "waiting": 400, "accepted": 600}


def test_a_claim_that_is_not_begun_is_not_called(ledger: Ledger) -> None:
    """A worker has taken the numbers and waits for the rate limit when the job is paused."""
    world = World(ledger)
    job = world.job(some_numbers(200))
    claim = world.take()
    assert claim is not None
    steering.control(ledger, job, "paused")
    assert batch_queues.begin(ledger, claim, TERMS) == NotStarted("empty")
    assert world.counts(job) == {"total": 200, "waiting": 200}


@pytest.mark.parametrize("stage", ["inbox", "line", "later"])
def test_everything_comes_back_exactly_once(line: Scene, stage: str) -> None:
    """From wherever it was when it was paused: each number is texted once after the job goes on."""
    if stage == "later":
        line.provider.script.append(never_left())
    job = line.submit(some_numbers(450))
    if stage == "line":
        accept.accept_job(line.engine, job)
    if stage == "later":
        line.provider.script.extend([never_left(), never_left()])
        line.run()
    line.ask.pause(job)
    let_pass(line, 60)
    paused_at = len(line.provider.calls)
    let_pass(line, 600)
    assert len(line.provider.calls) == paused_at
    line.ask.resume(job)
    let_pass(line, 60)
    assert line.counts(job) == {"total": 450, "accepted": 450}
    assert line.texts() == Counter(some_numbers(450))
    assert not line.ledger.redis.exists(line.ledger.keys.held(job))


def test_pausing_and_resuming_many_times(line: Scene) -> None:
    """In the middle of calls, again and again, each lever also twice: none lost or doubled."""
    job = line.submit(some_numbers(2000))

    def pause_each_time(provider: FakeProvider, call: Call) -> Answer:
        line.ask.pause(job)
        if len(provider.calls) % 2:
            line.ask.pause(job)
        return accept_call(provider, call)

    line.provider.usual = pause_each_time
    for done in range(10):
        line.run()
        assert len(line.provider.calls) == min(10, done + 1)
        line.ask.resume(job)
        line.ask.resume(job)
    line.run()
    assert line.counts(job) == {"total": 2000, "accepted": 2000}
    assert line.texts() == Counter(some_numbers(2000))


def test_one_of_two_jobs_that_share_a_call(line: Scene) -> None:
    """The other's numbers go out in a call of their own; the paused one's when it goes on."""
    kept, paused = line.submit(some_numbers(50)), line.submit(some_numbers(50, FIRST + 500))
    for job in (kept, paused):
        accept.accept_job(line.engine, job)
    line.ask.pause(paused)
    line.run()
    assert [sorted(call.numbers) for call in line.provider.calls] == [some_numbers(50)]
    assert line.counts(kept) == {"total": 50, "accepted": 50}
    assert line.counts(paused) == {"total": 50, "waiting": 50}
    line.ask.resume(paused)
    line.run()
    assert line.counts(paused) == {"total": 50, "accepted": 50}
    assert set(line.texts().values()) == {1}


def test_one_of_two_jobs_in_a_claim(ledger: Ledger) -> None:
    """Also when both were taken for the same call already."""
    world = World(ledger)
    kept, paused = world.job(some_numbers(3)), world.job(some_numbers(3, FIRST + 10))
    claim = world.take()
    assert claim is not None
    assert len(claim.entries) == 2
    steering.control(ledger, paused, "paused")
    begun = batch_queues.begin(ledger, claim, TERMS)
    assert isinstance(begun, StartedCall)
    assert [group.entry.job for group in begun.groups] == [kept]
    assert world.counts(kept) == {"total": 3, "sending": 3}
    assert world.counts(paused) == {"total": 3, "waiting": 3}


def test_what_a_call_gives_back_while_its_job_is_paused_waits(line: Scene) -> None:
    """The provider turns a call away whose job is paused: its numbers wait with the others."""
    job = line.submit(some_numbers(10))

    def pause_and_refuse(provider: FakeProvider, call: Call) -> Answer:
        line.ask.pause(job)
        return refuse("RequestLimitExceeded")(provider, call)

    line.provider.script.append(pause_and_refuse)
    line.run()
    let_pass(line, 60)
    assert len(line.provider.calls) == 1
    line.ask.resume(job)
    line.run()
    assert line.texts() == Counter(some_numbers(10))


def test_a_resumed_job_does_not_wait_for_the_next_one(line: Scene) -> None:
    """What was set aside is back at the front of its batch queue."""
    job = line.submit(some_numbers(400))
    line.ask.pause(job)
    line.run()
    line.submit(some_numbers(2000, FIRST + 5000))
    accept_all(line)
    line.ask.resume(job)
    accept_all(line)
    line.run()
    first = {number for call in line.provider.calls[:2] for number in call.numbers}
    assert first == set(some_numbers(400))


def accept_all(scene: Scene) -> None:
    """Take what is in the inbox, and send nothing."""
    for job in scene.due(scene.ledger.keys.inbox("marketing")):
        accept.accept_job(scene.engine, job)


def test_an_incomplete_job_can_be_paused(line: Scene) -> None:
    """Parts that come meanwhile wait too; when all are there and the job goes on, all go out."""
    job = line.submit(some_numbers(10), parts=None, stream=True)
    line.run()
    line.ask.pause(job)
    line.submit(some_numbers(10, FIRST + 10), job=job, part_no=1, parts=2, stream=True)
    line.run()
    assert line.counts(job) == {"total": 20, "waiting": 10, "accepted": 10}
    line.ask.resume(job)
    line.run()
    assert line.texts() == Counter(some_numbers(20))


@pytest.mark.parametrize("stage", ["inbox", "line", "later", "held"])
def test_cancel_ends_what_waits(line: Scene, stage: str) -> None:
    """Wherever it waits: it is cancelled at once, nothing is called, the job is closed for good."""
    calls = 0
    if stage == "later":
        line.provider.script.append(refuse("FailedOperation.MarketingSendTimeConstraint"))
        calls = 1
    job = line.submit(some_numbers(150))
    if stage == "line":
        accept.accept_job(line.engine, job)
    if stage == "later":
        line.run()
    if stage == "held":
        line.ask.pause(job)
        line.run()
    line.ask.cancel(job)
    line.run()
    assert len(line.provider.calls) == calls
    assert line.counts(job) == {"total": 150, "cancelled": 150}
    assert line.status(job)["closed_at"]
    let_pass(line, 90_000)
    assert len(line.provider.calls) == calls
    with pytest.raises(Conflict):
        line.ask.resume(job)


def test_cancel_of_one_of_two_jobs_in_a_claim(ledger: Ledger) -> None:
    """The other one's numbers go out."""
    world = World(ledger)
    kept, cancelled = world.job(some_numbers(3)), world.job(some_numbers(3, FIRST + 10))
    claim = world.take()
    assert claim is not None
    steering.control(ledger, cancelled, "cancelled")
    begun = batch_queues.begin(ledger, claim, TERMS)
    assert isinstance(begun, StartedCall)
    assert [group.entry.job for group in begun.groups] == [kept]
    assert world.counts(cancelled) == {"total": 3, "cancelled": 3}
