"""One worker process: `python -m worker.supervisor.process NAME QUEUE[,QUEUE…]`.

It runs a Celery worker of these queues.

The same as `celery -A worker.app worker -n NAME -Q QUEUES`, but up in less time, silent on standard
output, and never left behind by the process that started it.
"""

import os
import signal
import socket
import sys
import threading
import time
import warnings
from contextlib import suppress
from typing import Final

from smsline.names import lane_queue

# By how much processes without the otp lane are nicer than the others (0 to 19).
GIVE_WAY: Final = 10


def main(name: str, queues: str) -> int:
    """Work until SIGTERM, which lets every task end.

    Args:
        name: What Celery calls this process, apart from the machine.
        queues: Queues to consume, separated by commas.

    Returns:
        The exit code.
    """
    # Before the imports: the parent may be gone when they are done, and then its id would be
    # another one's.
    parent = os.getppid()
    from celery.exceptions import SecurityWarning  # noqa: PLC0415 - as below

    from worker.app import app, settings  # noqa: PLC0415 - costs a second; the parent may be gone by then

    # Celery warns of root, as which a pickled message could do anything; we take JSON only.
    warnings.filterwarnings("ignore", category=SecurityWarning)
    if lane_queue("otp") not in queues.split(","):
        give_way()
    watch = (parent, longest_stop_s(settings.longest_call_s))
    # A daemon: it must not keep the process from ending.
    threading.Thread(target=_leave_with, args=watch, name="parent-watch", daemon=True).start()
    worker = app.Worker(hostname=f"{name}@{socket.gethostname()}", queues=queues.split(","), quiet=True)
    worker.start()
    return int(worker.exitcode or 0)


def give_way() -> None:
    """Leave the cores to processes with a shorter deadline.

    One for campaigns must not keep otp waiting.
    """
    with suppress(OSError):
        os.nice(GIVE_WAY)


def longest_stop_s(timeout_s: float) -> float:
    """How long a worker may take to stop.

    A task's slice of about a second ends with a call, whose answer is recorded.

    Args:
        timeout_s: The longest time of one call.
    """
    return 1.0 + timeout_s + 4.0 + 5.0  # slice, call, recording and goodbye, and once more the same for a slow machine


def _leave_with(parent: int, patience_s: float) -> None:
    """End when the parent has ended, warmly if that can be done in time.

    On Linux SIGTERM has come already (`worker.supervisor.child`); but Redis ends at the same time,
    and a worker that cannot record what it did would try for ever.
    """
    # A dead parent's children are adopted: the parent's id changes. Polled, because only Linux has
    # a signal for it.
    while os.getppid() == parent:
        time.sleep(0.5)
    os.kill(os.getpid(), signal.SIGTERM)
    time.sleep(patience_s)
    os._exit(1)


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
