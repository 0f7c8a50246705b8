"""Jobs as people see them: status, list, and results row by row, decoded from the blocks."""

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import UTC, datetime
from typing import Final, TypeAlias, TypedDict

from smsline import numbers
from smsline.countries import country_of
from smsline.errors import BadInput
from smsline.ledger import inbox
from smsline.ledger.batch_queues import parse_queue
from smsline.ledger.blocks import call_notes, fees_of
from smsline.ledger.code_names import Names
from smsline.ledger.keys import ENDED_PART, Keys
from smsline.ledger.link import Ledger
from smsline.ledger.runs import decode
from smsline.ledger.talk import Talk, ask, carry
from smsline.names import SANDBOX_ACCOUNT
from smsline.states import COUNTED, DUPLICATE, STATES, State


class Counts(TypedDict):
    """Recipients per state; `unsure` counts as sending."""

    total: int
    waiting: int
    sending: int
    accepted: int
    delivered: int
    undelivered: int
    dead: int
    expired: int
    cancelled: int
    suppressed: int
    unknown: int


class Status(TypedDict):
    """A job as a whole. Times are ISO 8601 in UTC; the counts always add up to `total`."""

    job: str
    state: str
    lane: str
    counts: Counts
    calls: int
    fee: int
    created_at: str
    closed_at: str | None
    complete: bool
    doubled: int
    template: str
    account: str


class Result(TypedDict):
    """What became of one recipient.

    `message` is what the provider said beside its code, long numbers masked; `fee` is in billable
    segments, 0 where it does not tell; `country` is ISO 3166.
    """

    phone: str
    ref: str
    state: str
    code: str
    provider: str
    serial: str
    attempts: int
    accepted_at: str | None
    final_at: str | None
    fee: int
    country: str
    message: str


# Letter, account and row of a recipient.
BlockRow: TypeAlias = tuple[str, str, Result]

# Blocks, or parts of the inbox, that are read in one round trip.
PAGE: Final = 20


def iso(ms: float | None) -> str | None:
    """Epoch ms as ISO 8601 in UTC, to the millisecond."""
    if not ms:
        return None
    return datetime.fromtimestamp(ms / 1000, UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def read_status(ledger: Ledger, job: str) -> Status | None:
    """A job's status, or None when there is no such job."""
    return carry(ledger.redis, status_of(ledger.keys, job))


def status_of(keys: Keys, job: str) -> Talk[Status | None]:
    """A job's status, or None when there is no such job."""
    (found,) = yield from ask(("HGETALL", keys.job(job)))
    return status_from(job, found) if found else None


def status_from(job: str, found: Mapping[bytes, bytes]) -> Status:
    """A job's status, from its hash."""
    held = unfolded({name.decode(): value.decode() for name, value in found.items()})
    counts = {name: int(held.get(name, 0)) for name in COUNTED}
    closed_ms = int(held.get("closed_ms", 0))
    # A cancelled job stays that when it is closed, too: why it ended is worth
    # more than that it has.
    state = held["state"]
    return Status(
        job=job,
        state="closed" if closed_ms and state != "cancelled" else state,
        lane=held["lane"],
        counts=Counts(**counts),  # type: ignore[typeddict-item]
        calls=int(held.get("calls", 0)),
        fee=int(held.get("fee", 0)),
        created_at=iso(int(held["created_ms"])) or "",
        closed_at=iso(closed_ms),
        complete=held.get("complete") == "1" and "shut" not in held,
        doubled=int(held.get("doubled", 0)),
        template=held.get("template", ""),
        account=held.get("account", ""),
    )


def unfolded(held: dict[str, str]) -> dict[str, str]:
    """A job's fields with those that a small closed job leaves out (`lua/compact.lua`)."""
    return {"complete": "1", "total": "1", "calls": "1", **held} if "only" in held else held


def total_of(ledger: Ledger, job: str) -> int:
    """How many recipients a job has so far; 0 when there is no such job."""
    return int(ledger.redis.hget(ledger.keys.job(job), "total") or 0)


def blocks_of(ledger: Ledger, job: str) -> list[int]:
    """A job's blocks in the order of its input."""
    return blocks_of_each(ledger, [job])[0]


def blocks_of_each(ledger: Ledger, names: Iterable[str]) -> list[list[int]]:
    """The blocks of each of some jobs, in one round trip."""
    # Both places: a closed job of one part keeps in itself where its blocks
    # are (`lua/compact.lua`).
    pipe = ledger.redis.pipeline(transaction=False)
    for job in names:
        pipe.hgetall(ledger.keys.blocks(job))
        pipe.hget(ledger.keys.job(job), "only")
    found = pipe.execute()
    return [_in_order({b"0": only} if only else parts) for parts, only in zip(found[::2], found[1::2], strict=True)]


def _in_order(parts: Mapping[bytes, bytes]) -> list[int]:
    # By the part's number: a hash has no order, and parts are accepted in whichever
    # order workers come to them.
    blocks: list[int] = []
    for _, value in sorted((int(part), value) for part, value in parts.items()):
        blocks += blocks_at(value.decode())
    return blocks


def blocks_at(where: str) -> range:
    """The blocks of a part, as `<first>:<how many>` names them."""
    first, count = map(int, where.split(":"))
    return range(first, first + count)


def results(ledger: Ledger, job: str) -> Iterator[Result]:
    """What became of each recipient, in the order of the input's parts, read page by page."""
    reader = ResultReader(ledger.keys, job)
    carry(ledger.redis, reader.open())
    for page in reader.pages():
        yield from (row for _, _, row in carry(ledger.redis, page))


# Blocks whose letters are looked at in one round trip: 50 kB.
LETTERS_AT_ONCE: Final = 250

# Blocks whose letters a look for some recipients reads at most: half a million recipients.
MOST_LOOKED_AT: Final = 2_500


def sample(ledger: Ledger, job: str, state: str = "", *, limit: int) -> list[Result]:
    """The first recipients of a job, of a state when given.

    Only blocks that have some of it are read as a whole.

    Those that are still in the inbox come last. It may find none though there are some: they stand
    too far behind in a large job.
    """
    reader, found = ResultReader(ledger.keys, job), list[Result]()
    carry(ledger.redis, reader.open())
    for page in reader.sample_pages(state):
        found += [row for _, _, row in carry(ledger.redis, page) if state in {"", _shown_as(row["state"])}]
        if len(found) >= limit:
            break
    return found[:limit]


def _shown_as(state: str) -> str:
    # The counts have no `unsure`: what is unsure is counted as sending.
    return State.SENDING.value if state == State.UNSURE else state


def block_rows(ledger: Ledger, job: str) -> Iterator[BlockRow]:
    """Letter, account and row of each recipient that has left the inbox."""
    reader = ResultReader(ledger.keys, job)
    carry(ledger.redis, reader.open())
    for page in reader.block_pages():
        yield from carry(ledger.redis, page)


class ResultReader:
    """Reads a job's results page by page, over whichever connection carries the talks.

    Args:
        keys: Names of the ledger's keys.
        job: The job.
    """

    def __init__(self, keys: Keys, job: str) -> None:
        self._keys = keys
        self._job = job
        self._blocks: list[int] = []
        self._inbox: list[int] = []
        self._providers: dict[str, str] = {}
        self._names = Names(keys)

    def open(self) -> Talk[None]:
        """Learn where the rows are; before the pages."""
        keys = self._keys
        commands = ("HGETALL", keys.blocks(self._job)), ("HKEYS", keys.got(self._job)), ("HGETALL", keys.accounts)
        parts, got, providers, only = yield from ask(*commands, ("HGET", keys.job(self._job), "only"))
        # A closed job of one part keeps in itself where its blocks are.
        parts = {b"0": only} if only else parts
        # A part that has gone into blocks while this was read stands in both:
        # the blocks are believed.
        taken = {int(part) for part, value in parts.items() if value != ENDED_PART.encode()}
        self._blocks = _in_order(parts)
        self._inbox = sorted({int(part) for part in got} - taken)
        self._providers = {name.decode(): provider.decode() for name, provider in providers.items()}

    def pages(self) -> Iterator[Talk[list[BlockRow]]]:
        """Every recipient: those in blocks, then those whose part is, or ended, in the inbox."""
        yield from self.block_pages()
        for i in range(0, len(self._inbox), PAGE):
            yield self._inbox_page(self._inbox[i : i + PAGE])

    def block_pages(self) -> Iterator[Talk[list[BlockRow]]]:
        """Recipients that have left the inbox."""
        for i in range(0, len(self._blocks), PAGE):
            yield self._block_page(self._blocks[i : i + PAGE])

    def sample_pages(self, state: str) -> Iterator[Talk[list[BlockRow]]]:
        """Block by block those with recipients of a state (empty: any), then the inbox by parts."""
        for i in range(0, min(len(self._blocks), MOST_LOOKED_AT), LETTERS_AT_ONCE):
            holding = list[int]()
            yield self._holding(self._blocks[i : i + LETTERS_AT_ONCE], state, holding)
            for block in holding:
                yield self._block_page([block])
        for part in self._inbox[:PAGE]:
            yield self._inbox_page([part])

    def _holding(self, blocks: Sequence[int], state: str, holding: list[int]) -> Talk[list[BlockRow]]:
        columns = yield from ask(*(("HGET", self._keys.block(block), "st") for block in blocks))
        wanted = {letter for letter, named in STATES.items() if state in {"", _shown_as(named)}}
        # Recipients that a person has dropped from the dead letter have capitals.
        held = (set((column or b"").decode().lower()) for column in columns)
        holding += [block for block, letters in zip(blocks, held, strict=True) if letters & wanted]
        return []

    def _block_page(self, blocks: Sequence[int]) -> Talk[list[BlockRow]]:
        found = yield from ask(*(("HGETALL", self._keys.block(block)) for block in blocks))
        yield from self._names.learn(found)
        return [row for held in found if held for row in rows_of(held, self._providers, self._names)]

    def _inbox_page(self, parts: Sequence[int]) -> Talk[list[BlockRow]]:
        found = yield from ask(*(("HMGET", self._keys.part(self._job, part), "n", "x", "end") for part in parts))
        return [row for held in found for row in part_rows(*held)]


def part_rows(packed: bytes | None, extra: bytes, end: bytes | None) -> list[BlockRow]:
    """The rows of a part of the inbox, from its fields `n`, `x` and `end`.

    Its recipients wait, or ended there.
    """
    if packed is None:
        return []
    part = inbox.Part.read(packed, extra, end)
    letter = part.end or "w"
    state = STATES[part.end] if part.end else State.WAITING
    refs = part.refs or [""] * len(part.numbers)
    return [(letter, "", _row(number, ref, state)) for number, ref in zip(part.numbers, refs, strict=True)]


def picked(rows: Iterable[Result], *, state: str = "", code: str = "") -> Iterator[Result]:
    """The rows in a state or with a code, as they come; empty is any.

    Raises:
        BadInput: There is no such state.
    """
    if state not in {"", *STATES.values()}:
        raise BadInput("state", state, f"must be one of {', '.join(STATES.values())}")
    return (row for row in rows if state in {"", row["state"]} and code in {"", row["code"]})


def _row(number: int, ref: str, state: State) -> Result:
    return Result(
        phone=numbers.e164(number),
        ref=ref,
        state=state.value,
        code="",
        provider="",
        serial="",
        attempts=0,
        accepted_at=None,
        final_at=None,
        fee=0,
        country=country_of(number),
        message="",
    )


def rows_of(held: Mapping[bytes, bytes], providers: Mapping[str, str], names: Names) -> Iterator[BlockRow]:
    """Letter, account and row of each recipient of a block.

    Args:
        held: The block's hash.
        providers: Account -> provider.
        names: What the block's numbers stand for; it has learned them from this block.
    """
    letters = held[b"st"].decode()
    refs: Sequence[str] = json.loads(held.get(b"r", b"null")) or [""] * len(letters)
    # Position -> account, serial and ms of acceptance. Notes are oldest first, so the newest call's
    # serial stays; fees are added up, because each call that was accepted is billed.
    serials, fees = dict[int, tuple[str, str, int]](), dict[int, int]()
    for note in call_notes(held):
        for position, serial in zip(decode(note["r"]), note["s"], strict=True):
            serials[position] = (note["a"], serial, note["t"])
        for position, fee in fees_of(note).items():
            fees[position] = fees.get(position, 0) + fee
    # Serials that receipts told of calls whose answer was never read; when those were
    # accepted is not known.
    told = {int(name[1:]): json.loads(value) for name, value in held.items() if name.startswith(b"y")}
    serials |= {position: (note["a"], note["s"], 0) for position, note in told.items()}
    home = parse_queue(held[b"queue"].decode()).account
    others = held.get(b"ac", b"")
    codes, finals, attempts = held.get(b"cd", b""), held.get(b"fi", b""), held.get(b"at", b"")
    if b"c" not in held and not attempts:
        attempts = b"\1"  # made small when it closed (`lua/compact.lua`)
    for i, number in enumerate(numbers.unpack(held[b"n"])):
        if letters[i] == DUPLICATE:
            continue
        # A capital letter is a dead or unknown recipient that a person has
        # dropped from the dead letter.
        row = _row(number, refs[i], STATES[letters[i].lower()])
        account = names.at(others, i)[0] or home
        name, serial, accepted_ms = serials.get(i, (account, "", 0))
        row["provider"] = name if name == SANDBOX_ACCOUNT else providers.get(name, name)
        row["serial"] = serial
        row["fee"] = fees.get(i, 0)
        row["code"], row["message"] = names.at(codes, i)
        row["attempts"] = attempts[i] & 0x7F if i < len(attempts) else 0
        row["accepted_at"] = iso(accepted_ms)
        final_ms = int.from_bytes(finals[i * 4 : i * 4 + 4], "big") * 1000
        # Ends are kept to the second: within the second of its acceptance nothing ended before it.
        row["final_at"] = iso(accepted_ms if final_ms and 0 < accepted_ms - final_ms < 1000 else final_ms)
        yield letters[i], account, row
