"""The demo's last page, made of its findings."""

from collections.abc import Iterator
from statistics import median
from typing import Final

from rich.console import Console
from rich.table import Table

from smsline import codes
from smsline.cli.view import STYLES
from smsline.errors import shorten
from smsline.states import COUNTED, State
from worker.demo.findings import TOTAL, Findings
from worker.demo.scenario import STEERED

_PROVIDER: Final = "tencent"
# Columns for a meaning, however long the codes are.
_LEAST_ROOM: Final = 20

# Columns that the numbers and the gaps take.
_FRAME: Final = len("    ") + len("1,000") + 3 * len("  ")

_MEANINGS: Final = {
    State.DELIVERED: "the carrier says so",
    State.UNDELIVERED: "the carrier says why not",
    State.DEAD: "refused for good: dead letters, for a person to look at",
    State.UNKNOWN: "the outcome is unknown: dead letters too, and not sent again, so that no recipient is texted twice",
}


def show_summary(console: Console, found: Findings, took_s: float) -> None:
    """Print what came of the demo.

    Args:
        console: Where.
        found: What came of it.
        took_s: Seconds from the first submit until every job was closed.
    """
    closed = f"{TOTAL:,} of {TOTAL:,} recipients have a final answer, {took_s:.1f} s after the first submit"
    figures = Table.grid(padding=(0, 2, 0, 0))
    figures.add_column(style="bold", no_wrap=True)
    for name, told in _facts(found):
        figures.add_row(f"  {name}", told)
    for part in ("", f"[green]✓[/] [bold]{closed}[/]", "", _states(found, console.width), "", figures, ""):
        console.print(part)


def _states(found: Findings, width: int) -> Table:
    """What the recipients ended as: a row for each state, and below it its codes."""
    table = Table.grid(padding=(0, 2, 0, 0))
    for justify in ("left", "right", "left"):
        table.add_column(no_wrap=True, justify=justify)
    # Shortened here: where there is no room, rich would take it from the numbers.
    code_room = min(max(len(code) for _, code in found.per_code), width - _FRAME - _LEAST_ROOM)
    room = width - _FRAME - code_room
    for state in (State(name) for name in COUNTED[1:] if found.per_state[name]):
        style = f"bold {STYLES[state]}"
        table.add_row(f"  {state}", f"{found.per_state[state]:,}", shorten(_MEANINGS.get(state, ""), room), style=style)
        for (of, code), count in found.per_code.most_common():
            if of == state:
                table.add_row(f"    {shorten(code, code_room)}", f"{count:,}", shorten(meaning(code), room))
    return table


def meaning(code: str) -> str:
    """What a code says, by the tables that the service uses."""
    readings = codes.explain(code, _PROVIDER)
    return readings[0].row.meaning if readings else "No table knows this code: the receipt's success flag decides."


def _facts(found: Findings) -> Iterator[tuple[str, str]]:
    calls, batches = found.stats["calls"], found.batches
    # Of the sandbox and not of the ledger: the provider's count is the proof.
    sends, numbers = sum(batches.values()), sum(size * times for size, times in batches.items())
    sizes = " and ".join(f"{times} of {size}" for size, times in batches.items())
    took_ms = sorted(seconds * 1000 for seconds in found.otp_s if seconds is not None)
    each = ", ".join(f"{one:.0f}" for one in took_ms)
    letters = sum(group["count"] for group in found.dead)
    yield "calls", f"{sends} sends for {numbers:,} numbers ({sizes}): {numbers / sends:.0f} numbers per call"
    pulls, asked = (calls.get(action, 0) for action in ("PullSmsSendStatus", "PullSmsSendStatusByPhoneNumber"))
    yield "receipts", f"{pulls} pulls of a page, {asked} questions about a single number"
    yield "otp latency", f"{median(took_ms):.0f} ms from submit to the provider ({each}), past the waiting campaign"
    yield "dead letters", f"{letters}, of {len(found.dead)} kinds; with a service of your own: smsline dead list"
    yield "texted twice", "none"
    yield "on purpose", f"{len(STEERED)} of {len(STEERED)} numbers in trouble ended as they should"
    yield "to go on", "python -m worker up, and the console is at http://127.0.0.1:8390"
