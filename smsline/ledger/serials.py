"""The index from a message's serial to its recipient.

A block and a position, by the day of the call.

Only what no context of a call leads to is in it (`smsline.ledger.recipients`), and serials that are
spent.
"""

import json
from collections import defaultdict
from collections.abc import Sequence
from typing import Final, NamedTuple

from smsline.ledger.blocks import read_note
from smsline.ledger.keys import INDEX_TTL_S
from smsline.ledger.link import Ledger
from smsline.ledger.runs import decode
from smsline.ledger.serial_index import INDEX_BYTES, SPENT, index_value, serial_place
from smsline.receipt import Receipt
from smsline.states import LETTERS, State

# Receipts are matched to sends of today and the days before within which one may come.
DAYS_BACK: Final = 4


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


class BlockReceipts(NamedTuple):
    """Receipts of recipients of one block, as columns.

    Attributes:
        block: The block.
        positions: Of each receipt's recipient in the block.
        receipts: The receipts, in the same order.
        day: Under which day's index their serials were found; 0 when they were found otherwise.
        noted: Whether the serials must be kept, because the answer of their send was never seen.
        again: How a recipient may be tried again, by place in the columns, where a failed receipt
            allows that.
    """

    block: int
    positions: Sequence[int]
    receipts: Sequence[Receipt]
    day: int = 0
    noted: bool = False
    again: dict[int, TryAgain] = {}  # noqa: RUF012 - never changed; a tuple's default costs nothing


class Found(NamedTuple):
    """Receipts, matched as far as their serials are known.

    Attributes:
        matched: By block.
        spent: How many have had their receipt before, and their recipients were tried again since.
        left: Receipts whose serials are not known.
        by_number: Whether some were found by number alone, because they bring no context.
    """

    matched: list[BlockReceipts]
    spent: int
    left: list[Receipt]
    by_number: bool = False


def find(ledger: Ledger, account: str, receipts: Sequence[Receipt], *, today: int) -> Found:
    """The recipients of receipts: one round trip for sends of today, another for older ones."""
    found = _find_on(ledger, account, receipts, [today])
    if not found.left:
        return found
    # Yesterday first, then tomorrow: around midnight the day of a call and the
    # reader's today may differ.
    older = _find_on(ledger, account, found.left, [today - back for back in (1, -1, *range(2, DAYS_BACK + 1))])
    return Found(found.matched + older.matched, found.spent + older.spent, older.left)


def _find_on(ledger: Ledger, account: str, receipts: Sequence[Receipt], days: Sequence[int]) -> Found:
    if not receipts:
        return Found([], 0, [])
    places = [serial_place(receipt.serial) for receipt in receipts]
    stems = [ledger.keys.index_of(account, day) for day in days]
    keys = [f"{stem}{shard}" for stem in stems for shard, _ in places]
    values, nth = ledger.run("serials", keys, [b"".join([field for _, field in places])])
    return sorted_out(receipts, values, [days[day] for day in nth])


def sorted_out(receipts: Sequence[Receipt], values: Sequence[bytes], days: Sequence[int]) -> Found:
    """Receipts by block.

    Args:
        receipts: The receipts.
        values: What the index has for each serial, empty for nothing.
        days: Under which day that is.
    """
    by_block: dict[tuple[bytes, int], tuple[list[int], list[Receipt]]] = {}
    spent, left = 0, list[Receipt]()
    for receipt, value, day in zip(receipts, values, days, strict=True):
        if len(value) == INDEX_BYTES:
            # Read once a block and not once a receipt: a page has a hundred
            # receipts and few blocks.
            place = value[:-1], day
            columns = by_block.get(place)
            if columns is None:
                columns = by_block[place] = [], []
            columns[0].append(value[-1])
            columns[1].append(receipt)
        elif value:
            spent += 1
        else:
            left.append(receipt)
    matched = [BlockReceipts(int.from_bytes(block, "big"), *columns, day) for (block, day), columns in by_block.items()]
    return Found(matched, spent, left)


def note(ledger: Ledger, account: str, matched: Sequence[BlockReceipts]) -> int:
    """Let serials of calls whose answer was never seen be known, so that receipts count once.

    Returns:
        The day under which they are.
    """
    day = ledger.now_ms() // 86_400_000
    pipe = ledger.redis.pipeline(transaction=False)
    for each in matched:
        for position, receipt in zip(each.positions, each.receipts, strict=True):
            shard, field = serial_place(receipt.serial)
            key = ledger.keys.index(account, day, shard)
            pipe.hset(key, field, index_value(each.block, position))
            pipe.expire(key, INDEX_TTL_S)
    pipe.execute()
    return day


def mark_spent(ledger: Ledger, block: int) -> None:
    """Let receipts of the block's undelivered recipients say nothing about the next try.

    They have had theirs; the provider may tell the same one twice, by push and by pull.
    """
    held = ledger.redis.hgetall(ledger.keys.block(block))
    undelivered = LETTERS[State.UNDELIVERED]
    ended = {at for at, letter in enumerate(held.get(b"st", b"").decode()) if letter == undelivered}
    by_account: defaultdict[str, list[tuple[int, str]]] = defaultdict(list)
    for name, value in held.items():
        if name.startswith(b"z"):
            call = read_note(value)
            told = zip(decode(call["r"]), call["s"], strict=True)
            by_account[call["a"]] += [(position, serial) for position, serial in told if position in ended and serial]
        elif name.startswith(b"y") and int(name[1:]) in ended:
            kept = json.loads(value)
            by_account[kept["a"]].append((int(name[1:]), kept["s"]))
    today = ledger.now_ms() // 86_400_000
    pipe = ledger.redis.pipeline(transaction=False)
    # From now on the index has the first word on receipts of this block (`recipients.find`).
    pipe.hset(ledger.keys.block(block), "sp", 1)
    for account, spent in by_account.items():
        for position, serial in spent:
            shard, field = serial_place(serial)
            key = ledger.keys.index(account, today, shard)
            pipe.hset(key, field, index_value(block, position) + SPENT)
            pipe.expire(key, INDEX_TTL_S)
    pipe.execute()
