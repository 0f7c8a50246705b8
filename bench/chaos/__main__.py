"""`make chaos`: a campaign and a stream of otps under kill -9, dead Redis and a lying provider, then the count.

Exit code 0 when every promise held, 1 when not.
"""

import argparse
import os
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Final

from rich.console import Console
from rich.table import Table

from bench.chaos.count import Tally, count
from bench.chaos.harm import Harm
from bench.chaos.work import Given, Producer, campaign
from bench.sandbox import free_port
from smsline import Client, Unavailable
from worker.sandbox.background import Background
from worker.sandbox.flags import Fault, Flags

LIES: Final = (
    Fault("lost", p=0.02),
    Fault("garbled", p=0.02),
    Fault("reset", p=0.02),
    Fault("slow", p=0.02, ms=3_000),
    Fault("status", p=0.02),
)
"""Ten of a hundred answers; slow ones come after the account's `timeout_s`."""

SHORT: Final = {
    "LEASE_S": "5",
    "FIRST_POLL_S": "0.5",
    "UNSURE_PROBES_S": "1,3,8,15,25",
    "UNSURE_HORIZON_S__OTP": "5",
    "UNSURE_HORIZON_S__NOTIFY": "30",
    "UNSURE_HORIZON_S__MARKETING": "30",
    "RECEIPT_PROBES_S": "5,10,20,40",
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
"""Times of minutes and hours, cut down to what a soak of a minute can wait for; questions by number are allowed often enough."""

CLOSE_S: Final = 180.0


def main() -> int:
    """Run; returns the exit code."""
    asked = _parser().parse_args()
    screen = Console()
    with tempfile.TemporaryDirectory(prefix="smsline-chaos-") as place:
        flags = Flags(
            steering=False, latency_ms=20, receipt_delay_ms=300, receipt_jitter_ms=500, limits={"*": 0}, faults=LIES
        )
        with Background(flags) as sandbox, service(Path(place), sandbox.url) as (supervisor, redis_url):
            client = Client(redis_url=redis_url)
            screen.print(
                f"{asked.numbers:,} numbers and an otp every 0.1 s, for {asked.seconds:g} s of kills, cuts and lies …"
            )
            given, harm = soak(client, supervisor, asked)
            wait_closed(client, given, screen)
            tally = count(client, given, asked.numbers, sandbox.stats(log=False)["numbers"])
            struck = sandbox.stats(numbers="0", log=False)["faults"]
            client.close()
    screen.print(table(tally, given, harm, struck))
    return 0 if tally.held else 1


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m bench.chaos", description="Break everything, then count. Nothing leaves this machine."
    )
    parser.add_argument("--seconds", type=float, default=60.0, help="how long harm is done (default: 60)")
    parser.add_argument("--numbers", type=int, default=20_000, help="size of the campaign (default: 20000)")
    parser.add_argument("--seed", type=int, default=7, help="of what is killed when (default: 7)")
    return parser


@contextmanager
def service(folder: Path, endpoint: str, *, well: str = "") -> Iterator[tuple[int, str]]:
    """`python -m worker up` on free ports: the supervisor's pid and Redis' URL; gone afterwards.

    Args:
        folder: For Redis' files and the log.
        endpoint: The provider of the account `main`.
        well: The provider of a second account, `well`, which takes only jobs that name it; empty for none.
    """
    port = free_port()
    mine = {name: value for name, value in os.environ.items() if not name.startswith("SMSLINE_")}
    main = {name.split("__")[2]: value for name, value in SHORT.items() if name.startswith("ACCOUNTS__MAIN__")}
    credentials = {name: value for name, value in main.items() if name != "LIMITS"}
    second = {f"ACCOUNTS__WELL__{name}": value for name, value in {**credentials, "ENDPOINT": well}.items() if well}
    if well:
        # Its numbers are told by the jobs; without a route of its own it would take over from the one that is down.
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


def soak(client: Client, supervisor: int, asked: argparse.Namespace) -> tuple[Given, Harm]:
    """Hand over work and do harm, for the time asked."""
    given = Given(campaign(client, asked.numbers, asked.seconds * 0.8), [])
    producer, harm = Producer(client, given), Harm(supervisor, asked.seconds, asked.seed)
    producer.start()
    harm.start()
    harm.join()
    producer.stop()
    return given, harm


def wait_closed(client: Client, given: Given, screen: Console) -> None:
    """Wait until every job is closed, or the time for it is over."""
    deadline, left = time.monotonic() + CLOSE_S, [given.campaign, *given.otps]
    with screen.status("harm is over; waiting for the jobs to close") as shown:
        while left and time.monotonic() < deadline:
            time.sleep(1)
            with suppress(Unavailable):
                left = [job for job in left if not client.status(job)["closed_at"]]
            shown.update(f"harm is over; {len(left):,} jobs are still open")


def table(tally: Tally, given: Given, harm: Harm, struck: dict[str, int]) -> Table:
    """The count, for people."""
    shown = Table("what", "count", "promised", title="promises held" if tally.held else "A PROMISE WAS BROKEN")
    shown.columns[1].justify = "right"
    done = f"{harm.workers} workers killed, Redis {harm.redis} times; {given.refused} submits refused and tried again"
    lies = ", ".join(f"{kind} {times}" for kind, times in sorted(struck.items()))
    rows = (
        ("recipients", tally.recipients, ""),
        *((f"  {state}", number, "") for state, number in sorted(tally.states.items())),
        ("lost", tally.lost, "0"),
        ("delivered, and never sent", tally.silent, "0"),
        ("dead or expired, and sent all the same", tally.denied, "0"),
        ("unknown, and a message went out", tally.unheard, ""),
        ("campaign numbers texted twice", tally.campaign_twice, "0"),
        ("otps texted twice, nobody knowing of the first", tally.otp_twice, "within policy"),
        ("otps texted more than twice", tally.otp_more, "0"),
        ("jobs not closed", tally.open_jobs, "0"),
    )
    for what, number, promised in rows:
        shown.add_row(what, f"{number:,}", promised)
    shown.caption = f"{done}\nanswers: {lies}"
    return shown


if __name__ == "__main__":
    raise SystemExit(main())
