"""The outbox of webhooks: events as scripts tell them become bodies in their endpoints' queues.

An entry says who has ended by block and positions, in some forty bytes; the rows are read when
events are cut. What is no longer so by then (a recipient that a person has sent again meanwhile) is
left out: its next end is told when it comes.
"""

import json
import logging
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from hashlib import sha256
from typing import Any, Final

from smsline.ledger.code_names import Names
from smsline.ledger.jobs import Result, iso, part_rows, rows_of, status_from
from smsline.ledger.link import Ledger, argv
from smsline.ledger.replies import shown
from smsline.ledger.runs import decode
from smsline.ledger.suppression import BY_LETTER
from smsline.ledger.talk import carry
from smsline.ledger.webhooks import Endpoint, body_of, endpoints, packed
from smsline.numbers import e164
from smsline.states import DUPLICATE, FINAL, STATES

# Of an event's body. A million rows are then some 9,100 requests (`told` has the sum).
MOST_ROWS: Final = 150
MOST_BYTES: Final = 20_000

# What stands around the rows in a body, with room to spare.
_ENVELOPE: Final = 200

# Of the outbox, worked on at once.
ENTRIES: Final = 200

# Fields of a result that events have. The results have more: a row more of 20 bytes would be a
# thousand requests more a million.
TOLD: Final = ("phone", "ref", "state", "code", "provider", "serial", "attempts", "final_at")

_PART: Final = "part"

# What scripts tell after the time, divided by tabs.
_WORDS: Final = {
    "account.parked": ("account", "template", "code", "message"),
    "account.resumed": ("account", "template"),
    "number.opted_out": ("phone", "scope", "source", "reason"),
}

log = logging.getLogger(__name__)


@dataclass(slots=True)
class Event:
    """Something that happened, before it is written out for each endpoint.

    Attributes:
        kind: Its type.
        at_ms: When the first of it happened, epoch ms.
        entry: Id of its first entry in the outbox.
        data: What happened; of `recipients.final` without its rows and its number.
        rows: JSON of result rows, for `recipients.final`.
        size: Bytes of these.
    """

    kind: str
    at_ms: int
    entry: str
    data: dict[str, Any] = field(default_factory=dict)
    rows: list[str] = field(default_factory=list)
    size: int = 0

    def has_room(self, row: str) -> bool:
        """Whether another row fits."""
        return len(self.rows) < MOST_ROWS and self.size + len(row.encode()) + 1 <= MOST_BYTES - _ENVELOPE

    def body(self, seq: int) -> bytes:
        """As it is sent; `seq` is the event's number within its job."""
        if self.kind != "recipients.final":
            return body_of(self.kind, self.at_ms, self.data)
        head = json.dumps({"type": self.kind, "timestamp": iso(self.at_ms)}, separators=(",", ":"))[:-1]
        data = json.dumps({**self.data, "seq": seq}, separators=(",", ":"))[:-1]
        return f'{head},"data":{data},"results":[{",".join(self.rows)}]}}}}'.encode()


# Events outlast all tries (28 hours) and the five days to a suspension.
KEPT_AT_LEAST_S: Final = 7 * 86_400

# Id, type and text of an entry of the outbox.
Entry = tuple[str, str, str]


def kept_s(retention_days: float) -> float:
    """For how long events are kept, s, when closed jobs are kept for so many days."""
    return max(retention_days * 86_400, KEPT_AT_LEAST_S)


def trim(ledger: Ledger, *, keep_s: float) -> int:
    """Drop entries that no worker has moved in all this time: what they refer to is gone.

    Returns how many there were.
    """
    oldest_ms = ledger.now_ms() - round(keep_s * 1000)
    return int(ledger.redis.xtrim(ledger.keys.outbox, minid=oldest_ms, approximate=False))


def fan_out(ledger: Ledger, *, keep_s: float) -> int | None:
    """Move the oldest entries of the outbox into the queues of the endpoints that want them.

    Args:
        ledger: Where.
        keep_s: For how long events are kept, to be sent again.

    Returns:
        How many entries; None when another process has moved them meanwhile.
    """
    found = [
        (entry.decode(), *next((kind.decode(), text.decode()) for kind, text in fields.items()))
        for entry, fields in ledger.redis.xrange(ledger.keys.outbox, count=ENTRIES)
    ]
    if not found:
        return 0
    wanting = endpoints(ledger)
    events = _cut(found, _Facts.read(ledger, found))
    written = list(_written(ledger, events, wanting))
    # The last number of each job at each endpoint, then the events: one script moves
    # all of it, or nothing.
    keys = ledger.keys
    last = {(each.job, seq_field(each.endpoint)): each.seq for each in written if each.job}
    key_list = [keys.outbox, keys.webhooks_due, keys.webhooks, *(keys.job(job) for job, _ in last)]
    facts = argv("webhook_fan", first=found[0][0], last=found[-1][0], expiry_s=round(keep_s), jobs=len(last))
    for (_, name), seq in last.items():
        facts += [name, seq]
    for each in written:
        own = [keys.webhook(part, each.endpoint.id) for part in ("state", "queue", "flying", "kept")]
        key_list += [*own, keys.webhook_event(each.id), keys.webhook("failed", each.endpoint.id)]
        facts += argv(
            "webhook_fan",
            name=each.endpoint.name,
            id=each.endpoint.id,
            event=each.id,
            kind=each.event.kind,
            body=packed(each.body),
            at_ms=each.event.at_ms,
        )
    return len(found) if ledger.run("webhook_fan", key_list, facts) else None


def fanned(ledger: Ledger, *, again_ms: float) -> None:
    """End the fanning out; what has come into the outbox meanwhile is looked at in `again_ms`."""
    ledger.run("webhook_fanned", [ledger.keys.outbox, ledger.keys.webhooks_due], [round(again_ms)])


@dataclass(frozen=True, slots=True)
class _Facts:
    """What entries are about, as the ledger has it now.

    Rows by block or part and position, statuses by job.
    """

    rows: Mapping[str, Mapping[int, str]]
    statuses: Mapping[str, Mapping[str, Any]]

    @classmethod
    def read(cls, ledger: Ledger, found: Sequence[Entry]) -> "_Facts":
        """What the entries speak of, read together: entries hold places, and no rows."""
        keys = ledger.keys
        ended = list(dict.fromkeys(_where(text) for _, kind, text in found if kind == "recipients.final"))
        closed = list(dict.fromkeys(text for _, kind, text in found if kind == "job.closed"))
        pipe = ledger.redis.pipeline(transaction=False)
        for job, block, part in ended:
            if part:
                pipe.hmget(keys.part(job, int(part)), "n", "x", "end")
            else:
                pipe.hgetall(keys.block(block))
        for job in closed:
            pipe.hgetall(keys.job(job))
        pipe.hgetall(keys.accounts)
        *answers, accounts = pipe.execute()
        providers, names = {name.decode(): provider.decode() for name, provider in accounts.items()}, Names(keys)
        carry(ledger.redis, names.learn(held for held in answers[: len(ended)] if isinstance(held, dict)))
        rows = {}
        for (job, block, part), held in zip(ended, answers, strict=False):
            rows[f"{job}|{block}|{part}"] = _final(held, providers, names) if held else {}
        statuses = {
            job: status_from(job, held) for job, held in zip(closed, answers[len(ended) :], strict=True) if held
        }
        return cls(rows, statuses)


def _where(text: str) -> tuple[str, str, str]:
    """Job, block and part of an entry: `<job>|<block>|<runs>` or `<job>|part|<part>`."""
    job, block, more = text.split("|")
    return job, block, more if block == _PART else ""


def _final(held: Any, providers: Mapping[str, str], names: Names) -> dict[int, str]:  # noqa: ANN401 - a reply of Redis
    """Position -> row as JSON, of those recipients of a block or a part that have ended."""
    if isinstance(held, list):
        found, positions = part_rows(*held), None
    else:
        found = list(rows_of(held, providers, names))
        positions = [at for at, letter in enumerate(held[b"st"].decode()) if letter != DUPLICATE]
    return {
        at: json.dumps(told(row), ensure_ascii=False, separators=(",", ":"))
        for at, (letter, _, row) in zip(positions or range(len(found)), found, strict=True)
        if STATES[letter.lower()] in FINAL
    }


def told(row: Result) -> dict[str, Any]:
    """A row of results as events have it: what a receiver acts on, and nothing that is empty.

    With a provider's longest serial that is 180 bytes, so 110 of them are an event, and a million
    recipients are some 9,100 requests.
    """
    fields: Mapping[str, Any] = row
    return {name: fields[name] for name in TOLD if fields[name] not in {"", None}}


def _cut(found: Sequence[Entry], facts: _Facts) -> list[Event]:
    """Events in their order: rows of a job together, as many as fit, its end behind them."""
    events: list[Event] = []
    filling: dict[str, Event] = {}
    seen: set[tuple[str, int]] = set()
    for entry, kind, text in found:
        at_ms = int(entry.partition("-")[0])
        if kind == "recipients.final":
            job = text.partition("|")[0]
            for row in _ended(text, facts, seen):
                if job not in filling or not filling[job].has_room(row):
                    filling[job] = Event(kind, at_ms, entry, {"job": job})
                    events.append(filling[job])
                filling[job].rows.append(row)
                filling[job].size += len(row.encode()) + 1
        elif kind == "job.closed":
            # Opened again by a person since, it is told when it closes again.
            if text in facts.statuses and facts.statuses[text]["closed_at"]:
                events.append(Event(kind, at_ms, entry, dict(facts.statuses[text])))
                filling.pop(text, None)
        elif data := _data(kind, text):
            events.append(Event(kind, at_ms, entry, data))
        else:
            log.error("an event of type %s in the outbox cannot be read; it is left out", kind)
    return events


def _ended(text: str, facts: _Facts, seen: set[tuple[str, int]]) -> Iterator[str]:
    """The row of each recipient that an entry tells of and that has still ended.

    Those `seen` in an entry before are left out.
    """
    job, block, part = _where(text)
    name = f"{job}|{block}|{part}"
    rows = facts.rows[name]
    for at in sorted(rows) if part else decode(text.rpartition("|")[2]):
        if at in rows and (name, at) not in seen:
            seen.add((name, at))
            yield rows[at]


def _data(kind: str, text: str) -> dict[str, Any]:
    """What an entry of one of the other types says.

    Empty when it cannot be read, perhaps because it is of a newer version.
    """
    try:
        if kind == "reply.received":
            return dict(shown(json.loads(text)))
        told_ms, *words = text.split("\t")
        names = _WORDS.get(kind, ())
        data: dict[str, Any] = dict(zip(names, words, strict=True))
        if kind == "number.opted_out":
            data |= {"phone": e164(int(data["phone"])), "scope": BY_LETTER[data["scope"]]}
        return data | ({"since": iso(int(told_ms))} if data and kind != "account.resumed" else {})
    except (ValueError, KeyError):
        return {}


@dataclass(frozen=True, slots=True)
class _EndpointEvent:
    """An event as one endpoint gets it."""

    endpoint: Endpoint
    event: Event
    id: str
    body: bytes
    job: str
    seq: int


def _written(ledger: Ledger, events: Sequence[Event], wanting: Sequence[Endpoint]) -> Iterator[_EndpointEvent]:
    """Events with their numbers and ids, for each endpoint that wants them.

    The id is made of what the event is: cut again from an outbox that Redis has brought back, the
    same event has the same one.
    """
    jobs = list(dict.fromkeys(event.data["job"] for event in events if event.kind == "recipients.final"))
    pipe = ledger.redis.pipeline(transaction=False)
    for job in jobs:
        pipe.hmget(ledger.keys.job(job), *[seq_field(endpoint) for endpoint in wanting] or ["id"])
    seqs = {
        (endpoint.id, job): int(seq or 0)
        for job, held in zip(jobs, pipe.execute(), strict=True)
        for endpoint, seq in zip(wanting, held, strict=False)
    }
    for event in events:
        for endpoint in wanting:
            if event.kind in endpoint.events:
                job, seq = "", 0
                if event.kind == "recipients.final":
                    job = event.data["job"]
                    seq = seqs[endpoint.id, job] = seqs[endpoint.id, job] + 1
                body = event.body(seq)
                name = sha256(f"{endpoint.id} {event.entry} ".encode() + body).hexdigest()[:24]
                yield _EndpointEvent(endpoint, event, f"msg_{name}", body, job, seq)


def seq_field(endpoint: Endpoint) -> str:
    """Where a job keeps how many of its events an endpoint has; it goes with the job."""
    return f"webhook:{endpoint.id}"
