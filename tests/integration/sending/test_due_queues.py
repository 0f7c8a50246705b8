"""Due queues: a process' threads share them out, and a long one among themselves."""

from contextlib import ExitStack

from smsline.job import new_job_id
from smsline.ledger import inbox
from tests.support.scene import Scene
from tests.support.world import some_numbers
from worker.intake.accept import accept_job
from worker.runtime.scheduler import Scheduler
from worker.sending.loop import work


def test_threads_get_different_queues(scene: Scene) -> None:
    """Each asks for the next one, and none gets a batch queue that another has just got."""
    for number in some_numbers(5):
        accept_job(scene.engine, scene.otp(number, str(number)))
    due = scene.engine.due_queues["otp"]
    # However long this takes, what was read is not too old to be handed out.
    due.monotonic_s = lambda: 0.0
    got = [each.queue for _ in range(5) if (each := due.next(scene.ledger, scene.engine.takes, lambda _due: 0)[0])]
    assert len(set(got)) == 5


def test_a_queue_that_stays_due_is_handed_out_again(scene: Scene) -> None:
    """So that several threads make the calls of one campaign."""
    accept_job(scene.engine, scene.otp(some_numbers(1)[0]))
    due = scene.engine.due_queues["otp"]
    first, second = (
        due.next(scene.ledger, scene.engine.takes, lambda _due: 0)[0],
        due.next(scene.ledger, scene.engine.takes, lambda _due: 0)[0],
    )
    assert first is not None
    assert second is not None
    assert first.queue == second.queue


def test_a_wake_up_for_a_job_takes_the_others_too(scene: Scene) -> None:
    """Also when the job that it names is in work already, because others count on it."""
    numbers = some_numbers(3)
    named = scene.otp(numbers[0])
    work(scene.engine, "otp", 60, job=named)
    for number in numbers[1:]:
        scene.otp(number)
    work(scene.engine, "otp", 60, job=named)
    assert scene.texts() == dict.fromkeys(numbers, 1)


def test_one_wake_up_does_all_that_is_due(scene: Scene) -> None:
    """Jobs in the inbox are accepted and sent, also more than are opened at once."""
    numbers = some_numbers(40)
    for number in numbers:
        scene.otp(number, str(number))
    work(scene.engine, "otp", 60)
    assert scene.texts() == dict.fromkeys(numbers, 1)


def test_a_process_whose_threads_are_all_at_work_asks_for_no_task(scene: Scene) -> None:
    """Its own threads go on by themselves, and look again when they stop.

    A wake-up more would only wait in the queue.
    """
    published: list[dict[str, object]] = []
    scheduler = Scheduler(scene.engine, ["smsline.otp"], lambda _task, _queue, kwargs: published.append(kwargs))
    scene.otp(some_numbers(1)[0])
    with ExitStack() as threads:
        for _ in range(scene.engine.settings.worker_threads):
            threads.enter_context(scene.engine.working())
        scheduler.look()
        assert not published
    scheduler.look()
    assert [kwargs["lane"] for kwargs in published] == ["otp"]


def test_senders_are_woken_with_the_first_parts_of_a_job(scene: Scene) -> None:
    """Its calls begin while the rest of it is accepted, and not when all of it is."""
    job, left = new_job_id(), list[bool]()
    for part_no, number in enumerate(some_numbers(5)):
        scene.submit([number], job=job, part_no=part_no, parts=5)
    scene.engine.look_again = lambda _ms: left.append(inbox.waiting_parts(scene.ledger, job)[0] != [])
    accept_job(scene.engine, job, 60)
    assert left == [True, False]
