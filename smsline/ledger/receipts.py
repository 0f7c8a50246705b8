"""Receipts: each is matched to its recipient and applied, or kept until something matches it."""

import json
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import groupby
from struct import pack
from typing import Final, NamedTuple

from smsline import numbers as phone_numbers
from smsline.ledger.attempts import INDEX_BYTES, index_value, read_index_value, serial_place
from smsline.ledger.batch_queues import BatchQueue, parse_queue
from smsline.ledger.blocks import read_note
from smsline.ledger.codes import Used, code_bytes, run_with_codes
from smsline.ledger.keys import INDEX_TTL_S
from smsline.ledger.link import Ledger, ScriptCall, Value
from smsline.ledger.runs import decode
from smsline.states import LETTERS, State

JOINED_SLACK_MS: Final = 1_000
DAYS_BACK: Final = 4
"""Receipts are matched to sends of today and the days before within which one may come."""


class Row(NamedTuple):
    """One receipt, whatever way it came.

    Attributes:
        number: E.164 integer.
        serial: The provider's id of the message.
        ok: The provider's success flag.
        code: The carrier's code.
        at_s: When the carrier reported, epoch seconds; 0 unknown.
        context: What was sent along as session context, or empty.
    """

    number: int
    serial: str
    ok: bool
    code: str
    at_s: int
    context: str = ""

    def to_json(self) -> str:
        """One line of JSON."""
        return json.dumps(self._asdict(), separators=(",", ":"))


class Place(NamedTuple):
    """Where a recipient is.

    Attributes:
        block: Its block.
        position: Where in the block.
        day: Under which day's index the serial was found; 0 when it was found otherwise.
        spent: Whether the serial has had its receipt and the recipient was tried again since.
    """

    block: int
    position: int
    day: int = 0
    spent: bool = False


class TryAgain(NamedTuple):
    """That a recipient whose receipt failed may be tried again.

    Attributes:
        queue: The batch queue in which it waits, of the same account or of the next.
        delay_ms: For how long.
        limit: How many further tries its lane allows after receipts.
    """

    queue: str
    delay_ms: float
    limit: int


class ReceiptMatch(NamedTuple):
    """A receipt and its recipient.

    Attributes:
        row: The receipt.
        place: The recipient.
        note: Whether the serial must be kept, because the answer of its send was never seen.
        again: That the recipient may be tried again, if the receipt's failure allows that.
    """

    row: Row
    place: Place
    note: bool = False
    again: TryAgain | None = None


@dataclass(frozen=True, slots=True)
class ApplyCounts:
    """How many receipts were applied, came after the recipient was final, or named a number that is not there.

    `again` are those of the applied after which the recipient is tried again.
    """

    applied: int = 0
    late: int = 0
    strangers: int = 0
    again: int = 0


def find(ledger: Ledger, account: str, serials: Sequence[str], *, today: int) -> dict[str, Place]:
    """The recipients of serials, as far as known: one round trip for today's, another for older ones."""
    found = _find_on(ledger, account, serials, [today])
    missing = [serial for serial in serials if serial not in found]
    if missing:
        # Yesterday first, then tomorrow: around midnight the day of a call and the reader's today may differ.
        found |= _find_on(ledger, account, missing, [today - back for back in (1, -1, *range(2, DAYS_BACK + 1))])
    return found


def _find_on(ledger: Ledger, account: str, serials: Sequence[str], days: Sequence[int]) -> dict[str, Place]:
    asked = [(serial, day, *serial_place(serial)) for serial in serials for day in days]
    key_list = [ledger.keys.index(account, day, shard) for _, day, shard, _ in asked]
    values = ledger.run("hget_each", key_list, [field for _, _, _, field in asked])
    return {
        serial: Place(*read_index_value(value), day, spent=len(value) > INDEX_BYTES)
        for (serial, day, *_), value in zip(asked, values, strict=True)
        if value
    }


def queues_of(ledger: Ledger, blocks: Sequence[int]) -> dict[int, BatchQueue]:
    """The batch queue each block that exists was accepted into."""
    found = ledger.run("hget_each", [ledger.keys.block(block) for block in blocks], ["queue"]) if blocks else []
    return {block: parse_queue(text.decode()) for block, text in zip(blocks, found, strict=True) if text}


def numbers_at(ledger: Ledger, places: Sequence[Place]) -> set[int]:
    """The numbers of recipients."""
    blocks = sorted({place.block for place in places})
    found = ledger.run("hget_each", [ledger.keys.block(block) for block in blocks], ["n"]) if blocks else []
    held = {block: phone_numbers.unpack(packed) for block, packed in zip(blocks, found, strict=True)}
    return {held[place.block][place.position] for place in places if place.position < len(held[place.block])}


def jobs_of(ledger: Ledger, blocks: Sequence[int]) -> dict[int, str]:
    """The job of each block that exists."""
    jobs = ledger.run("hget_each", [ledger.keys.block(block) for block in blocks], ["job"]) if blocks else []
    return {block: job.decode() for block, job in zip(blocks, jobs, strict=True) if job}


def apply(ledger: Ledger, account: str, matched: Sequence[ReceiptMatch], *, jobs: Mapping[int, str]) -> ApplyCounts:
    """Move matched recipients to their final state; one that is final already is counted as late.

    Args:
        ledger: Where.
        account: Whose receipts.
        matched: Receipts with their recipients.
        jobs: The job of every block named.
    """
    spent = [each for each in matched if each.place.spent]
    if spent:
        ledger.redis.hincrby(ledger.keys.account(account), "late", len(spent))
    fresh = [each for each in matched if not each.place.spent]
    day = _index_noted(ledger, account, [each for each in fresh if each.note])
    moves = [
        _Move(
            each.place,
            each.row.number,
            _DELIVERED if each.row.ok else _UNDELIVERED,
            each.row.code,
            each.row.at_s,
            note=json.dumps({"a": account, "s": each.row.serial}) if each.note else "",
            again=None if each.row.ok else each.again,
            serial=(each.row.serial, day if each.note else each.place.day),
        )
        for each in fresh
    ]
    counts = _finish(ledger, account, moves, jobs)
    return replace(counts, late=counts.late + len(spent))


def _index_noted(ledger: Ledger, account: str, noted: Sequence[ReceiptMatch]) -> int:
    """Let the serial of a call whose answer was never seen be known from now on, so that its receipt counts once only.

    Returns:
        The day under which it is; 0 when there is none.
    """
    if not noted:
        return 0
    day = int(ledger.redis.time()[0]) // 86_400
    pipe = ledger.redis.pipeline(transaction=False)
    for each in noted:
        shard, field = serial_place(each.row.serial)
        key = ledger.keys.index(account, day, shard)
        pipe.hset(key, field, index_value(each.place.block, each.place.position))
        pipe.expire(key, INDEX_TTL_S)
    pipe.execute()
    return day


def give_up(
    ledger: Ledger, account: str, silent: Sequence[tuple[Place, int]], *, jobs: Mapping[int, str], at_s: int
) -> ApplyCounts:
    """End accepted recipients as unknown, because no receipt came in time; `silent` are places and numbers."""
    code = "receipt.Deadline"
    moves = [_Move(place, number, LETTERS[State.UNKNOWN], code, at_s) for place, number in silent]
    return _finish(ledger, account, moves, jobs)


_DELIVERED: Final = LETTERS[State.DELIVERED]
_UNDELIVERED: Final = LETTERS[State.UNDELIVERED]
_LATEST_S: Final = 0xFFFFFFFF
"""What four bytes of a block can hold."""


class _Move(NamedTuple):
    place: Place
    number: int
    letter: str
    code: str
    at_s: int
    note: str = ""
    again: TryAgain | None = None
    serial: tuple[str, int] = ("", 0)
    """And the day under which it is indexed, 0 when it is not."""


def _finish(ledger: Ledger, account: str, moves: Sequence[_Move], jobs: Mapping[int, str]) -> ApplyCounts:
    if not moves:
        return ApplyCounts()
    keys = ledger.keys
    in_order = sorted(moves, key=lambda move: move.place)  # groupby joins neighbours only
    by_block = [(block, list(same)) for block, same in groupby(in_order, key=lambda move: move.place.block)]

    def call(used: Used) -> ScriptCall:
        key_list = [*keys.book, keys.account(account), keys.dead, keys.names, keys.later, keys.probe]
        for block, _ in by_block:
            key_list += [keys.block(block), keys.job(jobs[block])]
        columns = list[Value]()
        for block, same in by_block:
            plans, shards = _plans(ledger, used, account, same, first_key=len(key_list) + 1)
            key_list += shards
            columns += [block, jobs[block], *_columns(used, same), plans]
        return "receipts", key_list, [account, len(by_block), used.lines(), *columns]

    return ApplyCounts(*(int(count) for count in run_with_codes(ledger, call)))


def _columns(used: Used, moves: Sequence[_Move]) -> list[Value]:
    """A block's receipts as the script wants them: a column for each of their values."""
    code_of = {code: code_bytes(used.number(code)) for code in {move.code for move in moves}}
    return [
        bytes([move.place.position for move in moves]),
        phone_numbers.pack(move.number for move in moves),
        "".join([move.letter for move in moves]),
        b"".join([code_of[move.code] for move in moves]),
        pack(f">{len(moves)}I", *(min(max(0, move.at_s), _LATEST_S) for move in moves)),
        "\n".join(move.note for move in moves) if any(move.note for move in moves) else "",
    ]


def _plans(
    ledger: Ledger, used: Used, account: str, moves: Sequence[_Move], *, first_key: int
) -> tuple[str, list[str]]:
    """How the recipients of a block may be tried again, as the script wants it, and the index shards of their serials."""
    lines, shards = list[str](), list[str]()
    for nth, move in enumerate(moves, 1):
        if move.again is None:
            continue
        at, field = 0, b""
        serial, day = move.serial
        if serial and day:
            shard, field = serial_place(serial)
            at = first_key + len(shards)  # Lua counts KEYS from 1; 0 says that there is no shard
            shards.append(ledger.keys.index(account, day, shard))
        other = parse_queue(move.again.queue).account
        through = used.number(other) if other != account else 0
        facts = (nth, round(move.again.delay_ms), move.again.limit, through, at, field.hex(), move.again.queue)
        lines.append(" ".join(map(str, facts)))
    return "\n".join(lines), shards


def mark_spent(ledger: Ledger, block: int) -> None:
    """Let receipts of the block's undelivered recipients, which are sent again, say nothing about the next try.

    They have had theirs; the provider may tell the same one twice, by push and by pull.
    """
    held = ledger.redis.hgetall(ledger.keys.block(block))
    ended = {at for at, letter in enumerate(held.get(b"st", b"").decode()) if letter == _UNDELIVERED}
    by_account: defaultdict[str, list[str]] = defaultdict(list)
    for name, value in held.items():
        if name.startswith(b"z"):
            note = read_note(value)
            told = zip(decode(note["r"]), note["s"], strict=True)
            by_account[note["a"]] += [serial for position, serial in told if position in ended and serial]
        elif name.startswith(b"y") and int(name[1:]) in ended:
            note = json.loads(value)
            by_account[note["a"]].append(note["s"])
    today = ledger.now_ms() // 86_400_000
    for account, serials in by_account.items():
        for serial, place in find(ledger, account, serials, today=today).items():
            if place.block == block and not place.spent:
                shard, field = serial_place(serial)
                spent = index_value(block, place.position) + b"\1"
                ledger.redis.hset(ledger.keys.index(account, place.day, shard), field, spent)


def keep_orphans(ledger: Ledger, account: str, rows: Sequence[Row], *, today: int) -> dict[str, Place]:
    """Keep receipts that match nothing; returns those whose send was recorded in this very moment."""
    if not rows:
        return {}
    keys = ledger.keys
    key_list, args = [keys.orphans(account, today), keys.account(account)], list[Value]([INDEX_TTL_S])
    for row in rows:
        shard, field = serial_place(row.serial)
        key_list.append(keys.index(account, today, shard))
        args += [field, row.number, row.to_json()]
    values = ledger.run("orphan", key_list, args)
    return {
        row.serial: Place(*read_index_value(value), today, spent=len(value) > INDEX_BYTES)
        for row, value in zip(rows, values, strict=True)
        if value
    }


def orphans_of(ledger: Ledger, account: str, numbers: Sequence[int], *, today: int) -> list[Row]:
    """Receipts kept for any of these numbers, of today and yesterday."""
    rows: list[Row] = []
    for day in (today, today - 1):
        key = ledger.keys.orphans(account, day)
        if numbers and ledger.redis.exists(key):
            for text in ledger.redis.hmget(key, [str(number) for number in numbers]):
                rows += [Row(**json.loads(queue)) for queue in text.decode().split("\n")] if text else []
    return rows


def drop_orphans(ledger: Ledger, account: str, rows: Sequence[Row], *, today: int) -> None:
    """Forget kept receipts that found their recipients; others of the same number stay."""
    days = (today, today - 1)
    ledger.run_many(
        [
            ("drop_orphan", [ledger.keys.orphans(account, day)], [row.number, row.to_json()])
            for day in days
            for row in rows
        ]
    )


def bring_forward(
    ledger: Ledger, account: str, *, now_ms: int, probe_ms: float, first_ms: Mapping[str, float]
) -> float | None:
    """Make blocks due at their lane's first poll that have joined the probe's schedule since this was last done.

    Args:
        ledger: Where.
        account: Whose blocks.
        now_ms: The present.
        probe_ms: From recording to the first probe, which is where a block's time was set.
        first_ms: From recording to the first poll, by lane.

    Returns:
        The earliest of the new times, epoch ms; None when no block has joined.
    """
    keys, noted = ledger.keys, ledger.keys.account(account)
    # Each further acceptance in a block moves it a millisecond ahead, perhaps before the time of the last look.
    since_ms = int(ledger.redis.hget(noted, "forward_ms") or 0) - JOINED_SLACK_MS
    found = ledger.redis.zrangebyscore(keys.probe, since_ms + probe_ms, now_ms + probe_ms, withscores=True)
    joined = {member: score - probe_ms for member, score in found if member.startswith(f"{account} ".encode())}
    blocks = [keys.block(member.decode().split(" ")[1]) for member in joined]
    queues = ledger.run("hget_each", blocks, ["queue"]) if blocks else []
    due_ms = {
        member: at_ms + first_ms[parse_queue(queue.decode()).lane]
        for (member, at_ms), queue in zip(joined.items(), queues, strict=True)
        if queue
    }
    if due_ms:
        ledger.redis.zadd(keys.probe, due_ms, xx=True, lt=True)
    ledger.redis.hset(noted, "forward_ms", now_ms)
    return min(due_ms.values(), default=None)
