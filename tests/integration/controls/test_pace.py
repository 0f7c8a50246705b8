"""Pace: so many numbers of a job a second, smoothly.

This holds after a pause or an outage, too, when all of it is overdue at once.
"""

from collections import Counter

import pytest

from smsline.ledger import batch_queues, buckets, waits
from smsline.ledger.accepting import Block, Timing, accept_part
from smsline.ledger.batch_queues import NotStarted
from smsline.ledger.link import Ledger
from smsline.ledger.runs import decode
from tests.integration.controls.passing_time import Course, let_pass, no_worker_works
from tests.support.clock import advance
from tests.support.provider import never_left
from tests.support.scene import Scene, make_scene
from tests.support.world import FIRST, TERMS, World, some_numbers
from worker.intake import accept

SLOW = 0.2
APART_S = 5.0
"""A pace of one number every five seconds."""


@pytest.fixture
def paced(ledger: Ledger) -> Scene:
    """A scene whose lanes do not linger."""
    return make_scene(ledger, linger_ms=0)


def accept_only(scene: Scene) -> None:
    """Take what is in the inbox, and send nothing."""
    for job in scene.due(scene.ledger.keys.inbox("marketing")):
        accept.accept_job(scene.engine, job)


def schedule(ledger: Ledger) -> list[tuple[float, int]]:
    """When how many numbers are put down for, epoch seconds, soonest first."""
    found = ledger.redis.zrange(ledger.keys.later, 0, -1, withscores=True)
    return [(at_ms / 1000, len(decode(member.decode().rsplit("|", 1)[1]))) for member, at_ms in found]


def stray_s(scene: Scene, pace: float) -> float:
    """How far the schedule strays from so many numbers a second, at most, from the first on."""
    (start_s, _), before, most_s = schedule(scene.ledger)[0], 0, 0.0
    for at_s, count in schedule(scene.ledger):
        most_s = max(most_s, abs(at_s - start_s - before / pace))
        before += count
    return most_s


def sent_at_each_place(scene: Scene, course: Course, *, first: int, last: int) -> list[int]:
    """How many messages go out at each place of a slow job's schedule.

    It is looked at half of the way to the next one.
    """
    each = []
    for place in range(first, last + 1):
        before = len(scene.provider.out)
        course.to((place + 0.5) * APART_S)
        each.append(len(scene.provider.out) - before)
    return each


def each_number_once(scene: Scene, count: int) -> bool:
    """Whether each of the first so many numbers has had one message."""
    return scene.texts() == Counter(some_numbers(count))


@pytest.mark.parametrize(
    ("pace", "count", "parts"), [(100, 1000, 1), (100, 1000, 4), (1000, 3000, 2), (7, 140, 1), (0.5, 20, 1)]
)
def test_the_schedule_is_smooth(paced: Scene, pace: float, count: int, parts: int) -> None:
    """So many a second are put down in a row without a gap, in however many parts they come."""
    size, job = count // parts, ""
    for part_no in range(parts):
        numbers = some_numbers(size, FIRST + part_no * size)
        job = paced.submit(numbers, job=job, part_no=part_no, parts=parts, pace=pace)
    accept_only(paced)
    assert sum(put_down for _, put_down in schedule(paced.ledger)) == count
    assert max(put_down for _, put_down in schedule(paced.ledger)) <= max(1, min(200, pace))
    assert stray_s(paced, pace) < 0.01


def test_it_goes_out_as_it_is_scheduled(paced: Scene) -> None:
    """One at each place, from the first to the last, and every number once."""
    course = Course(paced)
    paced.submit(some_numbers(8), pace=SLOW)
    paced.run()
    assert sent_at_each_place(paced, course, first=1, last=7) == [1] * 7
    assert each_number_once(paced, 8)


def test_a_worker_that_is_late_loses_no_place(paced: Scene) -> None:
    """A block that goes out late is followed by one in time, less than a place after it.

    Neither is put at the end for that.
    """
    course = Course(paced)
    paced.submit(some_numbers(6), pace=SLOW)
    paced.run()
    for at_s in (7, 10.3, 17, 20.3, 27):
        course.to(at_s)
    assert each_number_once(paced, 6)


def test_parts_that_come_one_by_one_keep_the_pace(paced: Scene) -> None:
    """A stream that keeps up with its pace goes out at its pace.

    Each part's place is after the last one's, not after them all.
    """
    course = Course(paced)
    job = paced.submit(some_numbers(2), parts=None, stream=True, pace=SLOW)
    paced.run()
    for part_no in range(1, 4):
        course.to((part_no * 2 - 0.5) * APART_S)
        numbers = some_numbers(2, FIRST + part_no * 2)
        paced.submit(numbers, job=job, part_no=part_no, parts=4, stream=True, pace=SLOW)
        paced.run()
        course.to((part_no * 2 + 0.5) * APART_S)
    course.to(7.5 * APART_S)
    assert each_number_once(paced, 8)


def test_a_stream_that_stops_for_a_while_is_not_made_up_for(paced: Scene) -> None:
    """The part that comes then goes out at the pace, from now on."""
    job = paced.submit(some_numbers(100), parts=None, stream=True, pace=100)
    let_pass(paced, 60)
    paced.submit(some_numbers(900, FIRST + 100), job=job, part_no=1, parts=2, stream=True, pace=100)
    accept_only(paced)
    assert stray_s(paced, 100) < 0.01
    assert abs(schedule(paced.ledger)[0][0] - paced.engine.now_ms() / 1000) < 5


@pytest.mark.parametrize(("pace", "count"), [(400, 1000), (100, 300), (30, 150), (1, 8), (0.5, 6)])
def test_after_an_outage_a_second_s_worth_goes_out(paced: Scene, pace: float, count: int) -> None:
    """When all is overdue, a second's worth goes out (and half a block at most).

    The rest gets new places, and none is lost or doubled.
    """
    paced.submit(some_numbers(count), pace=pace)
    accept_only(paced)
    no_worker_works(paced, count / pace + 10)
    paced.run()
    block = max(1, min(200, pace))
    assert max(pace, 1) <= len(paced.provider.out) <= max(pace, 1.5 * block)
    assert len(paced.provider.out) + sum(put_down for _, put_down in schedule(paced.ledger)) == count
    assert stray_s(paced, pace) <= block / pace + 0.01
    paced.until(lambda: len(paced.provider.out) == count, step_s=1, within_s=count / pace + 5)
    assert each_number_once(paced, count)


def test_after_a_pause_a_second_s_worth_goes_out(paced: Scene) -> None:
    """What was set aside comes back at the pace, behind what is put down, each number once."""
    course = Course(paced)
    job = paced.submit(some_numbers(8), pace=SLOW)
    paced.run()
    paced.ask.pause(job)
    assert sent_at_each_place(paced, course, first=1, last=3) == [0] * 3
    paced.ask.resume(job)
    paced.run()
    assert len(paced.provider.out) == 2
    assert max(sent_at_each_place(paced, course, first=4, last=11)) == 1
    assert each_number_once(paced, 8)


def test_many_pauses_lose_and_double_nothing(paced: Scene) -> None:
    """However often a job stops and goes on, each number has one message and the pace holds."""
    job = paced.submit(some_numbers(12), pace=SLOW)
    paced.run()
    for places in (1, 7, 1, 1, 60):
        paced.ask.pause(job)
        let_pass(paced, places * APART_S)
        paced.ask.resume(job)
        before = len(paced.provider.out)
        let_pass(paced, APART_S)
        assert len(paced.provider.out) - before <= 1.5 + SLOW * APART_S
    paced.until(lambda: len(paced.provider.out) == 12, step_s=APART_S, within_s=100)
    assert each_number_once(paced, 12)


def test_a_try_is_a_place_taken(ledger: Ledger) -> None:
    """Calls that fail make no room: so many numbers a second are called, not reached."""
    # Without its circuit breaker, which would hold the account after four of them.
    paced = make_scene(ledger, linger_ms=0, breaker_failures=0)
    paced.provider.usual = never_left("http.PoolTimeout")
    course = Course(paced)
    paced.submit(some_numbers(100), pace=SLOW)
    for place in range(8):
        course.to((place + 0.5) * APART_S)
        assert place < len(paced.provider.calls) <= 1.5 + place + 0.5


def test_another_job_in_the_same_batch_queue_is_not_held_up(paced: Scene) -> None:
    """A job without a pace that says the same goes out at full speed beside it."""
    job = paced.submit(some_numbers(200), pace=10)
    other = paced.submit(some_numbers(600, FIRST + 5000))
    paced.run()
    assert paced.counts(other) == {"total": 600, "accepted": 600}
    assert paced.counts(job)["accepted"] < 100


def test_the_deadline_is_later_by_the_time_the_pace_needs(paced: Scene) -> None:
    """Forty seconds for eight numbers: the last one has the ttl that the first one has."""
    course = Course(paced)
    job = paced.submit(some_numbers(4), parts=None, pace=SLOW, ttl_s=10)
    paced.submit(some_numbers(4, FIRST + 4), job=job, part_no=1, parts=2, pace=SLOW, ttl_s=10)
    held = paced.ledger.redis.hmget(paced.ledger.keys.job(job), "start_ms", "deadline_ms")
    assert int(held[1]) - int(held[0]) == 50_000
    assert paced.ledger.redis.zscore(paced.ledger.keys.expire, job) == int(held[1])
    paced.run()
    sent_at_each_place(paced, course, first=1, last=7)
    assert paced.counts(job) == {"total": 8, "accepted": 8}


def test_what_a_look_has_put_off_the_next_look_leaves_alone(ledger: Ledger) -> None:
    """A claim that waits for the rate limit is looked at again and again.

    Its overdue blocks get one new place each, not several.
    """
    world = World(ledger)
    job = world.submit(some_numbers(200), pace=100)
    halves = (some_numbers(100), some_numbers(100, FIRST + 100))
    blocks = [Block(world.queue.text(), "{}", half, params="[]") for half in halves]
    accept_part(ledger, job, 0, lane="marketing", blocks=blocks, timing=Timing(pace=1e6))
    advance(ledger, 0.001)
    waits.move_due(ledger, ledger.keys.later, only_due=True)
    buckets.shut(ledger, "main", TERMS.action, 60_000)
    claim = world.take()
    assert claim is not None
    assert len(claim.entries) == 2
    for _ in range(3):
        answer = batch_queues.begin(ledger, claim, TERMS)
        assert isinstance(answer, NotStarted)
        assert answer.why == "wait"
    ((place_s, count),) = schedule(ledger)
    assert count == 100
    assert place_s == pytest.approx(int(ledger.redis.time()[0]) + 1, abs=1.5)
    assert batch_queues.release(ledger, claim) == 1
