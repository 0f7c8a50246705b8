"""Brings a ledger of an older layout to the present one, while no worker is at work.

Done twice it does nothing more. What is in flight stays as it is: receipts of calls that layout 2
has made are found by the index, in which their serials are.
"""

from collections import Counter

from smsline.ledger import dead
from smsline.ledger.link import Ledger
from smsline.ledger.version import LAYOUT

AT_ONCE = 500


def seen(ledger: Ledger) -> tuple[str, bool]:
    """The layout that is written down, and whether workers from before layouts have been at work.

    It is empty where none is written.

    Raises:
        redis.exceptions.RedisError: Redis cannot be reached.
    """
    # Those workers counted blocks and attempts here, and nothing else tells them.
    counted = ledger.redis.hmget(ledger.keys.ids, "block", "attempt")
    return (ledger.redis.get(ledger.keys.version) or b"").decode(), any(counted)


def migrate(ledger: Ledger) -> Counter[str]:
    """Rewrite what layout 1 wrote otherwise; returns how much of each there was.

    Raises:
        redis.exceptions.RedisError: Redis cannot be reached; ask again, what is done stays done.
    """
    client, keys, done = ledger.redis, ledger.keys, Counter[str]()
    stem = len(keys.prefix)
    for name in client.scan_iter(match=f"{keys.prefix}*", count=AT_ONCE):
        kind, _, rest = name.decode()[stem:].partition(":")
        if kind == "line":
            # Entries that are there already keep their place; so nothing is lost
            # when this was broken off.
            client.zunionstore(keys.queue(rest), [keys.queue(rest), name], aggregate="MIN")
            client.unlink(name)
            done["batch queues"] += 1
        elif kind in {"block", "attempt"}:
            queue = client.hget(name, "line")
            if queue is not None:
                client.hset(name, "queue", queue)
                client.hdel(name, "line")
                done[f"{kind}s"] += 1
        elif kind == "job":
            created_ms, closed_ms = client.hmget(name, "created_ms", "closed_ms")
            if created_ms and not closed_ms:
                client.zadd(keys.open, {rest: int(created_ms)})
                done["open jobs"] += 1
        elif kind in {"standing", "pulses"}:
            client.unlink(name)  # counts of failures, and when schedulers last looked: some minutes old at most
    done["groups of dead letters"] = dead.recount(ledger)
    client.hdel(keys.ids, "block", "attempt")
    client.set(keys.version, LAYOUT)
    return done
