"""A campaign's rows out of a request's body: CSV or JSON lines, one at a time.

Each bad row is reported with its line.
"""

import io
import re
from array import array
from bisect import bisect_right
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import BinaryIO, Final, cast

import msgspec

from smsline.csvfile import CampaignFile
from smsline.errors import BadInput
from smsline.job import Recipient, Rejected
from smsline.numbers import mask
from worker.web.api.endpoint import read_object

SHOWN_REJECTS: Final = 100
# Bytes without a line break that are read at most: a line is held in memory as a whole.
LONGEST_LINE: Final = 1 << 20


NO_RECIPIENT: Final = Recipient("")


class LineReject(msgspec.Struct, frozen=True):
    """A row that was refused: its line, its number masked, what was wrong with it."""

    line: int
    phone: str
    field: str
    rule: str


class Body(io.RawIOBase):
    """A request's body as a file, read as it comes.

    Args:
        pull: The next piece; empty at the end.
    """

    def __init__(self, pull: Callable[[], bytes]) -> None:
        self._pull = pull
        self._left = memoryview(b"")
        self._since_break = 0
        self._ended = False

    def readable(self) -> bool:
        """It can be read, and nothing else."""
        return True

    def readinto(self, buffer: bytearray | memoryview) -> int:  # type: ignore[override] # any buffer will do
        """Fill a buffer with what there is.

        Raises:
            BadInput: A line is too long to be one.
        """
        while not self._left and not self._ended:
            piece = self._pull()
            self._ended = not piece
            last = piece.rfind(b"\n")
            self._since_break = len(piece) - last - 1 if last >= 0 else self._since_break + len(piece)
            # Checked here, because csv and BufferedReader collect a line of any length without a
            # word.
            if self._since_break > LONGEST_LINE:
                raise BadInput("body", f"{self._since_break} bytes without a line break", "must be CSV or JSON lines")
            self._left = memoryview(piece)
        size = min(len(buffer), len(self._left))
        buffer[:size] = self._left[:size]
        self._left = self._left[size:]
        return size


@dataclass(slots=True)
class ApiIntake:
    """Rows on their way to the client, and the way back from a position to its line.

    Attributes:
        lines: Where the rows come from.
        rejected: How many rows were refused, by us or by the client.
        rejects: The first of them.
        repeats: The first rows that repeat another one.
    """

    lines: Iterator["Line"]
    rejected: int = 0
    rejects: list[LineReject] = field(default_factory=list)
    repeats: list[LineReject] = field(default_factory=list)
    # A repeated row names any earlier line: kept are the rows from which on lines are further off,
    # as after a refused one.
    _position: int = 0
    _rows: "array[int]" = field(default_factory=lambda: array("I", [0]))
    _offsets: "array[int]" = field(default_factory=lambda: array("I", [0]))

    def __iter__(self) -> Iterator[Recipient]:
        for line in self.lines:
            # A bad row costs itself and not the campaign, as on the command line.
            if line.refused:
                self.rejected += 1
                _keep(self.rejects, line.refused)
                continue
            self._position += 1
            if (offset := line.number - self._position) != self._offsets[-1]:
                self._rows.append(self._position)
                self._offsets.append(offset)
            yield line.recipient

    def on_rejected(self, rejected: Rejected) -> None:
        """The client will not take one of them."""
        self.rejected += 1
        _keep(self.rejects, self._reject(rejected))

    def on_duplicate(self, repeated: Rejected) -> None:
        """The client has had the same before."""
        _keep(self.repeats, self._reject(repeated))

    def _reject(self, told: Rejected) -> LineReject:
        # The client counts the rows that it was given, the person who mends
        # the file knows its lines.
        rule = told.reason.replace(f"row {told.first},", f"line {self._line(told.first)},")
        return LineReject(self._line(told.row), told.phone, told.field, rule)

    def _line(self, row: int) -> int:
        return row + self._offsets[bisect_right(self._rows, row) - 1] if 0 < row <= self._position else 0


def _keep(kept: list[LineReject], reject: LineReject) -> None:
    if len(kept) < SHOWN_REJECTS:
        kept.append(reject)


@dataclass(frozen=True, slots=True)
class Line:
    """One row: the line it begins on, and the recipient or the reason why there is none."""

    number: int
    recipient: Recipient = NO_RECIPIENT
    refused: LineReject | None = None


def csv_lines(body: Body, *, phone_column: str = "", encoding: str = "") -> Iterator[Line]:
    """Rows of a CSV with a header; see `smsline.csvfile`.

    Args:
        body: Its bytes.
        phone_column: The name of the column with the numbers; empty for `phone` or one of the usual
            names.
        encoding: What its text is written in; empty for UTF-8, or UTF-16 where the first bytes say
            so.

    Raises:
        BadInput: It is no CSV, or has no column for numbers.
    """
    try:
        file = CampaignFile(cast("BinaryIO", body), "body", phone_column=phone_column, encoding=encoding)
    except BadInput as error:
        # The reader speaks of the command line's options, `--phone-column`; here they are
        # parameters of the query.
        field, rule = (
            re.sub(r"--\w+(-\w+)?", lambda option: option[0][2:].replace("-", "_"), text)
            for text in (error.field, error.rule)
        )
        raise BadInput(field, error.value, rule) from None
    for row in file.rows():
        if row.reason:
            yield Line(row.line, refused=LineReject(row.line, mask(row.phone), "row", row.reason))
        else:
            yield Line(row.line, Recipient(row.phone, row.params, row.ref))


def json_lines(body: Body) -> Iterator[Line]:
    """Rows of JSON lines: `{"phone": "+86…", "params": ["…"], "ref": "…"}`.

    Only `phone` is needed.
    """
    for number, text in enumerate(io.BufferedReader(body, 1 << 16), 1):
        # An empty line, as at the end of most files, is no row.
        if text.strip():
            yield _json_line(number, text)


def _json_line(number: int, text: bytes) -> Line:
    try:
        given = read_object(text)
    except ValueError as error:
        return Line(number, refused=LineReject(number, "", "row", str(error)))
    phone, params, ref = given.pop("phone", ""), given.pop("params", None), given.pop("ref", "")
    if given:
        return Line(
            number, refused=LineReject(number, "", next(iter(given))[:60], "is not known; there is phone, params, ref")
        )
    if not isinstance(phone, str):
        return Line(number, refused=LineReject(number, "", "phone", "must be text such as '+8613711112222'"))
    if params is not None and not isinstance(params, list):
        return Line(number, refused=LineReject(number, mask(phone), "params", "must be a list of text"))
    return Line(number, Recipient(phone, None if params is None else tuple(params), ref))
