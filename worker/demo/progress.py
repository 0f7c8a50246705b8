"""A bar per job, coloured by state, on a terminal, and plain lines elsewhere."""

import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Final, cast

from rich.console import Console, Group
from rich.live import Live
from rich.table import Table
from rich.text import Text

from smsline.cli.view import STYLES
from smsline.ledger.jobs import Status
from worker.demo.play import Show

_BAR_WIDTH: Final = 40
# Between two rounds of plain lines.
_LINES_S: Final = 1.0

# From left to right: what is final grows from the left.
_ORDER: Final = (
    *("delivered", "undelivered", "dead", "unknown", "expired", "cancelled", "suppressed"),
    *("accepted", "sending", "waiting"),
)


@contextmanager
def progress(console: Console) -> Iterator[Show]:
    """What shows statuses: live on a terminal, else a line a change, once a second at most."""
    if not console.is_terminal:
        yield _Lines(console)
        return
    with Live(console=console, auto_refresh=False) as live:
        yield lambda statuses: live.update(draw(statuses), refresh=True)


class _Lines:
    def __init__(self, console: Console) -> None:
        self._console = console
        self._said: dict[str, str] = {}
        self._next_s = 0.0

    def __call__(self, statuses: Mapping[str, Status]) -> None:
        over = all(status["closed_at"] for status in statuses.values())
        if time.monotonic() < self._next_s and not over:
            return
        self._next_s = time.monotonic() + _LINES_S
        for name, status in statuses.items():
            text = f"  {name:<9} {_final(status):>5,} of {_total(status):,} closed: {counts_text(status)}"
            if self._said.get(name) != text:
                self._said[name] = text
                self._console.print(text, soft_wrap=True)


def draw(statuses: Mapping[str, Status]) -> Group:
    """A row for each job, and below them what the colours mean."""
    rows = Table.grid(padding=(0, 1))
    rows.add_column(min_width=10)
    for name, status in statuses.items():
        done, total = _final(status), _total(status)
        told = Text(f"{done:>5,} of {total:,}", style="bold" if done == total else "")
        rows.add_row(f"  {name}", bar(status), told)
    present = {state for status in statuses.values() for state, count in _counts(status).items() if count}
    legend = Text("  ")
    for state in (state for state in _ORDER if state in present):
        legend.append("  ■ ", style=STYLES[state]).append(state)
    return Group(rows, legend)


def bar(status: Status, width: int = _BAR_WIDTH) -> Text:
    """A job's numbers as one bar, a colour for each state."""
    text = Text()
    for state, cells in shares(_counts(status), width).items():
        text.append("█" * cells, style=STYLES[state])
    return text


def shares(counts: Mapping[str, int], width: int) -> dict[str, int]:
    """How many cells of a bar each state gets, `width` in all.

    They are in proportion, but one at least where there is anything.
    """
    total = sum(counts.values())
    cells = {state: max(1, round(counts[state] / total * width)) for state in _ORDER if counts.get(state)}
    if cells:
        # What rounding adds or takes is hidden in the longest part, where a cell more is not seen.
        largest = max(cells, key=lambda state: cells[state])
        cells[largest] += width - sum(cells.values())
    return cells


def counts_text(status: Status) -> str:
    """`delivered 980, waiting 20`."""
    counts = _counts(status)
    return ", ".join(f"{state} {counts[state]:,}" for state in _ORDER if counts[state])


def _counts(status: Status) -> dict[str, int]:
    counts = cast("dict[str, int]", status["counts"])
    return {state: counts[state] for state in _ORDER}


def _total(status: Status) -> int:
    return status["counts"]["total"]


def _final(status: Status) -> int:
    counts = status["counts"]
    return counts["total"] - counts["waiting"] - counts["sending"] - counts["accepted"]
