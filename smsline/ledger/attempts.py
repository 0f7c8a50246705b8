"""Attempts: what a call came to is written down once; claims whose worker fell silent are found again."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import groupby
from typing import Final, Literal, NamedTuple, overload

from smsline.ledger import statistics
from smsline.ledger.batch_queues import BatchQueue, parse_queue
from smsline.ledger.blocks import fees_of, numbers_of, pack_note, read_note
from smsline.ledger.breaker import SILENT, BreakerEvent, CallReport
from smsline.ledger.codes import CodeUse, run_with_codes, tidy_code
from smsline.ledger.keys import ATTEMPT_TTL_S, INDEX_TTL_S
from smsline.ledger.link import Ledger, ScriptCall, Value, argv
from smsline.ledger.runs import Entry, decode, encode, parse_entry
from smsline.ledger.serial_index import index_entries
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
        resent: It was sent again although the outcome of the first call is unknown; that is done once.
        queue: For `waiting`: the batch queue to wait in, where it is another than it was taken from; else empty.
        next_account: For `waiting`: it moves on to the next account; a mark of the decision, which sending turns into `queue`.
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

    They read like any others, but an object for each is made only for readers that look at them one by one.

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


@dataclass(frozen=True, slots=True)
class PollSchedule:
    """When what was accepted, or is unsure, is first asked about.

    Attributes:
        first_poll_ms: Until the account's receipts are drained.
        first_look_ms: Until an unsure attempt is looked into.
        probe_ms: Until an accepted recipient without a receipt is asked about.
    """

    first_poll_ms: float = 5000.0
    first_look_ms: float = 5000.0
    probe_ms: float = 600_000.0


class RecordFindings(NamedTuple):
    """What recording a call brought to light.

    Attributes:
        early: Whether receipts may have come before this was written.
        event: What is new of the account's circuit breaker.
        upon: The state of the attempt until then: `begun`; `unsure` when its lease had ended; `claimed` or `gone` when Redis had
            forgotten what came last.
        refused: Of a call that was refused for what it says, the subjects of those in a row, the newest last (`breaker.at_fault`).
    """

    early: bool
    event: BreakerEvent
    upon: str
    refused: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Attempt:
    """A call as the ledger knows it: who, which recipients, how far it got."""

    attempt: int
    queue: BatchQueue
    entries: tuple[Entry, ...]
    state: str
    started_ms: int
    unsure_ms: int


def record(
    ledger: Ledger,
    attempt: int,
    queue: BatchQueue,
    entries: Sequence[EntryResults],
    *,
    at_ms: int,
    polls: PollSchedule,
    writer: Literal["worker", "rescuer", "wait"] = "worker",
    counters: Sequence[tuple[str, int]] = (),
    heard: CallReport = SILENT,
    indexed: bool = True,
) -> RecordFindings | None:
    """Write down what a call came to.

    Args:
        ledger: Where.
        attempt: The attempt's id.
        queue: The batch queue its recipients came from.
        entries: Every recipient of the attempt that is settled by this.
        at_ms: When the call was begun, epoch ms.
        polls: When to ask about what is left open.
        writer: `worker` writes what its call came to, once, whatever has become of the attempt meanwhile; `rescuer` that the worker
            of a begun call fell silent; `wait` what the wait after an unsure call came to.
        heard: What the call says of the account.
        counters: What the call adds to the statistics besides its recipients' states: field and by how much.
        indexed: Whether its serials are indexed; they need not be where the call's context names its block (`recipients.find`).

    Returns:
        What was written; None when all of it was written before: nothing was changed.

    Raises:
        redis.exceptions.RedisError: Redis cannot be reached; writing it again does no harm.
    """
    keys, text, day = ledger.keys, queue.text(), at_ms // 86_400_000
    index = index_entries(ledger, queue.account, day, _accepted(entries) if indexed else ())
    returned = [piece for each in entries for piece in _returned(each, queue)]
    key_list = [*keys.book, keys.attempt(attempt), keys.lease, keys.unsure_due, keys.drain, keys.later]
    key_list += [keys.account(queue.account), keys.dead, keys.unsure(queue.account), keys.orphans(queue.account, day)]
    key_list += [keys.queue(text), keys.send(queue.lane), keys.probe, keys.called(queue.account, day), keys.names]
    key_list.append(keys.breaker(queue.account))
    key_list += [key for each in entries for key in (keys.block(each.entry.block), keys.job(each.entry.job))]
    key_list += index.keys
    before = [_serials_of(ledger, each, attempt) if writer == "wait" else b"" for each in entries]

    def call(used: CodeUse) -> ScriptCall:
        told: list[Value] = []
        for each, serials in zip(entries, before, strict=True):
            told += _entry_args(used, each, queue.account, at_ms=at_ms, before=serials)
        for back in returned:
            told += back
        args = argv(
            "record",
            attempt=attempt,
            writer=writer,
            first_poll_ms=polls.first_poll_ms,
            first_look_ms=polls.first_look_ms,
            account=queue.account,
            queue=text,
            expiry_s=ATTEMPT_TTL_S,
            index_expiry_s=INDEX_TTL_S,
            entries=len(entries),
            indexed=len(index.keys),
            returned=len(returned),
            ask_ms=polls.probe_ms,
            index=index.packed,
            young=index.young,
            codes=used.lines(),
            counters=statistics.lines_of(counters),
            said=heard.said,
            terms=heard.terms,
        )
        return "record", key_list, args + told

    # Stale: written before, by this worker whose answer was lost, or by the one that took its attempt over.
    answer = run_with_codes(ledger, call)
    if answer[0] == b"stale":
        return None
    ledger.expiring.note(index.keys[: index.young])
    event = answer[2].decode()
    refused = tuple(event.split()[1:]) if event.startswith("fault ") else ()
    return RecordFindings(answer[1] == b"1", event if not refused else "", answer[3].decode(), refused)


def _serials_of(ledger: Ledger, each: EntryResults, attempt: int) -> bytes:
    """The serials that the attempt's answer told of this block, where more are to be written now."""
    told = isinstance(each.results, AcceptedColumns) or any(result.serial for result in each.results)
    return (ledger.redis.hget(ledger.keys.block(each.entry.block), f"z{attempt}") or b"") if told else b""


def _entry_args(used: CodeUse, each: EntryResults, account: str, *, at_ms: int, before: bytes) -> list[Value]:
    """What became of one entry, as the script takes it."""
    results, stretches = each.results, list[str]()
    if isinstance(results, AcceptedColumns):
        # One kind only, so the entry's own runs are its stretches.
        for run in encode(results.positions).split(","):
            first, _, last = run.partition("-")
            stretches.append(f"{first},{last or first},{LETTERS[State.ACCEPTED]},1,0,")
        serials = pack_note(account, at_ms, results.positions, results.serials, results.fees)
        return [each.entry.text(), " ".join(stretches), serials, sum(results.fees), ""]
    # In a run of neighbours, position minus index stays the same: a batch that ended alike is one stretch, not 200 marks.
    for (_, kind), same in groupby(enumerate(results), key=lambda nth: (nth[1].position - nth[0], nth[1].kind)):
        alike = [result.position for _, result in same]
        state, counted, code, message = kind
        name = tidy_code(code)
        shown = (name or "-") if state in _NAMED else ""
        stretches.append(f"{alike[0]},{alike[-1]},{LETTERS[state]},{counted},{used.number(name, message)},{shown}")
    through = [
        f"{result.position},{result.position},{used.number(name)}"
        for result in results
        if result.queue and (name := parse_queue(result.queue).account) != account
    ]
    serials = pack_serials(results, account, at_ms, before=before)
    return [each.entry.text(), " ".join(stretches), serials, sum(result.fee for result in results), " ".join(through)]


# States in which a recipient is a dead letter, counted by its code.
_NAMED: Final = frozenset({State.DEAD, State.UNKNOWN})


def pack_serials(results: Sequence[RecipientResult], account: str, at_ms: int, *, before: bytes = b"") -> bytes:
    """The serials of accepted recipients as a block keeps them, and when it was; empty when there are none.

    Args:
        results: What the recipients came to.
        account: Whose serials.
        at_ms: When the call was begun, epoch ms.
        before: What the block keeps of the same call already, which the result is kept in place of.
    """
    serials = {result.position: result.serial for result in results if result.state is State.ACCEPTED}
    if not serials:
        return b""
    fees = {result.position: result.fee for result in results if result.state is State.ACCEPTED}
    if before:
        held = read_note(before)
        serials |= dict(zip(decode(held["r"]), held["s"], strict=True))
        fees |= fees_of(held)
    positions = sorted(serials)
    return pack_note(
        account,
        at_ms,
        positions,
        [serials[position] for position in positions],
        [fees.get(position, 0) for position in positions],
    )


def _accepted(entries: Sequence[EntryResults]) -> Iterable[tuple[int, Iterable[tuple[int, str]]]]:
    """Of each block the position and serial of those that were accepted with one."""
    for each in entries:
        results = each.results
        if isinstance(results, AcceptedColumns):
            yield each.entry.block, [pair for pair in zip(results.positions, results.serials, strict=True) if pair[1]]
        else:
            told = [one for one in results if one.serial and one.state is State.ACCEPTED]
            yield each.entry.block, [(one.position, one.serial) for one in told]


def _returned(each: EntryResults, queue: BatchQueue) -> list[tuple[str, str, float]]:
    """Batch queue, entry and delay of what is tried again, positions of the same delay together."""
    if isinstance(each.results, AcceptedColumns):
        return []
    back: dict[tuple[str, float], list[int]] = {}
    for result in each.results:
        if result.state is State.WAITING:
            elsewhere = result.queue or (queue.with_at_most(result.at_most).text() if result.at_most else "")
            # NO_DELAY means the front of the queue a recipient came from; in another queue it has no place of its own.
            delay_ms = max(0.0, result.delay_ms) if elsewhere else result.delay_ms
            back.setdefault((elsewhere or queue.text(), delay_ms), []).append(result.position)
    entry = each.entry
    return [
        (text, Entry(entry.job, entry.block, encode(positions)).text(), delay_ms)
        for (text, delay_ms), positions in back.items()
    ]


def read_attempt(ledger: Ledger, attempt: int) -> Attempt | None:
    """An attempt, or None when it is long over."""
    found = ledger.redis.hgetall(ledger.keys.attempt(attempt))
    if b"queue" not in found:
        return None
    return Attempt(
        attempt,
        parse_queue(found[b"queue"].decode()),
        tuple(parse_entry(text) for text in found[b"entries"].decode().split()),
        found[b"state"].decode(),
        int(found.get(b"started_ms", 0)),
        int(found.get(b"unsure_ms", 0)),
    )


def withdraw(ledger: Ledger, attempt: int, queue: BatchQueue, *, polls: PollSchedule) -> None:
    """Take back an attempt of which no call was made, however far it got; its recipients wait again, and no try is counted.

    Raises:
        redis.exceptions.RedisError: Redis cannot be reached; doing it again does no harm.
    """
    keys, text = ledger.keys, queue.text()
    key_list = [keys.attempt(attempt), keys.lease, keys.queue(text), keys.send(queue.lane)]
    if ledger.run("withdraw", key_list, [attempt, ATTEMPT_TTL_S]) not in {b"begun", b"unsure"}:
        return
    # It had been begun, so its recipients are `sending` and only `record` may move them.
    found = read_attempt(ledger, attempt)
    if found is None:
        return
    entries = [
        EntryResults(
            entry, [RecipientResult(position, State.WAITING, counted=False) for position in decode(entry.runs)]
        )
        for entry in found.entries
    ]
    record(ledger, attempt, found.queue, entries, at_ms=found.started_ms, polls=polls)


def unsure_attempts(ledger: Ledger, account: str, number: int) -> list[int]:
    """Attempts to this number whose outcome is unknown, oldest first."""
    held = ledger.redis.hget(ledger.keys.unsure(account), str(number))
    return [int(attempt) for attempt in held.split()] if held else []


def unsure_count(ledger: Ledger, account: str) -> int:
    """How many numbers of an account have attempts whose outcome is unknown."""
    return int(ledger.redis.hlen(ledger.keys.unsure(account)))


def forget_unsure(ledger: Ledger, attempt: Attempt) -> None:
    """Take an attempt out of the account's index of unsure numbers."""
    key = ledger.keys.unsure(attempt.queue.account)
    known = [number for entry in attempt.entries for number in numbers_of(ledger, entry)]
    if known:
        ledger.run_many([("forget", [key], [number, attempt.attempt]) for number in known])


def cursor(ledger: Ledger, attempt: int) -> int:
    """The number up to which a round of questions about an unsure attempt has come; 0 at its beginning."""
    return int(ledger.redis.hget(ledger.keys.attempt(attempt), "cursor") or 0)


def note_cursor(ledger: Ledger, attempt: int, number: int | None) -> None:
    """Remember how far the round has come; None when it is complete."""
    if number is None:
        ledger.redis.hdel(ledger.keys.attempt(attempt), "cursor")
    else:
        ledger.redis.hset(ledger.keys.attempt(attempt), "cursor", number)
