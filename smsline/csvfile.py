"""Campaign files: a CSV, as people and their programs write it, read one `Row` at a time.

Nothing is held but the row at hand, so a million rows cost no more memory than one. What is wrong with the whole file
(no `phone` column, a spreadsheet, no text) is refused before the first row; what is wrong with one row is that row's
`reason`, and the others go on.
"""

import csv
import io
import re
import sys
import unicodedata
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from itertools import chain
from pathlib import Path
from typing import BinaryIO, Final, NamedTuple

from smsline.errors import BadInput, shorten
from smsline.numbers import mask_in
from smsline.textfile import encoding_of

STDIN: Final = "-"
"""As a path: read standard input."""

PHONE: Final = "phone"
REF: Final = "ref"
USUAL: Final = frozenset(
    {
        "phonenumber",
        "phoneno",
        "phonenum",
        "mobile",
        "mobilenumber",
        "mobileno",
        "mobilephone",
        "msisdn",
        "tel",
        "telephone",
    }
    | {
        "telephonenumber",
        "telno",
        "cell",
        "cellphone",
        "cellnumber",
        "number",
        "recipient",
        "to",
        "handy",
        "handynummer",
    }
    | {
        "mobilnummer",
        "telefon",
        "telefonnummer",
        "telefono",
        "teléfono",
        "movil",
        "móvil",
        "celular",
        "portable",
        "téléphone",
    }
    | {
        "cellulare",
        "telefone",
        "手机",
        "手机号",
        "手机号码",
        "电话",
        "电话号码",
        "手機",
        "手機號碼",
        "電話",
        "電話番号",
        "携帯",
    }
)
"""What the phone's column is called where it is not called phone; without blanks, hyphens and underscores."""

_PARAM: Final = re.compile(r"param([1-9][0-9]?)")
_DELIMITERS: Final = ",;\t|"
_SEP: Final = re.compile(r'"?sep=(.)"?\s*', re.IGNORECASE)
"""A spreadsheet's own first line, which names the delimiter."""

_BLANK_BEFORE_QUOTE: Final = re.compile(r'\s+"')
_NUMBER: Final = re.compile(r"\+?[0-9][0-9 ().-]{5,}")
_HEAD: Final = 1 << 16


class Row(NamedTuple):
    """One data row.

    Attributes:
        line: The line of the file the row begins on; the header is 1. Quoted values may span lines.
        phone: The number as written, in full; empty when the row is too broken to tell.
        params: `param1…` in order, or None when the file has no such columns.
        ref: The caller's own reference, or empty.
        reason: Why the row cannot be sent, or empty.
        others: What stands in the other columns, in the order of `Columns.ignored`.
    """

    line: int
    phone: str
    params: tuple[str, ...] | None = None
    ref: str = ""
    reason: str = ""
    others: tuple[str, ...] = ()


class Columns(NamedTuple):
    """Where in a row the values are.

    Attributes:
        width: Values a row must have.
        phone: Position of `phone`.
        params: Positions of `param1`, `param2`, … in that order.
        ref: Position of `ref`, or None.
        ignored: Names of the columns that mean nothing to a campaign.
        others: Positions of those.
        headless: The first line is no header but the first row.
    """

    width: int
    phone: int
    params: tuple[int, ...]
    ref: int | None
    ignored: tuple[str, ...]
    others: tuple[int, ...] = ()
    headless: bool = False


class CampaignFile:
    """A CSV being read; made by `open_campaign`.

    Attributes:
        name: The file as messages call it.
        columns: What its header says.
        size: Bytes in all, or None for a pipe.
    """

    def __init__(
        self, source: BinaryIO, name: str, *, encoding: str = "", phone_column: str = "", header: bool = True
    ) -> None:
        """Read the header.

        Args:
            source: The file's bytes.
            name: The file as messages call it.
            encoding: What its text is written in; empty for UTF-8, or UTF-16 where the first bytes say so.
            phone_column: The name of the column with the numbers; empty for `phone` or one of the usual names.
            header: Whether the first line must name the columns; else it may be a number itself.

        Raises:
            BadInput: The file is empty, no CSV text, or its header will not do.
        """
        self.name = name
        self.size = _size_of(source)
        self._counted = _Counted(source)
        buffered = io.BufferedReader(self._counted, _HEAD)
        head = buffered.peek(_HEAD)
        encoding = encoding_of(head, name, encoding)
        # Undecodable bytes become lone surrogates, so that they spoil their row and not the file.
        errors = "surrogatepass" if encoding.startswith("utf-16") else "surrogateescape"
        self._text = io.TextIOWrapper(buffered, encoding=encoding, errors=errors, newline="")
        self._raw: list[str] = []
        self._lines = 0
        first = self._next_line()
        declared = _SEP.fullmatch(first)
        if declared:
            first = self._next_line()
        self._delimiter = declared[1] if declared else delimiter_of(first, phone_column)
        self._reader = csv.reader(chain([first], iter(self._next_line, "")), delimiter=self._delimiter, strict=True)
        self._ended = False
        names = self._names(first)
        self.columns = read_header(names, name, phone_column, header=header)
        self._pending = [names] if self.columns.headless else []

    def _names(self, first: str) -> list[str]:
        """The header's cells; blanks around quotes do no harm here."""
        if (cells := self._next()) is None:
            return []
        if isinstance(cells, csv.Error):
            if first.count('"') % 2:
                return []
            cells = next(csv.reader([first], delimiter=self._delimiter, skipinitialspace=True), [])
        return [_name(cell) for cell in self._unquoted(cells)]

    @property
    def bytes_read(self) -> int:
        """How far the file has been read; up to 64 KB ahead of the rows given out."""
        return self._counted.count

    def rows(self) -> Iterator[Row]:
        """Every data row in order, once; blank ones (no value in any column) are passed over."""
        yield from (read_row(first, self.columns, self._lines) for first in self._pending)
        begins = self._lines + 1
        while (cells := self._next()) is not None:
            if isinstance(cells, csv.Error):
                yield Row(begins, "", reason=_broken(cells, begins, self._lines))
            elif not (row := read_row(self._unquoted(cells), self.columns, begins)).reason or any(
                map(str.strip, cells)
            ):
                yield row
            begins = self._lines + 1

    def _unquoted(self, cells: list[str]) -> list[str]:
        """The cells, read anew where a quote stands behind a blank: it is a quote for whoever wrote it."""
        if len(self._raw) == 1 and any(_BLANK_BEFORE_QUOTE.match(cell) for cell in cells):
            try:
                return next(csv.reader(self._raw, delimiter=self._delimiter, strict=True, skipinitialspace=True))
            except csv.Error:
                return cells
        return cells

    def _next(self) -> list[str] | csv.Error | None:
        if self._ended:
            return None
        try:
            self._raw.clear()
            return next(self._reader, None)
        except csv.Error as error:
            return error
        except UnicodeError:
            self._ended = True
            return csv.Error("it ends in the middle of a character")

    def _next_line(self) -> str:
        line = self._text.readline()
        if line:
            self._lines += 1
            self._raw.append(line)
        return line


class _Counted(io.RawIOBase):
    """Counts what is read through it: a pipe cannot tell its position."""

    def __init__(self, source: BinaryIO) -> None:
        self._source = source
        self.count = 0

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: bytearray | memoryview) -> int:  # type: ignore[override] # any buffer will do
        data = self._source.read(len(buffer))
        buffer[: len(data)] = data
        self.count += len(data)
        return len(data)


@contextmanager
def open_campaign(
    path: str, *, encoding: str = "", phone_column: str = "", header: bool = True
) -> Iterator[CampaignFile]:
    """Open a campaign's CSV and read its header.

    Args:
        path: The file, or `-` for standard input.
        encoding: See `CampaignFile`.
        phone_column: See `CampaignFile`.
        header: See `CampaignFile`.

    Raises:
        BadInput: It cannot be opened, or is not a CSV with a `phone` column.
    """
    if path == STDIN:
        yield CampaignFile(
            sys.stdin.buffer, "standard input", encoding=encoding, phone_column=phone_column, header=header
        )
        return
    try:
        source = Path(path).open("rb")  # noqa: SIM115 - closed below, where reading errors are not opening errors
    except OSError as error:
        raise BadInput("file", path, f"cannot be read: {error.strerror or error}") from None
    with source:
        yield CampaignFile(source, path, encoding=encoding, phone_column=phone_column, header=header)


def delimiter_of(header: str, phone_column: str = "") -> str:
    """The one by which the first line names the phone: spreadsheets write `;` where a comma is the decimal point."""
    wanted = {_plain(phone_column)} if phone_column else {PHONE, *USUAL}
    for delimiter in _DELIMITERS:
        cells = next(csv.reader([header], delimiter=delimiter, skipinitialspace=True), [])
        if any(_plain(_name(cell)) in wanted for cell in cells):
            return delimiter
    return _DELIMITERS[0]


def read_header(cells: Sequence[str], name: str, phone_column: str = "", *, header: bool = True) -> Columns:
    """Find the columns; their order and case are free.

    Args:
        cells: The first row.
        name: The file, for messages.
        phone_column: The name of the column with the numbers; empty for `phone`, or else the one with a usual name.
        header: Whether it must be a header; else it may be the first of a list of numbers.

    Raises:
        BadInput: No column for the phone or several, a name twice, or a gap in `param1, param2, …`.
    """
    if not header and cells and _NUMBER.fullmatch(cells[0]):
        return Columns(len(cells), 0, (), None, (), headless=True)
    names = [cell.casefold() for cell in cells]
    at = {found: position for position, found in enumerate(names) if found}
    if twice := sorted({found for found in at if names.count(found) > 1}):
        raise BadInput("file", name, f"the column '{twice[0]}' is there twice; remove or rename one")
    phone = _phone_of(at, name, phone_column)
    params = sorted((found for found in at if _PARAM.fullmatch(found)), key=lambda found: int(found[5:]))
    wanted = [f"param{number + 1}" for number in range(len(params))]
    if params != wanted:
        missing = next(want for want in wanted if want not in params)
        raise BadInput("file", name, f"has a column '{params[-1]}' but no '{missing}'; number them from param1 up")
    ignored = tuple(found for found in at if found not in {phone, REF, *params})
    return Columns(
        len(names),
        at[phone],
        tuple(at[param] for param in params),
        at.get(REF),
        ignored,
        tuple(at[name] for name in ignored),
    )


def _phone_of(at: Mapping[str, int], name: str, phone_column: str) -> str:
    has = shorten(mask_in(", ".join(at)) or "nothing", 200)
    if phone_column:
        found = [each for each in at if each == _name(phone_column).casefold() or _plain(each) == _plain(phone_column)]
        if not found:
            raise BadInput("--phone-column", phone_column, f"is no column of {name}; it has: {has}")
        return found[0]
    if PHONE in at:
        return PHONE
    found = [each for each in at if _plain(each) in USUAL]
    if len(found) > 1:
        raise BadInput(
            "file", name, f"several columns may hold the phone ({', '.join(found)}); say which: --phone-column"
        )
    if not found:
        rule = f"its first line must name a column 'phone'; it has: {has}. --phone-column takes another name"
        raise BadInput("file", name, rule)
    return found[0]


def read_row(cells: Sequence[str], columns: Columns, line: int) -> Row:
    """One row's values by the header's columns; a row that cannot be taken apart says why in `reason`.

    Cells that are missing at the end are empty, as spreadsheets leave them out; a param must be there.
    """
    if len(cells) != columns.width:
        needed = max(columns.phone, *columns.params) if columns.params else columns.phone
        if len(cells) <= needed or any(map(str.strip, cells[columns.width :])):
            phone = cells[columns.phone].strip() if columns.phone < len(cells) else ""
            return Row(
                line, _text(phone), reason=f"has {len(cells)} values where the header names {columns.width} columns"
            )
    phone = cells[columns.phone].strip()
    params = tuple([cells[position] for position in columns.params]) if columns.params else None
    ref = cells[columns.ref].strip() if columns.ref is not None and columns.ref < len(cells) else ""
    if not phone:
        return Row(line, "", reason="phone is empty")
    if _spoilt("".join((phone, ref, *(params or ())))):
        return Row(line, _text(phone), reason="is not UTF-8 text; save the file as CSV (UTF-8), or name its --encoding")
    others = tuple([_cell(cells, position) for position in columns.others]) if columns.others else ()
    return Row(line, phone, params, ref, others=others)


def _cell(cells: Sequence[str], position: int) -> str:
    return cells[position].strip() if position < len(cells) else ""


def _name(cell: str) -> str:
    """A column's name without blanks around it, line breaks and marks that are not seen."""
    seen = "".join(letter for letter in cell if unicodedata.category(letter) != "Cf")
    return " ".join(seen.replace('"', " ").split())


def _plain(name: str) -> str:
    return re.sub(r"[\s_.-]+", "", name).casefold()


def _spoilt(value: str) -> bool:
    return not value.isascii() and any("\ud800" <= letter <= "\udfff" for letter in value)


def _text(value: str) -> str:
    return value.encode("utf-8", "replace").decode()


def _broken(error: csv.Error, begins: int, ends: int) -> str:
    lines = f" (lines {begins} to {ends} were read as one row)" if ends > begins else ""
    return f"cannot be read as CSV: {error}; is a quote not closed?{lines}"


def _size_of(source: BinaryIO) -> int | None:
    try:
        return source.seek(0, io.SEEK_END) - source.seek(0) if source.seekable() else None
    except OSError:
        return None
