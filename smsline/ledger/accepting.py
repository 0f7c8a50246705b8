"""From inbox to lines: blocks of recipients, laid out in Python, are written and queued by one script."""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from struct import pack as _pack
from typing import Final

from smsline import numbers
from smsline.ledger.keys import SEEN_TTL_S
from smsline.ledger.link import Ledger, Value

BLOCK_SIZE: Final = 200
"""Recipients of a block; the largest call of the first provider, so that a campaign's block is one call."""

SEEN_PER_SHARD: Final = 256
"""Numbers per set of a job's known numbers; below 512 Redis keeps such a set as a plain array of integers."""


@dataclass(frozen=True, slots=True)
class Block:
    """Recipients of one job with the same batch key.

    Attributes:
        line: The batch key's line.
        content: What is said, as JSON without params; kept with the block.
        numbers: E.164 integers, at most `BLOCK_SIZE`.
        params: Values for all of them, as JSON; or empty when `own_params` is given.
        own_params: Values per number, as JSON; or empty.
        refs: The producer's names per number, as JSON; or empty.
    """

    line: str
    content: str
    numbers: Sequence[int]
    params: str = ""
    own_params: str = ""
    refs: str = ""


@dataclass(frozen=True, slots=True)
class Timing:
    """When what is accepted may go out.

    Attributes:
        linger_ms: How long a line waits to fill up.
        limit: Numbers in one call; a line that has so many leaves at once.
        start_ms: Epoch ms before which nothing goes out; 0 for now.
        pace: Numbers per second; 0 for as fast as allowed.
    """

    linger_ms: float = 0.0
    limit: int = BLOCK_SIZE
    start_ms: float = 0.0
    pace: float = 0.0


@dataclass(frozen=True, slots=True)
class Accepted:
    """How many recipients of a part went into lines, and how many the job already had."""

    taken: int
    doubled: int


def accept_part(
    ledger: Ledger, job: str, part_no: int, *, lane: str, blocks: Sequence[Block], timing: Timing, shards: int = 0
) -> Accepted | None:
    """Write a part's blocks and put their recipients into their lines, once.

    Args:
        ledger: Where.
        job: Job id.
        part_no: The part of the inbox that the blocks were made of.
        lane: The job's lane.
        blocks: All recipients of the part; numbers are unique within it.
        timing: When they may go out.
        shards: Over how many sets the job's numbers are spread to find doubles between parts; 0 when the job has one part.

    Returns:
        What was taken; None when the part was accepted before or the job was cancelled.

    Raises:
        redis.exceptions.RedisError: Redis cannot be reached; asking again does no harm.
    """
    keys = ledger.keys
    lines = list(dict.fromkeys(block.line for block in blocks))
    used, shard_columns = _shard_columns(ledger, job, blocks, shards)
    first = ledger.ids("block", len(blocks)) if blocks else 0
    key_list = [
        keys.job(job),
        keys.part(job, part_no),
        keys.blocks(job),
        keys.closing,
        keys.later,
        keys.send(lane),
        keys.dead,
    ]
    key_list += [key for line in lines for key in (keys.line(line), keys.size(line))]
    seen = [keys.seen(job, shard) for shard in used]
    young = [key for key in seen if key not in ledger.expiring]
    key_list += seen
    key_list += [keys.block(first + i) for i in range(len(blocks))]
    pace_ms = 1000 / timing.pace if timing.pace else 0
    args: list[Value] = [
        job,
        part_no,
        len(lines),
        len(used),
        timing.linger_ms,
        timing.limit,
        timing.start_ms,
        pace_ms,
        SEEN_TTL_S,
        first,
        len(young),
    ]
    args += lines
    for block, column in zip(blocks, shard_columns, strict=True):
        args += [lines.index(block.line) + 1, block.content, block.params, block.own_params, block.refs]
        args += [numbers.pack(block.numbers), column]
    answer = ledger.run("accept_part", key_list, args)
    if answer[0] != b"ok":
        return None
    ledger.expiring.note(young)
    return Accepted(int(answer[1]), int(answer[2]))


def shards_of(ledger: Ledger, job: str) -> int:
    """Over how many sets the numbers of a job are spread, which never changes; 0 for a job of one part, whose doubles are found before."""
    key = ledger.keys.job(job)
    total, parts, first_total = ledger.redis.hmget(key, "total", "parts", "first_total")
    if parts == b"1":
        return 0
    if first_total is None:
        ledger.redis.hsetnx(key, "first_total", total)
        first_total = ledger.redis.hget(key, "first_total")
    return shard_count(int(first_total))


def shard_count(total: int) -> int:
    """Over how many sets the numbers of a job of `total` recipients are spread."""
    return max(1, -(-total // SEEN_PER_SHARD))


def _shard_columns(ledger: Ledger, job: str, blocks: Sequence[Block], shards: int) -> tuple[list[int], list[bytes]]:
    """The shards that are touched, those without a known expiry first, and per block two bytes a number that point into them from 1."""
    if not shards:
        return [], [b""] * len(blocks)
    touched = {number % shards for block in blocks for number in block.numbers}
    ordered = sorted(touched, key=lambda shard: ledger.keys.seen(job, shard) in ledger.expiring)
    places = {shard: place for place, shard in enumerate(ordered, 1)}
    columns = []
    for block in blocks:
        column = [places[number % shards] for number in block.numbers]
        columns.append(_pack(f">{len(column)}H", *column))
    return ordered, columns


def pack_json(value: object) -> str:
    """Compact JSON as blocks keep it."""
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"))
