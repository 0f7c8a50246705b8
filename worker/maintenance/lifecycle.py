"""The end of jobs: end overdue and cancelled ones, remove closed ones after their retention.

Many jobs are handled at once.
"""

import logging
from collections.abc import Sequence

from smsline.ledger import due, retention, webhooks_outbox
from smsline.ledger.due import Lease
from smsline.ledger.retention import Life
from smsline.names import WEBHOOKS_QUEUE
from smsline.states import State
from worker.engine import Engine

DAY_MS = 86_400_000
CLOSED_AT_ONCE = 200
ENDED_AT_ONCE = 100
# Waiting recipients of a job that is ended by itself, after the others that were claimed with it.
LARGE = 1_000

log = logging.getLogger(__name__)


def end_due(engine: Engine, seconds: float = 1.0) -> None:
    """End what still waits of cancelled and overdue jobs, for about so long."""
    ledger, key, over = engine.ledger, engine.ledger.keys.expire, engine.slice_ends(seconds)
    while not over():
        leases = due.claim(ledger, key, most=ENDED_AT_ONCE, lease_ms=engine.lease_ms)
        if not leases:
            return
        lives = list(zip(leases, retention.lives_of(ledger, [lease.member for lease in leases]), strict=True))
        # Thousands of messages of their own may be overdue at once, and a round trip for each would
        # keep a cancel waiting.
        _end(engine, [each for each in lives if each[1] is None or each[1].waiting <= LARGE])
        for lease, life in lives:
            if life is not None and life.waiting > LARGE:
                if over():
                    due.finish(ledger, key, lease, 0.0)
                else:
                    _end(engine, [(lease, life)])
    engine.look_again(0)


def close_due(engine: Engine, seconds: float = 1.0) -> None:
    """Look at closed jobs, for about so long: once when they close, and after their retention."""
    ledger, over = engine.ledger, engine.slice_ends(seconds)
    while not over():
        leases = due.claim(ledger, ledger.keys.closing, most=CLOSED_AT_ONCE, lease_ms=engine.lease_ms)
        if not leases:
            return
        _close(engine, leases)
    engine.look_again(0)


def end_job(engine: Engine, job: str) -> int:
    """End what still waits of one job, if it is due; returns how many recipients."""
    lease = due.claim_one(engine.ledger, engine.ledger.keys.expire, job, lease_ms=engine.lease_ms)
    return _end(engine, [(lease, retention.lives_of(engine.ledger, [job])[0])]) if lease else 0


def close_job(engine: Engine, job: str) -> None:
    """Look at one closed job, if it is due."""
    lease = due.claim_one(engine.ledger, engine.ledger.keys.closing, job, lease_ms=engine.lease_ms)
    if lease:
        _close(engine, [lease])


def _end(engine: Engine, lives: Sequence[tuple[Lease, Life | None]]) -> int:
    """End what still waits of those jobs that are over, all in a few round trips.

    Returns how many recipients.
    """
    ledger, now_ms = engine.ledger, engine.now_ms()
    ends, over = list[tuple[Lease, float | None]](), dict[str, State]()
    for lease, life in lives:
        if life is None:
            ends.append((lease, None))
        elif not life.cancelled and life.deadline_ms > now_ms:
            # The deadline was moved since: come back then.
            ends.append((lease, life.deadline_ms - now_ms))
        else:
            over[lease.member] = State.CANCELLED if life.cancelled else State.EXPIRED
            # What is under way may yet come back to wait; it ends then, and the params with it.
            ends.append((lease, engine.lease_ms if life.sending else None))
    retention.close_intake(ledger, [job for job, state in over.items() if state is State.EXPIRED])
    ended = retention.end_waiting(ledger, over)
    due.finish_many(ledger, ledger.keys.expire, ends)
    for job, recipients in ended.items():
        log.info("job %s: %d recipients ended as %s", job, recipients, over[job])
    return sum(ended.values())


def _close(engine: Engine, leases: Sequence[Lease]) -> None:
    ledger, key, now_ms = engine.ledger, engine.ledger.keys.closing, engine.now_ms()
    hours = [lease for lease in leases if lease.member.startswith(retention.HOUR)]
    for lease in hours:
        due.finish(ledger, key, lease, _remove_hour(engine, lease.member, now_ms))
    leases = [lease for lease in leases if lease not in hours]
    lives = retention.lives_of(ledger, [lease.member for lease in leases])
    ends = [(lease, _left_ms(engine, life, now_ms)) for lease, life in zip(leases, lives, strict=True)]
    kept: dict[str, int] = {}
    for (lease, left_ms), life in zip(ends, lives, strict=True):
        if left_ms is not None and left_ms <= 0:
            retention.remove(ledger, lease.member)
        elif left_ms is not None and life is not None:
            log.info("job %s is closed", lease.member)
            kept[lease.member] = life.closed_ms or now_ms
    if hours or any(left_ms is not None and left_ms <= 0 for _, left_ms in ends):
        # Without a worker on the queue of webhooks their outbox would grow for ever.
        kept_s = webhooks_outbox.kept_s(engine.settings.retention_days)
        if dropped := webhooks_outbox.trim(ledger, keep_s=kept_s):
            told = "%d events for webhooks were never moved and are dropped: no worker has served %s"
            log.error(told, dropped, WEBHOOKS_QUEUE)
    # Nothing is left to finish of what leaves with its hour from now on.
    small = retention.compact(ledger, kept, keep_ms=engine.settings.retention_days * DAY_MS)
    left = [(lease, left_ms) for lease, left_ms in ends if lease.member not in small]
    due.finish_many(ledger, key, [(lease, left_ms if left_ms and left_ms > 0 else None) for lease, left_ms in left])


def _remove_hour(engine: Engine, member: str, now_ms: int) -> float | None:
    """Remove some of the jobs that closed in an hour.

    Returns:
        After how many ms there is more to do; None when all are gone.
    """
    ledger = engine.ledger
    names = retention.closed_in(ledger, member, CLOSED_AT_ONCE)
    removed = 0
    for name, life in zip(names, retention.lives_of(ledger, names), strict=True):
        left_ms = _left_ms(engine, life, now_ms)
        if left_ms is not None and left_ms > 0:
            retention.drop_closed_in(ledger, member, removed)
            return left_ms  # the retention was made longer since
        retention.remove(ledger, name)
        removed += 1
    retention.drop_closed_in(ledger, member, removed)
    return 0.0 if names else None


def _left_ms(engine: Engine, life: Life | None, now_ms: int) -> float | None:
    """Ms until a closed job's retention is over.

    None when there is no such job, or it is open again.
    """
    if life is None or life.closed_ms is None:
        return None
    return life.closed_ms + engine.settings.retention_days * DAY_MS - now_ms
