"""Batch queues: recipients that wait for the same batch key.

Take what fits into a call, look once more, begin; or give it back.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final, Literal, NamedTuple, TypedDict, Unpack

from smsline import numbers
from smsline.ledger.buckets import Limit
from smsline.ledger.keys import BUCKET_TTL_S
from smsline.ledger.link import Ledger, ScriptCall, argv, clock_ms, scored
from smsline.ledger.poison import readable
from smsline.ledger.runs import Entry, decode, parse_entry

SHARED: Final = "s"
OWN: Final = "p"
ALONE: Final = "a"

PINNED: Final = "!"

_WINDOW: Final = "@"

# Stands between a template and the hash of a signature; template ids cannot hold it.
SIGNED: Final = "~"

MAINLAND: Final = f"{SIGNED}mainland"
GLOBAL: Final = f"{SIGNED}global"

# What may be parked of an account besides templates; none can be one, because template ids cannot
# hold the first character.
ONLY: Final = f"{SIGNED}#"


class BatchQueue(NamedTuple):
    """A batch key, readable from its text.

    `<lane>|<account>|<template>|<m or g>|<s, p or a>|<hash>[|!]`.

    Attributes:
        lane: What it may wait for.
        account: Who sends.
        template: Template id, followed by `~` and a hash of the signature where the job brings one
            of its own; what is parked for a template or a signature that may not be used is parked
            for all batch queues with the same.
        region: `m` mainland, `g` global; followed by the country where the hour of sending depends
            on it or a call failed lately, and by `@` and the job's own window where it has one
            (`region_text`).
        params: `s` one set of params for all, `p` each number its own, `a` one set, but each number
            alone; `a50` one set, and 50 numbers in a call at most.
        digest: Stands for everything else that must be equal in a call.
        pinned: `!` when traffic must not fail over from this account, else empty.
    """

    lane: str
    account: str
    template: str
    region: str
    params: str
    digest: str
    pinned: str = ""

    @property
    def country(self) -> str:
        """The country that is part of the region, or empty."""
        return self.region[1:].partition(_WINDOW)[0]

    @property
    def window(self) -> str:
        """The job's own window, or empty."""
        return self.region.partition(_WINDOW)[2].replace(_WINDOW, " ")

    @property
    def template_id(self) -> str:
        """The template alone."""
        return template_id(self.template)

    @property
    def side(self) -> str:
        """The side of the account, mainland or global, as what may be parked alone."""
        return MAINLAND if self.region.startswith("m") else GLOBAL

    @property
    def nation(self) -> str:
        """The country of a batch queue that has one, as what may be parked alone; else the side."""
        return f"{self.side}-{self.country}" if self.country else self.side

    @property
    def own(self) -> str:
        """This batch queue alone, with its template, as what may be parked."""
        return f"{self.template}{ONLY}{self.digest}"

    @property
    def shared_subjects(self) -> tuple[str, str, str]:
        """Parts of the account whose park keeps this batch queue waiting, and others with it."""
        return self.template, self.side, self.nation

    @property
    def subjects(self) -> tuple[str, str, str, str]:
        """The same, and what may be parked of this batch queue alone."""
        return (*self.shared_subjects, self.own)

    @property
    def waits_for(self) -> tuple[str, str, str, str]:
        """Account, template, side, country: batch queues with the same wait for the same parks."""
        return (self.account, *self.shared_subjects)

    @property
    def at_most(self) -> int:
        """Most numbers that a call may carry; 0: as many as the provider takes.

        It is for recipients whose larger call was refused for one of them.
        """
        return int(self.params.removeprefix(ALONE) or 1) if self.params.startswith(ALONE) else 0

    def with_at_most(self, numbers: int) -> "BatchQueue":
        """The batch queue of the same messages whose calls carry no more numbers."""
        # A worker of another version that cannot read the number sends full calls:
        # slower, and not wrong.
        return self._replace(params=ALONE if numbers == 1 else f"{ALONE}{numbers}")

    def text(self) -> str:
        """The batch queue's id."""
        return "|".join(self if self.pinned else self[:-1])


def region_text(letter: str, country: str, window: str) -> str:
    """A batch queue's region: recipients whose hours of sending differ never share a call."""
    # A blank would end the batch queue's name where entries stand beside it.
    return f"{letter}{country}{_WINDOW if window else ''}{window.replace(' ', _WINDOW)}"


def template_id(subject: str) -> str:
    """A template without the signature beside it."""
    return subject.partition(SIGNED)[0]


def parse_queue(text: str) -> BatchQueue:
    """The inverse of `BatchQueue.text`."""
    return BatchQueue(*text.split("|"))


@dataclass(frozen=True, slots=True)
class Claim:
    """Recipients taken for one call that was not begun yet."""

    attempt: int
    queue: BatchQueue
    entries: tuple[Entry, ...]


@dataclass(frozen=True, slots=True)
class CallGroup:
    """Recipients of one block within a call.

    Attributes:
        entry: Which.
        numbers: E.164 integers, in the order of the entry's positions.
        attempts: Calls already counted, per number.
        own_params: JSON of the params per position of the *block*, or empty.
    """

    entry: Entry
    numbers: Sequence[int]
    attempts: bytes
    own_params: str

    @property
    def positions(self) -> list[int]:
        """Positions in the block."""
        return decode(self.entry.runs)


@dataclass(frozen=True, slots=True)
class StartedCall:
    """A call that must be made now.

    Attributes:
        started_ms: When it began, by Redis.
        content: JSON of what is said.
        params: JSON of the params for all, or empty.
        groups: Its recipients.
        probing: Whether account or template is parked and this call finds out if it still must be.
        trial: Whether the account's breaker is open and this call finds out if it still must be.
    """

    started_ms: int
    content: str
    params: str
    groups: tuple[CallGroup, ...]
    probing: bool
    trial: bool = False


@dataclass(frozen=True, slots=True)
class NotStarted:
    """Why no call is to be made.

    Attributes:
        why: `wait` for the rate limit, `parked`, `held` by the account's breaker, `small` when a
            call for fewer may be made now, `apart` when its recipients are to wait country by
            country; `stale` and `other` when the claim is not what it was;
            `empty` when none of it is to be sent any more.
        wait_ms: After how long it is worth asking again.
        most: For `small`: recipients of that call.
    """

    why: Literal["stale", "other", "empty", "wait", "parked", "held", "small", "apart"]
    wait_ms: float = 0.0
    most: int = 0


@dataclass(frozen=True, slots=True)
class CallLimits:
    """What holds for every call of a batch queue.

    Attributes:
        action: The provider's action.
        limit: Its rate.
        lease_ms: After this long without a word the claim is another worker's.
        park_probe_ms: Time between probes of what is parked.
        bucket: The account in whose bucket the provider counts its calls.
        caps: Most messages to one number in 30 seconds, an hour and a day; 0 is any number.
    """

    action: str
    limit: Limit
    lease_ms: float
    park_probe_ms: float
    # Without a default: left out, accounts of one key would each get the whole limit, and
    # nothing would show it.
    bucket: str
    caps: tuple[int, int, int] = (0, 0, 0)
    in_doubt: int = 10


def due_queues(ledger: Ledger, lane: str, most: int = 8) -> tuple[list[BatchQueue], float]:
    """Batch queues of a lane that are due, longest due first.

    Returns:
        The batch queues, and ms until the next one is due: 0 when some are, -1 when there is none.
    """
    # The first ones whether due or not, and compared here: so one round trip also tells
    # when the next one will be.
    told, members = ledger.ask(("TIME",), ("ZRANGE", ledger.keys.send(lane), 0, most - 1, "WITHSCORES"))
    now_ms, found = clock_ms(told), scored(members)
    due = [
        parse_queue(text)
        for text in readable(ledger, ledger.keys.send(lane), [text for text, score in found if score <= now_ms])
    ]
    if due or not found:
        return due, 0.0 if due else -1.0
    return [], max(1.0, found[0][1] - now_ms)


def lengths(ledger: Ledger, queues: Sequence[str]) -> list[int]:
    """How many entries wait in each batch queue."""
    pipe = ledger.redis.pipeline(transaction=False)
    for queue in queues:
        pipe.zcard(ledger.keys.queue(queue))
    return [int(entries) for entries in pipe.execute()]


def single_entries(ledger: Ledger, found: Sequence[BatchQueue]) -> list[Entry | None]:
    """The entry of each batch queue that has one only, in one round trip."""
    pipe = ledger.redis.pipeline(transaction=False)
    for queue in found:
        pipe.zrange(ledger.keys.queue(queue.text()), 0, 1)
    return [parse_entry(entries[0].decode()) if len(entries) == 1 else None for entries in pipe.execute()]


class TakeOptions(TypedDict):
    """How recipients are taken off a batch queue.

    Attributes:
        limit: At most so many.
        linger_ms: How long the rest waits to fill a call.
        lease_ms: After this long without a word the claim is another worker's.
        worker: Whose claim it is.
    """

    limit: int
    linger_ms: float
    lease_ms: float
    worker: str


def take(ledger: Ledger, queue: BatchQueue, attempt: int, **how: Unpack[TakeOptions]) -> Claim | None:
    """Take the next recipients off a due batch queue.

    None when it is empty, held, or not due (any more).
    """
    return _claim(queue, attempt, ledger.run(*_taking(ledger, queue, attempt, how)))


def take_and_begin(
    ledger: Ledger, queue: BatchQueue, attempt: int, *, how: TakeOptions, terms: CallLimits, entry: Entry
) -> tuple[Claim | None, StartedCall | NotStarted | None]:
    """Take and begin in one round trip, for a batch queue that had one entry when it was looked at.

    Returns:
        The claim, None when there was nothing to take; and what beginning it came to, None when it
        is still to be begun, because the batch queue had other entries by now.
    """
    beginning = _beginning(ledger, Claim(attempt, queue, (entry,)), terms)
    entries, answer = ledger.run_many([_taking(ledger, queue, attempt, how), beginning])
    # `begin` was told the entry that was seen before the take. If the claim holds another
    # one, its keys were not among KEYS: the script says so, has changed nothing, and is asked
    # again with the right ones.
    begun = _begun(answer)
    early = not isinstance(begun, NotStarted) or begun.why not in {"stale", "other"}
    return _claim(queue, attempt, entries), begun if early else None


def _taking(ledger: Ledger, queue: BatchQueue, attempt: int, how: TakeOptions) -> ScriptCall:
    keys, text = ledger.keys, queue.text()
    key_list = [keys.queue(text), keys.size(text), keys.send(queue.lane), keys.attempt(attempt), keys.lease]
    return "take", [*key_list, keys.hold(text)], argv("take", queue=text, attempt=attempt, **how)


def _claim(queue: BatchQueue, attempt: int, entries: Sequence[bytes]) -> Claim | None:
    return Claim(attempt, queue, tuple(parse_entry(e.decode()) for e in entries)) if entries else None


def begin(ledger: Ledger, claim: Claim, terms: CallLimits) -> StartedCall | NotStarted:
    """Look once more, take the token and mark the recipients as sending.

    After `StartedCall` the call is made at once.

    Cancelled and overdue recipients are ended here, those of a paused job set aside.
    """
    return _begun(ledger.run(*_beginning(ledger, claim, terms)))


def _beginning(ledger: Ledger, claim: Claim, terms: CallLimits) -> ScriptCall:
    keys, queue = ledger.keys, claim.queue
    # Keys are named here and not in the script, so the day is asked for; only where messages
    # to a number are capped.
    today = ledger.now_ms() // 86_400_000 if any(terms.caps) else 0
    key_list = [*keys.book, keys.attempt(claim.attempt), keys.lease]
    key_list += [keys.bucket(terms.bucket, terms.action)]
    key_list += [keys.park(queue.account), keys.park(queue.account, queue.template), keys.later, keys.suppressions]
    key_list += [keys.called(queue.account, today), keys.called(queue.account, today - 1)]
    key_list += [keys.park(queue.account, queue.side), keys.park(queue.account, queue.own), keys.breaker(queue.account)]
    key_list += [keys.park(queue.account, queue.nation)]
    for entry in claim.entries:
        key_list += [keys.block(entry.block), keys.job(entry.job), keys.held(entry.job)]
    in_30s, in_hour, in_day = terms.caps
    args = argv(
        "begin",
        attempt=claim.attempt,
        lease_ms=terms.lease_ms,
        **terms.limit.numbers(urgent=queue.lane == "otp")._asdict(),
        probe_ms=terms.park_probe_ms,
        expiry_s=BUCKET_TTL_S,
        queue=queue.text(),
        in_30s=in_30s,
        in_hour=in_hour,
        in_day=in_day,
        in_doubt=terms.in_doubt,
    )
    return "begin", key_list, [*args, *(entry.text() for entry in claim.entries)]


def _begun(answer: Sequence[Any]) -> StartedCall | NotStarted:
    verb = answer[0].decode()
    if verb == "small":
        return NotStarted("small", most=int(answer[1]))
    if verb not in {"go", "probe"}:
        return NotStarted(verb, float(answer[1]) if len(answer) > 1 else 0.0)
    rest = answer[5:]
    groups = tuple(
        CallGroup(parse_entry(entry.decode()), numbers.unpack(packed), attempts, own_params.decode())
        for entry, packed, attempts, own_params in zip(rest[::4], rest[1::4], rest[2::4], rest[3::4], strict=True)
    )
    return StartedCall(
        int(answer[1]),
        answer[2].decode(),
        answer[3].decode(),
        groups,
        probing=verb == "probe",
        trial=bool(answer[4]),
    )


def release(ledger: Ledger, claim: Claim, wait_ms: float = 0.0) -> int:
    """Give a claim back that was not begun; its batch queue is due again after `wait_ms`.

    Returns the entries given back.
    """
    keys, text = ledger.keys, claim.queue.text()
    return int(
        ledger.run(
            "release",
            [keys.attempt(claim.attempt), keys.lease, keys.queue(text), keys.send(claim.queue.lane)],
            [claim.attempt, wait_ms],
        )
    )
