"""The end of jobs: end what waits of overdue and cancelled ones, remove closed ones after their retention."""

import logging

from smsline.ledger import due, retention
from smsline.states import State
from worker.engine import Engine

DAY_MS = 86_400_000

log = logging.getLogger(__name__)


def end_job(engine: Engine, job: str) -> int:
    """End what still waits of a job that was cancelled or whose deadline has passed; returns how many recipients."""
    ledger, key = engine.ledger, engine.ledger.keys.expire
    lease = due.claim_one(ledger, key, job, lease_ms=engine.settings.lease_s * 1000)
    if lease is None:
        return 0
    life = retention.life_of(ledger, job)
    if life is None:
        due.finish(ledger, key, lease)
        return 0
    left_ms = life.deadline_ms - engine.now_ms()
    if not life.cancelled and left_ms > 0:
        # The deadline was moved since: come back then.
        due.finish(ledger, key, lease, left_ms)
        return 0
    if not life.cancelled:
        retention.shut(ledger, job)
    state = State.CANCELLED if life.cancelled else State.EXPIRED
    ended = retention.end_waiting(ledger, job, state)
    # What is under way may yet come back to wait; it ends then, and the params with it.
    due.finish(ledger, key, lease, engine.settings.lease_s * 1000 if life.sending else None)
    if ended:
        log.info("job %s: %d recipients ended as %s", job, ended, state)
    return ended


def close_job(engine: Engine, job: str) -> bool:
    """A closed job is looked at once when it closes and again when its retention is over; True when it was removed."""
    ledger, key = engine.ledger, engine.ledger.keys.closing
    lease = due.claim_one(ledger, key, job, lease_ms=engine.settings.lease_s * 1000)
    if lease is None:
        return False
    life = retention.life_of(ledger, job)
    if life is None or life.closed_ms is None:
        due.finish(ledger, key, lease)
        return False
    left_ms = life.closed_ms + engine.settings.retention_days * DAY_MS - engine.now_ms()
    if left_ms > 0:
        due.finish(ledger, key, lease, left_ms)
        log.info("job %s is closed", job)
        return False
    retention.remove(ledger, job)
    due.finish(ledger, key, lease)
    return True
