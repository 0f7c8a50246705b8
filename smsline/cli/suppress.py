"""The suppression list: which numbers are not texted, in which lanes and why.

Add, remove and list them.
"""

import io
import json
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import chain
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Final, cast

import typer

from smsline.cli import options as opt
from smsline.cli.errors import BAD_INPUT
from smsline.cli.output import print_json, print_line, print_rows, say
from smsline.counted import counted
from smsline.csvfile import STDIN, CampaignFile
from smsline.errors import BadInput
from smsline.rejects import as_written

if TYPE_CHECKING:
    from smsline.suppressed import SuppressedNumber

commands = typer.Typer(
    context_settings=opt.HELP,
    help="Numbers that are not texted, and why.",
    epilog=opt.example("smsline suppress add +8613711112222", "smsline suppress add --file stop.csv"),
)

Phones = Annotated[list[str] | None, typer.Argument(metavar="[NUMBER]...", help="Numbers.", show_default=False)]
File = Annotated[
    str,
    typer.Option(
        "--file",
        metavar="FILE",
        help="A CSV with a column phone, a number a line, or what `list --json` prints; - reads stdin.",
        show_default=False,
    ),
]


Scope = Annotated[
    str,
    typer.Option(
        metavar="marketing|notify|all",
        help="What is stopped: advertisements, notices too, or one-time passwords too.",
        show_default="all, or what a file's column scope says",
    ),
]
Reason = Annotated[str, typer.Option(metavar="TEXT", help="Why, for people.", show_default=False)]

COLUMNS: Final = ("phone", "scope", "source", "reason", "at")


@commands.command(
    context_settings=opt.HELP,
    epilog=opt.example("smsline suppress add +8613711112222 --scope marketing", "smsline suppress add --file stop.csv"),
)
def add(
    context: typer.Context,
    numbers: Phones = None,
    *,
    file: File = "",
    scope: Scope = "",
    reason: Reason = "",
    as_json: opt.Json = False,
) -> None:
    """Stop texting these numbers; what waits for them ends as suppressed.

    An entry is widened, never narrowed. A file may be what `list` has printed: each row keeps its
    scope, source, reason and time.
    """
    admin, bad = opt.admin_of(context), list[str]()
    with _rows(numbers, file, admin.region, bad) as rows:
        # What is said on the command line stands above what the file says.
        entries: Iterator[SuppressedNumber] = (
            {
                "phone": row["phone"],
                "scope": scope or row.get("scope", ""),
                "source": row.get("source", ""),
                "reason": reason or row.get("reason", ""),
                "at": row.get("at", ""),
            }
            for row in rows
        )
        changed = admin.suppress_entries(entries)
    _report(changed, "added", bad, as_json=as_json)


@commands.command(context_settings=opt.HELP, epilog=opt.example("smsline suppress remove +8613711112222"))
def remove(context: typer.Context, numbers: Phones = None, *, file: File = "", as_json: opt.Json = False) -> None:
    """Take numbers off the list; from now on they may be texted."""
    admin, bad = opt.admin_of(context), list[str]()
    with _rows(numbers, file, admin.region, bad) as rows:
        changed = admin.unsuppress(row["phone"] for row in rows)
    _report(changed, "removed", bad, as_json=as_json)


@commands.command(
    "list",
    context_settings=opt.HELP,
    epilog=opt.example("smsline suppress list > stop.csv", "smsline suppress add --file stop.csv"),
)
def list_numbers(context: typer.Context, *, as_json: opt.Json = False) -> None:
    """Print every entry: the number, what is stopped, from where, why and since when.

    `add --file` takes it, as CSV or JSON.
    """
    print_rows(opt.admin_of(context).suppressed(), COLUMNS, fmt="jsonl" if as_json else "csv")


@contextmanager
def _rows(
    numbers: list[str] | None, file: str, region: str | None, bad: list[str]
) -> Iterator[Iterator[dict[str, str]]]:
    """The numbers given and the good rows of a file, each with the file's other columns.

    The lines of bad rows go to `bad`.

    Raises:
        BadInput: Neither was given.
    """
    if not numbers and not file:
        raise BadInput("NUMBER", "", "give numbers, or --file with a CSV that has a column phone")
    given = ({"phone": number} for number in numbers or ())
    if not file:
        yield given
        return
    with _open(file) as source:
        # What `list --json` prints has an object per line; a CSV cannot begin with a brace.
        as_json = source.peek(1)[:1] == b"{"
        if as_json:
            read = _objects(source)
        else:
            file_ = CampaignFile(source, "standard input" if file == STDIN else file, header=False)
            others = file_.columns.ignored
            read = (
                (
                    row.line,
                    {**dict(zip(others, map(as_written, row.others), strict=False)), "phone": row.phone},
                    row.reason,
                )
                for row in file_.rows()
            )
        yield chain(given, _good(read, region, bad))


def _report(changed: int, done: str, bad: list[str], *, as_json: bool) -> None:
    print_json({"changed": changed, "rejected": len(bad)}) if as_json else print_line(
        f"{counted(changed, 'number')} {done}"
    )
    for reason in bad[:10]:
        say(reason)
    # Ends with 2 although the good rows are on the list: a script must not take a half-read
    # STOP list for a whole one.
    if bad:
        say(f"{counted(len(bad), 'row was', 'rows were')} left out")
        raise typer.Exit(BAD_INPUT)


@contextmanager
def _open(file: str) -> Iterator[io.BufferedReader]:
    """The file's bytes, or standard input.

    Raises:
        BadInput: It cannot be opened.
    """
    if file == STDIN:
        yield cast("io.BufferedReader", sys.stdin.buffer)
        return
    try:
        source = Path(file).open("rb")  # noqa: SIM115 - closed below, where reading errors are not opening errors
    except OSError as error:
        raise BadInput("file", file, f"cannot be read: {error.strerror or error}") from None
    with source:
        yield source


def _objects(source: io.BufferedReader) -> Iterator[tuple[int, dict[str, str], str]]:
    """The same of JSON lines."""
    for line, text in enumerate(source, 1):
        if not text.strip():
            continue
        try:
            found = json.loads(text)
            row = {name: value for name, value in found.items() if isinstance(value, str)}
        except (ValueError, AttributeError):
            yield line, {}, "is no JSON object; the first line is one, so all must be"
            continue
        yield line, row, "" if row.get("phone") else "has no phone"


def _good(
    read: Iterator[tuple[int, dict[str, str], str]], region: str | None, bad: list[str]
) -> Iterator[dict[str, str]]:
    """The rows of a file whose numbers can be numbers; the lines of the others go to `bad`."""
    from smsline.numbers import parse_number  # noqa: PLC0415 - loads the tables of the world's numbers

    for line, row, broken in read:
        reason = broken
        if not reason:
            try:
                # Looked at here too, though the admin does so again: there one bad number
                # would end the whole file.
                parse_number(row["phone"], region=region, field="phone", allow_unassigned=True)
            except BadInput as error:
                reason = str(error)
        if reason:
            bad.append(f"line {line}: {reason}")
        else:
            yield row
