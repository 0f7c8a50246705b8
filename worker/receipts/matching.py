"""Match receipts of calls whose answer was never seen to the recipients they must belong to."""

from collections.abc import Sequence
from typing import Final

from smsline.ledger import attempts
from smsline.ledger.attempts import Attempt
from smsline.ledger.blocks import unsure_of
from smsline.ledger.serials import BlockReceipts
from smsline.receipt import Receipt
from worker.engine import Engine

SLACK_S: Final = 120
"""How far the provider's clock may be behind ours when a receipt is matched by number and time."""


def match(engine: Engine, account: str, receipts: Sequence[Receipt]) -> tuple[list[BlockReceipts], list[Receipt]]:
    """Receipts of calls whose answer was never seen.

    They are matched by the attempt they name, or by number and time where they name none.

    Returns:
        Those that belong to one; the others.
    """
    found, strangers = list[BlockReceipts](), list[Receipt]()
    serial_of, place_of = dict[tuple[int, int], str](), dict[str, tuple[int, int]]()
    for receipt in receipts:
        places = (
            (entry.block, position)
            for attempt in _candidates(engine, account, receipt)
            for entry, position, number in unsure_of(engine.ledger, attempt.attempt, attempt.entries)
            if number == receipt.number
        )
        # Two messages to one number may both be in doubt: the second receipt of a page is the other
        # one's. And a serial is one message's: with another number beside it, it is a stranger's,
        # and takes no place from the receipt that belongs there.
        serial = receipt.serial
        free = (at for at in places if serial_of.get(at, serial) == serial and place_of.get(serial, at) == at)
        place = next(free, None)
        if place is None:
            strangers.append(receipt)
        else:
            serial_of[place] = serial
            if serial:
                place_of[serial] = place
            found.append(BlockReceipts(place[0], [place[1]], [receipt], noted=True))
    return found, strangers


def _candidates(engine: Engine, account: str, receipt: Receipt) -> list[Attempt]:
    """Unsure attempts the receipt may belong to, oldest first."""
    # The context names the attempt; only providers that do not echo it need number and time.
    if receipt.context:
        named = engine.attempt_of(receipt.context)
        ids = [] if named is None else [named]
    else:
        ids = attempts.unsure_attempts(engine.ledger, account, receipt.number)
    # An attempt of another account is passed over: contexts are ours, accounts may share a
    # provider.
    read = [attempts.read_attempt(engine.ledger, attempt) for attempt in ids]
    return [
        attempt
        for attempt in read
        if attempt
        and attempt.state == "unsure"
        and attempt.queue.account == account
        and (
            receipt.context or not receipt.received_at_s or receipt.received_at_s >= attempt.started_ms / 1000 - SLACK_S
        )
    ]
