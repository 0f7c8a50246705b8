"""XLSX: the first sheet of a workbook, copied row by row into a CSV of our own.

No workbook is in memory as a whole.

A spreadsheet keeps numbers as floats of 15 digits. Those that have no more come out digit by digit,
whatever the sheet shows, but for a format of zeros (`000000`), which fills them up. Those that have
more were rounded when they were typed, and spoil their row, as does a format with digits of its own
(`"+44 "0`).
"""

import csv
import re
import threading
import zlib
from collections.abc import Iterable, Iterator, Sequence
from datetime import datetime, time
from decimal import Decimal
from functools import cache
from pathlib import Path
from typing import Final, Protocol
from xml.etree.ElementTree import ParseError
from zipfile import BadZipFile, ZipFile

from smsline.errors import BadInput

MAGIC: Final = b"PK\x03\x04"
MOST_COLUMNS: Final = 256
SHEET_MOST: Final = 100_000_000
TEXTS_MOST: Final = 64_000_000
# Bytes of XML in a sheet, which is streamed, in the table of texts, which is a list in memory, and
# in any other part, which is a tree. What a part's head says of its size holds: the unpacker stops
# there.
OTHER_MOST: Final = 8_000_000

# Bytes of the copy: one long text may stand in a million cells.
COPY_MOST: Final = 500_000_000

DIGITS: Final = 15


class Cell(Protocol):
    """What openpyxl's cells have in common; a cell that is not there has them too."""

    @property
    def value(self) -> object:
        """What stands in it."""

    @property
    def number_format(self) -> str:
        """How a number is shown."""


# What openpyxl meets in a broken workbook comes out as nearly anything.
BROKEN: Final = (
    KeyError,
    IndexError,
    ValueError,
    TypeError,
    AttributeError,
    OSError,
    EOFError,
    BadZipFile,
    ParseError,
    RuntimeError,
    zlib.error,
)

# A hundred thousand rows are some seconds of work, in which pages are to be served too.
_ONE_AT_A_TIME: Final = threading.Lock()


_ZEROS: Final = re.compile(r"0{2,}")
# What a format says besides its own digits: conditions and colours, an exponent.
_NO_DIGIT: Final = re.compile(r"\[[^\]]*\]|E[+-]0+")
# A formula without a value, as programs write one that do not calculate; text may be empty.
_UNCALCULATED: Final = re.compile(
    rb'<(?:\w+:)?c\b(?![^>]*\bt="str")[^>]*>\s*<(?:\w+:)?f\b(?:[^>]*/>|[^>]*>[^<]*</(?:\w+:)?f>)\s*'
    rb"(?:<(?:\w+:)?v\s*/>|<(?:\w+:)?v></(?:\w+:)?v>)?\s*</(?:\w+:)?c>"
)


def copied(source: Path, target: Path) -> str:
    """Copy the first sheet that is shown into a CSV.

    The row's number in the sheet, the columns whose cells are not what they show, the cells.

    Args:
        source: The workbook.
        target: Where the CSV goes; the first row is the header.

    Returns:
        Which sheet it was, for people.

    Raises:
        BadInput: It is no workbook, or too large once it is unpacked.
    """
    from openpyxl import load_workbook  # noqa: PLC0415 - 20 MB and a quarter of a second, for those who bring a workbook

    _refuse_bombs(source)
    try:
        with _ONE_AT_A_TIME, source.open("rb") as file:
            _refuse_uncalculated(source)
            book = load_workbook(file, read_only=True, data_only=True, keep_links=False)
            sheet = next((each for each in book.worksheets if each.sheet_state == "visible"), book.worksheets[0])
            size = 0
            with target.open("w", encoding="utf-8", newline="") as text:
                writer = csv.writer(text)
                # A column more than is taken, so that one too many is seen and not cut off.
                for number, cells in _rows(sheet.iter_rows(max_col=MOST_COLUMNS + 1)):
                    unlike = " ".join(str(at) for at, cell in enumerate(cells) if is_unlike(cell))
                    size += writer.writerow([number, unlike, *map(shown, cells)])
                    if size > COPY_MOST:
                        raise BadInput("file", "a workbook", f"has more than {COPY_MOST:,} characters")
            return f"sheet {sheet.title}" + (
                f", the first shown of {len(book.sheetnames)}" if book.sheetnames[1:] else ""
            )
    except BROKEN as error:
        if isinstance(error, BadInput):
            raise
        raise BadInput("file", "a workbook", "cannot be read as XLSX; save it anew, or as CSV (UTF-8)") from None


def is_unlike(cell: Cell) -> bool:
    """Whether a number is not what its writer sees.

    It has more digits than a spreadsheet keeps, or its format shows others.
    """
    value = cell.value
    if not isinstance(value, int | float) or isinstance(value, bool):
        return False
    return abs(value) >= 10**DIGITS or _adds_digits(cell.number_format)


@cache
def _adds_digits(number_format: str) -> bool:
    return bool(re.search("[1-9+]", _NO_DIGIT.sub("", number_format)))


def shown(cell: Cell) -> str:
    """A cell as text; a number of which a format makes `000482` is that."""
    text = written(cell.value)
    if isinstance(cell.value, int | float) and _ZEROS.fullmatch(cell.number_format):
        return text.zfill(len(cell.number_format))
    return text


def written(cell: object) -> str:
    """A cell as text: all digits of a number, a date as 2030-05-01, a moment with its 09:00."""
    match cell:
        case None:
            text = ""
        case bool():
            text = str(cell).upper()
        case datetime() if cell.time() == time():
            text = f"{cell:%Y-%m-%d}"
        case datetime():
            text = f"{cell:%Y-%m-%d %H:%M:%S}".removesuffix(":00")
        case time():
            text = f"{cell:%H:%M:%S}".removesuffix(":00")
        case float() if cell.is_integer():
            text = str(int(cell))
        case float():
            # 0.1 + 0.2 is 0.3 in a spreadsheet; and an exponent is nothing that a person has typed.
            text = f"{Decimal(f'{cell:.{DIGITS}g}'):f}"
        case _:
            text = str(cell)
    return text


def _rows(rows: Iterable[Sequence[Cell]]) -> Iterator[tuple[int, Sequence[Cell]]]:
    """The rows that have a value, from the header on, each with its number and its cells."""
    for number, cells in enumerate(rows, 1):
        width = len(cells)
        # Formats alone make a spreadsheet write cells, often a thousand columns of them.
        while width and cells[width - 1].value in {None, ""}:
            width -= 1
        if width > MOST_COLUMNS:
            raise BadInput("file", f"row {number}", f"has more than {MOST_COLUMNS} columns")
        if width:
            yield number, cells[:width]


def _refuse_bombs(source: Path) -> None:
    """Look at the sizes of what is packed, before any of it is unpacked.

    Raises:
        BadInput: It is no workbook, is locked, or a part of it is too large.
    """
    try:
        with ZipFile(source) as packed:
            parts = packed.infolist()
    except (BadZipFile, OSError, NotImplementedError):
        parts = []
    # Excel's binary format, .xlsb, is a zip as well, and has a workbook.bin.
    if not any(part.filename == "xl/workbook.xml" for part in parts):
        raise BadInput("file", "an archive", "is no workbook; save it as XLSX or CSV (UTF-8)")
    for part in parts:
        most = OTHER_MOST
        if part.filename.startswith("xl/worksheets/"):
            most = SHEET_MOST
        elif part.filename == "xl/sharedStrings.xml":
            most = TEXTS_MOST
        elif part.filename.startswith(("xl/media/", "xl/embeddings/", "docProps/")):
            continue  # pictures are never unpacked
        if part.file_size > most:
            raise BadInput(
                "file", part.filename[:60], f"is {part.file_size:,} bytes when unpacked; save it as CSV (UTF-8)"
            )


def _refuse_uncalculated(source: Path) -> None:
    """Look for formulas without a value: their cells, and whole rows, would be taken for empty.

    Raises:
        BadInput: There is one, in whatever sheet.
    """
    with ZipFile(source) as packed:
        for part in packed.infolist():
            if not part.filename.startswith("xl/worksheets/") or not part.filename.endswith(".xml"):
                continue
            with packed.open(part) as file:
                before = b""
                while block := file.read(1 << 20):
                    if found := _UNCALCULATED.search(text := before + block):
                        at = re.search(rb'\br="([A-Z]+\d+)"', found[0])
                        place = f" in cell {at[1].decode()}" if at else ""
                        rule = f"has a formula{place} that was never calculated; open it in a spreadsheet and save it"
                        raise BadInput("file", "a workbook", rule)
                    before = text[-4096:]
