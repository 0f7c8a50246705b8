"""The index from a number to its messages: which blocks hold it, over all jobs that are kept.

A record is seven bytes: two of the number's hash and five of its block's id. The records of a day
are pushed onto `NUMBER_SHARDS` lists by another part of the hash, those of one part of a job as one
element: some eight bytes are the whole price of a recipient. (Strings grow by doubling: the space
they keep free would cost three more.) One number in 65,536 of a shard looks like another one: the
block itself has the last word.
"""

import time
from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping
from typing import Final

from smsline.ledger.link import Ledger, ScriptCall
from smsline.numbers import same_phone

# Lists of a day. With ten million recipients kept a look-up reads some 300 kB in all.
NUMBER_SHARDS: Final = 256

BLOCK_BYTES: Final = 5
RECORD_BYTES: Final = 2 + BLOCK_BYTES

# 2^64 divided by the golden ratio: multiplied by it, numbers of one range are spread evenly.
_SPREAD: Final = 0x9E37_79B9_7F4A_7C15


def place_of(number: int) -> tuple[int, bytes]:
    """The shard of a number, and the two bytes that stand for it there.

    All spellings of one phone share them.
    """
    spread = same_phone(number) * _SPREAD & 0xFFFF_FFFF_FFFF_FFFF
    return spread >> 56, (spread >> 40 & 0xFFFF).to_bytes(2, "big")


def adding(ledger: Ledger, blocks: Mapping[int, Iterable[int]], *, keep_s: float) -> ScriptCall:
    """The call that adds blocks to the index.

    It is sent before the call that writes the blocks: a record without a block is passed over,
    while a block without its records would be hidden for ever.

    Args:
        ledger: Where.
        blocks: The numbers of each block, by its id.
        keep_s: For how long their job is kept at most.
    """
    # This machine's clock will do, and saves a question: the day is a label under which the
    # records are found again.
    day = int(time.time() // 86_400)
    records: defaultdict[int, list[bytes]] = defaultdict(list)
    for block, numbers in blocks.items():
        for number in numbers:
            # As `place_of`, head and tail as one integer: this is done for every number.
            spread = same_phone(number) * _SPREAD & 0xFFFF_FFFF_FFFF_FFFF
            records[spread >> 56].append(((spread >> 40 & 0xFFFF) << 40 | block).to_bytes(RECORD_BYTES, "big"))
    stem = ledger.keys.numbers_of(day)
    keys = [ledger.keys.number_days, *(f"{stem}{shard}" for shard in records)]
    return "index_numbers", keys, [day, int(keep_s), *map(b"".join, records.values())]


def blocks_of(ledger: Ledger, number: int) -> list[int]:
    """The blocks that may hold a number, newest first; each once.

    A few of them may be gone, or hold another number.
    """
    return blocks_of_each(ledger, [number])[number]


def blocks_of_each(ledger: Ledger, numbers: Collection[int]) -> dict[int, list[int]]:
    """The same for several numbers in two round trips."""
    places = {number: place_of(number) for number in numbers}
    days = sorted((int(day) for day in ledger.redis.zrange(ledger.keys.number_days, 0, -1)), reverse=True)
    lists = [
        f"{ledger.keys.numbers_of(day)}{shard}" for shard in {shard for shard, _ in places.values()} for day in days
    ]
    pipe = ledger.redis.pipeline(transaction=False)
    for name in lists:
        pipe.lrange(name, 0, -1)
    held = dict(zip(lists, map(b"".join, pipe.execute() if lists else ()), strict=True))
    stems = [ledger.keys.numbers_of(day) for day in days]
    return {
        # Each once, in the order in which they are met.
        number: list(
            dict.fromkeys(block for stem in stems for block in reversed(_matching(held[f"{stem}{shard}"], head)))
        )
        for number, (shard, head) in places.items()
    }


def _matching(records: bytes, head: bytes) -> list[int]:
    blocks = []
    at = records.find(head)
    while at >= 0:
        # The two bytes may also be found across two records, or within a block's id.
        past = at % RECORD_BYTES
        if not past:
            blocks.append(int.from_bytes(records[at + 2 : at + RECORD_BYTES], "big"))
        at = records.find(head, at + RECORD_BYTES - past if not past else at + 1)
    return blocks
