"""`smsline smspartner …`: SMSPartner's calls besides sending and receipts.

It is the same as `python -m worker smspartner …`.

The commands need the service's settings, which hold the key; so they live here and not in the
wheel.
"""

import re
import sys
from collections.abc import Sequence
from contextlib import AbstractContextManager
from dataclasses import asdict
from typing import Annotated, Final, TypeVar

import typer

from smsline.cli import options as opt
from smsline.cli.errors import FAILED
from smsline.cli.output import print_json, print_line, say
from smsline.counted import counted
from smsline.errors import BadInput
from smsline.ledger import suppression
from smsline.ledger.suppression import Suppression
from smsline.numbers import e164, parse_number
from worker.commands import session
from worker.commands.session import AccountName, day, print_rows
from worker.providers.base import Broken, Refused
from worker.providers.smspartner import manage
from worker.providers.smspartner.client import SmsPartnerProvider
from worker.providers.smspartner.facts import NUMBERS_PER_CALL

PROVIDER: Final = "smspartner"

# The namespace of the codes that lookup and HLR answer.
NUMBER_CHECK: Final = "number_verification"

T = TypeVar("T")

app = typer.Typer(
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
    add_completion=False,
    context_settings=opt.HELP,
    help="SMSPartner besides sending: status, cancelling, checks of numbers, STOP list. Runs where the service's settings are.",
    epilog=opt.example("smsline smspartner stop-list --suppress", "smsline smspartner lookup +33612345678"),
)

MessageId = Annotated[
    str, typer.Argument(metavar="MESSAGE_ID", help="The call's: a serial without /NUMBER.", show_default=False)
]
Phones = Annotated[list[str], typer.Argument(metavar="NUMBER...", help="Numbers, with their +.", show_default=False)]


def account(name: str) -> AbstractContextManager[SmsPartnerProvider]:
    """An account; see `worker.commands.session.open_account`."""
    return session.open_account(SmsPartnerProvider, PROVIDER, name)


def known(answer: T | Refused | Broken, space: str = "") -> T:
    """The answer, if it is one; see `worker.commands.session.known`."""
    return session.known(answer, PROVIDER, space=space)


@app.command(context_settings=opt.HELP, epilog=opt.example("smsline smspartner cancel 307"))
def cancel(message_id: MessageId, *, name: AccountName = "", as_json: opt.Json = False) -> None:
    """Take back a call scheduled in SMSPartner's console, until 5 minutes before its time."""
    with account(name) as smspartner:
        known(manage.cancel(smspartner, message_id), "cancel")
    print_json({"message_id": message_id, "cancelled": True}) if as_json else print_line(f"cancelled {message_id}")


@app.command(context_settings=opt.HELP, epilog=opt.example("smsline smspartner status 307 --number +33612345678"))
def status(
    message_id: MessageId,
    *,
    number: Annotated[str, typer.Option("--number", metavar="NUMBER", help="Of this number alone.")] = "",
    name: AccountName = "",
    as_json: opt.Json = False,
) -> None:
    """Show what became of the messages of a call."""
    # Without a default country: the number stands in a call that was made, with its +.
    asked = parse_number(number, field="--number") if number else None
    with account(name) as smspartner:
        page = known(smspartner.statuses_of(message_id, asked))
    rows = [
        {"number": e164(one.number), "status": one.word, "at": day(one.at_s), "stopped": one.stopped}
        for one in page.statuses
    ]
    print_rows(rows, "no messages", as_json=as_json)


@app.command(context_settings=opt.HELP, epilog=opt.example("smsline smspartner lookup +33612345678 +33698765432"))
def lookup(phones: Phones, *, name: AccountName = "", as_json: opt.Json = False) -> None:
    """Show whether numbers can be numbers, and whose; costs nothing."""
    numbers = _numbers(phones)
    with account(name) as smspartner:
        found = known(manage.lookup(smspartner, numbers), NUMBER_CHECK)
    print_rows([asdict(one) for one in found], "no answer", as_json=as_json)
    # Exit code 1, so that a script which checks a list sees it.
    if not all(one.ok for one in found):
        raise typer.Exit(FAILED)


@app.command(
    context_settings=opt.HELP,
    epilog=opt.example("smsline smspartner hlr +33612345678 --notify-url https://example.com/hlr --yes"),
)
def hlr(
    phones: Phones,
    *,
    notify_url: Annotated[str, typer.Option("--notify-url", metavar="URL", help="Each answer is posted there.")],
    tag: Annotated[str, typer.Option("--tag", metavar="TAG", help="Comes back with the answers.")] = "",
    yes: Annotated[bool, typer.Option("--yes", "-y", help="Do not ask.")] = False,
    name: AccountName = "",
    as_json: opt.Json = False,
) -> None:
    """Have carriers asked about numbers; each costs money.

    SMSPartner posts the answers to the URL, one number at a time: `smsline codes explain` knows
    their error names.
    """
    numbers = _numbers(phones)
    # The answers come there and nowhere else: with a URL of another kind they
    # are paid for and lost.
    if not re.fullmatch(r"https?://[^\s/]+\S*", notify_url):
        raise BadInput("--notify-url", notify_url, "must be a URL that begins with http:// or https://")
    # Asked of scripts as well: each number costs money, and --yes says that this is meant.
    if not yes and not sys.stdin.isatty():
        raise BadInput("--yes", "not given", "each number is billed, and there is no terminal to ask on")
    if not yes and not typer.confirm(f"check {counted(len(numbers), 'number')}? Each is billed", err=True):
        say("nothing was asked")
        raise typer.Exit(FAILED)
    with account(name) as smspartner:
        found = known(manage.hlr(smspartner, numbers, notify_url=notify_url, tag=tag), NUMBER_CHECK)
    if as_json:
        print_json(asdict(found))
    else:
        print_line(f"{found.campaign}: {counted(found.numbers, 'number')}, {found.cost} {found.currency}".strip())


@app.command("stop-list", context_settings=opt.HELP, epilog=opt.example("smsline smspartner stop-list --suppress"))
def stop_list(
    *,
    suppress: Annotated[bool, typer.Option("--suppress", help="Put them on smsline's suppression list.")] = False,
    name: AccountName = "",
    as_json: opt.Json = False,
) -> None:
    """Show who answered STOP.

    With --suppress no marketing goes to them any more, through any account.
    """
    with account(name) as smspartner:
        found = known(manage.stop_list(smspartner))
    rows = [{"number": e164(one.number), "since": day(one.since_s)} for one in found]
    print_rows(rows, "no number answered STOP", as_json=as_json)
    # Printed before they are added: the list is seen even when Redis cannot be reached.
    if suppress:
        ledger = session.open_ledger(session.read_settings())
        try:
            # Marketing alone: STOP is an answer to advertisements, and a login code must still
            # arrive.
            entries = (
                Suppression(one.number, "marketing", suppression.CODE, "answered STOP", one.since_s * 1000)
                for one in found
            )
            added = suppression.add(ledger, entries)
        finally:
            ledger.close()
        say(f"new on the suppression list: {added:,} of {counted(len(found), 'number')}")


def run(argv: Sequence[str], *, prog_name: str) -> int:
    """Run one command; see `worker.commands.session.run`."""
    return session.run(app, argv, prog_name=prog_name)


def _numbers(phones: Sequence[str]) -> list[int]:
    if len(phones) > NUMBERS_PER_CALL:
        raise BadInput("number", len(phones), f"give at most {NUMBERS_PER_CALL} numbers")
    return [parse_number(phone, field="number") for phone in phones]
