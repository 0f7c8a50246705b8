"""What a call came to, recipient by recipient, and how the script `record` is told."""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import groupby
from typing import Final, NamedTuple, overload

from smsline.ledger.batch_queues import BatchQueue, parse_queue
from smsline.ledger.blocks import fees_of, pack_note, read_note
from smsline.ledger.codes import CodeUse, tidy_code
from smsline.ledger.link import Value, argv
from smsline.ledger.runs import Entry, decode, encode
from smsline.states import LETTERS, State

NO_DELAY: Final = -1.0
"""As a return delay: at once, to the front of the batch queue."""


class RecipientResult(NamedTuple):
    """What one recipient's part of a call came to.

    Attributes:
        position: In its block.
        state: Its new state.
        code: The provider's code, or one of our own; empty when all is well.
        serial: The provider's id of the message, or empty.
        counted: Whether the try counts.
        fee: Billable segments.
        delay_ms: For `waiting`: when it may be tried again; `NO_DELAY` for at once.
        at_most: For `waiting`: its next call must not carry more recipients; 0: as many as any.
        resent: It was sent again although the outcome of the first call is unknown; that is done
            once.
        queue: For `waiting`: the batch queue to wait in, where it is another than it was taken
            from; else empty.
        next_account: For `waiting`: it moves on to the next account; a mark of the decision, which
            sending turns into `queue`.
        message: What the provider said beside its code.
    """

    position: int
    state: State
    code: str = ""
    serial: str = ""
    counted: bool = True
    fee: int = 0
    delay_ms: float = NO_DELAY
    at_most: int = 0
    resent: bool = False
    queue: str = ""
    next_account: bool = False
    message: str = ""

    @property
    def kind(self) -> tuple[State, str, str, str]:
        """What neighbours that ended alike share, as the script takes it."""
        return self.state, "2" if self.resent else "1" if self.counted else "0", self.code, self.message


class AcceptedColumns(Sequence[RecipientResult]):
    """Results of recipients that were all accepted, as columns: what nearly every call comes to.

    They read like any others, but an object for each is made only for readers that look at them one
    by one.

    Args:
        positions: In the block, ascending.
        serials: The provider's id of each.
        fees: Billable segments of each.
    """

    __slots__ = ("fees", "positions", "serials")

    def __init__(self, positions: Sequence[int], serials: Sequence[str], fees: Sequence[int]) -> None:
        self.positions = positions
        self.serials = serials
        self.fees = fees

    def __len__(self) -> int:
        return len(self.positions)

    @overload
    def __getitem__(self, at: int) -> RecipientResult: ...

    @overload
    def __getitem__(self, at: slice) -> Sequence[RecipientResult]: ...

    def __getitem__(self, at: int | slice) -> RecipientResult | Sequence[RecipientResult]:
        if isinstance(at, slice):
            return AcceptedColumns(self.positions[at], self.serials[at], self.fees[at])
        return RecipientResult(self.positions[at], State.ACCEPTED, serial=self.serials[at], fee=self.fees[at])


@dataclass(frozen=True, slots=True)
class EntryResults:
    """What the recipients of one entry came to, in the order of its positions."""

    entry: Entry
    results: Sequence[RecipientResult]

    def codes(self) -> list[str]:
        """The code of each recipient that has one."""
        return (
            [] if isinstance(self.results, AcceptedColumns) else [result.code for result in self.results if result.code]
        )

    @property
    def has_serials(self) -> bool:
        """Whether the provider has given one of the messages an id."""
        return isinstance(self.results, AcceptedColumns) or any(result.serial for result in self.results)

    def accepted(self) -> list[tuple[int, str]]:
        """Position and serial of those that were accepted with one."""
        if isinstance(self.results, AcceptedColumns):
            return [pair for pair in zip(self.results.positions, self.results.serials, strict=True) if pair[1]]
        return [(one.position, one.serial) for one in self.results if one.serial and one.state is State.ACCEPTED]

    def returned(self, queue: BatchQueue) -> list[tuple[str, str, float]]:
        """Batch queue, entry and delay of what is tried again; equal delays share an entry."""
        if isinstance(self.results, AcceptedColumns):
            return []
        back: dict[tuple[str, float], list[int]] = {}
        for result in self.results:
            if result.state is State.WAITING:
                elsewhere = result.queue or (queue.with_at_most(result.at_most).text() if result.at_most else "")
                # NO_DELAY means the front of the queue a recipient came from; in another queue it
                # has no place of its own.
                delay_ms = max(0.0, result.delay_ms) if elsewhere else result.delay_ms
                back.setdefault((elsewhere or queue.text(), delay_ms), []).append(result.position)
        job, block, _ = self.entry
        return [(text, Entry(job, block, encode(places)).text(), delay_ms) for (text, delay_ms), places in back.items()]

    def told(self, used: CodeUse, account: str, *, at_ms: int, before: bytes = b"") -> list[Value]:
        """What became of the entry, as the script `record` takes it.

        Args:
            used: The codes that are written.
            account: Through which the call was made.
            at_ms: When it was begun, epoch ms.
            before: The serials that the block keeps of the same call already (`blocks.pack_note`).
        """
        results, marks, through = self.results, list[str](), list[str]()
        if isinstance(results, AcceptedColumns):
            # One kind only, so the entry's own runs are its stretches.
            for run in encode(results.positions).split(","):
                first, _, last = run.partition("-")
                marks.append(f"{first},{last or first},{LETTERS[State.ACCEPTED]},1,0,")
            serials, fee = (
                pack_note(account, at_ms, results.positions, results.serials, results.fees),
                sum(results.fees),
            )
        else:
            # In a run of neighbours, position minus index stays the same: a batch that ended alike
            # is one stretch, not 200 marks.
            for (_, kind), same in groupby(enumerate(results), key=lambda nth: (nth[1].position - nth[0], nth[1].kind)):
                alike = [result.position for _, result in same]
                state, counted, code, message = kind
                name = tidy_code(code)
                shown = (name or "-") if state in _NAMED else ""
                marks.append(f"{alike[0]},{alike[-1]},{LETTERS[state]},{counted},{used.number(name, message)},{shown}")
            for result in results:
                if result.queue and (name := parse_queue(result.queue).account) != account:
                    through.append(f"{result.position},{result.position},{used.number(name)}")
            serials, fee = _pack_serials(results, account, at_ms, before), sum(result.fee for result in results)
        return argv(
            "record",
            text=self.entry.text(),
            marks=" ".join(marks),
            serials=serials,
            fee=fee,
            through=" ".join(through),
        )


# States in which a recipient is a dead letter, counted by its code.
_NAMED: Final = frozenset({State.DEAD, State.UNKNOWN})


def _pack_serials(results: Sequence[RecipientResult], account: str, at_ms: int, before: bytes) -> bytes:
    """The serials of accepted recipients as a block keeps them, and when it was.

    Empty when there are none.
    """
    taken = [result for result in results if result.state is State.ACCEPTED]
    if not taken:
        return b""
    serials, fees = {one.position: one.serial for one in taken}, {one.position: one.fee for one in taken}
    if before:
        held = read_note(before)
        serials |= dict(zip(decode(held["r"]), held["s"], strict=True))
        fees |= fees_of(held)
    places = sorted(serials)
    return pack_note(account, at_ms, places, [serials[each] for each in places], [fees.get(each, 0) for each in places])
