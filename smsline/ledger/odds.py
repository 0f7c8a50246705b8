"""The odds that a message of unknown outcome went out: by how reliably the account's receipts come.

A call was in doubt, and neither a receipt nor a question told of it. Where nearly every accepted
message has its receipt within the hour, silence says much: had it gone out, it would have been
heard of.
"""

from typing import Final, NamedTuple

from smsline.ledger.link import Ledger
from smsline.names import LANES

# Receipts within 2^21 ms, 35 minutes. Less than the hour for which a call in doubt is asked about.
HEARD_EXPONENT: Final = 21

# Accepted messages from which on their receipts say anything.
LEAST: Final = 1_000


class Odds(NamedTuple):
    """How an account's receipts come.

    Attributes:
        accepted: Messages that its provider accepted.
        heard: The part of them whose receipt came within 35 minutes.
    """

    accepted: int
    heard: float

    @property
    def one_in(self) -> int:
        """Of so many silent calls about one went out, where before the odds were even."""
        # Bayes with even odds before: P(out | silent) = silent / (1 + silent), for a call that did
        # not go out is always silent.
        silent = 1.0 - self.heard
        return round((1.0 + silent) / silent) if silent > 0 else self.accepted


def odds_of(ledger: Ledger, account: str) -> Odds | None:
    """The odds by an account's statistics; None where it has accepted too few messages to tell."""
    waited = f"h|accepted_to_final_seconds|{account}|"
    fields = [f"r|{account}|{lane}|accepted" for lane in LANES]
    bounds = [f"{waited}{exponent}" for exponent in range(3, HEARD_EXPONENT + 1)]
    counts = [int(count or 0) for count in ledger.redis.hmget(ledger.keys.stats, *fields, *bounds)]
    accepted, heard = sum(counts[: len(fields)]), sum(counts[len(fields) :])
    return Odds(accepted, min(1.0, heard / accepted)) if accepted >= LEAST else None
