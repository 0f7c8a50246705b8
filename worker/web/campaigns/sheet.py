"""A table of text whose columns a person maps, by the rules of `smsline.csvcolumns`.

Its header may have any names.
"""

import csv
import re
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Final, TextIO

from smsline.csvcolumns import HALF, USUAL, Columns, CsvRow, column_name, plain_name, read_row
from smsline.csvfile import TableFile
from smsline.errors import BadInput
from smsline.row_values import MAX_PARAMS
from worker.web.campaigns import workbook

ROUNDED: Final = (
    "has a number that is not as the sheet shows it: of more than 15 digits, which are rounded, or with a format that "
    "adds digits; make the column text, then enter it anew"
)
# In a workbook's copy: the row's number, and which of its cells are not what they show.
_BEFORE_CELLS: Final = 2

# What the upload form offers where a file is neither UTF-8 nor UTF-16.
ENCODINGS: Final = {
    "gb18030": "Chinese, simplified (GB18030)",
    "big5": "Chinese, traditional (Big5)",
    "shift_jis": "Japanese (Shift-JIS)",
    "euc_kr": "Korean (EUC-KR)",
    "cp1252": "Western European (Windows-1252)",
    "cp1250": "Central European (Windows-1250)",
    "cp1251": "Cyrillic (Windows-1251)",
    "cp1253": "Greek (Windows-1253)",
    "cp1254": "Turkish (Windows-1254)",
}

_PHONE: Final = re.compile(r"phone|mobile|msisdn|number|手机|电话|号码", re.IGNORECASE)
_NUMBER: Final = re.compile(r"\W*(?:\d\W*){9,15}")
_REF: Final = re.compile(r"ref|reference|id|customer_?id|编号", re.IGNORECASE)
_PARAM: Final = re.compile(r"param([1-9][0-9]?)", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Sheet:
    """A file whose header was read.

    Attributes:
        path: Where it is.
        encoding: Of its text; empty for what its first bytes say.
        columns: Names of its columns, as written.
        origin: Which sheet of a workbook it is a copy of, for people; empty for a file that came as
            text.
    """

    path: Path
    encoding: str
    columns: tuple[str, ...]
    origin: str = ""


def read_sheet(path: Path, encoding: str = "") -> Sheet:
    """Find out how a file is written, and read its header.

    A workbook gives way to a copy of its first sheet.

    Args:
        path: The file.
        encoding: What its text is written in; empty for UTF-8, or UTF-16 where the first bytes say
            so.

    Raises:
        BadInput: It is empty, neither text nor a workbook, or its first line names no column.
    """
    with path.open("rb") as file:
        head = file.read(len(workbook.MAGIC))
    if head == workbook.MAGIC:
        copy = path.with_suffix(".csv")
        try:
            origin = workbook.copied(path, copy)
            # Under the name that the file has: dropping it drops the copy.
            copy.replace(path)
        finally:
            copy.unlink(missing_ok=True)
        with path.open(encoding="utf-8", newline="") as text:
            columns = [column_name(cell) for cell in next(csv.reader(text), [])[_BEFORE_CELLS:]]
        if not columns:
            raise BadInput("file", origin, "is empty; its first row must name the columns")
        return Sheet(path, "utf-8", _names(columns), origin)
    if encoding and encoding not in ENCODINGS:
        raise BadInput("encoding", encoding, "is not one of the list")
    with path.open("rb") as source:
        try:
            table = TableFile(source, "the file", encoding=encoding)
        except BadInput as error:
            raise BadInput(error.field, error.value, _by_the_form(error.rule)) from None
        if HALF.search("".join(table.names)):
            raise BadInput("file", "its first line", _by_the_form(table.not_its_encoding))
    if not any(table.names):
        raise BadInput("file", "its first line", "must name the columns")
    return Sheet(path, encoding, _names(table.names))


def _names(columns: Sequence[str]) -> tuple[str, ...]:
    """The names, unless they are a row of data: taken for names it would go out to no one.

    Raises:
        BadInput: None of them names numbers, and one is a number.
    """
    if not any(map(_PHONE.search, columns)) and any(map(_NUMBER.fullmatch, columns)):
        raise BadInput(
            "file", "its first line", "is the row of a number; put a line above it that names the columns: phone, ref"
        )
    return tuple(columns)


def _by_the_form(reason: str) -> str:
    # The reader speaks of the command line's option; here a list stands beside the file.
    return reason.replace("with --encoding", "in the list beside the file").replace("--encoding", "encoding")


def guess(names: Sequence[str]) -> Columns:
    """Which columns are probably what."""
    # Exact names before likely ones: `phone` may stand behind `phone_checked_at`.
    usual = [at for at, name in enumerate(names) if plain_name(name) in USUAL]
    likely = [at for at, name in enumerate(names) if _PHONE.search(name)]
    params = sorted((int(found[1]), at) for at, name in enumerate(names) if (found := _PARAM.fullmatch(name)))
    # param1 twice, or param3 behind param1: a person says which is which.
    if [number for number, _ in params] != list(range(1, len(params) + 1)):
        params = []
    ref = next((at for at, name in enumerate(names) if _REF.fullmatch(name)), None)
    return Columns(len(names), (usual + likely + [0])[0], tuple(at for _, at in params), ref, ())


def mapped(given: Mapping[str, str], width: int) -> Columns:
    """The columns that a form says: `phone`, `param1` …, `ref` hold positions, or nothing.

    Raises:
        BadInput: No column for numbers, one that is not there, or a gap among the params.
    """

    def position(field: str) -> int | None:
        text = given.get(field, "")
        if text and not (text.isascii() and text.isdigit() and int(text[:5]) < width):
            raise BadInput(field, text, "must be a column of the file")
        return int(text) if text else None

    phone = position("phone")
    if phone is None:
        raise BadInput("phone", "", "choose the column that holds the numbers")
    params = [position(f"param{number}") for number in range(1, MAX_PARAMS + 1)]
    used = [param for param in params if param is not None]
    # {2} without {1} would put every value one place too far to the left.
    if params[: len(used)] != used:
        raise BadInput("params", "…", "choose the columns from param 1 on, without a gap")
    return Columns(width, phone, tuple(used), position("ref"), ())


@contextmanager
def rows_of(sheet: Sheet, columns: Columns) -> Iterator[Iterator[CsvRow]]:
    """The data rows, each with its line, and with a reason where it cannot be sent."""
    if sheet.origin:
        with sheet.path.open(encoding=sheet.encoding, newline="") as text:
            yield _copied_rows(text, columns)
    else:
        with sheet.path.open("rb") as source:
            rows = TableFile(source, "the file", encoding=sheet.encoding).rows_by(columns)
            yield (row._replace(reason=_by_the_form(row.reason)) if row.reason else row for row in rows)


def _copied_rows(text: TextIO, columns: Columns) -> Iterator[CsvRow]:
    """The rows of a workbook's copy.

    Those of whose cells a spreadsheet has rounded one that is used cannot be sent.
    """
    reader = csv.reader(text)
    next(reader, None)
    used = {columns.phone, *columns.params, *(() if columns.ref is None else (columns.ref,))}
    for number, rounded, *cells in reader:
        if used.intersection(map(int, rounded.split())):
            yield CsvRow(int(number), "", reason=ROUNDED)
        else:
            # A spreadsheet leaves out what is empty at a row's end.
            yield read_row(cells + [""] * (columns.width - len(cells)), columns, int(number))
