"""Rescue expired claims: requeue those that were never started, mark started ones as unsure."""

import logging

from smsline.ledger import attempts, batch_queues, due
from smsline.ledger.batch_queues import Claim
from smsline.ledger.call_results import EntryResults, RecipientResult
from smsline.ledger.runs import decode
from smsline.states import State
from worker.engine import Engine

DIED: str = "worker.Died"

log = logging.getLogger(__name__)


def rescue(engine: Engine, most: int = 20) -> int:
    """Take over claims whose lease has ended; returns how many."""
    keys = engine.ledger.keys
    # Claimed anew like any work: a rescuer that dies leaves them to the next one.
    leases = due.claim(engine.ledger, keys.lease, most=most, lease_ms=engine.lease_ms)
    for lease in leases:
        attempt = attempts.read_attempt(engine.ledger, int(lease.member))
        if attempt is None or attempt.state in {"done", "unsure"}:
            due.finish(engine.ledger, keys.lease, lease)
        elif attempt.state == "claimed":
            # The state is `begun` before the first byte leaves, so a claim that never began was
            # surely not sent.
            batch_queues.release(engine.ledger, Claim(attempt.attempt, attempt.queue, attempt.entries))
            log.warning("attempt %x was never begun; its recipients wait again", attempt.attempt)
        else:
            # Never resent: the provider may have the call. Its outcome is asked for, and stays
            # unknown if no answer comes.
            entries = [
                EntryResults(entry, [RecipientResult(position, State.UNSURE, DIED) for position in decode(entry.runs)])
                for entry in attempt.entries
            ]
            attempts.record(
                engine.ledger,
                attempt.attempt,
                attempt.queue,
                entries,
                at_ms=attempt.started_ms,
                polls=engine.polls(attempt.queue.lane),
                # Named: if the worker lives after all, its own record comes later and
                # is told apart by this.
                writer="rescuer",
            )
            log.warning(
                "attempt %x of account %s was begun and never recorded: its worker died or lost Redis; asking what became of it",
                attempt.attempt,
                attempt.queue.account,
            )
    return len(leases)
