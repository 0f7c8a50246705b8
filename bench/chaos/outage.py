"""`python -m bench.chaos.outage`: a provider fails in the middle of a campaign.

Afterwards both sides are counted.

Beside it a healthy account in the same worker process has single messages all the time: how long
they take is told for the time before the outage and for the time of it. Exit code 0 when at least
99 of 100 were delivered, none was texted twice, every job closed, and the healthy account's p99 was
at most twice what it was.
"""

import argparse
import tempfile
import threading
import time
from contextlib import suppress
from pathlib import Path
from statistics import quantiles
from typing import Final

from rich.console import Console
from rich.table import Table

from bench.chaos.service import service, wait_closed
from bench.chaos.strike import KINDS, Strike
from bench.chaos.switch import Switch
from bench.chaos.work import CAMPAIGN_FIRST, campaign
from smsline import Client, Unavailable
from worker.sandbox.background import Background
from worker.sandbox.flags import Flags

HEALTHY_FIRST: Final = 8613950000000
EVERY_S: Final = 0.1
# Before the outage, for the comparison.
STEADY_S: Final = 10.0

NOTICED: Final = 0.99


class Healthy(threading.Thread):
    """Single messages of the healthy account, and how long each took to be accepted.

    Attributes:
        took_s: Start and length of each, by the monotonic clock.
    """

    def __init__(self, client: Client) -> None:
        super().__init__(name="healthy", daemon=True)
        self.took_s: list[tuple[float, float]] = []
        self.jobs: list[str] = []
        self._client = client
        self._over = threading.Event()

    def run(self) -> None:
        """Send one, wait until it is accepted, and again."""
        while not self._over.wait(EVERY_S):
            began_s = time.monotonic()
            with suppress(Unavailable):
                to = f"+{HEALTHY_FIRST + len(self.jobs)}"
                job = self._client.send(to=to, template="1234", lane="notify", account="well", ttl_s=120)
                self.jobs.append(job)
                while self._client.status(job)["counts"]["waiting"] and not self._over.wait(0.003):
                    pass
                self.took_s.append((began_s, time.monotonic() - began_s))

    def stop(self) -> None:
        """Send no more."""
        self._over.set()
        self.join()


def main() -> int:
    """Run each outage that is asked for; returns the exit code."""
    parser = argparse.ArgumentParser(prog="python -m bench.chaos.outage", description=__doc__)
    parser.add_argument("kinds", nargs="*", choices=[*KINDS, []], help="which (all)")
    parser.add_argument("--seconds", type=float, default=60.0, help="how long the provider is down (60)")
    parser.add_argument("--numbers", type=int, default=50_000, help="size of the campaign (50000)")
    parser.add_argument("--pace", type=float, default=600.0, help="its numbers per second (600)")
    asked = parser.parse_args()
    held = [outage(kind, asked) for kind in asked.kinds or KINDS]
    return 0 if all(held) else 1


def outage(kind: str, asked: argparse.Namespace) -> bool:
    """One outage; whether what is promised held."""
    screen, flags = Console(), Flags(steering=False, latency_ms=20, receipt_delay_ms=300, limits={"*": 0})
    with (
        tempfile.TemporaryDirectory(prefix="smsline-outage-") as place,
        Background(flags) as down,
        Background(flags) as well,
        Switch(int(down.url.rsplit(":", 1)[1])) as door,
        service(Path(place), door.url, well=well.url) as (_, redis_url),
    ):
        client = Client(redis_url=redis_url)
        healthy, strike = Healthy(client), Strike(down, door)
        job = campaign(client, asked.numbers, asked.numbers / asked.pace)
        healthy.start()
        time.sleep(STEADY_S)
        began_s = time.monotonic()
        screen.print(f"{kind} for {asked.seconds:g} s …")
        strike.begin(kind)
        time.sleep(asked.seconds)
        ended_s = time.monotonic()
        strike.end(kind)
        healthy.stop()
        wait_closed(client, [job, *healthy.jobs], screen)
        counts = client.status(job)["counts"]
        sent = down.stats(log=False)["numbers"]
        calls = down.stats(numbers="0", log=False)["calls"]
        open_jobs = sum(not client.status(each)["closed_at"] for each in (job, *healthy.jobs))
        client.close()
    before = [took for at, took in healthy.took_s if at < began_s]
    during = [took for at, took in healthy.took_s if began_s <= at < ended_s]
    twice = sum(times > 1 for phone, times in sent.items() if int(phone[1:]) >= CAMPAIGN_FIRST)
    p99 = [1000 * quantiles(some, n=100)[98] for some in (before, during)]
    delivered = counts["delivered"] / asked.numbers
    held = delivered >= NOTICED and not twice and not open_jobs and p99[1] <= 2 * p99[0]
    shown = Table("what", "count", title=f"{kind}, {asked.seconds:g} s: {'held' if held else 'NOT HELD'}")
    shown.columns[1].justify = "right"
    rows = {
        "recipients": f"{asked.numbers:,}",
        "delivered": f"{counts['delivered']:,} ({delivered:.2%})",
        "unknown": f"{counts['unknown']:,}",
        "dead": f"{counts['dead']:,}",
        "expired": f"{counts['expired']:,}",
        "texted twice": f"{twice:,}",
        "jobs not closed": f"{open_jobs:,}",
        "calls of SendSms": f"{calls.get('SendSms', 0):,}",
        "healthy p99 before, ms": f"{p99[0]:.0f}",
        "healthy p99 meanwhile, ms": f"{p99[1]:.0f}",
    }
    for what, count in rows.items():
        shown.add_row(what, count)
    screen.print(shown)
    return held


if __name__ == "__main__":
    raise SystemExit(main())
