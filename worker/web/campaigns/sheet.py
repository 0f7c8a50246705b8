"""A table of text as people export it: UTF-8 or UTF-16, comma, semicolon or tab, with a header of any names."""

import csv
import io
import re
from codecs import BOM_UTF16_BE, BOM_UTF16_LE
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from smsline.csvfile import refuse_what_is_no_text
from smsline.errors import BadInput
from smsline.job import MAX_PARAMS, Recipient

DELIMITERS: Final = ",;\t|"
LONGEST_LINE: Final = 1 << 20
_HEAD: Final = 1 << 16

_PHONE: Final = re.compile(r"phone|mobile|msisdn|number|tel|手机|电话|号码", re.IGNORECASE)
_REF: Final = re.compile(r"^(ref|reference|id|customer_?id|编号)$", re.IGNORECASE)
_PARAM: Final = re.compile(r"^param([1-9][0-9]?)$", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class ColumnMapping:
    """Which column is what, by position; `params` in their order."""

    phone: int
    params: tuple[int, ...] = ()
    ref: int | None = None


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
    encoding = "utf-16" if head.startswith((BOM_UTF16_LE, BOM_UTF16_BE)) else "utf-8-sig"
    if encoding != "utf-16":
        refuse_what_is_no_text(head, "the file")
    first = next(iter(head.decode(encoding, "ignore").splitlines()), "")
    delimiter = max(DELIMITERS, key=first.count)
    columns = tuple(cell.strip() for cell in next(csv.reader([first], delimiter=delimiter), []))
    if not any(columns):
        raise BadInput("file", "its first line", "must name the columns")
    return Sheet(path, encoding, delimiter, columns)


def guess(columns: Sequence[str]) -> ColumnMapping:
    """Which columns are probably what."""
    phone = next((at for at, name in enumerate(columns) if _PHONE.search(name)), 0)
    params = sorted((int(found[1]), at) for at, name in enumerate(columns) if (found := _PARAM.match(name)))
    ref = next((at for at, name in enumerate(columns) if _REF.match(name)), None)
    return ColumnMapping(phone, tuple(at for _, at in params), ref)


def mapping_of(given: Mapping[str, str], columns: int) -> ColumnMapping:
    """The mapping that a form says: `phone`, `param1` …, `ref` hold positions, or nothing.

    Raises:
        BadInput: No column for numbers, one that is not there, or a gap among the params.
    """

    def position(field: str) -> int | None:
        text = given.get(field, "")
        if text and not (text.isascii() and text.isdigit() and int(text) < columns):
            raise BadInput(field, text, "must be a column of the file")
        return int(text) if text else None

    phone = position("phone")
    if phone is None:
        raise BadInput("phone", "", "choose the column that holds the numbers")
    params = [position(f"param{number}") for number in range(1, MAX_PARAMS + 1)]
    used = [param for param in params if param is not None]
    if params[: len(used)] != used:
        raise BadInput("params", "…", "choose the columns from param 1 on, without a gap")
    return ColumnMapping(phone, tuple(used), position("ref"))


@contextmanager
def rows_of(sheet: Sheet) -> Iterator[Iterator[tuple[int, list[str] | str]]]:
    """The data rows: the line each begins on, and its values, or in words why it cannot be read."""
    with sheet.path.open(encoding=sheet.encoding, errors="replace", newline="") as text:
        yield _rows(_lines(text), sheet)


def recipient_of(cells: Sequence[str], mapping: ColumnMapping) -> Recipient:
    """A row as the client takes it."""
    params = tuple(cells[at] for at in mapping.params) if mapping.params else None
    return Recipient(cells[mapping.phone].strip(), params, "" if mapping.ref is None else cells[mapping.ref].strip())


def _rows(lines: Iterator[str], sheet: Sheet) -> Iterator[tuple[int, list[str] | str]]:
    reader, width = csv.reader(lines, delimiter=sheet.delimiter, strict=True), len(sheet.columns)
    next(reader, None)
    while True:
        begins = reader.line_num + 1
        try:
            cells = next(reader, None)
        except csv.Error as error:
            yield begins, f"cannot be read as CSV: {error}; is a quote not closed?"
            continue
        if cells is None:
            return
        if not any(map(str.strip, cells)):
            continue
        yield (
            begins,
            cells if len(cells) == width else f"has {len(cells)} values where the header names {width} columns",
        )


def _lines(text: io.TextIOWrapper) -> Iterator[str]:
    """Lines, none of them longer than memory should hold."""
    while line := text.readline(LONGEST_LINE):
        if len(line) == LONGEST_LINE and not line.endswith("\n"):
            raise BadInput("file", f"a line of more than {LONGEST_LINE:,} characters", "must be a table of text")
        yield line
