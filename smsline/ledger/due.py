"""Due sets: members with a time, claimed under a lease when it comes, finished with its fence.

And wake-ups: what is due wakes up a worker once.
"""

import secrets
from collections.abc import Sequence
from typing import Final, NamedTuple

from smsline.ledger.link import Ledger, ScriptCall, clock_ms, scored
from smsline.ledger.poison import readable

# A published wake-up that no worker has started for so long is taken for lost.
WAKE_EXPIRY_MS: Final = 5_000


class Lease(NamedTuple):
    """A claimed member of a due set.

    Attributes:
        member: What is due.
        fence: End of the lease in ms as the ledger wrote it; only who knows it can finish.
    """

    member: str
    fence: str


def claim(ledger: Ledger, due_key: str, *, most: int = 1, lease_ms: float = 60_000) -> list[Lease]:
    """Claim what is due, longest due first; unfinished, it is due again after the lease."""
    # No leader and no lock: every worker claims, the script gives each member to one of them, and a
    # worker that dies costs its leases and nothing else.
    answer = ledger.run("claim", [due_key], [most, lease_ms])
    ends = dict(zip(answer[::2], answer[1::2], strict=True))
    return [Lease(member, ends[member.encode()].decode()) for member in readable(ledger, due_key, list(ends))]


def claim_one(ledger: Ledger, due_key: str, member: str, *, lease_ms: float = 60_000) -> Lease | None:
    """Claim this member if it is due."""
    fence = ledger.run("claim_one", [due_key], [member, lease_ms])
    return Lease(member, fence.decode()) if fence else None


def finish(ledger: Ledger, due_key: str, lease: Lease, again_ms: float | None = None) -> bool:
    """End a claim: gone, or due again in `again_ms`.

    False when the lease was lost or the member became due meanwhile.
    """
    return bool(ledger.run("finish", [due_key], [*lease, "" if again_ms is None else again_ms]))


def finish_many(ledger: Ledger, due_key: str, ends: Sequence[tuple[Lease, float | None]]) -> None:
    """End many claims in one round trip, each as `finish` does."""
    if ends:
        ledger.run_many(
            [("finish", [due_key], [*lease, "" if again_ms is None else again_ms]) for lease, again_ms in ends]
        )


def start(ledger: Ledger, due_key: str, members: Sequence[str], at_ms: float) -> None:
    """Make members due that are not yet in the set.

    One that is there keeps its time, and its lease.
    """
    ledger.redis.zadd(due_key, dict.fromkeys(members, at_ms), nx=True)


def drop(ledger: Ledger, due_key: str, member: str) -> None:
    """Take a member out of the set, also one that another process has claimed."""
    ledger.redis.zrem(due_key, member)


def hasten(ledger: Ledger, due_key: str, member: str, in_ms: float) -> None:
    """Make a member due in so many ms, unless it is due sooner.

    One that is not there stays away.
    """
    # XX and LT in one command: between a look and a write the member could have been claimed,
    # and would be due twice.
    ledger.redis.zadd(due_key, {member: clock_ms(ledger.redis.time()) + in_ms}, xx=True, lt=True)


def members(ledger: Ledger, due_key: str, now_ms: float, *, most: int) -> list[str]:
    """What is due, longest due first, without claiming it."""
    return readable(ledger, due_key, ledger.redis.zrangebyscore(due_key, "-inf", now_ms, start=0, num=most))


def due_now(ledger: Ledger, due_key: str, *, most: int) -> list[str]:
    """What is due by Redis' clock, longest due first, without claiming it."""
    told, found = ledger.ask(("TIME",), ("ZRANGE", due_key, 0, most - 1, "WITHSCORES"))
    now_ms = clock_ms(told)
    return readable(ledger, due_key, [member for member, score in scored(found) if score <= now_ms])


def next_due(ledger: Ledger, due_keys: Sequence[str]) -> tuple[list[float | None], float]:
    """Each due set's earliest time (epoch ms, None when empty) and the present, in one trip."""
    told, *heads = ledger.ask(("TIME",), *(("ZRANGE", key, 0, 0, "WITHSCORES") for key in due_keys))
    return [scored(head)[0][1] if head else None for head in heads], clock_ms(told)


def may_wake(ledger: Ledger, queue: str, *, wake: str = "", most: int = 1000, expiry_ms: int = WAKE_EXPIRY_MS) -> str:
    """Leave to publish a wake-up on a queue.

    Args:
        ledger: Where.
        queue: The queue.
        wake: What it is for, so that it is under way only once; empty for one among many.
        most: How many may be under way.
        expiry_ms: How long it may be under way.

    Returns:
        The wake-up's id; empty when enough are under way.
    """
    # Counted, because Redis' list says how many wake-ups lie there and not how many are being
    # worked; with an expiry, because Celery may lose a message.
    wake = wake or secrets.token_hex(4)
    return wake if ledger.run(*waking(ledger, queue, wake, most=most, expiry_ms=expiry_ms)) else ""


def waking(ledger: Ledger, queue: str, wake: str, *, most: int, expiry_ms: int) -> ScriptCall:
    """The call that asks for leave to publish a wake-up, to be made with others; see `may_wake`."""
    return "wake", [ledger.keys.wakes(queue)], [wake, most, expiry_ms]


def awake(ledger: Ledger, queue: str, wake: str) -> None:
    """A wake-up has been started (or could not be published)."""
    if wake:
        ledger.redis.zrem(ledger.keys.wakes(queue), wake)


def note_scheduler(ledger: Ledger, queues: Sequence[str]) -> None:
    """Say that a scheduler looks after these Celery queues; once a second at most."""
    now_ms = ledger.now_ms()
    if queues:
        ledger.redis.hset(ledger.keys.schedulers, mapping=dict.fromkeys(queues, now_ms))


def schedulers(ledger: Ledger) -> dict[str, int]:
    """When a scheduler last looked after each Celery queue, epoch ms."""
    return {queue.decode(): int(at_ms) for queue, at_ms in ledger.redis.hgetall(ledger.keys.schedulers).items()}
