"""The tree of commands."""

from typing import Annotated

import typer

from smsline.cli import (
    accounts,
    audit,
    campaign,
    codes,
    dead,
    keys,
    number,
    replies,
    results,
    send,
    service,
    status,
    suppress,
    users,
    watch,
    webhooks,
)
from smsline.cli.options import HELP, example

app = typer.Typer(
    # Plain help: it can be piped and searched, and a quarter of a second is not spent on
    # loading a renderer for it.
    rich_markup_mode=None,
    # A traceback of typer's would show locals, and with them numbers and params.
    pretty_exceptions_enable=False,
    context_settings=HELP,
    help="Hand SMS jobs over, follow them, and mend what could not be sent.",
    epilog=example(
        "smsline send --to +8613711112222 --template 1234 --param 482913 --lane otp --wait",
        "smsline campaign may.csv --template 5678 --at +2h --pace 500",
        "smsline watch JOB",
        "smsline dead list",
    ),
)


def _print_version(wanted: bool) -> None:  # noqa: FBT001 - typer's way of a callback
    if wanted:
        from importlib import metadata  # noqa: PLC0415 - only here

        try:
            typer.echo(f"smsline {metadata.version('smsline')}")
        except metadata.PackageNotFoundError:
            typer.echo("smsline, run from a checkout that is not installed")
        raise typer.Exit


@app.callback()
def root(
    *,
    version: Annotated[
        bool,
        typer.Option("--version", callback=_print_version, is_eager=True, help="Print the version."),
    ] = False,
) -> None:
    """Take what belongs to no command."""


for group in (send, campaign, status, watch, results, number, replies, audit, service):
    app.add_typer(group.commands)
app.add_typer(dead.commands, name="dead")
app.add_typer(suppress.commands, name="suppress")
app.add_typer(accounts.commands, name="accounts")
app.add_typer(codes.commands, name="codes")
app.add_typer(users.commands, name="users")
app.add_typer(keys.commands, name="keys")
app.add_typer(webhooks.commands, name="webhooks")
