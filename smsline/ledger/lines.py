"""Lines: recipients that wait for the same batch key. Take what fits into a call, look once more, begin; or give it back."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final, Literal, NamedTuple, TypedDict, Unpack

from smsline import numbers
from smsline.ledger.buckets import Limit
from smsline.ledger.keys import BUCKET_TTL_S
from smsline.ledger.link import Ledger, ScriptCall, Value
from smsline.ledger.runs import Entry, decode, parse_entry

SHARED: Final = "s"
OWN: Final = "p"
ALONE: Final = "a"

PINNED: Final = "!"

SIGNED: Final = "~"
"""Stands between a template and the hash of a signature; template ids cannot hold it."""


class Line(NamedTuple):
    """A batch key, readable from its text: `<lane>|<account>|<template>|<m or g>|<s, p or a>|<hash>[|!]`.

    Attributes:
        lane: What it may wait for.
        account: Who sends.
        template: Template id, followed by `~` and a hash of the signature where the job brings one of its own; what is parked
            for a template or a signature that may not be used is parked for all lines with the same.
        region: `m` mainland, `g` global; followed by the country where the hour of sending depends on it.
        params: `s` one set of params for all, `p` each number its own, `a` one set, but each number alone.
        digest: Stands for everything else that must be equal in a call.
        pinned: `!` when no other account may stand in for this one, else empty.
    """

    lane: str
    account: str
    template: str
    region: str
    params: str
    digest: str
    pinned: str = ""

    @property
    def template_id(self) -> str:
        """The template alone."""
        return template_id(self.template)

    def text(self) -> str:
        """The line's id."""
        return "|".join(self if self.pinned else self[:-1])


def template_id(subject: str) -> str:
    """A template without the signature beside it."""
    return subject.partition(SIGNED)[0]


def parse_line(text: str) -> Line:
    """The inverse of `Line.text`."""
    return Line(*text.split("|"))


@dataclass(frozen=True, slots=True)
class Claim:
    """Recipients taken for one call that was not begun yet."""

    attempt: int
    line: Line
    entries: tuple[Entry, ...]


@dataclass(frozen=True, slots=True)
class Group:
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
class Begun:
    """A call that must be made now.

    Attributes:
        started_ms: When it began, by Redis.
        content: JSON of what is said.
        params: JSON of the params for all, or empty.
        groups: To whom.
        probing: Whether account or template is parked and this call finds out if it still must be.
    """

    started_ms: int
    content: str
    params: str
    groups: tuple[Group, ...]
    probing: bool


@dataclass(frozen=True, slots=True)
class NotBegun:
    """Why no call is to be made. `wait_ms` is how long for `wait` and, as an epoch, until when for `parked`."""

    why: Literal["stale", "other", "empty", "wait", "parked"]
    wait_ms: float = 0.0


@dataclass(frozen=True, slots=True)
class Terms:
    """What holds for every call of a line.

    Attributes:
        action: The provider's action.
        limit: Its rate.
        lease_ms: After this long without a word the claim is someone else's.
        park_probe_ms: Time between probes of what is parked.
        caps: Most messages to one number in 30 seconds, an hour and a day; 0 is any number.
    """

    action: str
    limit: Limit
    lease_ms: float
    park_probe_ms: float
    caps: tuple[int, int, int] = (0, 0, 0)


def due_lines(ledger: Ledger, lane: str, most: int = 8) -> tuple[list[Line], float]:
    """Lines of a lane that are due, longest due first; and ms until the next one is (0 when some are, -1 when there is none)."""
    pipe = ledger.redis.pipeline(transaction=False)
    pipe.time()
    pipe.zrange(ledger.keys.send(lane), 0, most - 1, withscores=True)
    (seconds, micros), found = pipe.execute()
    now_ms = seconds * 1000 + micros / 1000
    due = [parse_line(text.decode()) for text, score in found if score <= now_ms]
    if due or not found:
        return due, 0.0 if due else -1.0
    return [], max(1.0, found[0][1] - now_ms)


def lengths(ledger: Ledger, lines: Sequence[str]) -> list[int]:
    """How many entries wait in each line."""
    pipe = ledger.redis.pipeline(transaction=False)
    for line in lines:
        pipe.zcard(ledger.keys.line(line))
    return [int(entries) for entries in pipe.execute()]


def single_entries(ledger: Ledger, found: Sequence[Line]) -> list[Entry | None]:
    """The entry of each line that has one only, in one round trip."""
    pipe = ledger.redis.pipeline(transaction=False)
    for line in found:
        pipe.zrange(ledger.keys.line(line.text()), 0, 1)
    return [parse_entry(entries[0].decode()) if len(entries) == 1 else None for entries in pipe.execute()]


class Taking(TypedDict):
    """How recipients are taken off a line.

    Attributes:
        limit: At most so many.
        linger_ms: How long the rest waits to fill a call.
        lease_ms: After this long without a word the claim is someone else's.
        worker: Whose claim it is.
    """

    limit: int
    linger_ms: float
    lease_ms: float
    worker: str


def take(ledger: Ledger, line: Line, attempt: int, **how: Unpack[Taking]) -> Claim | None:
    """Take the next recipients off a due line. None when it is empty, held, or not due (any more)."""
    return _claim(line, attempt, ledger.run(*_taking(ledger, line, attempt, how)))


def take_and_begin(
    ledger: Ledger, line: Line, attempt: int, *, how: Taking, terms: Terms, entry: Entry
) -> tuple[Claim | None, Begun | NotBegun | None]:
    """Take and begin in one round trip, for a line that had one entry when it was looked at.

    Returns:
        The claim, None when there was nothing to take; and what beginning it came to, None when it is still to be begun, because the
        line had other entries by now.
    """
    beginning = _beginning(ledger, Claim(attempt, line, (entry,)), terms)
    entries, answer = ledger.run_many([_taking(ledger, line, attempt, how), beginning])
    begun = _begun(answer)
    early = not isinstance(begun, NotBegun) or begun.why not in {"stale", "other"}
    return _claim(line, attempt, entries), begun if early else None


def _taking(ledger: Ledger, line: Line, attempt: int, how: Taking) -> ScriptCall:
    keys, text = ledger.keys, line.text()
    key_list = [keys.line(text), keys.size(text), keys.send(line.lane), keys.attempt(attempt), keys.lease]
    args: list[Value] = [text, attempt, how["limit"], how["linger_ms"], how["lease_ms"], how["worker"]]
    return "take", [*key_list, keys.hold(text)], args


def _claim(line: Line, attempt: int, entries: Sequence[bytes]) -> Claim | None:
    return Claim(attempt, line, tuple(parse_entry(e.decode()) for e in entries)) if entries else None


def begin(ledger: Ledger, claim: Claim, terms: Terms) -> Begun | NotBegun:
    """Look once more, take the token and mark the recipients as sending; after `Begun` the call is made at once.

    Cancelled and overdue recipients are ended here, those of a paused job set aside.
    """
    return _begun(ledger.run(*_beginning(ledger, claim, terms)))


def _beginning(ledger: Ledger, claim: Claim, terms: Terms) -> ScriptCall:
    keys, line = ledger.keys, claim.line
    today = int(ledger.redis.time()[0]) // 86_400 if any(terms.caps) else 0
    key_list = [keys.attempt(claim.attempt), keys.lease, keys.bucket(line.account, terms.action)]
    key_list += [
        keys.park(line.account),
        keys.park(line.account, line.template),
        keys.closing,
        keys.later,
        keys.suppressed,
    ]
    key_list += [keys.called(line.account, today), keys.called(line.account, today - 1)]
    for entry in claim.entries:
        key_list += [keys.block(entry.block), keys.job(entry.job), keys.held(entry.job)]
    limit = terms.limit.numbers(urgent=line.lane == "otp")
    args: list[Value] = [
        claim.attempt,
        terms.lease_ms,
        *limit,
        terms.park_probe_ms,
        BUCKET_TTL_S,
        line.text(),
        *terms.caps,
    ]
    return "begin", key_list, [*args, *(entry.text() for entry in claim.entries)]


def _begun(answer: Sequence[Any]) -> Begun | NotBegun:
    verb = answer[0].decode()
    if verb not in {"go", "probe"}:
        return NotBegun(verb, float(answer[1]) if len(answer) > 1 else 0.0)
    rest = answer[4:]
    groups = tuple(_group(*rest[i : i + 4]) for i in range(0, len(rest), 4))
    return Begun(int(answer[1]), answer[2].decode(), answer[3].decode(), groups, probing=verb == "probe")


def _group(entry: bytes, packed: bytes, attempts: bytes, own_params: bytes) -> Group:
    return Group(parse_entry(entry.decode()), numbers.unpack(packed), attempts, own_params.decode())


def release(ledger: Ledger, claim: Claim, wait_ms: float = 0.0) -> int:
    """Give a claim back that was not begun; its line is due again after `wait_ms`. Returns the entries given back."""
    keys, text = ledger.keys, claim.line.text()
    return int(
        ledger.run(
            "release",
            [keys.attempt(claim.attempt), keys.lease, keys.line(text), keys.send(claim.line.lane)],
            [claim.attempt, wait_ms],
        )
    )


def hold(ledger: Ledger, line: Line, for_ms: float, *, firmly: bool = False) -> None:
    """Leave a line alone for a time, because its messages may not be sent now; nothing of it is lost or counted.

    Args:
        ledger: Where.
        line: Which.
        for_ms: For how long.
        firmly: Whether nothing is taken off it until then. Else the line is looked at when something comes to it meanwhile.
    """
    text = line.text()
    ledger.run("hold", [ledger.keys.send(line.lane), ledger.keys.hold(text)], [text, for_ms, int(firmly)])


def move_due(ledger: Ledger, source: str, *, only_due: bool, most: int = 200) -> int:
    """Move entries from `later` or from a job's held ones into their lines; returns how many."""
    if only_due:
        seconds, micros = ledger.redis.time()
        members = ledger.redis.zrangebyscore(source, "-inf", seconds * 1000 + micros / 1000, start=0, num=most)
    else:
        members = ledger.redis.zrange(source, 0, most - 1)
    if not members:
        return 0
    lines = [member.decode().split(" ", 1)[0] for member in members]
    key_list = [source]
    for line in lines:
        key_list += [ledger.keys.line(line), ledger.keys.send(parse_line(line).lane)]
    return int(ledger.run("move_due", key_list, ["due" if only_due else "", *members]))
