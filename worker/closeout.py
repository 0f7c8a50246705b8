"""Jobs whose time has come go in: overdue and cancelled ones are ended, closed ones are removed after their retention."""

import logging
from typing import Final

from smsline.ledger import due, inbox, jobs
from smsline.ledger.due import Lease
from smsline.ledger.keys import ENDED_PART
from smsline.ledger.link import Ledger, ScriptCall
from smsline.names import LANES
from smsline.states import LETTERS, State
from worker.engine import Engine

AT_ONCE: Final = 100

log = logging.getLogger(__name__)


def end_job(engine: Engine, job: str) -> int:
    """End what still waits of a job that was cancelled or whose deadline has passed; returns how many recipients."""
    ledger = engine.ledger
    lease = due.claim_one(ledger, ledger.keys.expire, job, lease_ms=engine.settings.lease_s * 1000)
    if lease is None:
        return 0
    state = ledger.redis.hget(ledger.keys.job(job), "state")
    if state is None:
        due.finish(ledger, ledger.keys.expire, lease)
        return 0
    cancelled = state == b"cancelled"
    if not cancelled and _put_off(engine, job, lease):
        return 0
    under_way = int(ledger.redis.hget(ledger.keys.job(job), "sending") or 0)
    if not cancelled:
        ledger.run("shut", [ledger.keys.job(job), ledger.keys.got(job), ledger.keys.closing])
    ended = _drop_parts(ledger, job, State.CANCELLED if cancelled else State.EXPIRED)
    ended += _sweep(ledger, job, "c" if cancelled else "e")
    # What is under way may yet come back to wait; it ends then, and the params with it.
    due.finish(ledger, ledger.keys.expire, lease, engine.settings.lease_s * 1000 if under_way else None)
    if ended:
        log.info("job %s: %d recipients ended as %s", job, ended, "cancelled" if cancelled else "expired")
    return ended


def _put_off(engine: Engine, job: str, lease: Lease) -> bool:
    """A deadline that was moved since: come back then."""
    deadline_ms = int(engine.ledger.redis.hget(engine.ledger.keys.job(job), "deadline_ms") or 0)
    left_ms = deadline_ms - engine.now_ms()
    if left_ms > 0:
        due.finish(engine.ledger, engine.ledger.keys.expire, lease, left_ms)
    return left_ms > 0


def _drop_parts(ledger: Ledger, job: str, state: State) -> int:
    """End the recipients that are still in the inbox, part by part; their numbers and names stay for the results."""
    keys, ended = ledger.keys, 0
    got = {int(part) for part in ledger.redis.hkeys(keys.got(job))}
    taken = {int(part) for part in ledger.redis.hkeys(keys.blocks(job))}
    for part_no in sorted(got - taken):
        part = inbox.read_part(ledger, job, part_no)
        if part is not None:
            named = inbox.Part(part.numbers, None, part.refs).extra()
            ended += int(
                ledger.run(
                    "drop_part",
                    [keys.job(job), keys.part(job, part_no), keys.closing, keys.blocks(job)],
                    [len(part.numbers), state.value, LETTERS[state], part_no, named, ENDED_PART],
                )
            )
    return ended


def _sweep(ledger: Ledger, job: str, letter: str) -> int:
    keys, ended = ledger.keys, 0
    blocks = jobs.blocks_of(ledger, job)
    for i in range(0, len(blocks), AT_ONCE):
        calls: list[ScriptCall] = [
            ("sweep", [keys.block(block), keys.job(job), keys.closing], [letter]) for block in blocks[i : i + AT_ONCE]
        ]
        ended += sum(int(answer) for answer in ledger.run_many(calls))
    return ended


def close_job(engine: Engine, job: str) -> bool:
    """A closed job is looked at once when it closes and again when its retention is over; True when it was removed."""
    ledger = engine.ledger
    lease = due.claim_one(ledger, ledger.keys.closing, job, lease_ms=engine.settings.lease_s * 1000)
    if lease is None:
        return False
    closed_ms = ledger.redis.hget(ledger.keys.job(job), "closed_ms")
    if closed_ms is None:
        due.finish(ledger, ledger.keys.closing, lease)
        return False
    left_ms = int(closed_ms) + engine.settings.retention_days * 86_400_000 - engine.now_ms()
    if left_ms > 0:
        due.finish(ledger, ledger.keys.closing, lease, left_ms)
        log.info("job %s is closed", job)
        return False
    remove(ledger, job)
    due.finish(ledger, ledger.keys.closing, lease)
    return True


def remove(ledger: Ledger, job: str) -> None:
    """Forget a job: its blocks, its dead letters, its keys."""
    keys = ledger.keys
    pieces = [keys.block(block) for block in jobs.blocks_of(ledger, job)]
    pieces += [keys.part(job, int(part)) for part in ledger.redis.hkeys(keys.got(job))]
    for i in range(0, len(pieces), AT_ONCE):
        ledger.redis.unlink(*pieces[i : i + AT_ONCE])
    dead = [field for field in ledger.redis.hkeys(keys.dead) if field.decode().endswith(f" {job}")]
    if dead:
        ledger.redis.hdel(keys.dead, *dead)
    key = ledger.redis.hget(keys.job(job), "key") or b""
    owned = ledger.redis.get(keys.idempotency(key.decode())) if key else None
    gone = [keys.job(job), keys.got(job), keys.blocks(job), keys.held(job)]
    ledger.redis.unlink(*gone, *([keys.idempotency(key.decode())] if owned == job.encode() else []))
    ledger.redis.zrem(keys.jobs, job)
    ledger.redis.zrem(keys.expire, job)
    for lane in LANES:
        ledger.redis.zrem(keys.inbox(lane), job)
