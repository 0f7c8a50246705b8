"""From a receipt to its recipient, a block and a position: by its call, else by the index of serials, else by its number.

The context of most calls names the only block they are for, and the block keeps the serials of each
of its calls; so a receipt that brings the context back is found by one look for all receipts of
the call, and its serial needs no index (docs/decisions/0034-a-call-names-its-block.md). By whichever
road a place is found: the serial is one that the account's call has brought for it, and before
anything is written the number is compared, too. A context that is forged leads nowhere else.
"""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from typing import Final, NamedTuple

from smsline.ledger import number_index, serials
from smsline.ledger.blocks import read_note
from smsline.ledger.link import Ledger
from smsline.ledger.runs import decode
from smsline.ledger.serials import Found, Matched
from smsline.receipt import Receipt

# Newest first, that are looked into for a receipt that names only its number: it comes within days of its call.
MOST_BLOCKS: Final = 200


class NamedCall(NamedTuple):
    """What a context of ours names.

    Attributes:
        attempt: The call.
        block: Its only block; None when it has several, whose serials are indexed.
    """

    attempt: int
    block: int | None


class _Place(NamedTuple):
    block: int
    position: int


def context_of(ledger: Ledger, attempt: int, block: int | None = None) -> str:
    """What is sent along so that a receipt names its call: `sl:<ledger>:<attempt>[:<block>]`, well under 512 bytes."""
    # The ledger's id keeps out contexts of another installation with the same account.
    return f"sl:{ledger.instance()}:{attempt}" + ("" if block is None else f":{block}")


def call_of(ledger: Ledger, context: str) -> NamedCall | None:
    """The inverse of `context_of`; None for a context that is not ours."""
    words = context.split(":")
    if len(words) not in {3, 4} or words[:2] != ["sl", ledger.instance()]:
        return None
    if not all(word.isascii() and word.isdigit() for word in words[2:]):
        return None
    return NamedCall(int(words[2]), int(words[3]) if len(words) == 4 else None)


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
        elif call.block is None:
            indexed_too += told
        else:
            calls[call] = told
    sure, places, missed = _by_call(ledger, account, calls, today=today)
    # What the index says goes before a place that is not sure: it has the serials of tries that are over.
    indexed = serials.find(ledger, account, nameless + indexed_too + missed, today=today)
    # Whose call a context of ours names is in that call or in the index, else not written down yet: its number does not help.
    unnamed = set(map(id, nameless))
    found_by_number = _by_number(ledger, account, [each for each in indexed.left if id(each) in unnamed])
    places |= found_by_number
    columns = defaultdict[int, tuple[list[int], list[Receipt]]](lambda: ([], []))
    for receipt in indexed.left:
        if (place := places.get(id(receipt))) is not None:
            columns[place.block][0].append(place.position)
            columns[place.block][1].append(receipt)
    found = [Matched(block, *each, day=today) for block, each in columns.items()]
    left = [each for each in indexed.left if id(each) not in places]
    return Found(sure + indexed.matched + found, indexed.spent, left, by_number=bool(found_by_number))


def _by_call(
    ledger: Ledger, account: str, calls: Mapping[NamedCall, list[Receipt]], *, today: int
) -> tuple[list[Matched], dict[int, _Place], list[Receipt]]:
    """Receipts whose calls name the block.

    Returns:
        Those whose serials the call has brought; the places of those, by identity, whose recipients may have been tried again
        since; the latter, and those whose serials are not in the call.
    """
    matched, places, missed = list[Matched](), dict[int, _Place](), list[Receipt]()
    if not calls:
        return matched, places, missed
    keys = [ledger.keys.block(call.block or 0) for call in calls]
    held = ledger.run("call_notes", keys, [call.attempt for call in calls])
    for (call, told), (note, again) in zip(calls.items(), held, strict=True):
        block, known = call.block or 0, _positions(note, account) if note else {}
        positions = [known.get(receipt.serial, -1) for receipt in told]
        if not again and -1 not in positions:
            matched.append(Matched(block, positions, told, day=today))
            continue
        missed += told
        placed = zip(told, positions, strict=True)
        places |= {id(receipt): _Place(block, position) for receipt, position in placed if position >= 0}
    return matched, places, missed


def _by_number(ledger: Ledger, account: str, receipts: Sequence[Receipt]) -> dict[int, _Place]:
    """The places of receipts, by identity, that bring no context of ours: a block with the number knows the serial."""
    if not receipts:
        return {}
    blocks = number_index.blocks_of_each(ledger, {receipt.number for receipt in receipts})
    wanted = sorted({block for each in blocks.values() for block in each[:MOST_BLOCKS]})
    pipe, known = ledger.redis.pipeline(transaction=False), dict[str, _Place]()
    for block in wanted:
        pipe.hgetall(ledger.keys.block(block))
    # A serial stands in one block only; that it is the number's is compared with all others before anything is written.
    for block, held in zip(wanted, pipe.execute() if wanted else (), strict=True):
        for note in (value for name, value in held.items() if name.startswith(b"z")):
            known |= {serial: _Place(block, position) for serial, position in _positions(note, account).items()}
    return {id(receipt): known[receipt.serial] for receipt in receipts if receipt.serial in known}


def _positions(note: bytes, account: str) -> dict[str, int]:
    """Serial -> position, of what a call of the account has brought a block; nothing of another account's."""
    call = read_note(note)
    if call["a"] != account:
        return {}
    positions = dict(zip(call["s"], decode(call["r"]), strict=True))
    positions.pop("", None)  # taken without a serial, so that no receipt can name it
    return positions
