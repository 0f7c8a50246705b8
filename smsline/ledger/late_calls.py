"""Calls that are under way for longer than usual, as people are told of them.

Read from what is written before every call anyway (`lua/begin.lua`): an attempt that is begun and
not recorded. So it also tells of a worker that was stopped or killed in the middle of its call.
"""

from typing import Final, TypedDict

from smsline.ledger.batch_queues import parse_queue
from smsline.ledger.link import Ledger
from smsline.ledger.runs import decode, parse_entry

# No provider takes as long over a call that it answers; a timeout is longer.
LATE_MS: Final = 3_000

# Claims that are read, the oldest first: all that run at once, and a bound where
# their workers died.
MOST_CLAIMS: Final = 500


class LateCalls(TypedDict):
    """Calls of an account without an outcome: how many, their recipients, when the oldest began."""

    calls: int
    recipients: int
    since_ms: int


def late_calls(ledger: Ledger) -> dict[str, LateCalls]:
    """Of each account that has any.

    Raises:
        redis.exceptions.RedisError: Redis cannot be reached.
    """
    keys, found = ledger.keys, dict[str, LateCalls]()
    pipe = ledger.redis.pipeline(transaction=False)
    for attempt in ledger.redis.zrange(keys.lease, 0, MOST_CLAIMS - 1):
        pipe.hmget(keys.attempt(attempt.decode()), "state", "started_ms", "queue", "entries")
    before_ms = ledger.now_ms() - LATE_MS
    for state, started_ms, queue, entries in pipe.execute():
        if state != b"begun" or int(started_ms) > before_ms:
            continue
        account = parse_queue(queue.decode()).account
        so_far = found.get(account, LateCalls(calls=0, recipients=0, since_ms=int(started_ms)))
        found[account] = LateCalls(
            calls=so_far["calls"] + 1,
            recipients=so_far["recipients"]
            + sum(len(decode(parse_entry(text).runs)) for text in entries.decode().split()),
            since_ms=min(so_far["since_ms"], int(started_ms)),
        )
    return found
