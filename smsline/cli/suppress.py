"""The suppression list: numbers that are never texted, whoever asks; add, remove and list them."""

from collections.abc import Iterator
from itertools import chain
from typing import Annotated

import typer

from smsline.cli import options as opt
from smsline.cli.errors import BAD_INPUT
from smsline.cli.output import print_json, print_line, say
from smsline.csvfile import CampaignFile, open_campaign
from smsline.errors import BadInput

commands = typer.Typer(
    context_settings=opt.HELP,
    help="Numbers that are never texted, whoever asks.",
    epilog=opt.example("smsline suppress add +8613711112222", "smsline suppress add --file stop.csv"),
)

Phones = Annotated[list[str] | None, typer.Argument(metavar="[NUMBER]...", help="Numbers.", show_default=False)]
File = Annotated[
    str, typer.Option("--file", metavar="FILE", help="A CSV with a column phone; - reads stdin.", show_default=False)
]


@commands.command(context_settings=opt.HELP, epilog=opt.example("smsline suppress add --file stop.csv"))
def add(context: typer.Context, numbers: Phones = None, *, file: File = "", as_json: opt.Json = False) -> None:
    """Never text these numbers again; what waits for them ends as suppressed."""
    _change(context, numbers, file, verb="suppress", as_json=as_json)


@commands.command(context_settings=opt.HELP, epilog=opt.example("smsline suppress remove +8613711112222"))
def remove(context: typer.Context, numbers: Phones = None, *, file: File = "", as_json: opt.Json = False) -> None:
    """Take numbers off the list; from now on they may be texted."""
    _change(context, numbers, file, verb="unsuppress", as_json=as_json)


@commands.command("list", context_settings=opt.HELP, epilog=opt.example("smsline suppress list > stop.txt"))
def list_numbers(context: typer.Context, *, as_json: opt.Json = False) -> None:
    """Print every number on the list, one a line."""
    for number in opt.admin_of(context).suppressed():
        print_json({"phone": number}) if as_json else print_line(number)


def _change(context: typer.Context, numbers: list[str] | None, file: str, *, verb: str, as_json: bool) -> None:
    if not numbers and not file:
        raise BadInput("NUMBER", "", "give numbers, or --file with a CSV that has a column phone")
    admin = opt.admin_of(context)
    change = admin.suppress if verb == "suppress" else admin.unsuppress
    bad: list[str] = []
    if file:
        with open_campaign(file) as source:
            changed = change(chain(numbers or (), _good(source, admin.region, bad)))
    else:
        changed = change(numbers or ())
    print_json({"changed": changed, "rejected": len(bad)}) if as_json else print_line(
        f"{changed:,} numbers {'added' if verb == 'suppress' else 'removed'}"
    )
    for reason in bad[:10]:
        say(reason)
    if bad:
        say(f"{len(bad):,} rows were left out")
        raise typer.Exit(BAD_INPUT)


def _good(source: CampaignFile, region: str | None, bad: list[str]) -> Iterator[str]:
    """The numbers of a file that can be numbers; the lines of the others go to `bad`."""
    for row in source.rows():
        reason = row.reason or _reason(row.phone, region)
        if reason:
            bad.append(f"line {row.line}: {reason}")
        else:
            yield row.phone


def _reason(phone: str, region: str | None) -> str:
    from smsline.numbers import parse_number  # noqa: PLC0415 - loads the tables of the world's numbers

    try:
        parse_number(phone, region=region, field="phone")
    except BadInput as error:
        return str(error)
    return ""
