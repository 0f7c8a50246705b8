"""Claims whose worker fell silent go in: those never begun go back to their line, those begun become unsure."""

import logging

from smsline.ledger import attempts, due, lines
from smsline.ledger.attempts import Attempt, Mark, Verdicts
from smsline.ledger.lines import Claim
from smsline.ledger.runs import decode
from smsline.states import State
from worker.engine import Engine

DIED: str = "worker.Died"

log = logging.getLogger(__name__)


def recover(engine: Engine, most: int = 20) -> int:
    """Take over claims whose lease has ended; returns how many."""
    keys = engine.ledger.keys
    leases = due.claim(engine.ledger, keys.lease, most=most, lease_ms=engine.settings.lease_s * 1000)
    for lease in leases:
        attempt = attempts.read_attempt(engine.ledger, int(lease.member))
        if attempt is None or attempt.state in {"done", "unsure"}:
            due.finish(engine.ledger, keys.lease, lease)
        elif attempt.state == "claimed":
            lines.release(engine.ledger, Claim(attempt.attempt, attempt.line, attempt.entries))
            log.warning("attempt %d was never begun; its recipients wait again", attempt.attempt)
        else:
            _doubt(engine, attempt)
    return len(leases)


def _doubt(engine: Engine, attempt: Attempt) -> None:
    verdicts = [
        Verdicts(entry, [Mark(position, State.UNSURE, DIED) for position in decode(entry.runs)])
        for entry in attempt.entries
    ]
    attempts.record(
        engine.ledger,
        attempt.attempt,
        attempt.line,
        verdicts,
        at_ms=attempt.started_ms,
        polls=engine.polls(attempt.line.lane),
    )
    log.warning(
        "attempt %d of account %s was begun and never recorded: its worker died or lost Redis; asking what became of it",
        attempt.attempt,
        attempt.line.account,
    )
