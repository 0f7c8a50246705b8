"""Redis' clock was set back: what waits in hashes, holds and inboxes is due by so much sooner.

The beat that notices the step moves the due sets whose times are all spans from a moment on, in its
own script. Here is the rest, which has to be looked for first. It may be done a moment later, and
twice does no harm: what does not lie ahead stays.
"""

from typing import Final

from smsline.ledger import webhooks_queue
from smsline.ledger.link import Ledger, ScriptCall
from smsline.names import LANES

# Not held_ms: it is the mark of the trial calls under way, which would be no news any more.
BREAKER_TIMES: Final = ("probe_ms", "slow_ms", "out_ms", "back_ms", "from_ms")
PARK_TIMES: Final = ("probe_ms", "prober_ms")
PACE_TIMES: Final = ("pace_ms", "pace_tail")


def due_sooner(ledger: Ledger, by_ms: int, *, most: int) -> int:
    """Let waits end by so much sooner.

    Args:
        ledger: Where.
        by_ms: By how much the clock was set back.
        most: Members of one due set, holds and jobs that are looked at.

    Returns:
        How many waits those were.
    """
    keys, redis = ledger.keys, ledger.redis
    hashes: list[tuple[str, tuple[str, ...]]] = []
    for account in [name.decode() for name in redis.hkeys(keys.accounts)]:
        # The marks of what is parked stand at the account.
        marks = [field.decode()[5:] for field in redis.hkeys(keys.account(account)) if field.startswith(b"park:")]
        hashes += [(keys.breaker(account), BREAKER_TIMES), *((keys.park(account, mark), PARK_TIMES) for mark in marks)]
    hashes += [(keys.job(job.decode()), PACE_TIMES) for job in redis.zrange(keys.open, 0, most - 1)]
    calls: list[ScriptCall] = [("sooner", [key], [by_ms, *times]) for key, times in hashes]
    moved = sum(sum(ledger.run_many(calls[start : start + 500])) for start in range(0, len(calls), 500))
    for lane in LANES:
        for queue in redis.zrange(keys.send(lane), 0, most - 1):
            # Redis keeps the expiry of a hold as a point in time, too.
            hold = keys.hold(queue.decode())
            if (left_ms := redis.pttl(hold)) > 0:
                redis.pexpire(hold, max(1, left_ms - by_ms))
                moved += 1
    moved += _inboxes(ledger, by_ms, most)
    return moved + webhooks_queue.due_sooner(ledger, by_ms, most=most)


def _inboxes(ledger: Ledger, by_ms: int, most: int) -> int:
    """Jobs that wait to be accepted or looked at again.

    One with a start of its own keeps it, for that is no span.
    """
    redis, keys, moved, now_ms = ledger.redis, ledger.keys, 0, ledger.now_ms()
    for lane in LANES:
        waiting = redis.zrangebyscore(keys.inbox(lane), f"({now_ms}", "+inf", start=0, num=most, withscores=True)
        for job, at_ms in waiting:
            created_ms, start_ms = (
                int(each or 0) for each in redis.hmget(keys.job(job.decode()), "created_ms", "start_ms")
            )
            own_ms = start_ms if start_ms > created_ms else 0
            sooner_ms = max(now_ms, own_ms, at_ms - by_ms)
            moved += int(redis.zadd(keys.inbox(lane), {job: sooner_ms}, xx=True, lt=True, ch=True))
    return moved
