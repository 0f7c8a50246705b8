"""What receipts make of their recipients.

It is decided from a block's columns as they were read, for `lua/receipts.lua` to write.

Deciding here costs the ledger's one core nothing, and it looks at whole columns; the script only
holds them against what it finds, and writes nothing when another was faster
(docs/decisions/0026-receipts-are-decided-outside.md).
"""

import json
import sys
from array import array
from collections import Counter, defaultdict
from collections.abc import Sequence
from typing import Final, NamedTuple

from smsline import numbers
from smsline.ledger import statistics
from smsline.ledger.batch_queues import parse_queue
from smsline.ledger.codes import CodeUse
from smsline.ledger.runs import encode
from smsline.ledger.serial_index import SPENT, index_value, serial_place
from smsline.ledger.serials import BlockReceipts
from smsline.states import LETTERS, MOVES, STATES, State, counted_as

READ: Final = ("job", "n", "st", "cd", "fi", "rt", "queue", "co", "ta")
"""The fields of a block that are read."""

# What four bytes of a block can hold.
LATEST_S: Final = 0xFFFFFFFF

# States that a receipt ends; a recipient that waits for another try, or is sent to, ends by that.
_OPEN: Final = frozenset(ord(LETTERS[state]) for state, ends in MOVES.items() if State.DELIVERED in ends)

_COUNTED: Final = {ord(letter): counted_as(state) for letter, state in STATES.items()}
_DELIVERED, _UNDELIVERED, _WAITING, _UNKNOWN = (
    ord(LETTERS[state]) for state in (State.DELIVERED, State.UNDELIVERED, State.WAITING, State.UNKNOWN)
)


class Extras(NamedTuple):
    """What only few blocks have, as the script takes it; see there.

    Attributes:
        notes: Field and JSON of serials that the block keeps.
        waits: Delay, batch queue and runs of recipients that are tried again.
        through: Which other accounts they go through.
        spent: Index shard, and field and value in hex, of serials that have had their receipt.
    """

    notes: list[tuple[str, str]]
    waits: list[tuple[int, str, str]]
    through: str
    spent: list[tuple[str, str]]


class SettlingBlock:
    """One block while receipts are applied to it.

    Args:
        block: Its id.
        account: Whose receipts.
        read: The fields `READ`.
        given_up: Whether these are no receipts, but recipients of whom none came in time.
    """

    def __init__(self, block: int, account: str, read: Sequence[bytes | None], *, given_up: bool = False) -> None:
        job, packed, letters, codes, ends, tries, queue, self._countries, taken = read
        self.block, self.job, self._account = block, (job or b"").decode(), account
        self.before = [letters or b"", codes or b"", ends or b"", tries or b""]
        size = len(self.before[0])
        self._numbers = numbers.unpack(packed or b"")
        # Columns as arrays: a cell is written in 35 ns, where cutting and joining bytes
        # took Redis a microsecond.
        self._letters = bytearray(self.before[0])
        self._codes = _cells("H", codes or bytes(2 * size))
        self._ends = _cells("I", ends or bytes(4 * size))
        self._tries = bytearray(tries or b"")
        self._queue = (queue or b"").decode()
        self._taken_s = int(taken) if taken else None
        self._failed = _UNKNOWN if given_up else _UNDELIVERED
        self._moves: Counter[tuple[int, int, str]] = Counter()
        self._abroad: defaultdict[tuple[int, int, str], Counter[bytes]] = defaultdict(Counter)
        self._ended_s: list[int] = []
        self._waits: dict[tuple[int, str], list[int]] = {}
        self._through = list[str]()
        self._notes, self._spent = list[tuple[str, str]](), list[tuple[str, str]]()
        self.late = self.strangers = self.again = 0

    def take(self, used: CodeUse, told: BlockReceipts, index_of: str, *, now_s: int) -> None:
        """Apply receipts.

        Args:
            used: The codes that are written.
            told: The receipts.
            index_of: The stem of the keys of the index that has their serials.
            now_s: The present, epoch seconds; the time of a receipt to which its provider gives
                none.
        """
        # Names of their own for what each receipt touches: it is done ten thousand times a second.
        letters, held, codes, ends, ended_s = self._letters, self._numbers, self._codes, self._ends, self._ended_s
        size, again, moved, moves = len(held), told.again, list[int](), list[tuple[int, int, str]]()
        numbers_of = dict[tuple[str, str], int]()
        for nth, (position, receipt) in enumerate(zip(told.positions, told.receipts, strict=True)):
            number, _, ok, code, at_s, _, message = receipt
            if position >= size or held[position] != number:
                self.strangers += 1
                continue
            before = letters[position]
            if before not in _OPEN:
                self.late += 1
                continue
            said = code, message
            if said not in numbers_of:
                numbers_of[said] = used.number(code, message)
            after, end_s = _DELIVERED if ok else self._failed, at_s if 0 < at_s < LATEST_S else now_s
            if nth in again and self._tries_again(used, told, nth, index_of):
                after, end_s = _WAITING, 0
            letters[position], codes[position], ends[position] = after, numbers_of[said], end_s
            # Counted below, all at once: most receipts of a block say the same.
            moved.append(position)
            moves.append((before, after, code))
            if end_s:
                ended_s.append(end_s)
        self._moves.update(moves)
        self._note(told, moved, moves)

    def _note(self, told: BlockReceipts, moved: Sequence[int], moves: Sequence[tuple[int, int, str]]) -> None:
        """What only some blocks have: countries that differ, and serials that it must keep."""
        if self._countries and len(self._countries) > 2:
            for position, move in zip(moved, moves, strict=True):
                self._abroad[move][self._countries[position * 2 : position * 2 + 2]] += 1
        serials = dict(zip(told.positions, told.receipts, strict=True)) if told.noted else {}
        for position in moved if serials else ():
            if serial := serials[position].serial:
                self._notes.append((f"y{position}", json.dumps({"a": self._account, "s": serial})))

    def _tries_again(self, used: CodeUse, told: BlockReceipts, nth: int, index_of: str) -> bool:
        """Let a recipient wait for another try, if its lane allows one more after a receipt."""
        position, again = told.positions[nth], told.again[nth]
        tries = self._tries = self._tries or bytearray(len(self._letters))
        if told.receipts[nth].ok or tries[position] >= again.limit:
            return False
        tries[position] += 1
        self._waits.setdefault((round(again.delay_ms), again.queue), []).append(position)
        self.again += 1
        if (other := parse_queue(again.queue).account) != self._account:
            self._through.append(f"{position},{position},{used.number(other)}")
        if told.day or told.noted:
            shard, field = serial_place(told.receipts[nth].serial)
            value = index_value(self.block, position) + SPENT
            self._spent.append((f"{index_of}{shard}", (field + value).hex()))
        return True

    @property
    def applied(self) -> int:
        """How many receipts changed a recipient."""
        return self._moves.total()

    def after(self) -> list[bytes]:
        """The columns as they are now, in the order of `before`."""
        return [bytes(self._letters), _packed(self._codes), _packed(self._ends), bytes(self._tries)]

    def extras(self) -> Extras | None:
        """What only few blocks have."""
        if not (self._notes or self._waits):
            return None
        waits = [(delay, queue, encode(sorted(positions))) for (delay, queue), positions in self._waits.items()]
        return Extras(self._notes, waits, " ".join(self._through), self._spent)

    def count(self, used: CodeUse, grown: Counter[str], dead: Counter[str], deltas: Counter[str]) -> None:
        """Add what happened to the statistics, the dead letters and the counts of the job."""
        account, (lane, _, template) = self._account, (self._queue + "||").split("|")[:3]
        template = template.partition("~")[0]
        for (before, after, code), times in self._moves.items():
            state, name = _COUNTED[after], used.name(code)
            deltas[_COUNTED[before]] -= times
            deltas[state] += times
            if name:
                grown[f"k|{account}|receipt|{name}"] += times
            if after != _WAITING:
                grown[f"r|{account}|{lane}|{state}"] += times
                grown[f"t|{account}|{template}|{state}"] += times
                by_country = self._abroad.get((before, after, code), {self._countries or b"CN": times})
                for country, of_it in by_country.items():
                    grown[f"c|{account}|{country.decode()}|{state}"] += of_it
            if after not in {_WAITING, _DELIVERED}:
                dead[f"{account} {name or '-'} {self.job} {chr(after)}"] += times
        waits = Counter(self._ended_s) if self._taken_s is not None and self._failed != _UNKNOWN else {}
        for end_s, times in waits.items():
            waited = f"accepted_to_final_seconds|{account}"
            for field, by in statistics.time_fields(waited, (end_s - (self._taken_s or 0)) * 1000):
                grown[field] += by * times


def _cells(kind: str, packed: bytes) -> "array[int]":
    """A column as numbers that can be changed in place.

    Blocks hold it with the highest byte first.
    """
    cells = array(kind, packed)
    if sys.byteorder == "little":
        cells.byteswap()
    return cells


def _packed(cells: "array[int]") -> bytes:
    copy = cells[:]
    if sys.byteorder == "little":
        copy.byteswap()
    return copy.tobytes()
