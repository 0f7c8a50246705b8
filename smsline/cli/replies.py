"""`smsline replies`: what people have answered, and what was done about it."""

import time
from typing import Annotated, Final

import typer

from smsline.cli import options as opt
from smsline.cli.output import print_rows
from smsline.cli.times import since_s

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
