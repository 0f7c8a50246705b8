"""`make chaos`: campaigns and otps while everything around them breaks; then the count.

Workers, Redis, the provider, clocks and producers break.

Workers differ: one lacks an account, one has other lanes and limits, one's clock is set, one is of
an older version and rolls to today's and back. Webhooks go to a receiver that is well, one that
misbehaves and one that is not there. Exit code 0 when every promise held, 1 when not.
"""

import argparse
import json
import tempfile
from contextlib import ExitStack
from dataclasses import fields
from pathlib import Path

from rich.console import Console

from bench.chaos.scene import Scene
from bench.chaos.table import table


def main() -> int:
    """Run; returns the exit code."""
    parser = argparse.ArgumentParser(
        prog="python -m bench.chaos",
        description="Break everything, then count. Nothing leaves this machine.",
        epilog="example: python -m bench.chaos --seconds 30 --numbers 5000 --json",
    )
    parser.add_argument("--seconds", type=float, default=90.0, help="how long harm is done (default: 90)")
    parser.add_argument("--numbers", type=int, default=20_000, help="size of the campaign (default: 20000)")
    parser.add_argument("--seed", type=int, default=7, help="of what is killed when (default: 7)")
    parser.add_argument("--json", action="store_true", help="write the count as JSON instead of a table")
    parser.add_argument("--log", type=Path, help="keep what the workers said in this file")
    asked = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="smsline-chaos-") as place, ExitStack() as stack:
        log = Path(place) / "workers.log"
        try:
            scene = Scene(Path(place), stack, Console(stderr=True))
            found = scene.play(seconds=asked.seconds, numbers=asked.numbers, seed=asked.seed)
        finally:
            if asked.log and log.exists():
                asked.log.write_bytes(log.read_bytes())
    if asked.json:
        told = {**found.told, **found.done.skipped}
        given = {"submits_refused": found.given.refused, "jobs_lost": found.given.lost}
        harm = {"harm": found.done.times, "in_flight": found.done.in_flight, "answers": found.struck}
        # Not `asdict`, which counts the pairs of a Counter instead of copying it.
        tally = {each.name: getattr(found.tally, each.name) for each in fields(found.tally)}
        print(json.dumps({"held": found.tally.held, **tally, **given, **harm, "told": told}, indent=2))
    else:
        Console().print(table(found))
    return 0 if found.tally.held else 1


if __name__ == "__main__":
    raise SystemExit(main())
