"""Failover in the ledger: move recipients of a claim that was not begun to the batch queues of other accounts."""

from collections.abc import Sequence
from dataclasses import replace
from typing import NamedTuple

from smsline.ledger.batch_queues import BatchQueue, Claim
from smsline.ledger.link import Ledger, Value
from smsline.ledger.runs import Entry, decode


class Move(NamedTuple):
    """Recipients of one block, and the batch queue of the account that stands in."""

    queue: BatchQueue
    entry: Entry


def fail_over(ledger: Ledger, claim: Claim, moves: Sequence[Move], kept: Sequence[Entry], *, why: str) -> Claim | None:
    """Let recipients of a claim wait for other accounts instead.

    Args:
        ledger: Where.
        claim: What was taken and not begun.
        moves: Whom to move, and where to.
        kept: Whom not; together with the moved ones everybody of the claim.
        why: The code for which they are moved; counted with the account.

    Returns:
        The claim with whom it has left; None when it has nobody left, or is not held any more.
    """
    keys = ledger.keys
    key_list = [keys.attempt(claim.attempt), keys.lease, keys.account(claim.queue.account)]
    to = ",".join(sorted({move.queue.account for move in moves}))
    args: list[Value] = [claim.attempt, " ".join(entry.text() for entry in kept), f"diverted:{to}:{why}"]
    for move in moves:
        key_list += [keys.queue(move.queue.text()), keys.send(move.queue.lane), keys.block(move.entry.block)]
        args += [move.queue.text(), move.entry.text(), _through(ledger, move)]
    moved = int(ledger.run("fail_over", key_list, args))
    return replace(claim, entries=tuple(kept)) if moved >= 0 and kept else None


def _through(ledger: Ledger, move: Move) -> str:
    number = ledger.code_number(move.queue.account)
    return " ".join(f"{at},{at},{number}" for at in decode(move.entry.runs))
