"""Whether a call under a used key repeats the key's job; if not, its error says what differs.

A job keeps digests of what it was made of, not the thing itself: params are erased soon, and
numbers leave the inbox. Rows are compared as a set, because a repeated campaign often comes in
another order.
"""

import json
from array import array
from collections import Counter
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from hashlib import blake2b
from typing import Final

from smsline.counted import counted
from smsline.errors import Conflict
from smsline.job import JobSpec
from smsline.numbers import mask_in, same_phone

# Fields of a job that another call may have otherwise: how it is handed over, not what is sent.
_NOT_CONTENT: Final = {"key", "stream", "params", "traceparent", "tracestate"}

# Sums are kept within 64 bits, so that a job's digests are short however many rows it has.
_WORD: Final = (1 << 64) - 1


@dataclass(frozen=True, slots=True)
class KeyedJob:
    """A job as its key finds it again.

    Attributes:
        job: Its id.
        spec: What was asked for, without the params.
        complete: Whether all its rows were handed over.
        over: Whether it takes no more rows though some are missing: cancelled or overdue while it
            was handed over.
        total: Numbers it has.
        parts: Parts it has; the next one has this number.
        params: Mark of the job's params; empty when it was not kept.
        rows: `RowSums` as text; empty when it was not kept, as by an older producer.
    """

    job: str
    spec: JobSpec
    complete: bool = True
    over: bool = False
    total: int = 0
    parts: int = 1
    params: str = ""
    rows: str = ""


def mark(params: Sequence[str]) -> str:
    """A digest of params, of two bytes on purpose.

    Enough to tell a slip, too short to try codes against.
    """
    return blake2b(json.dumps(list(params)).encode(), digest_size=2).hexdigest()


class RowSums:
    """What a job's rows are, whatever their order: sums of digests, which are added row by row."""

    __slots__ = ("count", "numbers", "params", "refs")

    def __init__(self) -> None:
        self.count = self.numbers = self.params = self.refs = 0

    def add(self, number: int, params: Sequence[str] | None, ref: str) -> None:
        """One more row."""
        # A sum of digests and no digest of the whole: rows may come in any order. It
        # proves nothing against a person who wants two lists to agree, which would harm
        # only that person's own job.
        phone = number.to_bytes(8)
        self.count += 1
        self.numbers = (self.numbers + _digest(phone)) & _WORD
        if params is not None:
            self.params = (self.params + _digest(phone + mark(params).encode())) & _WORD
        if ref:
            self.refs = (self.refs + _digest(phone + ref.encode())) & _WORD

    def __str__(self) -> str:
        return f"{self.count} {self.numbers:x} {self.params:x} {self.refs:x}"


def _digest(value: bytes) -> int:
    return int.from_bytes(blake2b(value, digest_size=8).digest())


class KnownPhones:
    """The phones that a job has, each with the row that brought it and a mark of what it is sent.

    The first quarter of a million are in a dict, which is three times as quick. More are
    in an open-addressed table of three arrays, which takes 40 bytes a number in place of 110: a
    call of ten million rows must fit beside a web application. A size that is odd spreads numbers
    that follow each other without a hash.

    Attributes:
        unmet: Phones that the job had before this call and that no row of it has brought again.
    """

    ERASED = 1
    """The mark of a number whose params the ledger has erased."""

    FEW = 1 << 18
    """Phones that are in a dict."""

    def __init__(self) -> None:
        self.unmet = 0
        # By phone while they are few, then by its place in the table.
        self._rows: dict[int, int] | array[int] = {}
        self._marks: Counter[int] | array[int] = Counter()
        self._phones = array("Q")
        self._count = self._size = 0
        self._most = self.FEW

    def add(self, phone: int, row: int, mark: int) -> int:
        """Note a phone.

        -1 when it is new, else where it is: see `row_at` and `mark_at`.
        """
        # No method is called here: this is run for every row of a campaign.
        at, size = phone, self._size
        if size:
            phones = self._phones
            at = phone % size
            while held := phones[at]:
                if held == phone:
                    return at
                at += 1
                if at == size:
                    at = 0
            phones[at] = phone
        elif phone in self._rows:
            return phone
        self._rows[at] = row
        if mark:
            self._marks[at] = mark
        self._count += 1
        if self._count > self._most:
            self._grow()
        return -1

    def row_at(self, at: int) -> int:
        """The row that brought the phone; 0: an earlier call."""
        return self._rows[at]

    def mark_at(self, at: int) -> int:
        """What the phone is sent."""
        return self._marks[at]

    def hold(self, number: int, mark: int) -> None:
        """A number that the job has from an earlier call."""
        self.unmet += self.add(same_phone(number), 0, mark) < 0

    def meet(self, at: int, row: int) -> None:
        """This row brings again what an earlier call has brought."""
        self._rows[at] = row
        self.unmet -= 1

    def _grow(self) -> None:
        """Take the phones over into a table, or into one of twice the size."""
        # Two thirds full at most: beyond that, open addressing has to step over too many
        # taken places.
        size = self._size * 2 + 1 if self._size else self.FEW * 2 + 1
        phones, rows, marks = array("Q", [0]) * size, array("I", [0]) * size, array("Q", [0]) * size
        # As `add`, without its questions: all are different, and a call for each would double
        # the price of the table.
        for was, phone in enumerate(self._phones if self._size else self._rows):
            if phone:
                at = phone % size
                while phones[at]:
                    at = at + 1 if at + 1 < size else 0
                phones[at] = phone
                held = was if self._size else phone
                rows[at], marks[at] = self._rows[held], self._marks[held]
        self._phones, self._rows, self._marks = phones, rows, marks
        self._size, self._most = size, size * 2 // 3


def mark_of(params: object, ref: str) -> int:
    """What a row says besides its number, as a word that is the same within this process.

    0 for nothing.
    """
    # `| 2` keeps it off 0, which is a row with nothing of its own, and off 1, which is
    # ERASED. Python's own hash will do, though it differs from process to process: marks are
    # compared within one call.
    return hash((params, ref)) & (1 << 64) - 1 | 2 if params is not None or ref else 0


def refuse_another_job(kept: KeyedJob, spec: JobSpec) -> None:
    """Compare all but the rows, which can be done before one is read.

    Raises:
        Conflict: Something differs, or the job can no longer take what is missing.
    """
    if kept.over:
        raise Conflict(
            f"key {_shown(spec.key)}: its job {kept.job} ended with {counted(kept.total, 'number')}, before all were handed over; "
            "use another key for those that are missing"
        )
    before, now = asdict(kept.spec), asdict(spec)
    found = [
        f"{'at' if name == 'start_s' else name}: {_value(name, before[name])} there, {_value(name, now[name])} here"
        for name in now
        if name not in _NOT_CONTENT and before[name] != now[name]
    ]
    if kept.params and kept.params != mark(spec.params):
        found.append("params: other values there")
    if found:
        raise _conflict(kept, spec.key, found)


def refuse_other_rows(kept: KeyedJob, key: str, content: RowSums) -> None:
    """Compare the rows with those of a job that has all of its own.

    Raises:
        Conflict: They are others; says whether numbers, params or refs differ.
    """
    # An older producer kept no digests: then the count is all there is to compare.
    before = kept.rows.split() if kept.rows else [str(kept.total)]
    found = []
    if int(before[0]) != content.count:
        found.append(f"numbers: {int(before[0]):,} there, {content.count:,} here")
    elif kept.rows:
        names = ("numbers", "params", "refs")
        now = str(content).split()
        found = [f"{name}: others there" for name, a, b in zip(names, before[1:], now[1:], strict=False) if a != b]
    if found:
        raise _conflict(kept, key, found)


def another_campaign(job: str, key: str, why: str) -> Conflict:
    """The refusal of rows that do not go on with those that were handed over."""
    return Conflict(
        f"key {_shown(key)}: its job {job} is not complete, and this is another campaign: {why}; nothing was added. "
        "Give the rows it was begun with, or another key"
    )


def _conflict(kept: KeyedJob, key: str, found: Sequence[str]) -> Conflict:
    return Conflict(
        f"key {_shown(key)}: its job {kept.job} was asked for with other values ({'; '.join(found)}); "
        "nothing was added. Use another key for another job"
    )


def _shown(key: str) -> str:
    return repr(mask_in(key))


def _value(name: str, value: object) -> str:
    if name == "start_s" and isinstance(value, float):
        return datetime.fromtimestamp(value, UTC).isoformat(timespec="seconds") if value else "now"
    return repr(value)
