"""What a worker does once it is ready: it settles its memory, and reports to its parent.

The report is one byte through an inherited pipe.
"""

import gc
import os
from typing import Final

# Environment variable with the number of the pipe's writing end; absent when the process was
# started by hand.
READY_FD: Final = "_SMSLINE_READY_FD"

# Objects made and not freed after which Python looks for unreachable ones among the new. Its own
# 700 are made twice over by an answer of 200 rows.
NEW_OBJECTS: Final = 20_000


def announce_when_ready() -> None:
    """Write the mark when Celery says that this worker consumes its queues.

    Once, as a worker is ready once.
    """
    from celery import signals  # noqa: PLC0415 - the web process has no need of it

    # Celery keeps weak references to handlers: a lambda would be gone before the signal comes.
    signals.worker_ready.connect(lambda **_: _ready(), weak=False, dispatch_uid="smsline.ready")


def _ready() -> None:
    # What is loaded by now stays: to look it through for what may go stops all threads for 30 to
    # 80 ms, again and again.
    gc.collect()
    gc.freeze()
    gc.set_threshold(NEW_OBJECTS, *gc.get_threshold()[1:])
    mark_ready()


def mark_ready() -> None:
    """Write the mark, if the parent waits for it; only the first time."""
    # Taken out of the environment: a grandchild must not write to a pipe that is not its own.
    if number := os.environ.pop(READY_FD, None):
        descriptor = int(number)
        os.write(descriptor, b"\n")
        os.close(descriptor)
