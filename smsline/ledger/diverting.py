"""Diverting: recipients of a claim that was not begun go in with the lines of other accounts; what stays claimed comes out."""

from collections.abc import Sequence
from dataclasses import replace
from typing import NamedTuple

from smsline.ledger.lines import Claim, Line
from smsline.ledger.link import Ledger, Value
from smsline.ledger.runs import Entry, decode


class Move(NamedTuple):
    """Recipients of one block, and the line of the account that stands in."""

    line: Line
    entry: Entry


def divert(ledger: Ledger, claim: Claim, moves: Sequence[Move], kept: Sequence[Entry], *, why: str) -> Claim | None:
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
    key_list = [keys.attempt(claim.attempt), keys.lease, keys.account(claim.line.account)]
    to = ",".join(sorted({move.line.account for move in moves}))
    args: list[Value] = [claim.attempt, " ".join(entry.text() for entry in kept), f"diverted:{to}:{why}"]
    for move in moves:
        key_list += [keys.line(move.line.text()), keys.send(move.line.lane), keys.block(move.entry.block)]
        args += [move.line.text(), move.entry.text(), _through(ledger, move)]
    moved = int(ledger.run("divert", key_list, args))
    return replace(claim, entries=tuple(kept)) if moved >= 0 and kept else None


def _through(ledger: Ledger, move: Move) -> str:
    number = ledger.code_number(move.line.account)
    return " ".join(f"{at},{at},{number}" for at in decode(move.entry.runs))
