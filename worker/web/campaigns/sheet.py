"""A table of text whose columns a person maps: read by the rules of `smsline.csvcolumns`, with a header of any names."""

import csv
import re
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Final, TextIO

from smsline.csvcolumns import USUAL, Columns, Row, read_row
from smsline.errors import BadInput
from smsline.job import MAX_PARAMS
from smsline.textfile import encoding_of

DELIMITERS: Final = ",;\t|"
LONGEST_LINE: Final = 1 << 20
_HEAD: Final = 1 << 16

_PHONE: Final = re.compile(r"phone|mobile|msisdn|number|手机|电话|号码", re.IGNORECASE)
_REF: Final = re.compile(r"ref|reference|id|customer_?id|编号", re.IGNORECASE)
_PARAM: Final = re.compile(r"param([1-9][0-9]?)", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Sheet:
    """A file whose header was read.

    Attributes:
        path: Where it is.
        encoding: Of its text.
        delimiter: Between its values.
        columns: Names of its columns, as written.
    """

    path: Path
    encoding: str
    delimiter: str
    columns: tuple[str, ...]


def read_sheet(path: Path) -> Sheet:
    """Find out how a file is written, and read its header.

    Raises:
        BadInput: It is empty, no text, or its first line names no column.
    """
    with path.open("rb") as file:
        head = file.read(_HEAD)
    encoding = encoding_of(head, "the file", "")
    first = next(iter(head.decode(encoding, "ignore").splitlines()), "")
    delimiter = max(DELIMITERS, key=first.count)
    columns = tuple(cell.strip() for cell in next(csv.reader([first], delimiter=delimiter), []))
    if not any(columns):
        raise BadInput("file", "its first line", "must name the columns")
    return Sheet(path, encoding, delimiter, columns)


def guess(names: Sequence[str]) -> Columns:
    """Which columns are probably what."""
    usual = [at for at, name in enumerate(names) if re.sub(r"[\s_.-]+", "", name).casefold() in {"phone", *USUAL}]
    likely = [at for at, name in enumerate(names) if _PHONE.search(name)]
    params = sorted((int(found[1]), at) for at, name in enumerate(names) if (found := _PARAM.fullmatch(name)))
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
    if params[: len(used)] != used:
        raise BadInput("params", "…", "choose the columns from param 1 on, without a gap")
    return Columns(width, phone, tuple(used), position("ref"), ())


@contextmanager
def rows_of(sheet: Sheet, columns: Columns) -> Iterator[Iterator[Row]]:
    """The data rows, each with its line, and with a reason where it cannot be sent."""
    # Undecodable bytes become lone surrogates, so that they spoil their row and not the file.
    errors = "surrogatepass" if sheet.encoding.startswith("utf-16") else "surrogateescape"
    with sheet.path.open(encoding=sheet.encoding, errors=errors, newline="") as text:
        yield _rows(_lines(text), sheet.delimiter, columns)


def _rows(lines: Iterator[str], delimiter: str, columns: Columns) -> Iterator[Row]:
    reader = csv.reader(lines, delimiter=delimiter, strict=True)
    next(reader, None)
    while True:
        begins = reader.line_num + 1
        try:
            cells = next(reader, None)
        except csv.Error as error:
            yield Row(begins, "", reason=f"cannot be read as CSV: {error}; is a quote not closed?")
            continue
        if cells is None:
            return
        if any(map(str.strip, cells)):
            yield read_row(cells, columns, begins)


def _lines(text: TextIO) -> Iterator[str]:
    """Lines, none of them longer than memory should hold."""
    while line := text.readline(LONGEST_LINE):
        if len(line) == LONGEST_LINE and not line.endswith("\n"):
            raise BadInput("file", f"a line of more than {LONGEST_LINE:,} characters", "must be a table of text")
        yield line
