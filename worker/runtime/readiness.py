"""How a process tells the one that started it that it is ready: one byte through an inherited pipe."""

import os
from typing import Any, Final

READY_FD: Final = "_SMSLINE_READY_FD"
"""Environment variable with the number of the pipe's writing end; absent when nobody waits."""


def announce_when_ready() -> None:
    """Write the mark when Celery says that this worker consumes its queues; once, as a worker is ready once."""
    from celery import signals  # noqa: PLC0415 - the web process has no need of it

    signals.worker_ready.connect(_announce, dispatch_uid="smsline.ready")


def _announce(**_: Any) -> None:  # noqa: ANN401 - Celery's sender
    mark_ready()


def mark_ready() -> None:
    """Write the mark, if anybody waits for it; only the first time."""
    if number := os.environ.pop(READY_FD, None):
        descriptor = int(number)
        os.write(descriptor, b"\n")
        os.close(descriptor)
