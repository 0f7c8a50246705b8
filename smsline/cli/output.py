"""What is printed: JSON, rows as CSV or JSON lines, tables.

Answers go to stdout, words about the work to stderr.

rich is loaded only by what draws; JSON and rows do without it.
"""

import csv
import json
import sys
from collections.abc import Iterable, Mapping, Sequence
from contextlib import suppress
from itertools import chain, islice
from typing import TYPE_CHECKING, Final

from smsline.errors import BadInput
from smsline.rejects import harmless

if TYPE_CHECKING:
    from rich.console import Console, RenderableType
    from rich.table import Table

FORMATS: Final = ("csv", "jsonl")

# Columns of a table that goes to a pipe: nothing is folded, so that grep and awk find whole values.
_PIPE_WIDTH: Final = 1000


def print_json(value: object) -> None:
    """One JSON document on one line of stdout; ASCII only, so that no locale can break it."""
    sys.stdout.write(json.dumps(value) + "\n")


def print_line(text: str) -> None:
    """One line of stdout."""
    sys.stdout.write(text + "\n")


def print_secret(name: str, field: str, secret: str, *, as_json: bool) -> None:
    """What can be shown once only, alone on stdout, so that `… > file` holds it and nothing else.

    With --json it is an object with its name.
    """
    if as_json:
        print_json({"name": name, field: secret})
        return
    print_line(secret)
    say("keep it now: it cannot be shown again")


def say(text: str) -> None:
    """One line of stderr, about the work."""
    with suppress(OSError):  # a full disk there is no reason to keep a job's id from stdout
        sys.stderr.write(text + "\n")


def chosen_format(wanted: str, *, as_json: bool) -> str:
    """The format of rows: `--format`, or JSON lines for `--json`, or CSV.

    Raises:
        BadInput: An unknown format, or one that contradicts `--json`.
    """
    if wanted not in ("", *FORMATS):
        raise BadInput("--format", wanted, "must be csv or jsonl")
    if as_json and wanted == "csv":
        raise BadInput("--format", wanted, "contradicts --json; leave one of them out")
    return "jsonl" if as_json else wanted or "csv"


def print_rows(rows: Iterable[Mapping[str, object]], columns: Sequence[str], *, fmt: str) -> None:
    """Stream rows to stdout, however many they are.

    Args:
        rows: Mappings with at least the columns.
        columns: The CSV's columns, in order; None prints as nothing.
        fmt: `csv` or `jsonl`.
    """
    rest = iter(rows)
    first = list(islice(rest, 1))  # what can fail fails here, before a header is printed
    if fmt == "jsonl":
        for row in chain(first, rest):
            print_json(row)
        return
    writer = csv.writer(sys.stdout, lineterminator="\n")
    writer.writerow(columns)
    writer.writerows([harmless(row[column]) for column in columns] for row in chain(first, rest))


def console(*, stderr: bool = False) -> "Console":
    """A rich console that prints values as they are.

    Colours and width follow the terminal, if there is one.
    """
    from rich.console import Console  # noqa: PLC0415 - see above

    stream = sys.stderr if stderr else sys.stdout
    width = None if stream.isatty() else _PIPE_WIDTH
    return Console(stderr=stderr, width=width, markup=False, emoji=False, highlight=False)


def show(drawn: "RenderableType") -> None:
    """Something drawn, on stdout; on a pipe without the blanks that fill its lines up."""
    on = console()
    if on.is_terminal:
        on.print(drawn)
        return
    with on.capture() as captured:
        on.print(drawn)
    sys.stdout.writelines(text.rstrip() + "\n" for text in captured.get().splitlines())


def table(*columns: str, numbers: Sequence[str] = ()) -> "Table":
    """An empty table: a line under the header on a terminal, bare columns on a pipe.

    Args:
        columns: Headers.
        numbers: Those of them whose values are numbers, set to the right.
    """
    from rich import box  # noqa: PLC0415 - see above
    from rich.table import Table  # noqa: PLC0415 - see above

    made = Table(box=box.SIMPLE_HEAD if sys.stdout.isatty() else None, header_style="bold", pad_edge=False)
    for column in columns:
        made.add_column(column, justify="right" if column in numbers else "left", overflow="fold")
    return made


def cell(value: object) -> str:
    """A value as a table shows it.

    Nothing for None, yes or no, thousands apart, no control character from wherever it came.
    """
    if value is None:
        return ""
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, int):
        return f"{value:,}"
    # A reply or a ref may hold the codes that move a terminal's cursor or set its title.
    return "".join(letter if letter.isprintable() else " " for letter in str(value))
