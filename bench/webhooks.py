"""`python -m bench.webhooks`: how fast events leave, and in how many requests results arrive.

The outbox is filled with events, one worker process delivers them to a receiver on this machine
that checks each signature; beside it an endpoint hangs. Then a campaign is sent, and its rows are
counted where they arrive. Exit code 1 when a million recipients would need 10,000 requests or more,
or when a row or a number is missing.
"""

import argparse
import os
import signal
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Final

from rich.console import Console

from bench.campaign import PARAMS, TEMPLATE, phones
from bench.chaos.receivers import Receiver
from bench.children import quiet_children, wait, workplace
from bench.show import Show, progress, tell
from bench.stack import Stack, standing
from bench.usage import cpu
from smsline.ledger import webhooks
from worker.supervisor.child import Running

# For a million recipients.
MOST_REQUESTS: Final = 10_000

# What a receiver takes that writes events into a database on another machine.
SLOW_S: Final = 0.05

PATIENCE_S: Final = 1_800.0


def main() -> int:
    """Measure; returns the exit code."""
    parser = argparse.ArgumentParser(prog="python -m bench.webhooks", description=__doc__)
    parser.add_argument("--events", type=int, default=4_000, help="events to one endpoint (default: 4000)")
    parser.add_argument(
        "--numbers", type=int, default=100_000, help="size of the campaign; 0 for none (default: 100000)"
    )
    parser.add_argument("--json", action="store_true", help="write JSON instead of a table")
    asked = parser.parse_args()
    found: dict[str, float] = {}
    with (
        workplace() as folder,
        quiet_children(Path("log")) as sink,
        standing(folder) as stack,
        progress(Console(file=sink)) as show,
    ):
        for takes_s in (0.0, SLOW_S):
            found |= events(stack, asked.events, takes_s, show)
        if asked.numbers:
            found |= campaign(stack, asked.numbers, show)
    tell(found, as_json=asked.json)
    held = found.get("requests for a million", 0) < MOST_REQUESTS and not found.get("rows missing")
    return 0 if held else 1


def events(stack: Stack, count: int, takes_s: float, show: Show) -> dict[str, float]:
    """Events per second at one endpoint while another one hangs."""
    stack.clear()
    redis, keys = stack.ledger.redis, stack.ledger.keys
    with (
        Receiver(takes_s=takes_s) as receiver,
        Receiver(takes_s=60) as hanging,
        stack.service(lanes=("marketing",), WEBHOOKS__ALLOW_PRIVATE="true") as running,
    ):
        receiver.secret = webhooks.add(stack.ledger, "shop", receiver.url, ["account.resumed"])
        webhooks.add(stack.ledger, "hanging", hanging.url, ["account.resumed"])
        # Written as the script writes them; to have thousands of accounts resumed would
        # measure something else.
        pipe = redis.pipeline(transaction=False)
        for n in range(count):
            pipe.xadd(keys.outbox, {"account.resumed": f"{n}\taccount{n}\t"})
        pipe.execute()
        before, began_s = cpu({"worker": [running[0].pid]}), time.monotonic()
        redis.zadd(keys.webhooks_due, {"outbox": 0})

        def all_there() -> bool:
            show(f"events, {1000 * takes_s:.0f} ms each", f"{len(receiver.applied.ids):,} arrived")
            return len(receiver.applied.ids) >= count

        wait(all_there, "all events to arrive", running, PATIENCE_S)
        took_s = time.monotonic() - began_s
        used_s = cpu({"worker": [running[0].pid]}).since(before)["worker"]
        end_now(running)
    which = f"receiver takes {1000 * takes_s:.0f} ms"
    return {f"events/s, {which}": count / took_s, f"worker's CPU, ms an event, {which}": 1000 * used_s / count}


def campaign(stack: Stack, numbers: int, show: Show) -> dict[str, float]:
    """A campaign from submit to the last row at the receiver."""
    stack.clear()
    with Receiver() as receiver, stack.service(lanes=("marketing",), WEBHOOKS__ALLOW_PRIVATE="true") as running:
        receiver.secret = webhooks.add(stack.ledger, "shop", receiver.url, ["recipients.final", "job.closed"])
        job = stack.client.campaign(to=phones(numbers), template=TEMPLATE, params=PARAMS)
        began_s, applied = time.monotonic(), receiver.applied

        def far(step: str, reached: Callable[[], bool]) -> float:
            def look() -> bool:
                show(step, f"{applied.rows:,} rows in {len(applied.ids):,} requests")
                return reached()

            wait(look, step, running, PATIENCE_S, every_s=0.1)
            return time.monotonic() - began_s

        closed_s = far("the campaign to be closed", lambda: bool(stack.client.status(job)["closed_at"]))
        told_s = far("the last row", lambda: job in applied.closed and len(applied.states) >= numbers)
        end_now(running)
    requests = sum(map(len, applied.seqs.values()))
    return {
        "recipients": numbers,
        "s until all were closed": closed_s,
        "s until all had been told": told_s,
        "requests": requests,
        "rows a request": applied.rows / requests,
        "bytes a request, at most": receiver.most_bytes,
        "requests for a million": requests * 1_000_000 / numbers,
        "rows missing": numbers - len(applied.states) + len(applied.gaps({job})),
    }


def end_now(running: list[Running]) -> None:
    """End workers without waiting for the endpoint that hangs."""
    for each in running:
        os.kill(each.pid, signal.SIGKILL)


if __name__ == "__main__":
    sys.exit(main())
