"""A worker that can take jobs in, a mark for whoever started it out: one byte through an inherited pipe."""

import os
from typing import Any, Final

from celery import signals

READY_FD: Final = "_SMSLINE_READY_FD"
"""Environment variable with the number of the pipe's writing end; absent when nobody waits."""


def announce_when_ready() -> None:
    """Write the mark when Celery says that this worker consumes its queues; once, as a worker is ready once."""
    signals.worker_ready.connect(_announce, dispatch_uid="smsline.ready")


def _announce(**_: Any) -> None:  # noqa: ANN401 - Celery's sender
    if number := os.environ.pop(READY_FD, None):
        descriptor = int(number)
        os.write(descriptor, b"\n")
        os.close(descriptor)
