"""`python -m bench.baselines.plain_worker NAME`: a Celery worker of the plain tasks.

It runs until SIGTERM.
"""

import os
import socket
import sys
import warnings

from celery.exceptions import CPendingDeprecationWarning
from celery.platforms import SecurityWarning

from bench.baselines.plain import plain_app
from worker.runtime.celery_patches import QuietConsumer
from worker.runtime.readiness import announce_when_ready


def main(name: str) -> int:
    """Work.

    Args:
        name: What Celery calls this process, apart from the machine.
    """
    warnings.filterwarnings("ignore", category=SecurityWarning)
    warnings.filterwarnings("ignore", category=CPendingDeprecationWarning)
    announce_when_ready()
    app = plain_app(os.environ["BENCH_REDIS_URL"])
    app.conf.worker_consumer = QuietConsumer
    worker = app.Worker(hostname=f"{name}@{socket.gethostname()}", quiet=True, loglevel="WARNING")
    worker.start()
    return int(worker.exitcode or 0)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1]))
