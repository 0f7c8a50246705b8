"""Work for a lane: accept what is due in its inbox, send what is due in its batch queues."""

from collections.abc import Sequence
from typing import Final

from worker.engine import Engine
from worker.intake import accept
from worker.sending import send

SEND_S: Final = 0.3
"""For how long it is sent between two looks into the inbox."""

REFILL_S: Final = 0.05
"""For how long a thread without work waits for the next part of a job that another one is
accepting."""


def work(engine: Engine, lane: str, seconds: float = 1.0, *, job: str = "", wake: Sequence[str] = ("", "")) -> None:
    """Accept and send for about so long; the scheduler publishes wake-ups for what is left then.

    Args:
        engine: The process' engine.
        lane: Whose inbox and batch queues.
        seconds: For how long.
        job: Who is waiting in the inbox for certain, and is opened without a look; the others come
            after it.
        wake: The wake-up that named it, which is struck out in the same round trip.
    """
    over, busy, dry = engine.slice_ends(seconds), True, False
    with engine.working():
        while busy and not over():
            named, job = job, ""
            accepted = accept.accept_job(engine, named, wake=wake) if named else accept.accept_due(engine, lane)
            # In turns, so that a long backlog of sends does not keep new jobs unaccepted, nor the
            # other way round.
            begun_s = engine.monotonic_s()
            # What the last slice left empty is looked at again when something has come: a look
            # takes 0.1 ms of a message's 3.
            calls = 0 if dry and not (named or accepted) else send.send_slice(engine, lane, SEND_S)
            dry = engine.monotonic_s() - begun_s < SEND_S
            busy = bool(named or accepted or calls)
            if not busy and engine.at_work < engine.settings.worker_threads:
                # Another thread may put more into the batch queues a moment later: a wake-up by
                # Celery for it costs two milliseconds of CPU, half of a call. The last thread does
                # not wait: it is left to other lanes.
                busy, dry = engine.due_queues[lane].refilled(REFILL_S), False
    if busy:
        engine.look_again(0)
