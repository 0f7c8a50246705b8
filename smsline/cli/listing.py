"""Tables that can be read at any width; on a pipe they have every column, whole.

On a terminal, identifiers are never folded: what is least missed is left out until the rest fits,
and sentences that would have to stand in a narrow column go under their row.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from smsline.cli.output import cell, console, say, show

if TYPE_CHECKING:
    from rich.console import Console
    from rich.table import Table

# Columns that a sentence needs to be read in a column of its own.
_SENTENCE: Final = 28

_INDENT: Final = 4
_GAP: Final = "  "
# Wider than any row: rich would squeeze a table to the terminal's width before it is
# asked how wide it would be.
_ANY_WIDTH: Final = 10_000


@dataclass(frozen=True, slots=True)
class Column:
    """One column of a listing.

    Attributes:
        name: Its header.
        spare: Whether it can be left out on a narrow terminal, and how soon: the highest first; 0
            never.
        number: Set to the right.
        words: Sentences, which may be folded or stand under their row.
    """

    name: str
    spare: int = 0
    number: bool = False
    words: bool = False


Row = Sequence[str]


def show_listing(columns: Sequence[Column], rows: Iterable[Sequence[object]]) -> None:
    """Draw rows on stdout; what was left out for want of width is said on stderr.

    Args:
        columns: In order.
        rows: Values, as many as columns; None shows as nothing.
    """
    # All rows at once: how wide a column is depends on each of them. Callers limit their number.
    told = [[cell(value) for value in row] for row in rows]
    on = console()
    if not on.is_terminal:
        show(_table(columns, told, terminal=False))
        return
    short = [column for column in columns if not column.words]
    kept = list(columns)
    if not _fits(on, columns, told):
        # Sentences go under their rows; then the spare columns are left out one after the
        # other, until the rest fits.
        kept = list(short)
        while not _fits(on, *_only(kept, columns, told)) and any(column.spare for column in kept):
            kept.remove(max(kept, key=lambda column: column.spare))
    if (len(short) == len(columns) or kept == list(columns)) and _fits(on, *_only(kept, columns, told)):
        on.print(_table(*_only(kept, columns, told), terminal=True))
    else:
        _print_stacked(on, columns, told, kept=kept)
    if left_out := [column.name for column in columns if column not in kept and not column.words]:
        say(f"left out for want of width: {', '.join(left_out)}; --json has all")


def _fits(on: "Console", columns: Sequence[Column], rows: Sequence[Row]) -> bool:
    from rich.measure import Measurement  # noqa: PLC0415 - only where something is drawn

    drawn = _table(columns, rows, terminal=True)
    return Measurement.get(on, on.options.update(max_width=_ANY_WIDTH), drawn).minimum <= on.width


def _only(kept: Sequence[Column], columns: Sequence[Column], rows: Sequence[Row]) -> tuple[list[Column], list[Row]]:
    places = [place for place, column in enumerate(columns) if column in kept]
    return [columns[place] for place in places], [[row[place] for place in places] for row in rows]


def _table(columns: Sequence[Column], rows: Sequence[Row], *, terminal: bool) -> "Table":
    from rich import box  # noqa: PLC0415 - only where something is drawn
    from rich.table import Table  # noqa: PLC0415

    made = Table(box=box.SIMPLE_HEAD if terminal else None, header_style="bold", pad_edge=False)
    for column, width in zip(columns, _widths(columns, rows), strict=True):
        made.add_column(
            column.name,
            justify="right" if column.number else "left",
            overflow="fold",
            no_wrap=terminal and not column.words,
            min_width=(_SENTENCE if column.words else width) if terminal else None,
        )
    for row in rows:
        made.add_row(*row)
    return made


def _print_stacked(on: "Console", columns: Sequence[Column], rows: Sequence[Row], *, kept: Sequence[Column]) -> None:
    """Each row's short values on one or several lines, and its sentences folded under them."""
    from rich.cells import cell_len  # noqa: PLC0415 - only where something is drawn
    from rich.padding import Padding  # noqa: PLC0415
    from rich.text import Text  # noqa: PLC0415

    shown, short = _only([column for column in kept if not column.words], columns, rows)
    # Where the next value would not fit, the row goes on in an indented line.
    told = [[column.name for column in shown], *short]
    widths = _widths(shown, told)
    breaks, used = set[int](), 0
    for place, wide in enumerate(widths):
        used += wide + len(_GAP)
        if place and used - len(_GAP) > on.width:
            breaks.add(place)
            used = _INDENT + wide + len(_GAP)

    def padded(place: int, text: str) -> str:
        blanks = " " * (widths[place] - cell_len(text))
        before = "\n" + " " * _INDENT if place in breaks else _GAP if place else ""
        return before + (blanks + text if shown[place].number else text + blanks)

    aligned = ("".join(padded(place, text) for place, text in enumerate(row)) for row in told)
    header, *lines = ("\n".join(part.rstrip() for part in line.split("\n")) for line in aligned)
    sentences = _only([column for column in columns if column.words], columns, rows)[1]
    on.print(Text(header, style="bold"), soft_wrap=True)
    for line, under in zip(lines, sentences, strict=True):
        on.print(Text(line), soft_wrap=True)
        for sentence in filter(None, under):
            on.print(Padding(Text(sentence), (0, 0, 0, _INDENT)))


def _widths(columns: Sequence[Column], rows: Sequence[Row]) -> list[int]:
    # Not len: a Chinese character takes two columns of a terminal, a combining accent none.
    from rich.cells import cell_len  # noqa: PLC0415 - only where something is drawn

    names = [column.name for column in columns]
    return [max(cell_len(row[place]) for row in (names, *rows)) for place in range(len(columns))]
