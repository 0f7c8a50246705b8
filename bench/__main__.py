"""`python -m bench`: run the benchmarks and show a table; `--write` renews docs/performance.md.

Exit codes: 0 when everything was measured, whatever the figures say, 1 when something did not work,
130 after Ctrl-C.
"""

import argparse
import os
import signal
import sys
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Final

from rich.console import Console

from bench import api, campaign, limiter, machine, otp, price, soak, volume
from bench.children import BenchFailed, quiet_children, workplace
from bench.report import PAGE, machine_text, table, to_json, write
from bench.rows import Row
from bench.show import Show, progress
from bench.sizes import FULL, QUICK, Sizes
from bench.stack import Stack, standing
from bench.volume import Volume
from worker.supervisor.supervisor import CannotStart

PARTS: Final = ("campaign", "volume", "otp", "limiter", "api", "price", "soak")
_WIDTH: Final = 160
_TAIL: Final = 4_000


def main(argv: Sequence[str]) -> int:
    """Measure; returns the exit code."""
    asked = _parser().parse_args(argv)
    sizes = QUICK if asked.quick else FULL
    for number in (signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, signal.default_int_handler)
    _forget_environment()
    target = Path(asked.json).resolve() if asked.json else None
    with workplace() as folder, quiet_children(folder / "log") as screen:
        console = Console(file=screen, width=None if screen.isatty() else _WIDTH)
        try:
            found = _measured(folder, sizes, asked, console)
        except KeyboardInterrupt:
            return 130
        except (BenchFailed, CannotStart) as error:
            console.print(f"{(folder / 'log').read_text()[-_TAIL:]}\nbench: {error}", markup=False, highlight=False)
            return 1
    Console(width=None if sys.stdout.isatty() else _WIDTH).print(table(found[1]))
    if target:
        target.write_text(to_json(found[0], sizes.name, found[1], found[2]), "utf-8")
    if asked.write:
        write(PAGE, found[0], sizes.name, rows=found[1], volumes=found[2])
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m bench", description="Measure smsline on this machine; nothing leaves it."
    )
    quick = os.environ.get("QUICK", "") not in {"", "0"}
    parser.add_argument("--quick", action="store_true", default=quick, help="less of everything; also QUICK=1")
    parser.add_argument(
        "--only", nargs="+", choices=PARTS, default=PARTS, metavar="PART", help=f"of {', '.join(PARTS)}"
    )
    parser.add_argument(
        "--procs", type=int, default=1, help="worker processes for campaigns, and for their baselines (1)"
    )
    parser.add_argument("--json", metavar="FILE", help="write everything that was found, with the rounds")
    parser.add_argument("--write", action="store_true", help="put the figures into docs/performance.md")
    return parser


def _forget_environment() -> None:
    """No setting of this machine's own service reaches the benches, and no proxy the SDK.

    The SDK would use one for loopback, too.
    """
    for name in list(os.environ):
        if name.startswith("SMSLINE_") or name.lower() in {"http_proxy", "https_proxy", "all_proxy"}:
            del os.environ[name]


def _measured(
    folder: Path, sizes: Sizes, asked: argparse.Namespace, console: Console
) -> tuple[machine.MachineFacts, list[Row], list[Volume]]:
    """Run the parts that were asked for, one after the other."""
    here, began_s = machine.look(), time.monotonic()
    console.print(machine_text(here, sizes.name), highlight=False, markup=False, soft_wrap=True)
    rows: list[Row] = []
    volumes: list[Volume] = []
    with standing(folder) as stack, progress(console) as show:
        if "campaign" in asked.only:
            rows += campaign.measure(stack, sizes, asked.procs, show)
        if "volume" in asked.only:
            more, volumes = volume.measure(stack, sizes, asked.procs, show)
            rows += more
        for name, part in _SMALL.items():
            if name in asked.only:
                rows += part(stack, sizes, asked.procs, show)
    console.print(f"measured in {time.monotonic() - began_s:.0f} s", highlight=False)
    return here, rows, volumes


_SMALL: Final[dict[str, Callable[[Stack, Sizes, int, Show], list[Row]]]] = {
    "otp": otp.measure,
    "limiter": limiter.measure,
    "api": api.measure,
    "price": price.measure,
    "soak": soak.measure,
}

if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
