"""A scheduled start: nothing goes out before its time, and the ttl counts from it."""

import math
import time
from collections import Counter

import pytest

from smsline.ledger.link import Ledger
from tests.integration.controls.passing_time import let_pass, no_worker_works
from tests.support.scene import Scene, make_scene
from tests.support.world import FIRST, some_numbers

HOUR_S = 3600


@pytest.fixture
def line(ledger: Ledger) -> Scene:
    """A scene whose lanes do not linger."""
    return make_scene(ledger, linger_ms=0)


def in_an_hour() -> float:
    """Epoch seconds."""
    return time.time() + HOUR_S


@pytest.mark.parametrize("pace", [None, 0.02])
def test_nothing_goes_out_before_the_start(line: Scene, pace: float | None) -> None:
    """The inbox is due at the start and not looked at before.

    Then all goes out, a paced job at its pace from then on.
    """
    start_s = in_an_hour()
    job = line.submit(some_numbers(2), start_s=start_s, pace=pace)
    inbox = line.ledger.keys.inbox("marketing")
    assert line.ledger.redis.zscore(inbox, job) / 1000 == math.ceil(start_s)
    line.run()
    let_pass(line, HOUR_S - 10)
    assert line.counts(job) == {"total": 2, "waiting": 2}
    assert line.provider.calls == []
    let_pass(line, 11)
    assert line.counts(job)["accepted"] == (1 if pace else 2)
    let_pass(line, 50)
    assert line.texts() == Counter(some_numbers(2))


def test_parts_that_come_late_or_again_do_not_bring_it_forward(line: Scene) -> None:
    """Neither the last part, nor a part that is handed over twice, nor a pause and a resume."""
    start_s = in_an_hour()
    job = line.submit(some_numbers(5), parts=None, start_s=start_s)
    line.submit(some_numbers(5, FIRST + 5), job=job, part_no=1, parts=2, start_s=start_s)
    line.submit(some_numbers(5, FIRST + 5), job=job, part_no=1, parts=2, start_s=start_s)
    line.ask.pause(job)
    line.run()
    line.ask.resume(job)
    let_pass(line, HOUR_S - 10)
    assert line.provider.calls == []
    let_pass(line, 11)
    assert line.texts() == Counter(some_numbers(10))


def test_a_paused_job_does_not_start_at_its_start(line: Scene) -> None:
    """It starts when it is resumed after it."""
    job = line.submit(some_numbers(5), start_s=in_an_hour())
    line.ask.pause(job)
    let_pass(line, HOUR_S + 10)
    assert line.provider.calls == []
    line.ask.resume(job)
    line.run()
    assert line.texts() == Counter(some_numbers(5))


def test_the_ttl_counts_from_the_start(line: Scene) -> None:
    """A message that may be sent for a minute may be sent for a minute after the start."""
    kept = line.submit([FIRST], start_s=in_an_hour(), ttl_s=60)
    missed = line.submit([FIRST + 1], start_s=in_an_hour(), ttl_s=60, template="77")
    line.ask.pause(missed)
    let_pass(line, HOUR_S + 2)
    assert line.counts(kept) == {"total": 1, "accepted": 1}
    assert line.counts(missed) == {"total": 1, "waiting": 1}
    let_pass(line, 60)
    assert line.counts(missed) == {"total": 1, "expired": 1}


def test_an_outage_at_the_start_costs_its_time_only(line: Scene) -> None:
    """No worker ran when it was to start: it starts when one does, within its ttl."""
    job = line.submit(some_numbers(5), start_s=in_an_hour(), ttl_s=600)
    no_worker_works(line, HOUR_S + 300)
    line.run()
    assert line.counts(job) == {"total": 5, "accepted": 5}


def test_a_scheduled_job_can_be_cancelled(line: Scene) -> None:
    """It ends at once, not at its start."""
    job = line.submit(some_numbers(5), start_s=in_an_hour())
    line.ask.cancel(job)
    line.run()
    assert line.counts(job) == {"total": 5, "cancelled": 5}
    assert line.status(job)["closed_at"]
    let_pass(line, HOUR_S + 10)
    assert line.provider.calls == []


def test_a_start_in_the_past_is_now(line: Scene) -> None:
    """It is sent at once, and its ttl counts from now."""
    job = line.submit([FIRST], start_s=time.time() - HOUR_S, ttl_s=60)
    line.run()
    assert line.counts(job) == {"total": 1, "accepted": 1}
