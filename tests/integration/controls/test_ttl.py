"""Ttl: a one-time password that is overdue is never sent, wherever it waits.

It ends as expired and its code is erased.
"""

import pytest

from smsline.errors import Conflict
from smsline.ledger import batch_queues
from smsline.ledger.batch_queues import NotStarted
from smsline.ledger.link import Ledger
from tests.integration.controls.passing_time import let_pass, no_worker_works
from tests.support.clock import advance
from tests.support.provider import never_left
from tests.support.scene import Scene, make_scene
from tests.support.world import FIRST, TERMS, World
from worker.intake import accept
from worker.maintenance import rescuer
from worker.sending import send

TTL_S = 300


@pytest.fixture
def line(ledger: Ledger) -> Scene:
    """A scene whose lanes do not linger."""
    return make_scene(ledger, linger_ms=0)


def check_expired(scene: Scene, job: str, *, calls: int = 0) -> None:
    """It has ended, was not called (any more), and what it would have said is gone."""
    assert scene.counts(job) == {"total": 1, "expired": 1}
    assert scene.status(job)["state"] == "closed"
    assert len(scene.provider.calls) == calls
    kept = [scene.ledger.redis.hgetall(key) for kind in ("job", "block", "part") for key in keys_of(scene, kind)]
    assert "482913" not in repr(kept)


def keys_of(scene: Scene, kind: str) -> list[bytes]:
    """Every key of a kind."""
    return list(scene.ledger.redis.scan_iter(match=f"{scene.ledger.keys.prefix}{kind}:*"))


def test_in_the_inbox(line: Scene) -> None:
    """No worker has looked at it in time."""
    job = line.otp(FIRST)
    no_worker_works(line, TTL_S + 1)
    line.run()
    check_expired(line, job)


def test_in_a_batch_queue(line: Scene) -> None:
    """Accepted, and no worker has come to send it: the last look ends it.

    That is before overdue jobs are ended.
    """
    job = line.otp(FIRST)
    accept.accept_job(line.engine, job)
    no_worker_works(line, TTL_S + 1)
    assert send.send_slice(line.engine, "otp") == 0
    check_expired(line, job)


def test_held(line: Scene) -> None:
    """Its job was paused, and goes on too late; resuming it then is refused."""
    job = line.otp(FIRST)
    line.ask.pause(job)
    line.run()
    let_pass(line, TTL_S + 1)
    check_expired(line, job)
    with pytest.raises(Conflict):
        line.ask.resume(job)


def test_held_and_resumed_a_moment_after_the_deadline(line: Scene) -> None:
    """It has not been ended yet when it is resumed: it is not sent all the same."""
    job = line.otp(FIRST)
    line.ask.pause(job)
    line.run()
    no_worker_works(line, TTL_S + 1)
    line.ask.resume(job)
    accept.accept_job(line.engine, job)
    assert send.send_slice(line.engine, "otp") == 0
    check_expired(line, job)


def test_put_off(line: Scene) -> None:
    """It waits for its next try when its time is over."""
    line.provider.usual = never_left()
    job = line.otp(FIRST, ttl_s=2)
    line.run()
    calls = len(line.provider.calls)
    no_worker_works(line, 2.1)
    line.run()
    check_expired(line, job, calls=calls)


def test_put_off_for_longer_than_its_ttl(line: Scene) -> None:
    """What can only be tried again after the deadline ends at the deadline, not then."""
    line.engine = make_scene(line.ledger, {"main": line.provider}, linger_ms=0, cap_day=1).engine
    line.submit([FIRST])
    line.run()
    job = line.otp(FIRST)
    line.run()
    let_pass(line, TTL_S + 1)
    check_expired(line, job, calls=1)


def test_claimed(ledger: Ledger) -> None:
    """A worker has taken it and waits for the rate limit when its time is over."""
    world = World(ledger)
    job = world.job([FIRST], lane="otp", ttl_s=TTL_S)
    claim = world.take()
    assert claim is not None
    advance(ledger, TTL_S + 1)
    assert batch_queues.begin(ledger, claim, TERMS) == NotStarted("empty")
    assert world.counts(job) == {"total": 1, "expired": 1}


def test_claimed_by_a_worker_that_died(line: Scene) -> None:
    """Its lease ends after the deadline: its number goes back to the batch queue, no further."""
    job = line.otp(FIRST)
    accept.accept_job(line.engine, job)
    (due, *_), _ = batch_queues.due_queues(line.ledger, "otp")
    batch_queues.take(line.ledger, due, 1, limit=200, linger_ms=0, lease_ms=60_000, worker="dead")
    no_worker_works(line, TTL_S + 1)
    assert rescuer.rescue(line.engine) == 1
    assert send.send_slice(line.engine, "otp") == 0
    check_expired(line, job)


def test_what_is_in_time_is_sent(line: Scene) -> None:
    """A second before the deadline is in time."""
    job = line.otp(FIRST)
    no_worker_works(line, TTL_S - 2)
    line.run()
    assert line.counts(job) == {"total": 1, "accepted": 1}
