"""`smsline replies`: what people have answered, and what was done about it."""

import re
import time
from datetime import datetime
from typing import Annotated, Final

import typer

from smsline.cli import options as opt
from smsline.cli.output import print_rows
from smsline.errors import BadInput

commands = typer.Typer()

COLUMNS: Final = ("at", "phone", "text", "does", "scope", "word", "account", "sign", "extend", "received_at")

Since = Annotated[
    str,
    typer.Option(
        metavar="TIME",
        help="Only what came at that time (ISO 8601) or later, or so long ago: 30m, 24h, 7d.",
        show_default="all that are kept",
    ),
]
Near = Annotated[bool, typer.Option("--near", help="Only those that look like an opt-out and wait for a person.")]


@commands.command(
    context_settings=opt.HELP, epilog=opt.example("smsline replies --since 24h", "smsline replies --near")
)
def replies(context: typer.Context, *, since: Since = "", near: Near = False, as_json: opt.Json = False) -> None:
    """Print what people have answered, oldest first, as CSV; --json prints an object per line.

    `does` says what was done: stop and start changed the suppression list, near waits for a person,
    empty is an ordinary text.
    """
    found = opt.admin_of(context).replies(since_s=since_s(since, now_s=time.time()))
    rows = (row for row in found if not near or row["does"] == "near")
    print_rows(rows, COLUMNS, fmt="jsonl" if as_json else "csv")


_UNITS_S: Final = {"s": 1, "m": 60, "h": 3_600, "d": 86_400}


def since_s(text: str, *, now_s: float) -> float:
    """Epoch seconds of a time or of so long ago; 0 for an empty text.

    Raises:
        BadInput: It is neither.
    """
    if not text:
        return 0.0
    if ago := re.fullmatch(r"-?(\d{1,6})([smhd])", text.strip()):
        return now_s - int(ago[1]) * _UNITS_S[ago[2]]
    try:
        # Without an offset it is local time: a person types what the clock on the wall shows.
        return datetime.fromisoformat(text).timestamp()
    except ValueError:
        raise BadInput("--since", text, "must be an ISO 8601 time, or so long ago: 30m, 24h, 7d") from None
