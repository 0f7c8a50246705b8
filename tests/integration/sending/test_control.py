"""Levers and deadlines: pause, resume, cancel, start, pace and ttl, in the middle of a job."""

import time

import pytest

from smsline.errors import Conflict, NotFound
from tests.support.provider import FakeProvider, accept, never_left
from tests.support.scene import Scene
from tests.support.world import FIRST, some_numbers
from worker.providers.base import Answer, Call


def test_a_job_paused_in_the_middle_sends_nothing_more_until_it_goes_on(scene: Scene) -> None:
    """Calls in flight end normally; what is left waits, and goes out when the job is resumed."""
    job = scene.submit(some_numbers(600))

    def pause_first(provider: FakeProvider, call: Call) -> Answer:
        scene.ask.pause(job)
        return accept(provider, call)

    scene.provider.script.append(pause_first)
    scene.send_all()
    assert len(scene.provider.calls) == 1
    assert scene.status(job)["state"] == "paused"
    assert scene.counts(job) == {"total": 600, "waiting": 400, "accepted": 200}
    scene.later(3600)
    assert len(scene.provider.calls) == 1
    scene.ask.resume(job)
    scene.send_all()
    assert scene.counts(job) == {"total": 600, "accepted": 600}
    assert scene.texts() == dict.fromkeys(some_numbers(600), 1)


def test_a_job_cancelled_in_the_middle_ends(scene: Scene) -> None:
    """What was accepted gets its receipt; the rest ends as cancelled; nothing can change."""
    job = scene.submit(some_numbers(600))

    def cancel_first(provider: FakeProvider, call: Call) -> Answer:
        scene.ask.cancel(job)
        return accept(provider, call)

    scene.provider.script.append(cancel_first)
    scene.send_all()
    assert scene.counts(job) == {"total": 600, "accepted": 200, "cancelled": 400}
    scene.provider.deliver()
    scene.later(10)
    assert scene.counts(job) == {"total": 600, "delivered": 200, "cancelled": 400}
    assert scene.status(job)["closed_at"]
    assert scene.status(job)["state"] == "cancelled"
    for lever in (scene.ask.resume, scene.ask.pause):
        with pytest.raises(Conflict, match="can no longer become"):
            lever(job)


def test_a_retry_of_a_cancelled_job_is_not_made(scene: Scene) -> None:
    """A recipient whose call failed when the job was cancelled ends as cancelled, and soon."""
    job = scene.submit(some_numbers(2))
    for _ in range(4):
        scene.provider.script.append(never_left())
    scene.send_all()
    scene.later(10)
    scene.ask.cancel(job)
    scene.later(61)
    assert scene.counts(job) == {"total": 2, "cancelled": 2}


def test_a_retry_that_comes_back_after_the_end_ends_within_a_lease(scene: Scene) -> None:
    """The call was under way when the job was cancelled, and its recipients wait for hours.

    They do not keep the job open.
    """
    job = scene.submit(some_numbers(2))

    def cancel_first(provider: FakeProvider, call: Call) -> Answer:
        scene.ask.cancel(job)
        scene.tick_ends()
        return never_left()(provider, call)

    for _ in range(20):
        scene.provider.usual = cancel_first
    scene.send_all()
    scene.later(61)
    assert scene.counts(job) == {"total": 2, "cancelled": 2}
    assert scene.status(job)["closed_at"]


def test_what_waits_expires_at_the_deadline(scene: Scene) -> None:
    """In the inbox, in a line, and put off for a retry alike; no recipient is texted late."""
    scene.ask.pause(paused := scene.submit(some_numbers(3), ttl_s=100))
    scene.run()
    late = scene.submit(some_numbers(3, FIRST + 10), ttl_s=100, start_s=time.time() + 50)
    retried = scene.submit(some_numbers(3, FIRST + 20), ttl_s=100)
    scene.provider.usual = never_left()
    scene.later(101)
    assert scene.counts(paused) == {"total": 3, "expired": 3}
    assert scene.counts(retried) == {"total": 3, "expired": 3}
    assert scene.counts(late) == {"total": 3, "waiting": 3}
    scene.later(55)
    assert scene.counts(late) == {"total": 3, "expired": 3}
    assert not scene.provider.out
    assert all(row["final_at"] for row in scene.results(paused))


def test_a_scheduled_job_keeps_its_start(scene: Scene) -> None:
    """Nothing goes out before it, a pause and a resume in between included."""
    job = scene.submit(some_numbers(3), start_s=time.time() + 3600)
    scene.later(1000)
    scene.ask.pause(job)
    scene.ask.resume(job)
    scene.later(1000)
    assert not scene.provider.calls
    scene.later(1700)
    scene.later(1)
    assert scene.counts(job) == {"total": 3, "accepted": 3}


def test_a_paced_job_keeps_its_pace(scene: Scene) -> None:
    """Ten a second are ten a second, from the start and after a pause."""
    job = scene.submit(some_numbers(100), pace=10)
    scene.run()
    assert 10 <= len(scene.texts()) <= 20
    before = len(scene.texts())
    for _ in range(3):
        scene.later(1)
    assert before + 20 <= len(scene.texts()) <= before + 50
    scene.ask.pause(job)
    scene.later(60)
    before = len(scene.texts())
    scene.ask.resume(job)
    scene.run()
    assert len(scene.texts()) <= before + 30
    scene.until(lambda: len(scene.texts()) == 100)
    assert set(scene.texts().values()) == {1}


def test_levers_of_a_job_that_is_not_there(scene: Scene) -> None:
    """The message says how to find those that are."""
    with pytest.raises(NotFound, match="smsline jobs"):
        scene.ask.pause("0" * 18)
