"""Receipts of calls whose answer was never seen go in, the recipients they must belong to come out."""

from collections.abc import Sequence
from typing import Final

from smsline.ledger import attempts
from smsline.ledger.attempts import Attempt
from smsline.ledger.receipts import Matched, Place, Row
from smsline.ledger.runs import Entry, decode
from smsline.states import LETTERS, State
from worker.engine import Engine

SLACK_S: Final = 120
"""How far the provider's clock may be behind ours when a receipt is matched by number and time."""


def match(engine: Engine, account: str, rows: Sequence[Row]) -> list[Matched]:
    """Receipts of calls whose answer was never seen: by the attempt they name, or by number and time where they name none."""
    found = []
    for row in rows:
        for attempt in _candidates(engine, account, row):
            place = _place(engine, attempt, row.number)
            if place is not None:
                found.append(Matched(row, place, note=True))
                break
    return found


def _candidates(engine: Engine, account: str, row: Row) -> list[Attempt]:
    """Unsure attempts the receipt may belong to, oldest first."""
    if row.context:
        named = engine.attempt_of(row.context)
        ids = [] if named is None else [named]
    else:
        held = engine.ledger.redis.hget(engine.ledger.keys.unsure(account), str(row.number))
        ids = [int(attempt) for attempt in held.split()] if held else []
    read = [attempts.read_attempt(engine.ledger, attempt) for attempt in ids]
    return [
        attempt
        for attempt in read
        if attempt
        and attempt.state == "unsure"
        and attempt.line.account == account
        and (row.context or not row.at_s or row.at_s >= attempt.started_ms / 1000 - SLACK_S)
    ]


def _place(engine: Engine, attempt: Attempt, number: int) -> Place | None:
    """Where in the attempt the number is, if it is still unsure."""
    for entry, position, candidate in open_recipients(engine, attempt):
        if candidate == number:
            return Place(entry.block, position)
    return None


def open_recipients(engine: Engine, attempt: Attempt) -> list[tuple[Entry, int, int]]:
    """Entry, position and number of the attempt's recipients that are still unsure."""
    pipe = engine.ledger.redis.pipeline(transaction=False)
    for entry in attempt.entries:
        pipe.hmget(engine.ledger.keys.block(entry.block), "st", "n")
    still: list[tuple[Entry, int, int]] = []
    for entry, (letters, packed) in zip(attempt.entries, pipe.execute(), strict=True):
        if letters is None:
            continue
        unsure = [position for position in decode(entry.runs) if chr(letters[position]) == LETTERS[State.UNSURE]]
        still += [
            (entry, position, int.from_bytes(packed[position * 8 : position * 8 + 8], "big")) for position in unsure
        ]
    return still
