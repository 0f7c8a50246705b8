"""A ledger as it stands in Redis: one `View` with every recipient, entry, attempt and due set."""

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Final

from smsline.ledger.keys import ENDED_PART
from smsline.ledger.link import Ledger
from smsline.ledger.runs import Entry, decode, parse_entry
from smsline.names import LANES
from smsline.numbers import unpack
from tests.faults.support.model import Spot

COUNT_OF: Final = {
    "w": "waiting",
    "s": "sending",
    "q": "sending",
    "a": "accepted",
    "d": "delivered",
    "f": "undelivered",
    "x": "dead",
    "e": "expired",
    "c": "cancelled",
    "p": "suppressed",
    "u": "unknown",
}
"""Which count of a job a letter belongs to."""


Hash = dict[bytes, bytes]
Members = list[bytes]


@dataclass(frozen=True, slots=True)
class Call:
    """An attempt: how far it got and which entries it holds."""

    attempt: int
    state: str
    entries: tuple[Entry, ...]


@dataclass(slots=True)
class View:
    """What the ledger holds at one moment.

    Attributes:
        jobs: Every job's hash.
        letters: Every recipient's letter, lower case; those in the inbox wait.
        doubts: The last digits of the attempt that a recipient is in doubt for; 0 for none.
        places: Block and position to recipient.
        blocks: Every block's hash.
        queues: Recipients in a batch queue that is in its lane's due set.
        waits: How often each recipient stands in a batch queue, put off, set aside or in a claim.
        stray: Recipients in a batch queue that no worker will look at.
        later: Recipients put off.
        held: Recipients set aside, per job.
        attempts: Every attempt that is kept.
        outstanding: Recipients whose receipt is awaited, by account.
        due: Members of every due set.
        inbox: Recipients in parts that were not accepted, per job.
    """

    jobs: dict[str, dict[str, str]] = field(default_factory=dict)
    letters: dict[Spot, str] = field(default_factory=dict)
    doubts: dict[Spot, int] = field(default_factory=dict)
    places: dict[tuple[int, int], Spot] = field(default_factory=dict)
    blocks: dict[int, Hash] = field(default_factory=dict)
    queues: set[Spot] = field(default_factory=set)
    waits: Counter[Spot] = field(default_factory=Counter)
    stray: set[Spot] = field(default_factory=set)
    later: set[Spot] = field(default_factory=set)
    held: dict[str, set[Spot]] = field(default_factory=dict)
    attempts: dict[int, Call] = field(default_factory=dict)
    due: dict[str, set[str]] = field(default_factory=dict)
    inbox: dict[str, set[Spot]] = field(default_factory=dict)
    dead: Counter[str] = field(default_factory=Counter)
    outstanding: dict[str, int] = field(default_factory=dict)

    def spots(self, entries: tuple[Entry, ...]) -> list[Spot]:
        """The recipients of entries."""
        return [self.places[entry.block, position] for entry in entries for position in decode(entry.runs)]

    def counted(self, job: str) -> Counter[str]:
        """How many recipients of a job there are of each count, by their letters."""
        return Counter(COUNT_OF[letter] for spot, letter in self.letters.items() if spot.job == job)


def view(ledger: Ledger, accounts: Sequence[str]) -> View:
    """Read a whole, small ledger, in two round trips.

    Args:
        ledger: Which.
        accounts: The accounts whose attempts and receipts it holds.
    """
    seen = View()
    hashes, sets = _read_all(ledger)
    seen.due = {key[4:]: {member.decode() for member in held} for key, held in sets.items() if key.startswith("due:")}
    for key in hashes:
        if key.startswith("job:"):
            _add_job(seen, key[4:], hashes)
        elif key.startswith("attempt:"):
            held = hashes[key]
            entries = tuple(parse_entry(text) for text in held[b"entries"].decode().split())
            seen.attempts[int(key[8:])] = Call(int(key[8:]), held[b"state"].decode(), entries)
    _add_entries(seen, sets)
    for call in seen.attempts.values():
        if call.state == "claimed":
            seen.waits.update(seen.spots(call.entries))
    dead = hashes.get("dead", {})
    seen.dead = Counter({name.decode(): int(count) for name, count in dead.items() if int(count)})
    seen.outstanding = {name: int(hashes.get(f"account:{name}", {}).get(b"outstanding", 0)) for name in accounts}
    return seen


HASHES: Final = ("job:", "got:", "part:", "blocks:", "block:", "attempt:", "dead", "account:")
SETS: Final = ("due:", "queue:", "held:")


def _read_all(ledger: Ledger) -> tuple[dict[str, Hash], dict[str, Members]]:
    """Every hash and every sorted set that says where recipients are."""
    keys = sorted(key.decode().removeprefix(ledger.keys.prefix) for key in ledger.redis.keys("*"))
    wanted = [key for key in keys if key.startswith((*HASHES, *SETS))]
    pipe = ledger.redis.pipeline(transaction=False)
    for key in wanted:
        name = ledger.keys.prefix + key
        pipe.hgetall(name) if key.startswith(HASHES) else pipe.zrange(name, 0, -1)
    found = dict(zip(wanted, pipe.execute(), strict=True))
    hashes = {key: held for key, held in found.items() if key.startswith(HASHES)}
    return hashes, {key: held for key, held in found.items() if key not in hashes}


def _add_job(seen: View, job: str, hashes: dict[str, Hash]) -> None:
    seen.jobs[job] = {k.decode(): v.decode() for k, v in hashes[f"job:{job}"].items()}
    got = {int(part) for part in hashes.get(f"got:{job}", {})}
    taken = {int(part): value.decode() for part, value in hashes.get(f"blocks:{job}", {}).items()}
    for part, value in taken.items():
        for block in _range(value):
            _add_block(seen, job, part, block, hashes[f"block:{block}"])
    for part in {part for part in got if taken.get(part, ENDED_PART) == ENDED_PART}:
        held = hashes.get(f"part:{job}:{part}", {})
        spots = [Spot(job, part, number) for number in unpack(held.get(b"n", b""))]
        seen.letters |= dict.fromkeys(spots, held.get(b"end", b"w").decode())
        if b"end" not in held:
            seen.inbox.setdefault(job, set()).update(spots)


def _add_block(seen: View, job: str, part: int, block: int, held: Hash) -> None:
    seen.blocks[block] = held
    for position, (number, letter) in enumerate(zip(unpack(held[b"n"]), held[b"st"].decode(), strict=True)):
        if letter != "=":
            seen.places[block, position] = spot = Spot(job, part, number)
            seen.letters[spot] = letter.lower()
            if b"ua" in held:
                seen.doubts[spot] = int.from_bytes(held[b"ua"][position * 4 + 1 : position * 4 + 4])


def _range(value: str) -> Iterator[int]:
    first, count = value.split(":")
    yield from range(int(first), int(first) + int(count))


def _add_entries(seen: View, sets: dict[str, Members]) -> None:
    watched = {queue for lane in LANES for queue in seen.due.get(f"send:{lane}", ())}
    for key, members in sets.items():
        texts = [member.decode() for member in members]
        if key.startswith("queue:"):
            found = seen.spots(tuple(map(parse_entry, texts)))
            seen.waits.update(found)
            (seen.queues if key[6:] in watched else seen.stray).update(found)
        elif key.startswith("held:"):
            seen.held[key[5:]] = _put_off(seen, texts)
    seen.later = _put_off(seen, sorted(seen.due.get("later", ())))


def _put_off(seen: View, texts: list[str]) -> set[Spot]:
    """Recipients of a set of `<queue> <entry>`."""
    found = seen.spots(tuple(parse_entry(text.split(" ", 1)[1]) for text in texts))
    seen.waits.update(found)
    return set(found)
