"""Match receipts of calls whose answer was never seen to the recipients they must belong to."""

from collections.abc import Sequence
from typing import Final

from smsline.ledger import attempts
from smsline.ledger.attempts import Attempt
from smsline.ledger.blocks import unsure_of
from smsline.ledger.receipts import Place, ReceiptMatch, Row
from worker.engine import Engine

SLACK_S: Final = 120
"""How far the provider's clock may be behind ours when a receipt is matched by number and time."""


def match(engine: Engine, account: str, rows: Sequence[Row]) -> list[ReceiptMatch]:
    """Receipts of calls whose answer was never seen: by the attempt they name, or by number and time where they name none."""
    found = []
    for row in rows:
        for attempt in _candidates(engine, account, row):
            place = _place(engine, attempt, row.number)
            if place is not None:
                found.append(ReceiptMatch(row, place, note=True))
                break
    return found


def _candidates(engine: Engine, account: str, row: Row) -> list[Attempt]:
    """Unsure attempts the receipt may belong to, oldest first."""
    if row.context:
        named = engine.attempt_of(row.context)
        ids = [] if named is None else [named]
    else:
        ids = attempts.unsure_attempts(engine.ledger, account, row.number)
    read = [attempts.read_attempt(engine.ledger, attempt) for attempt in ids]
    return [
        attempt
        for attempt in read
        if attempt
        and attempt.state == "unsure"
        and attempt.queue.account == account
        and (row.context or not row.at_s or row.at_s >= attempt.started_ms / 1000 - SLACK_S)
    ]


def _place(engine: Engine, attempt: Attempt, number: int) -> Place | None:
    """Where in the attempt the number is, if it is still unsure."""
    for entry, position, candidate in unsure_of(engine.ledger, attempt.entries):
        if candidate == number:
            return Place(entry.block, position)
    return None
