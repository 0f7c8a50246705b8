"""Campaign files: a CSV's bytes go in, one `Row` at a time comes out; rows that cannot be sent go to a file beside it.

Nothing is held but the row at hand, so a million rows cost no more memory than one. What is wrong with the whole file
(no `phone` column, a spreadsheet, no text) is refused before the first row; what is wrong with one row is that row's
`reason`, and the others go on.
"""

import csv
import io
import re
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO, Final, NamedTuple, Self, TextIO

from smsline.errors import BadInput, shorten
from smsline.numbers import mask_in

STDIN: Final = "-"
"""As a path: read standard input."""

PHONE: Final = "phone"
REF: Final = "ref"
_PARAM: Final = re.compile(r"param([1-9][0-9]?)")
_DELIMITERS: Final = ",;\t"
_HEAD: Final = 1 << 16
_NOT_CSV: Final = (
    (b"PK\x03\x04", "is a spreadsheet or archive; save it as CSV (UTF-8)"),
    (b"\xd0\xcf\x11\xe0", "is a spreadsheet; save it as CSV (UTF-8)"),
    (b"\x1f\x8b", "is compressed; unpack it first"),
    (b"\xff\xfe", "is UTF-16 text; save it as CSV (UTF-8)"),
    (b"\xfe\xff", "is UTF-16 text; save it as CSV (UTF-8)"),
)
"""First bytes of what people send by mistake, and what to do about it."""


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
    """

    width: int
    phone: int
    params: tuple[int, ...]
    ref: int | None
    ignored: tuple[str, ...]
    others: tuple[int, ...] = ()


class CampaignFile:
    """A CSV being read; made by `open_campaign`.

    Attributes:
        name: The file as messages call it.
        columns: What its header says.
        size: Bytes in all, or None for a pipe.
    """

    def __init__(self, source: BinaryIO, name: str) -> None:
        """Read the header.

        Raises:
            BadInput: The file is empty, no CSV text, or its header will not do.
        """
        self.name = name
        self.size = _size_of(source)
        self._counted = _Counted(source)
        buffered = io.BufferedReader(self._counted, _HEAD)
        head = buffered.peek(_HEAD)
        refuse_what_is_no_text(head, name)
        # Undecodable bytes become lone surrogates, so that they spoil their row and not the file.
        text = io.TextIOWrapper(buffered, encoding="utf-8-sig", errors="surrogateescape", newline="")
        self._reader = csv.reader(text, delimiter=delimiter_of(head), strict=True)
        first = self._next()
        self.columns = read_header([] if first is None or isinstance(first, csv.Error) else first, name)

    @property
    def bytes_read(self) -> int:
        """How far the file has been read; up to 64 KB ahead of the rows given out."""
        return self._counted.count

    def rows(self) -> Iterator[Row]:
        """Every data row in order, once; blank ones (no value in any column) are passed over."""
        begins = self._reader.line_num + 1
        while (cells := self._next()) is not None:
            if isinstance(cells, csv.Error):
                yield Row(begins, "", reason=_broken(cells, begins, self._reader.line_num))
            elif not (row := read_row(cells, self.columns, begins)).reason or any(map(str.strip, cells)):
                yield row
            begins = self._reader.line_num + 1

    def _next(self) -> list[str] | csv.Error | None:
        try:
            return next(self._reader, None)
        except csv.Error as error:
            return error


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
def open_campaign(path: str) -> Iterator[CampaignFile]:
    """Open a campaign's CSV and read its header.

    Args:
        path: The file, or `-` for standard input.

    Raises:
        BadInput: It cannot be opened, or is not a CSV with a `phone` column.
    """
    if path == STDIN:
        yield CampaignFile(sys.stdin.buffer, "standard input")
        return
    try:
        source = Path(path).open("rb")  # noqa: SIM115 - closed below, where reading errors are not opening errors
    except OSError as error:
        raise BadInput("file", path, f"cannot be read: {error.strerror or error}") from None
    with source:
        yield CampaignFile(source, path)


def refuse_what_is_no_text(head: bytes, name: str) -> None:
    """Look at a file's first bytes for what people send by mistake.

    Raises:
        BadInput: It is empty, a spreadsheet, compressed, UTF-16 or not text at all; says what to do.
    """
    if not head:
        raise BadInput("file", name, "is empty; its first line must name the columns, one of them 'phone'")
    for magic, rule in _NOT_CSV:
        if head.startswith(magic):
            raise BadInput("file", name, rule)
    if b"\0" in head:
        raise BadInput("file", name, "is not text; save it as CSV (UTF-8)")


def delimiter_of(head: bytes) -> str:
    """The one by which the first line names `phone`: spreadsheets write `;` where a comma is the decimal point."""
    header = next(iter(head.decode("utf-8-sig", "replace").splitlines()), "")
    for delimiter in _DELIMITERS:
        if PHONE in (cell.strip().lower() for cell in next(csv.reader([header], delimiter=delimiter), [])):
            return delimiter
    return _DELIMITERS[0]


def read_header(cells: Sequence[str], name: str) -> Columns:
    """Find the columns; their order and case are free, `phone` is required.

    Args:
        cells: The first row.
        name: The file, for messages.

    Raises:
        BadInput: No `phone`, a name twice, or a gap in `param1, param2, …`.
    """
    names = [cell.strip().lower() for cell in cells]
    at = {found: position for position, found in enumerate(names) if found}
    if PHONE not in at:
        has = mask_in(", ".join(cell.strip() for cell in cells if cell.strip())) or "nothing"
        raise BadInput("file", name, f"its first line must name a column 'phone'; it has: {shorten(has, 200)}")
    if twice := sorted({found for found in at if names.count(found) > 1}):
        raise BadInput("file", name, f"the column '{twice[0]}' is there twice; remove or rename one")
    params = sorted((found for found in at if _PARAM.fullmatch(found)), key=lambda found: int(found[5:]))
    wanted = [f"param{number + 1}" for number in range(len(params))]
    if params != wanted:
        missing = next(want for want in wanted if want not in params)
        raise BadInput("file", name, f"has a column '{params[-1]}' but no '{missing}'; number them from param1 up")
    ignored = tuple(found for found in at if found not in {PHONE, REF, *params})
    return Columns(
        len(names),
        at[PHONE],
        tuple(at[param] for param in params),
        at.get(REF),
        ignored,
        tuple(at[name] for name in ignored),
    )


def read_row(cells: Sequence[str], columns: Columns, line: int) -> Row:
    """One row's values by the header's columns; a row that cannot be taken apart says why in `reason`."""
    if len(cells) != columns.width:
        phone = cells[columns.phone].strip() if columns.phone < len(cells) else ""
        return Row(line, _text(phone), reason=f"has {len(cells)} values where the header names {columns.width} columns")
    phone = cells[columns.phone].strip()
    params = tuple([cells[position] for position in columns.params]) if columns.params else None
    ref = cells[columns.ref].strip() if columns.ref is not None else ""
    if not phone:
        return Row(line, "", reason="phone is empty")
    if _spoilt("".join((phone, ref, *(params or ())))):
        return Row(line, _text(phone), reason="is not UTF-8 text; save the file as CSV (UTF-8)")
    others = tuple([cells[position].strip() for position in columns.others]) if columns.others else ()
    return Row(line, phone, params, ref, others=others)


def _spoilt(value: str) -> bool:
    return not value.isascii() and any("\udc80" <= letter <= "\udcff" for letter in value)


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


def rejected_path(path: str) -> Path:
    """Where a campaign's rejected rows go: `may.rejected.csv` beside `may.csv`; for a pipe, the current folder."""
    is_file = path != STDIN and Path(path).is_file()
    return Path(path).with_suffix(".rejected.csv") if is_file else Path("stdin.rejected.csv")


class RejectedFile:
    """The rows that were not taken, as `line,phone,reason`, for the person who has to mend them.

    Numbers stand in full: the file lies beside the one they come from. It exists only when a row was rejected; one from
    an earlier run is removed.

    Attributes:
        path: Where it is.
        count: Rows in it.
    """

    def __init__(self, path: Path) -> None:
        """Remove what an earlier run left.

        Raises:
            OSError: The folder does not allow it.
        """
        self.path = path
        self.count = 0
        self._file: TextIO | None = None
        path.unlink(missing_ok=True)

    def add(self, line: int | str, phone: str, reason: str) -> None:
        """Write one row."""
        if self._file is None:
            self._file = self.path.open("w", encoding="utf-8-sig", newline="")
            csv.writer(self._file).writerow(("line", "phone", "reason"))
        csv.writer(self._file).writerow((line, phone, reason))
        self.count += 1

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        if self._file is not None:
            self._file.close()
