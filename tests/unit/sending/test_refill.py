"""Threads without work wait for the next part of a job that another accepts, and nothing else."""

import threading
import time

from worker.due_queues import DueQueues


def test_a_thread_waits_for_the_next_part_while_a_job_is_accepted() -> None:
    """It goes on with the part; when the job is accepted, or none is, nothing is waited for."""
    queues, waited = DueQueues("marketing", time.monotonic), list[bool]()
    assert not queues.refilled(60)
    with queues.accepting() as filled:
        thread = threading.Thread(target=lambda: waited.append(queues.refilled(60)))
        thread.start()
        while not waited:
            filled()
        thread.join()
        assert waited == [True]
        assert not queues.refilled(0)
    assert not queues.refilled(60)
