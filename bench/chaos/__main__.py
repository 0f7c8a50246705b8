"""`make chaos`: a campaign and a stream of otps under kill -9, dead Redis, outages and a lying provider, then the count.

Exit code 0 when every promise held, 1 when not.
"""

import argparse
import tempfile
from pathlib import Path
from typing import Final

from rich.console import Console
from rich.table import Table

from bench.chaos.count import Tally, count
from bench.chaos.door import Door
from bench.chaos.harm import Harm
from bench.chaos.service import service, wait_closed
from bench.chaos.strike import WINDOWS, Outages, Strike
from bench.chaos.work import Given, Producer, campaign
from smsline import Client
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


def main() -> int:
    """Run; returns the exit code."""
    asked = _parser().parse_args()
    screen = Console()
    with tempfile.TemporaryDirectory(prefix="smsline-chaos-") as place:
        flags = Flags(
            steering=False, latency_ms=20, receipt_delay_ms=300, receipt_jitter_ms=500, limits={"*": 0}, faults=LIES
        )
        with (
            Background(flags) as sandbox,
            Door(int(sandbox.url.rsplit(":", 1)[1])) as door,
            service(Path(place), door.url) as (supervisor, redis_url),
        ):
            client = Client(redis_url=redis_url)
            screen.print(
                f"{asked.numbers:,} numbers and an otp every 0.1 s, for {asked.seconds:g} s of kills, cuts, outages and lies …"
            )
            Outages(Strike(sandbox, door, LIES), asked.seconds).start()
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


def soak(client: Client, supervisor: int, asked: argparse.Namespace) -> tuple[Given, Harm]:
    """Hand over work and do harm, for the time asked."""
    given = Given(campaign(client, asked.numbers, asked.seconds * 0.8), [])
    producer, harm = Producer(client, given), Harm(supervisor, asked.seconds, asked.seed)
    producer.start()
    harm.start()
    harm.join()
    producer.stop()
    return given, harm


def table(tally: Tally, given: Given, harm: Harm, struck: dict[str, int]) -> Table:
    """The count, for people."""
    shown = Table("what", "count", "promised", title="promises held" if tally.held else "A PROMISE WAS BROKEN")
    shown.columns[1].justify = "right"
    outages = f"{len(WINDOWS)} outages ({', '.join(WINDOWS)})"
    done = f"{harm.workers} workers killed, Redis {harm.redis} times; {outages}; {given.refused} submits refused and tried again"
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
