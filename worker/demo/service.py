"""The demo's service: Redis, sandbox and workers on free ports, until SIGTERM.

`python -m worker.demo.service FOLDER` runs the same plan under the same supervision as `python -m worker up`. It says
everything into FOLDER/log, and reports once in FOLDER/report.json: where things are, or why they are not.
"""

import os
import socket
import sys
from pathlib import Path

from config.logs import setup_logging
from config.settings import load_settings
from worker.demo.running import LOG, Report
from worker.supervisor.embedded_redis import HOST
from worker.supervisor.plan import Plan, answers, plan_up
from worker.supervisor.supervisor import CannotStart, supervise


def main(folder: Path) -> int:
    """Serve until SIGTERM.

    Args:
        folder: Where the log, the report and Redis' files go.

    Returns:
        The exit code.
    """
    _speak_into(folder / LOG)
    try:
        settings = load_settings()
        setup_logging(settings)
        plan = plan_up(settings, data=folder / "redis", redis_port=_free_port(), sandbox=True)
        supervise(
            plan.stages,
            reachable=lambda: answers(plan.redis_url),
            announce=lambda: _report_of(plan).write(folder),
        )
    except CannotStart as error:
        Report(trouble=str(error)).write(folder)
        return 1
    return 0


def _report_of(plan: Plan) -> Report:
    workers = plan.stages[-1].children
    # Where the sandbox is stands in the account that the workers were given for it.
    return Report(plan.redis_url, workers[0].environ["SMSLINE_ACCOUNTS__SANDBOX__ENDPOINT"], len(workers))


def _speak_into(log: Path) -> None:
    """Send what this process and its children say into a file."""
    target = os.open(log, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
    os.dup2(target, 1)
    os.dup2(target, 2)
    os.close(target)


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind((HOST, 0))
        port: int = probe.getsockname()[1]
    return port


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1])))
