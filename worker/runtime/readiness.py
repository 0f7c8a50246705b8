"""How a process reports to its parent that it is ready: one byte through an inherited pipe."""

import os
from typing import Final

# Environment variable with the number of the pipe's writing end; absent when the process was
# started by hand.
READY_FD: Final = "_SMSLINE_READY_FD"


def announce_when_ready() -> None:
    """Write the mark when Celery says that this worker consumes its queues.

    Once, as a worker is ready once.
    """
    from celery import signals  # noqa: PLC0415 - the web process has no need of it

    # Celery keeps weak references to handlers: a lambda would be gone before the signal comes.
    signals.worker_ready.connect(lambda **_: mark_ready(), weak=False, dispatch_uid="smsline.ready")


def mark_ready() -> None:
    """Write the mark, if the parent waits for it; only the first time."""
    # Taken out of the environment: a grandchild must not write to a pipe that is not its own.
    if number := os.environ.pop(READY_FD, None):
        descriptor = int(number)
        os.write(descriptor, b"\n")
        os.close(descriptor)
