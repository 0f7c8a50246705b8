"""`smsline audit`: who did what, when, from where, and how many recipients it touched."""

from typing import Annotated

import typer

from smsline.cli import options as opt
from smsline.cli.listing import Column, show_listing
from smsline.cli.output import print_json, print_line

commands = typer.Typer()

Limit = Annotated[int, typer.Option(metavar="N", min=1, max=100_000, help="At most so many, newest first.")]
Who = Annotated[str, typer.Option("--who", metavar="NAME", help="Only what this user or key did.", show_default=False)]
Kind = Annotated[
    str, typer.Option("--act", metavar="ACT", help="Only acts that begin so: job, dead.requeue.", show_default=False)
]


@commands.command(
    context_settings=opt.HELP, epilog=opt.example("smsline audit --who anna", "smsline audit --act dead --json")
)
def audit(
    context: typer.Context, *, who: Who = "", act: Kind = "", limit: Limit = 50, as_json: opt.Json = False
) -> None:
    """Show the audit trail, newest first: every act by page, command line and API."""
    found = list(opt.admin_of(context).audit(who=who, act=act, limit=limit))
    if as_json:
        print_json(found)
    elif found:
        columns = [
            Column("at"),
            Column("who"),
            Column("by", spare=2),
            Column("from", spare=3),
            Column("act"),
            Column("count", number=True),
        ]
        rows = [
            (
                *(act["at"], act["who"], act["how"], act["where"], act["act"], act["count"]),
                ", ".join(
                    f"{name} {' '.join(value) if isinstance(value, list) else value}"
                    for name, value in act["about"].items()
                ),
            )
            for act in found
        ]
        show_listing([*columns, Column("about", words=True)], rows)
    else:
        print_line("nothing fits" if who or act else "nothing was done yet")
