"""Failover in the ledger: recipients of a claim that was not begun move to other batch queues."""

from collections.abc import Sequence
from dataclasses import replace
from typing import NamedTuple

from smsline.ledger.batch_queues import BatchQueue, Claim
from smsline.ledger.codes import CodeUse
from smsline.ledger.link import Ledger, ScriptCall, Value, argv
from smsline.ledger.runs import Entry, parse_entry


class Move(NamedTuple):
    """Recipients of one block, and the batch queue that they move to."""

    queue: BatchQueue
    entry: Entry


def fail_over(ledger: Ledger, claim: Claim, moves: Sequence[Move], *, why: str = "") -> Claim | None:
    """Let recipients of a claim wait in other batch queues instead, mostly of other accounts.

    Args:
        ledger: Where.
        claim: What was taken and not begun.
        moves: Recipients to move, and where to; those that have left the claim stay where they are.
        why: The code for which they are moved; counted with the account. Empty where the account
            stays the same.

    Returns:
        The claim with the recipients it has left; None when it has none, or is not held any more.
    """
    keys = ledger.keys
    key_list = [keys.attempt(claim.attempt), keys.lease, keys.account(claim.queue.account), keys.names]
    for move in moves:
        key_list += [keys.queue(move.queue.text()), keys.send(move.queue.lane), keys.block(move.entry.block)]
    to = ",".join(sorted({move.queue.account for move in moves}))

    def call(used: CodeUse) -> ScriptCall:
        """The script's call, made anew when an account's name has got another number meanwhile."""
        told: list[Value] = []
        for move in moves:
            number = used.number(move.queue.account) if why else ""
            told += argv("fail_over", queue=move.queue.text(), entry=move.entry.text(), number=number)
        args = argv("fail_over", attempt=claim.attempt, field=why and f"failed_over:{to}:{why}", codes=used.lines())
        return "fail_over", key_list, args + told

    _, left = ledger.run_with_codes(call)
    entries = tuple(parse_entry(text) for text in left.decode().split())
    return replace(claim, entries=entries) if entries else None
