"""From a receipt to its recipient, a block and a position.

By its call, else by the index of serials, else by its number.

The context of most calls names the blocks they are for, and a block keeps the serials of each of
its calls; so a receipt that brings the context back is found by one look for all receipts of the
call, and its serial needs no index (docs/decisions/0034-a-call-names-its-block.md). By whichever
way a place is found: the serial is one that the account's call has brought for it, and before
anything is written the number is compared, too. A context that is forged leads nowhere else.
"""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from typing import Final, NamedTuple

from smsline.ledger import number_index, serials
from smsline.ledger.blocks import read_note
from smsline.ledger.link import Ledger
from smsline.ledger.runs import decode
from smsline.ledger.serials import BlockReceipts, Found
from smsline.receipt import Receipt

# Newest first, that are looked into for a receipt that names only its number: it comes
# within days of its call.
MOST_BLOCKS: Final = 200


# A call of a campaign is of one block, or of two where one before was cut short. Each row of a page
# repeats what is named.
MOST_NAMED: Final = 4


class NamedCall(NamedTuple):
    """What a context of ours names.

    Attributes:
        attempt: The call.
        blocks: Its blocks; none when it has more than are named, so that its serials are indexed.
    """

    attempt: int
    blocks: tuple[int, ...]


class _Place(NamedTuple):
    block: int
    position: int


def context_of(ledger: Ledger, attempt: int, blocks: Sequence[int] = ()) -> str:
    """What is sent along so that a receipt names its call.

    `sl:<ledger>:<attempt>[:<block>]...`, well under 512 bytes.
    """
    # The ledger's id keeps out contexts of another installation with the same account.
    return ":".join(["sl", ledger.instance(), str(attempt), *map(str, blocks)])


def call_of(ledger: Ledger, context: str) -> NamedCall | None:
    """The inverse of `context_of`; None for a context that is not ours."""
    words = context.split(":")
    if words[:2] != ["sl", ledger.instance()] or not 1 <= len(words) - 2 <= 1 + MOST_NAMED:
        return None
    if not all(word.isascii() and word.isdigit() for word in words[2:]):
        return None
    attempt, *blocks = map(int, words[2:])
    return NamedCall(attempt, tuple(blocks))


def find(ledger: Ledger, account: str, receipts: Sequence[Receipt], *, today: int) -> Found:
    """The recipients of receipts.

    Args:
        ledger: Where.
        account: Whose receipts.
        receipts: Of a page, or of several.
        today: Days since 1970, by Redis; the index is kept by day.
    """
    by_context: defaultdict[str, list[Receipt]] = defaultdict(list)
    for receipt in receipts:
        by_context[receipt.context].append(receipt)
    calls, nameless, indexed_too = dict[NamedCall, list[Receipt]](), list[Receipt](), list[Receipt]()
    for context, told in by_context.items():
        call = call_of(ledger, context)
        if call is None:
            nameless += told
        elif call.blocks:
            calls[call] = told
        else:
            indexed_too += told
    sure, places, missed = _by_call(ledger, account, calls, today=today)
    # What the index says goes before a place that is not sure: it has the serials
    # of tries that are over.
    indexed = serials.find(ledger, account, nameless + indexed_too + missed, today=today)
    # Whose call a context of ours names is in that call or in the index, else not written down yet:
    # its number does not help.
    unnamed = set(map(id, nameless))
    found_by_number = _by_number(ledger, account, [each for each in indexed.left if id(each) in unnamed])
    places |= found_by_number
    columns = defaultdict[int, tuple[list[int], list[Receipt]]](lambda: ([], []))
    for receipt in indexed.left:
        if (place := places.get(id(receipt))) is not None:
            columns[place.block][0].append(place.position)
            columns[place.block][1].append(receipt)
    found = [BlockReceipts(block, *each, day=today) for block, each in columns.items()]
    left = [each for each in indexed.left if id(each) not in places]
    return Found(sure + indexed.matched + found, indexed.spent, left, by_number=bool(found_by_number))


def _by_call(
    ledger: Ledger, account: str, calls: Mapping[NamedCall, list[Receipt]], *, today: int
) -> tuple[list[BlockReceipts], dict[int, _Place], list[Receipt]]:
    """Receipts whose calls name their blocks.

    Returns:
        Those whose serials the call has brought; the places of those, by identity, whose recipients
        may have been tried again since; the latter, and those whose serials are not in the call.
    """
    matched, places, missed = list[BlockReceipts](), dict[int, _Place](), list[Receipt]()
    named = [(call.attempt, block) for call in calls for block in call.blocks]
    if not named:
        return matched, places, missed
    keys = [ledger.keys.block(block) for _, block in named]
    held = iter(ledger.run("call_notes", keys, [attempt for attempt, _ in named]))
    for call, told in calls.items():
        left = told
        for block, (note, again) in zip(call.blocks, held, strict=False):
            known = _positions(note, account) if note else {}
            here = [receipt for receipt in left if receipt.serial in known]
            positions = [known[receipt.serial] for receipt in here]
            left = [receipt for receipt in left if receipt.serial not in known] if len(here) < len(left) else []
            if again:
                missed += here
                found = zip(here, positions, strict=True)
                places |= {id(receipt): _Place(block, position) for receipt, position in found}
            elif here:
                matched.append(BlockReceipts(block, positions, here, day=today))
        missed += left
    return matched, places, missed


def _by_number(ledger: Ledger, account: str, receipts: Sequence[Receipt]) -> dict[int, _Place]:
    """The places of receipts, by identity, that bring no context of ours.

    A block with the number knows the serial.
    """
    if not receipts:
        return {}
    blocks = number_index.blocks_of_each(ledger, {receipt.number for receipt in receipts})
    wanted = sorted({block for each in blocks.values() for block in each[:MOST_BLOCKS]})
    pipe, known = ledger.redis.pipeline(transaction=False), dict[str, _Place]()
    for block in wanted:
        pipe.hgetall(ledger.keys.block(block))
    # A serial stands in one block only; that it is the number's is compared with all others
    # before anything is written.
    for block, held in zip(wanted, pipe.execute() if wanted else (), strict=True):
        for note in (value for name, value in held.items() if name.startswith(b"z")):
            known |= {serial: _Place(block, position) for serial, position in _positions(note, account).items()}
    return {id(receipt): known[receipt.serial] for receipt in receipts if receipt.serial in known}


def _positions(note: bytes, account: str) -> dict[str, int]:
    """Serial -> position, of what a call of this account, and no other, has brought a block."""
    call = read_note(note)
    if call["a"] != account:
        return {}
    positions = dict(zip(call["s"], decode(call["r"]), strict=True))
    positions.pop("", None)  # taken without a serial, so that no receipt can name it
    return positions
