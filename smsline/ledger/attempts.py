"""Attempts: one for each call; what it came to is written down once.

Those whose lease has expired are found by the rescuer.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import chain
from typing import Literal, NamedTuple, NotRequired, TypedDict, Unpack, cast

from smsline.ledger import statistics
from smsline.ledger.batch_queues import BatchQueue, parse_queue
from smsline.ledger.blocks import numbers_of
from smsline.ledger.breaker import SILENT, BreakerEvent, CallReport
from smsline.ledger.call_results import EntryResults, RecipientResult
from smsline.ledger.codes import CodeUse
from smsline.ledger.keys import ATTEMPT_TTL_S, INDEX_TTL_S
from smsline.ledger.link import Ledger, ScriptCall, argv
from smsline.ledger.runs import Entry, decode, parse_entry
from smsline.ledger.serial_index import index_entries
from smsline.states import State


class PollSchedule(NamedTuple):
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
        upon: The state of the attempt until then: `begun`; `unsure` when its lease had ended;
            `claimed` or `gone` when Redis had forgotten what came last.
        refused: Of a call that was refused for what it says, the subjects of those in a row, the
            newest last (`breaker.at_fault`).
    """

    early: bool
    event: BreakerEvent
    upon: str
    refused: tuple[str, ...] = ()

    @classmethod
    def read(cls, early: bytes, event: bytes, upon: bytes) -> "RecordFindings":
        """What the script answers."""
        new = event.decode()
        refused = tuple(new.split()[1:]) if new.startswith("fault ") else ()
        return cls(early == b"1", "" if refused else cast("BreakerEvent", new), upon.decode(), refused)


@dataclass(frozen=True, slots=True)
class Attempt:
    """A call as the ledger knows it: who, which recipients, how far it got."""

    attempt: int
    queue: BatchQueue
    entries: tuple[Entry, ...]
    state: str
    started_ms: int
    unsure_ms: int


class RecordOptions(TypedDict):
    """How a call is written down.

    Attributes:
        at_ms: When it was begun, epoch ms.
        polls: When to ask about what is left open.
        writer: `worker` writes what its call came to, once, whatever has become of the attempt
            meanwhile; `rescuer` that the worker of a begun call fell silent; `wait` what the wait
            after an unsure call came to.
        counters: What the call adds to the statistics besides its recipients' states: field and by
            how much.
        heard: What the call says of the account.
        indexed: Whether its serials are indexed; they need not be where the call's context names
            its block (`recipients.find`).
    """

    at_ms: int
    polls: PollSchedule
    writer: NotRequired[Literal["worker", "rescuer", "wait"]]
    counters: NotRequired[Sequence[tuple[str, int]]]
    heard: NotRequired[CallReport]
    indexed: NotRequired[bool]


def record(
    ledger: Ledger, attempt: int, queue: BatchQueue, entries: Sequence[EntryResults], **how: Unpack[RecordOptions]
) -> RecordFindings | None:
    """Write down what a call came to.

    Args:
        ledger: Where.
        attempt: The attempt's id.
        queue: The batch queue its recipients came from.
        entries: Every recipient of the attempt that is settled by this.
        **how: See `RecordOptions`.

    Returns:
        What was written; None when all of it was written before: nothing was changed.

    Raises:
        redis.exceptions.RedisError: Redis cannot be reached; writing it again does no harm.
    """
    keys, text, account, at_ms = ledger.keys, queue.text(), queue.account, how["at_ms"]
    writer, day = how.get("writer", "worker"), at_ms // 86_400_000
    accepted = [(each.entry.block, each.accepted()) for each in entries] if how.get("indexed", True) else ()
    index = index_entries(ledger, account, day, accepted)
    returned = [piece for each in entries for piece in each.returned(queue)]
    # The serials that the call's own answer told of a block, where more are to be written now.
    kept = [keys.block(each.entry.block) if writer == "wait" and each.has_serials else "" for each in entries]
    before = [(ledger.redis.hget(block, f"z{attempt}") or b"") if block else b"" for block in kept]
    key_list = [*keys.book, keys.attempt(attempt), keys.lease, keys.unsure_due, keys.drain, keys.later]
    key_list += [keys.account(account), keys.dead, keys.unsure(account), keys.orphans(account, day), keys.queue(text)]
    key_list += [keys.send(queue.lane), keys.probe, keys.called(account, day), keys.names, keys.breaker(account)]
    key_list += [key for each in entries for key in (keys.block(each.entry.block), keys.job(each.entry.job))]

    def call(used: CodeUse) -> ScriptCall:
        """The script's call, made anew when a code has got another number meanwhile."""
        told = [
            each.told(used, account, at_ms=at_ms, before=noted) for each, noted in zip(entries, before, strict=True)
        ]
        args = argv(
            "record",
            attempt=attempt,
            writer=writer,
            **how["polls"]._asdict(),
            account=account,
            queue=text,
            expiry_s=ATTEMPT_TTL_S,
            index_expiry_s=INDEX_TTL_S,
            entries=len(entries),
            indexed=len(index.keys),
            returned=len(returned),
            index=index.packed,
            young=index.young,
            codes=used.lines(),
            counters=statistics.lines_of(how.get("counters", ())),
            **how.get("heard", SILENT)._asdict(),
        )
        return "record", key_list + index.keys, list(chain(args, *told, *returned))

    answer = ledger.run_with_codes(call)
    if answer[0] == b"stale":
        return None  # by this worker, whose answer was lost, or by the one that took its attempt over
    ledger.expiring.note(index.keys[: index.young])
    return RecordFindings.read(*answer[1:])


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
    """Take back an attempt of which no call was made, however far it got.

    Its recipients wait again, and no try is counted.

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
    # By number, as the index is kept: a receipt without a context finds its attempt by that alone.
    key = ledger.keys.unsure(attempt.queue.account)
    known = [number for entry in attempt.entries for number in numbers_of(ledger, entry)]
    if known:
        ledger.run_many([("forget", [key], [number, attempt.attempt]) for number in known])


def cursor(ledger: Ledger, attempt: int) -> int:
    """The number up to which a round of questions about an unsure attempt has come.

    0 at its beginning.
    """
    return int(ledger.redis.hget(ledger.keys.attempt(attempt), "cursor") or 0)


def note_cursor(ledger: Ledger, attempt: int, number: int | None) -> None:
    """Remember how far the round has come; None when it is complete."""
    if number is None:
        ledger.redis.hdel(ledger.keys.attempt(attempt), "cursor")
    else:
        ledger.redis.hset(ledger.keys.attempt(attempt), "cursor", number)
