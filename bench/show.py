"""Progress, as a spinner with the time or now and then a line where there is no terminal.

It also shows figures by name.
"""

import json
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Final, Protocol

from rich.console import Console
from rich.table import Table

QUIET_S: Final = 10.0
"""Between two lines about the same step, where there is no terminal."""


class Show(Protocol):
    """Says what is being done now."""

    def __call__(self, step: str, far: str = "", /) -> None:
        """Say it.

        Args:
            step: What.
            far: How far it is.
        """


@contextmanager
def progress(console: Console) -> Iterator[Show]:
    """Show what is being done until the block ends."""
    began_s = time.monotonic()
    if not console.is_terminal:
        yield _lines(console, began_s)
        return
    with console.status("starting") as status:
        yield lambda step, far="": status.update(_line(began_s, step, far))


def _lines(console: Console, began_s: float) -> Show:
    last, said_s = "", 0.0

    def show(step: str, far: str = "") -> None:
        nonlocal last, said_s
        now_s = time.monotonic()
        if step != last or now_s - said_s >= QUIET_S:
            console.print(_line(began_s, step, far), highlight=False, soft_wrap=True)
            last, said_s = step, now_s

    return show


def _line(began_s: float, step: str, far: str) -> str:
    return f"{time.monotonic() - began_s:5.0f} s  {step}{far and f': {far}'}"


def tell(found: Mapping[str, float], *, as_json: bool) -> None:
    """Print figures by name, as a table or for machines."""
    if as_json:
        print(json.dumps(found, indent=2))
        return
    shown = Table("what", "figure")
    shown.columns[1].justify = "right"
    for what, figure in found.items():
        shown.add_row(what, f"{figure:,.6g}")
    Console().print(shown)
