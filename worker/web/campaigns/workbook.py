"""XLSX: the first sheet of a workbook, copied row by row into a CSV of our own.

No workbook is in memory as a whole.

A spreadsheet keeps numbers as floats of 15 digits. Those that have no more come out digit by digit,
whatever the sheet shows; those that have more were rounded when they were typed, and spoil their
row.
"""

import csv
import threading
from collections.abc import Iterator, Sequence
from datetime import datetime, time
from decimal import Decimal
from pathlib import Path
from typing import Final
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
)

# A hundred thousand rows are some seconds of work, in which pages are to be served too.
_ONE_AT_A_TIME: Final = threading.Lock()


def copied(source: Path, target: Path) -> str:
    """Copy the first sheet into a CSV.

    The row's number in the sheet, the columns whose cells were rounded, the cells.

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
            book = load_workbook(file, read_only=True, data_only=True, keep_links=False)
            sheet, size = book.worksheets[0], 0
            with target.open("w", encoding="utf-8", newline="") as text:
                writer = csv.writer(text)
                # A column more than is taken, so that one too many is seen and not cut off.
                for number, cells in _rows(sheet.iter_rows(max_col=MOST_COLUMNS + 1, values_only=True)):
                    rounded = " ".join(str(at) for at, cell in enumerate(cells) if is_rounded(cell))
                    size += writer.writerow([number, rounded, *map(written, cells)])
                    if size > COPY_MOST:
                        raise BadInput("file", "a workbook", f"has more than {COPY_MOST:,} characters")
            return f"sheet {sheet.title}" + (f", the first of {len(book.sheetnames)}" if book.sheetnames[1:] else "")
    except BROKEN as error:
        if isinstance(error, BadInput):
            raise
        raise BadInput("file", "a workbook", "cannot be read as XLSX; save it anew, or as CSV (UTF-8)") from None


def is_rounded(cell: object) -> bool:
    """Whether a number has more digits than a spreadsheet keeps."""
    return isinstance(cell, int | float) and not isinstance(cell, bool) and abs(cell) >= 10**DIGITS


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


def _rows(rows: Iterator[Sequence[object]]) -> Iterator[tuple[int, Sequence[object]]]:
    """The rows that have a value, from the header on, each with its number and its cells."""
    for number, cells in enumerate(rows, 1):
        width = len(cells)
        # Formats alone make a spreadsheet write cells, often a thousand columns of them.
        while width and cells[width - 1] in {None, ""}:
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
