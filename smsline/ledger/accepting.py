"""From inbox to batch queues.

Blocks of recipients, laid out in Python, are written and queued by one script.
"""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from struct import pack as _pack
from typing import Final, NamedTuple

from smsline import numbers
from smsline.countries import UNKNOWN, country_of
from smsline.ledger import number_index
from smsline.ledger.batch_queues import parse_queue
from smsline.ledger.keys import SEEN_TTL_S
from smsline.ledger.link import Ledger, ScriptCall, argv

# Recipients of a block; the largest call of the first provider, so that a
# campaign's block is one call.
BLOCK_SIZE: Final = 200

# Numbers per set of a job's known numbers; below 512 Redis keeps such a set as a
# plain array of integers.
SEEN_PER_SHARD: Final = 256


@dataclass(frozen=True, slots=True)
class Block:
    """Recipients of one job with the same batch key.

    Attributes:
        queue: The batch key's batch queue.
        content: What is said, as JSON without params; kept with the block.
        numbers: E.164 integers, at most `BLOCK_SIZE`.
        params: Values for all of them, as JSON; or empty when `own_params` is given.
        own_params: Values per number, as JSON; or empty.
        refs: The producer's names per number, as JSON; or empty.
    """

    queue: str
    content: str
    numbers: Sequence[int]
    params: str = ""
    own_params: str = ""
    refs: str = ""


@dataclass(frozen=True, slots=True)
class Timing:
    """When what is accepted may go out.

    Attributes:
        linger_ms: How long a batch queue waits to fill up.
        limit: Numbers in one call; a batch queue that has so many leaves at once.
        start_ms: Epoch ms before which nothing goes out; 0 for now.
        pace: Numbers per second; 0 for as fast as allowed.
    """

    linger_ms: float = 0.0
    limit: int = BLOCK_SIZE
    start_ms: float = 0.0
    pace: float = 0.0


@dataclass(frozen=True, slots=True)
class AcceptCounts:
    """What became of a part.

    Attributes:
        taken: How many recipients went into batch queues.
        doubled: How many the job already had.
        first: Id of its first block; the others follow.
    """

    taken: int
    doubled: int
    first: int


@dataclass(frozen=True, slots=True)
class PartLayout:
    """A part of a job, laid out in blocks.

    Attributes:
        job: Job id.
        part_no: The part of the inbox that the blocks were made of.
        lane: The job's lane.
        blocks: All recipients of the part; numbers are unique within it.
        timing: When they may go out.
        shards: Over how many sets the job's numbers are spread to find doubles between parts; 0
            when the job has one part.
        fence: Of the job's lease in the inbox, which ends with this part as its last; empty when it
            goes on.
        keep_s: For how long the job is kept at most, and so the way from a number to it.
    """

    job: str
    part_no: int
    lane: str
    blocks: Sequence[Block]
    timing: Timing
    shards: int = 0
    fence: str = ""
    keep_s: float = 7 * 86_400


def accept_part(
    ledger: Ledger, job: str, part_no: int, *, lane: str, blocks: Sequence[Block], timing: Timing, shards: int = 0
) -> AcceptCounts | None:
    """Write a part's blocks and put their recipients into their batch queues, once.

    See `accept_parts`.
    """
    return accept_parts(ledger, [PartLayout(job, part_no, lane, blocks, timing, shards)])[0]


def accept_parts(ledger: Ledger, parts: Sequence[PartLayout]) -> list[AcceptCounts | None]:
    """Write the blocks of several parts and put their recipients into their batch queues.

    Each part is written once, and all of them in one round trip.

    Returns:
        What was taken of each; None when it was accepted before or its job was cancelled.

    Raises:
        redis.exceptions.RedisError: Redis cannot be reached; asking again does no harm.
    """
    seen = [_shard_columns(ledger, part) for part in parts]
    firsts = [ledger.block_ids.take(len(part.blocks)) for part in parts]
    accepting = [_call(ledger, *each) for each in zip(parts, seen, firsts, strict=True)]
    # The index goes first: a number that leads to a block that is not there yet finds nothing,
    # while a block without its way from the number would stay unfound.
    answers = ledger.run_many([_indexing(ledger, parts, firsts), *accepting])[1:]
    for i, (part, found) in enumerate(zip(parts, seen, strict=True)):
        # Two processes have drawn the same start, which is rare: another one is drawn, and that
        # part alone asked again.
        while answers[i] == [b"used"]:
            ledger.block_ids.restart()
            firsts[i] = ledger.block_ids.take(len(part.blocks))
            again = [_indexing(ledger, [part], [firsts[i]]), _call(ledger, part, found, firsts[i])]
            answers[i] = ledger.run_many(again)[1]
    for answer, found in zip(answers, seen, strict=True):
        if answer[0] == b"ok":
            ledger.expiring.note(found.keys[: found.young])
    return [
        AcceptCounts(int(answer[1]), int(answer[2]), first) if answer[0] == b"ok" else None
        for answer, first in zip(answers, firsts, strict=True)
    ]


def _indexing(ledger: Ledger, parts: Sequence[PartLayout], firsts: Sequence[int]) -> ScriptCall:
    blocks = {
        first + n: block.numbers
        for part, first in zip(parts, firsts, strict=True)
        for n, block in enumerate(part.blocks)
    }
    return number_index.adding(ledger, blocks, keep_s=max((part.keep_s for part in parts), default=0))


def _call(ledger: Ledger, part: PartLayout, seen: "_Seen", first: int) -> ScriptCall:
    keys, timing, job = ledger.keys, part.timing, part.job
    queues = list(dict.fromkeys(block.queue for block in part.blocks))
    key_list = [
        *keys.book,
        *(keys.job(job), keys.part(job, part.part_no), keys.blocks(job), keys.later),
        *(keys.send(part.lane), keys.inbox(part.lane)),
        *(key for queue in queues for key in (keys.queue(queue), keys.size(queue))),
        *seen.keys,
        *(keys.block(first + i) for i in range(len(part.blocks))),
    ]
    args = argv(
        "accept_part",
        job=job,
        part=part.part_no,
        queues=len(queues),
        shards=len(seen.keys),
        linger_ms=timing.linger_ms,
        limit=timing.limit,
        first_ms=timing.start_ms,
        pace=1000 / timing.pace if timing.pace else 0,
        seen_ttl_s=SEEN_TTL_S,
        first_block=first,
        young=seen.young,
        fence=part.fence,
    )
    args += queues
    for block, column in zip(part.blocks, seen.columns, strict=True):
        # One country for the whole block where it can be, none for the mainland: most blocks then
        # take no column for it.
        mainland = parse_queue(block.queue).region.startswith("m")
        found = ["CN"] if mainland else [country_of(number) or UNKNOWN for number in block.numbers]
        countries = found[:1] if len(set(found)) == 1 else found
        args += argv(
            "accept_part",
            nth=queues.index(block.queue) + 1,
            content=block.content,
            params=block.params,
            own_params=block.own_params,
            refs=block.refs,
            packed=numbers.pack(block.numbers),
            shard_of=column,
            countries="" if countries == ["CN"] else "".join(countries),
        )
    return "accept_part", key_list, args


def shards_of(ledger: Ledger, job: str) -> int:
    """Over how many sets the numbers of a job are spread, which never changes.

    0 for a job whose doubles were found before.

    That is one of a single part, or one whose producer has compared all its rows. To look a second
    time would cost half of what accepting costs Redis, and eight bytes a number for a week.
    """
    key = ledger.keys.job(job)
    total, parts, first_total, distinct = ledger.redis.hmget(key, "total", "parts", "first_total", "distinct")
    if parts == b"1" or distinct:
        return 0
    if first_total is None:
        # NX, and read back: the parts of a job that streams grow in number, and the shards must
        # not change under them.
        ledger.redis.hsetnx(key, "first_total", total)
        first_total = ledger.redis.hget(key, "first_total")
    return shard_count(int(first_total))


def shard_count(total: int) -> int:
    """Over how many sets the numbers of a job of `total` recipients are spread."""
    return max(1, -(-total // SEEN_PER_SHARD))


class _Seen(NamedTuple):
    """Where the numbers of a part are looked up among those that their job already has.

    Attributes:
        keys: The sets that are touched.
        young: How many of them, from the first on, may have no expiry yet.
        columns: Per block two bytes a number that point into the sets from 1.
    """

    keys: list[str]
    young: int
    columns: list[bytes]


def _shard_columns(ledger: Ledger, part: PartLayout) -> _Seen:
    if not part.shards:
        return _Seen([], 0, [b""] * len(part.blocks))
    touched = {number % part.shards for block in part.blocks for number in block.numbers}
    keys = {shard: ledger.keys.seen(part.job, shard) for shard in touched}
    # Those that may have no expiry yet come first, so that the script is told by a
    # count which ones they are.
    ordered = sorted(touched, key=lambda shard: keys[shard] in ledger.expiring)
    places = {shard: place for place, shard in enumerate(ordered, 1)}
    columns = []
    for block in part.blocks:
        column = [places[number % part.shards] for number in block.numbers]
        columns.append(_pack(f">{len(column)}H", *column))
    young = sum(keys[shard] not in ledger.expiring for shard in ordered)
    return _Seen([keys[shard] for shard in ordered], young, columns)


def pack_json(value: object) -> str:
    """Compact JSON as blocks keep it."""
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"))
