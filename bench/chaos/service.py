"""The service under test: `python -m worker up` on free ports, with times for a short soak."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Final

from rich.console import Console

from bench.sandbox import free_port
from smsline import Client, Unavailable

# Times of minutes and hours, cut down to what a run of a minute can wait for.
TIMES: Final = {
    "LEASE_S": "5",
    "FIRST_POLL_S": "0.5",
    "UNSURE_PROBES_S": "1,3,8,15,25",
    "UNSURE_HORIZON_S__OTP": "5",
    "UNSURE_HORIZON_S__NOTIFY": "30",
    "UNSURE_HORIZON_S__MARKETING": "30",
    "RECEIPT_PROBES_S": "5,10,20,40",
}

# Of one service alone; questions by number are allowed often enough.
SHORT: Final = {
    **TIMES,
    "RECEIPT_DEADLINE_S": "90",
    "LOG_LEVEL": "warning",
    "ACCOUNTS__MAIN__PROVIDER": "tencent",
    "ACCOUNTS__MAIN__SECRET_ID": "sandbox-id",
    "ACCOUNTS__MAIN__SECRET_KEY": "sandbox-key",
    "ACCOUNTS__MAIN__SDK_APP_ID": "1400000000",
    "ACCOUNTS__MAIN__SIGN": "chaos",
    "ACCOUNTS__MAIN__TIMEOUT_S": "2",
    "ACCOUNTS__MAIN__LIMITS__PULLSMSSENDSTATUSBYPHONENUMBER": "500",
}

CLOSE_S: Final = 180.0


@contextmanager
def service(folder: Path, endpoint: str, *, well: str = "") -> Iterator[tuple[int, str]]:
    """`python -m worker up` on free ports: the supervisor's pid and Redis' URL; gone afterwards.

    Args:
        folder: For Redis' files and the log.
        endpoint: The provider of the account `main`.
        well: The provider of a second account, `well`, which takes only jobs that name it; empty
            for none.
    """
    port = free_port()
    mine = {name: value for name, value in os.environ.items() if not name.startswith("SMSLINE_")}
    main = {name.split("__")[2]: value for name, value in SHORT.items() if name.startswith("ACCOUNTS__MAIN__")}
    credentials = {name: value for name, value in main.items() if name != "LIMITS"}
    second = {f"ACCOUNTS__WELL__{name}": value for name, value in {**credentials, "ENDPOINT": well}.items() if well}
    if well:
        # Its numbers are told by the jobs; without a route of its own it would take over
        # from the one that is down.
        second |= {"ACCOUNTS__WELL__PREFIXES": "999", "ACCOUNTS__MAIN__TIMEOUT_S": "10", "LEASE_S": "30"}
    given = {
        f"SMSLINE_{name}": value for name, value in {**SHORT, **second, "ACCOUNTS__MAIN__ENDPOINT": endpoint}.items()
    }
    command = [
        sys.executable,
        "-m",
        "worker",
        "up",
        "--no-web",
        "--no-sandbox",
        "--procs",
        "2",
        "--data",
        str(folder / "data"),
        "--redis-port",
        str(port),
    ]
    root = str(Path(__file__).parents[2])
    with (folder / "log").open("wb") as log:
        process = subprocess.Popen(
            command,
            stdout=subprocess.PIPE,
            stderr=log,
            env={**mine, **given, "PYTHONPATH": root},
            cwd=folder,
            text=True,
        )
        try:
            line = process.stdout.readline() if process.stdout else ""
            if not line.startswith("ready"):
                raise SystemExit(f"chaos: the service did not start:\n{(folder / 'log').read_text()[-2000:]}")
            yield process.pid, f"redis://127.0.0.1:{port}/0"
        finally:
            process.send_signal(signal.SIGTERM)
            with suppress(subprocess.TimeoutExpired):
                process.wait(60)
            process.kill()
            process.wait()


def wait_closed(client: Client, jobs: Sequence[str], screen: Console) -> None:
    """Wait until every job is closed, or the time for it is over."""
    deadline, left = time.monotonic() + CLOSE_S, list(jobs)
    with screen.status("harm is over; waiting for the jobs to close") as shown:
        while left and time.monotonic() < deadline:
            time.sleep(1)
            with suppress(Unavailable):
                left = [job for job in left if not client.status(job)["closed_at"]]
            shown.update(f"harm is over; {len(left):,} jobs are still open")
