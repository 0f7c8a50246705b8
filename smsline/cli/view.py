"""A job's status drawn: for a person, as a table with a bar per state, or as one line."""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Final, cast

from smsline.cli.output import cell, print_json, show, table
from smsline.states import COUNTED

if TYPE_CHECKING:
    from rich.console import Group

    from smsline.ledger.jobs import Status

# The colour of each count; the states of a job are drawn plain.
STYLES: Final = {
    "waiting": "yellow",
    "sending": "cyan",
    "accepted": "blue",
    "delivered": "green",
    "undelivered": "red",
    "dead": "red",
    "expired": "magenta",
    "cancelled": "bright_black",
    "suppressed": "bright_black",
    "unknown": "magenta",
}

_NEVER: Final = "never handed over completely"
_INCOMPLETE: Final = dict.fromkeys(("open", "paused"), "still being handed over")

_BAR_WIDTH: Final = 40


def print_status(status: "Status", *, as_json: bool) -> None:
    """One job on stdout."""
    if as_json:
        print_json(status)
    else:
        show(draw([status]))


def draw(statuses: "Sequence[Status]") -> "Group":
    """Jobs below each other: what they are, and how many numbers are in each state."""
    # Imported where something is drawn, and not for --help.
    from rich.console import Group  # noqa: PLC0415
    from rich.progress_bar import ProgressBar  # noqa: PLC0415
    from rich.table import Table  # noqa: PLC0415

    parts = list[Table]()
    for status in statuses:
        state, facts = status["state"], Table.grid(padding=(0, 2))
        shown = {
            "job": status["job"],
            "state": state if status["complete"] else f"{state}, {_INCOMPLETE.get(state, _NEVER)}",
            "lane": status["lane"],
            "template": status["template"],
            "account": status["account"],
            "created": status["created_at"],
            "closed": status["closed_at"],
            "calls": status["calls"],
            "fee": status["fee"],
            "total": status["counts"]["total"],
            "left out as duplicates": status["doubled"] or None,
        }
        for name, value in shown.items():
            if value not in (None, ""):
                facts.add_row(name, cell(value))
        total = max(status["counts"]["total"], 1)  # a job whose first part has not come yet has none
        counts = table("state", "numbers", "share", "", numbers=("numbers", "share"))
        for column in counts.columns[:-1]:
            column.no_wrap = True  # on a narrow terminal the bar gives way
        for name, number in _shown(status):
            bar = ProgressBar(total, number, width=_BAR_WIDTH, complete_style=STYLES[name], finished_style=STYLES[name])
            counts.add_row(name, cell(number), f"{number / total:.1%}", bar)
        parts += [facts, counts]
    return Group(*parts)


def line(status: "Status") -> str:
    """A job in one line: `j1 open: total 1,000, waiting 200, accepted 800`."""
    counts = ", ".join(f"{name} {number:,}" for name, number in _shown(status))
    return f"{status['job']} {status['state']}: total {status['counts']['total']:,}{', ' if counts else ''}{counts}"


def _shown(status: "Status") -> list[tuple[str, int]]:
    counts = cast("dict[str, int]", status["counts"])
    # Zeros are left out: of ten states a job is in three, and those are what a person looks for.
    return [(name, counts[name]) for name in COUNTED[1:] if counts[name]]
