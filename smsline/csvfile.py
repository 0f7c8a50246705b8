"""Campaign files: a CSV, as people and their programs write it, read one `CsvRow` at a time.

Nothing is held but the row at hand, so a million rows cost no more memory than one. What is wrong
with the whole file (no `phone` column, a spreadsheet, no text) is refused before the first row;
what is wrong with one row is that row's `reason`, and the others go on.
"""

import csv
import io
import re
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cached_property
from itertools import chain
from pathlib import Path
from typing import BinaryIO, Final

from smsline.csvcolumns import (
    HALF,
    MOST_COLUMNS,
    NOT_TEXT,
    Columns,
    CsvRow,
    column_name,
    delimiter_of,
    holds_a_row,
    read_header,
    read_row,
)
from smsline.errors import BadInput
from smsline.textfile import NO_TEXT, UTF8, encoding_of, looks_like

# As a path: read standard input.
STDIN: Final = "-"

LONGEST_LINE: Final = 1 << 20

# A spreadsheet's own first line, which names the delimiter.
_SEP: Final = re.compile(r'"?sep=(.)"?\s*', re.IGNORECASE)

# What a blank line is made of.
_BLANK: Final = ' \t\r\n\xa0\ufeff,;|"'

# How a spreadsheet is made to keep leading zeros.
_KEPT_AS_TEXT: Final = re.compile('="([^"]*)"')
_BLANK_BEFORE_QUOTE: Final = re.compile(r'\s+"')
# A cell in quotes with blanks around them (the no-break ones of a web page too); what ends it is
# looked at by its reader.
_QUOTED: Final = re.compile(r'[^\S\r\n]*"((?:[^"]|"")*)"[^\S\r\n]*')
_HEAD: Final = 1 << 16


class TableFile:
    """A CSV being read, whatever its columns are called.

    Attributes:
        name: The file as messages call it.
        names: What its header says.
        size: Bytes in all, or None for a pipe.
    """

    def __init__(self, source: BinaryIO, name: str, *, encoding: str = "", phone_column: str = "") -> None:
        """Read the header.

        Args:
            source: The file's bytes.
            name: The file as messages call it.
            encoding: What its text is written in; empty for UTF-8, or UTF-16 where the first bytes
                say so.
            phone_column: The name of the column with the numbers, by which the delimiter is told;
                empty for `phone` or one of the usual names.

        Raises:
            BadInput: The file is empty or no text.
        """
        self.name = name
        try:
            self.size = source.seek(0, io.SEEK_END) - source.seek(0) if source.seekable() else None
        except OSError:  # a terminal or a pipe may say that it can seek, and refuse
            self.size = None
        self._counted = _Counted(source)
        buffered = io.BufferedReader(self._counted, _HEAD)
        self._head = buffered.peek(_HEAD)
        self._encoding = encoding_of(self._head, name, encoding)
        # Undecodable bytes become lone surrogates, so that they spoil their row and not the file.
        errors = "surrogatepass" if self._encoding.startswith("utf-16") else "surrogateescape"
        self._text = io.TextIOWrapper(buffered, encoding=self._encoding, errors=errors, newline="")
        self._raw: list[str] = []
        self._lines = 0
        lines = self._read()
        try:
            first = next(lines, "")
            if declared := _SEP.fullmatch(first):
                first = next(lines, "")
            # Left by a report or a spreadsheet above its table; passed over, as below the header.
            while first and not first.strip(_BLANK):
                first = next(lines, "")
        except UnicodeError:
            raise BadInput("file", name, "ends in the middle of a character; save it anew as CSV (UTF-8)") from None
        # A line that the spreadsheet itself has written is believed before anything
        # that could be guessed.
        self._delimiter = declared[1] if declared else delimiter_of(first, phone_column)
        self._raw[:] = [first]
        self._reader = csv.reader(chain([first], lines), delimiter=self._delimiter, strict=True)
        self._rows = self._cells()
        cells = next(self._rows, csv.Error())
        self.names = [] if isinstance(cells, csv.Error) else [column_name(cell) for cell in cells[:MOST_COLUMNS]]
        if "\0" in first:
            raise BadInput("file", name, NO_TEXT)
        if not isinstance(cells, csv.Error) and any(cells[MOST_COLUMNS:]):
            raise BadInput("file", name, f"has more than {MOST_COLUMNS:,} columns; keep those that are needed")

    @property
    def bytes_read(self) -> int:
        """How far the file has been read; up to 64 KB ahead of the rows given out."""
        return self._counted.count

    @cached_property
    def not_its_encoding(self) -> str:
        """What to say of bytes that are no text in the file's encoding."""
        if self._encoding != UTF8:
            return f"is not text in {self._encoding}; name another --encoding, or save the file as CSV (UTF-8)"
        # A row that comes later than the head speaks for itself.
        seen = [self._head, "".join(self._raw).encode(errors="surrogateescape")]
        meant = next(filter(None, map(looks_like, seen)), "")
        like = f" and looks like {meant}: name that" if meant else "; name what it is"
        return f"is not UTF-8 text{like} with --encoding, or save the file as CSV (UTF-8)"

    def rows_by(self, columns: Columns) -> Iterator[CsvRow]:
        """Every data row in order, once; blank ones (no value in any column) are passed over."""
        begins = self._lines + 1
        for cells in self._rows:
            if isinstance(cells, csv.Error):
                yield CsvRow(begins, "", reason=f"cannot be read as CSV: {cells}; {self._unclosed(begins)}")
            elif self._lines > begins and holds_a_row(cells, columns, self._delimiter):
                yield CsvRow(begins, "", reason=f"has a value that holds another row; {self._unclosed(begins)}")
            elif not (row := read_row(cells, columns, begins)).reason:
                yield row
            elif any(map(str.strip, cells)):
                yield row if row.reason != NOT_TEXT else row._replace(reason=self.not_its_encoding)
            begins = self._lines + 1

    def _unclosed(self, begins: int) -> str:
        lines = f" (lines {begins} to {self._lines} were read as one row)" if self._lines > begins else ""
        return f"is a quote not closed?{lines}"

    def _as_meant(self, cells: list[str]) -> list[str] | csv.Error:
        """The cells of a row with quotes: one behind a blank, or `="007"`, which keeps zeros."""
        if any(map(_BLANK_BEFORE_QUOTE.match, cells)):
            return self._leniently() or csv.Error("a quote behind a blank does not enclose its value")
        return [found[1] if (found := _KEPT_AS_TEXT.fullmatch(cell)) else cell for cell in cells]

    def _leniently(self) -> list[str] | None:
        """The cells of the row at hand, with blanks outside of quotes passed over.

        None is the answer where a quote stands elsewhere.
        """
        line, at, cells = "".join(self._raw).rstrip("\r\n"), 0, list[str]()
        while True:
            if quoted := _QUOTED.match(line, at):
                cells.append(quoted[1].replace('""', '"'))
                end = quoted.end()
            else:
                if _BLANK_BEFORE_QUOTE.match(line, at):
                    return None
                end = found if (found := line.find(self._delimiter, at)) >= 0 else len(line)
                cells.append(line[at:end])
            if end == len(line):
                return cells
            if line[end] != self._delimiter:
                return None
            at = end + 1

    def _cells(self) -> Iterator[list[str] | csv.Error]:
        """Every row that is left, the header first.

        What cannot be read comes as a value, so that reading goes on. What the row at hand was made
        of stands in `_raw` until the next one is asked for.
        """
        raw = self._raw
        while True:
            try:
                for cells in self._reader:
                    # Nearly no row has a quote: the line is looked through once, where every cell
                    # would have to be.
                    yield self._as_meant(cells) if '"' in raw[0] else cells
                    raw.clear()
            except csv.Error as error:
                # As a value: the reader goes on with the next line, and so do we.
                found = (self._leniently() if "expected after" in str(error) else None) or error
            except UnicodeError:
                yield csv.Error("it ends in the middle of a character")
                return
            else:
                return
            yield found
            raw.clear()

    def _read(self) -> Iterator[str]:
        # A generator and no method: a call for each line would cost a third of reading it.
        keep, readline = self._raw.append, self._text.readline
        while line := readline(LONGEST_LINE):
            # A file of one line without an end, which no memory holds, is no CSV.
            if len(line) == LONGEST_LINE and line[-1] not in "\r\n":
                raise BadInput("file", self.name, f"has a line of more than {LONGEST_LINE:,} characters; it is no CSV")
            self._lines += 1
            keep(line)
            yield line


class CampaignFile(TableFile):
    """The CSV of a campaign, whose header says what its columns are; made by `open_campaign`.

    Attributes:
        columns: What its header says.
    """

    def __init__(
        self, source: BinaryIO, name: str, *, encoding: str = "", phone_column: str = "", header: bool = True
    ) -> None:
        """Read the header.

        Args:
            source: See `TableFile`.
            name: See `TableFile`.
            encoding: See `TableFile`.
            phone_column: The name of the column with the numbers; empty for `phone` or one of the
                usual names.
            header: Whether the first line must name the columns; else it may be a number itself.

        Raises:
            BadInput: The file is empty, no CSV text, or its header will not do.
        """
        super().__init__(source, name, encoding=encoding, phone_column=phone_column)
        if HALF.search("".join(self.names)):  # bytes that were no text came as lone surrogates
            raise BadInput("file", name, self.not_its_encoding)
        self.columns = read_header(self.names, name, phone_column, header=header)

    def rows(self) -> Iterator[CsvRow]:
        """Every data row in order, once; blank ones (no value in any column) are passed over."""
        first = [read_row(self.names, self.columns, self._lines)] if self.columns.headless else []
        return chain(first, self.rows_by(self.columns))


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
