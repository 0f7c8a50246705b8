"""`smsline tencent statistics`: how much was sent in some hours, and what receipts said."""

from dataclasses import asdict
from datetime import datetime
from typing import Annotated

import typer

from smsline.cli import options as opt
from smsline.cli.output import cell, print_json, show, table
from smsline.errors import BadInput
from worker.commands.tencent.session import AccountName, account, known
from worker.providers.tencent.questions import ZONE, ReceiptCounts, SendCounts, count_receipts, count_sends

commands = typer.Typer(
    context_settings=opt.HELP,
    help="How much was sent in some hours, and what receipts said. Hours are Beijing's unless they name a zone.",
    epilog=opt.example("smsline tencent statistics sends --from 2026-05-01T00 --to 2026-05-01T23"),
)

From = Annotated[
    str, typer.Option("--from", metavar="HOUR", help="First hour, such as 2026-05-01T13.", show_default=False)
]
To = Annotated[str, typer.Option("--to", metavar="HOUR", help="Last hour.", show_default="the present one")]


@commands.command(
    context_settings=opt.HELP,
    epilog=opt.example("smsline tencent statistics sends --from 2026-05-01T00 --to 2026-05-01T23 --json"),
)
def sends(begin: From, *, end: To = "", name: AccountName = "", as_json: opt.Json = False) -> None:
    """Count messages submitted, taken by the provider, and billed."""
    first, last = _hours(begin, end)
    with account(name) as tencent:
        _print(known(count_sends(tencent, first, last)), as_json=as_json)


@commands.command(
    context_settings=opt.HELP,
    epilog=opt.example("smsline tencent statistics receipts --from 2026-05-01T00+08:00"),
)
def receipts(begin: From, *, end: To = "", name: AccountName = "", as_json: opt.Json = False) -> None:
    """Count receipts by what they say, of messages submitted in at most 32 days."""
    first, last = _hours(begin, end)
    with account(name) as tencent:
        _print(known(count_receipts(tencent, first, last)), as_json=as_json)


def _hours(begin: str, end: str) -> tuple[datetime, datetime]:
    """Both in the provider's zone, so that they compare whatever zones they were written in."""
    return _hour("--from", begin), _hour("--to", end) if end else datetime.now(ZONE)


def _hour(field: str, text: str) -> datetime:
    wanted = text.strip()
    try:
        # The provider's own spelling, as its console shows it.
        if wanted.isdecimal() and len(wanted) == 10:
            return datetime.strptime(wanted, "%Y%m%d%H").replace(tzinfo=ZONE)
        at = datetime.fromisoformat(wanted)
    except ValueError:
        raise BadInput(
            field, text, "must be an hour such as 2026-05-01T13, in Beijing, or with a zone (+08:00)"
        ) from None
    # Without a zone an hour is Beijing's, because the provider counts by Beijing's hours.
    return at.replace(tzinfo=ZONE) if at.tzinfo is None else at.astimezone(ZONE)


def _print(counts: SendCounts | ReceiptCounts, *, as_json: bool) -> None:
    if as_json:
        print_json(asdict(counts))
        return
    shown = table("count", "messages", numbers=("messages",))
    for name, value in asdict(counts).items():
        # Names of the fields are words already; the provider's own are three words long.
        shown.add_row(name.replace("_", " "), cell(value))
    show(shown)
