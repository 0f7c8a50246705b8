"""The demo's service: Redis, sandbox and workers on free ports, until SIGTERM.

`python -m worker.demo.service FOLDER` runs the same plan under the same supervision as `python -m
worker up`. It says everything into FOLDER/log, and reports once in FOLDER/report.json: where things
are, or why they are not.
"""

import os
import socket
import sys
from pathlib import Path

from config.logs import setup_logging
from config.settings import load_settings
from smsline.ledger.server import answers
from worker.demo.running import LOG, Report
from worker.supervisor.embedded_redis import HOST
from worker.supervisor.plan import plan_up
from worker.supervisor.supervisor import CannotStart, supervise


def main(folder: Path) -> int:
    """Serve until SIGTERM.

    Args:
        folder: Where the log, the report and Redis' files go.

    Returns:
        The exit code.
    """
    # Descriptors, not sys.stdout: the children inherit them, and Redis writes to them without
    # Python.
    log = os.open(folder / LOG, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
    os.dup2(log, 1)
    os.dup2(log, 2)
    os.close(log)
    with socket.socket() as probe:
        probe.bind((HOST, 0))
        redis_port: int = probe.getsockname()[1]
    try:
        settings = load_settings()
        setup_logging(settings)
        plan = plan_up(settings, data=folder / "redis", redis_port=redis_port, sandbox=True)
        workers = plan.stages[-1].children
        supervise(
            plan.stages,
            reachable=lambda: answers(plan.redis_url),
            announce=lambda: Report(
                # Where the sandbox is stands in the account that the workers were given for it.
                plan.redis_url,
                workers[0].environ["SMSLINE_ACCOUNTS__SANDBOX__ENDPOINT"],
                len(workers),
            ).write(folder),
        )
    except CannotStart as error:
        Report(trouble=str(error)).write(folder)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1])))
