"""`smsline tencent replies`, `receipts`, `number` and `convert`."""

import time
from collections.abc import Iterator
from dataclasses import asdict
from datetime import datetime
from typing import Annotated, Final

import typer

from smsline.cli import options as opt
from smsline.cli.errors import FAILED
from smsline.cli.output import cell, print_json, print_line, say, show, table
from smsline.cli.times import span_s
from smsline.codes import for_receipt
from smsline.errors import BadInput, SmslineError
from smsline.numbers import parse_number
from worker.commands.session import print_rows
from worker.commands.tencent.session import AccountName, account, day, known
from worker.providers.adapter import Adapter
from worker.providers.tencent import questions
from worker.providers.tencent.facts import ASK_BACK_S, ROWS_PER_PAGE
from worker.providers.tencent.questions import QueuedReply

commands = typer.Typer()

Number = Annotated[
    str,
    typer.Option("--number", metavar="NUMBER", help="Only this number's, which stay in the queue.", show_default=False),
]
Since = Annotated[str, typer.Option("--since", metavar="AGE", help="How far back for one number, up to 7d.")]
Phone = Annotated[str, typer.Argument(metavar="NUMBER", help="With its +.", show_default=False)]
Phones = Annotated[list[str], typer.Argument(metavar="NUMBER...", help="Numbers, with their +.", show_default=False)]
Serial = Annotated[str, typer.Argument(metavar="SERIAL", help="As `smsline results` shows it.", show_default=False)]
At = Annotated[str, typer.Option("--at", metavar="TIME", help="When it was typed in (ISO 8601).", show_default="now")]

# Kept off the oldest time that can be asked for, so that clocks which differ a little do not make
# it too old.
_MARGIN_S: Final = 60


@commands.command(
    "replies",
    context_settings=opt.HELP,
    epilog=opt.example(
        "smsline tencent replies --json >> replies.jsonl", "smsline tencent replies --number +8613711112222 --since 2d"
    ),
)
def list_replies(
    *, number: Number = "", since: Since = "7d", name: AccountName = "", as_json: opt.Json = False
) -> None:
    """Take the replies off the queue and print them, --json as an object per line.

    The provider gives each reply once: what is not kept is lost, so send the output to a file.
    Nothing is read into a reply: to stop texting a number, hand it to `smsline suppress add`.
    """
    with account(name) as tencent:
        found = _of(tencent, number, since) if number else _queued(tencent)
        if as_json:
            # Printed as they come: what was pulled is off the provider's queue, and a page that
            # fails must not take these along.
            for reply in found:
                print_json(_fields(reply))
        else:
            _print_replies(found)


@commands.command(context_settings=opt.HELP, epilog=opt.example("smsline tencent receipts +8613711112222 --since 2d"))
def receipts(phone: Phone, *, since: Since = "7d", name: AccountName = "", as_json: opt.Json = False) -> None:
    """Show what the provider knows of messages to one number.

    Nothing is taken off the queue of receipts.
    """
    number, (since_s, until_s) = parse_number(phone, field="number"), _span(since)
    with account(name) as tencent:
        page = known(tencent.ask(number, since_s=since_s, until_s=until_s))
    found = [
        {
            "serial": one.serial,
            "delivered": one.ok,
            "code": one.code,
            # The code is the carrier's; the table says what to think of it.
            "meaning": for_receipt("tencent", one.code).row.meaning,
            "received_at": day(one.received_at_s),
        }
        for one in page.receipts
    ]
    print_rows(found, "no receipts", as_json=as_json)


def _print_replies(found: Iterator[QueuedReply]) -> None:
    taken: list[QueuedReply] = []
    try:
        taken.extend(found)
    finally:
        # Also when a later page failed: these have left the queue.
        if taken:
            shown = table("phone", "received_at", "sign", "extend", "text")
            for reply in taken:
                shown.add_row(*map(cell, _fields(reply).values()))
            show(shown)
    if not taken:
        print_line("no replies")


@commands.command(context_settings=opt.HELP, epilog=opt.example("smsline tencent number +86018845720123 +6591234567"))
def number(phones: Phones, *, name: AccountName = "", as_json: opt.Json = False) -> None:
    """Show how the provider reads numbers: country, and the spelling it sends to."""
    with account(name) as tencent:
        found = known(questions.describe_numbers(tencent, phones))
    if as_json:
        print_json([asdict(one) for one in found])
    else:
        shown = table("phone", "country", "calling code", "subscriber", "says")
        for one in found:
            country = f"{one.country} {one.country_name}".strip()
            shown.add_row(*map(cell, (one.phone, country, one.calling_code, one.subscriber, one.code)))
        show(shown)
    # Exit code 1, so that a script which checks a list sees it.
    if not all(one.ok for one in found):
        say("some numbers cannot be read; they would be refused")
        raise typer.Exit(FAILED)


@commands.command(
    context_settings=opt.HELP, epilog=opt.example("smsline tencent convert 5000:1045710669157053657849499619")
)
def convert(serial: Serial, *, at: At = "", name: AccountName = "", as_json: opt.Json = False) -> None:
    """Tell the provider that the code of a message was typed in."""
    # Before the call: a time that cannot be read must not cost a token.
    try:
        at_s = int(datetime.fromisoformat(at.strip()).timestamp()) if at else int(time.time())
    except (ValueError, OverflowError, OSError):
        raise BadInput("--at", at, "must be a time such as 2026-05-01T13:05 (local) or with a zone") from None
    with account(name) as tencent:
        reported = known(questions.report_conversion(tencent, serial, at_s=at_s))
    if not reported.ok:
        # The call went well and its row did not: an exit code of 0 would hide that.
        raise SmslineError(f"{reported.code}: the report was not taken. The provider says: {reported.message}")
    print_json({"serial": serial, "at": day(at_s)}) if as_json else print_line(f"reported {serial}")


def _queued(tencent: Adapter) -> Iterator[QueuedReply]:
    # A full page means that there may be more; rows that cannot be read count too.
    rows = ROWS_PER_PAGE
    while rows >= ROWS_PER_PAGE:
        page = known(questions.pull_replies(tencent))
        rows = page.rows
        yield from page.replies


def _of(tencent: Adapter, text: str, since: str) -> Iterator[QueuedReply]:
    number, (since_s, until_s) = parse_number(text, field="--number"), _span(since)
    page = known(questions.replies_of_number(tencent, number, since_s=since_s, until_s=until_s))
    if page.rows >= ROWS_PER_PAGE:
        say(f"the newest {ROWS_PER_PAGE} of them; a smaller --since shows less")
    yield from page.replies


def _span(since: str) -> tuple[int, int]:
    """From so long ago until now, epoch seconds."""
    age_s, now_s = span_s(since) or 0, int(time.time())
    if not 0 < age_s <= ASK_BACK_S:
        raise BadInput("--since", since, "must be an age such as 90m, 12h or 7d, at most 7d")
    # 7d is offered and is a minute too much for the provider: the margin is taken off silently.
    return max(now_s - age_s, now_s - ASK_BACK_S + _MARGIN_S), now_s


def _fields(reply: QueuedReply) -> dict[str, object]:
    return {
        "phone": reply.phone,
        "received_at": day(reply.received_at_s),
        "sign": reply.sign,
        "extend": reply.extend,
        "text": reply.text,
    }
