"""Losses of Redis' memory: noticed by the numbered beats of each process, and kept to be shown.

A promoted replica, a restored copy or a power cut takes back the last moments. What was written
before them stays right, because ids are never used twice; what was written in them is gone, and
nothing else can tell.
"""

import json
from dataclasses import dataclass
from typing import Final

from redis.exceptions import ResponseError

from smsline.ledger import step_back
from smsline.ledger.jobs import iso
from smsline.ledger.keys import Keys
from smsline.ledger.link import Ledger
from smsline.ledger.talk import Talk, ask, carry
from smsline.names import LANES

BEAT_TTL_MS: Final = 3_600_000

# A clock that is behind its last beat by more was set back.
STEP_BACK_MS: Final = 2_000

# Members of one due set that a beat moves at most, so that Redis stands still for a moment only;
# the next beat goes on.
MOVED_AT_ONCE: Final = 20_000
KEPT: Final = 20
KEPT_S: Final = 7 * 86_400
_KEPT_FIELDS: Final = ("from_ms", "to_ms", "found_ms")


@dataclass(frozen=True, slots=True)
class Beat:
    """What a process learns from its beat.

    Attributes:
        layout: The ledger's layout, empty when there is none yet.
        number: The process' last beat that the ledger knows; None when it knows none.
        last_ms: The last beat of any process, epoch ms; None when there was none.
        now_ms: The present by Redis, epoch ms.
        moved: Members of due sets that were made due sooner, because the clock was set back.
    """

    layout: str
    number: int | None
    last_ms: int | None
    now_ms: int
    moved: int


@dataclass(frozen=True, slots=True)
class Loss:
    """Redis lacked what was written from one moment to another; epoch ms, by its own clock.

    Attributes:
        certain: Whether a beat of that time is gone. Else Redis is another server, or was
            restarted, and what was written since the last beat may be gone.
    """

    from_ms: int
    to_ms: int
    found_ms: int
    certain: bool = True

    def span(self) -> str:
        """Its time in words."""
        return (
            f"from {iso(self.from_ms)} to {iso(self.to_ms)}"
            if self.from_ms
            else f"until {iso(self.to_ms)}: it came back empty"
        )


def beat(ledger: Ledger, worker: str, number: int) -> Beat:
    """Write a beat down; numbers count up from 1 in each process."""
    keys = ledger.keys
    spans = [keys.later, keys.lease, keys.drain, keys.probe, keys.unsure_due, keys.credit, *map(keys.send, LANES)]
    spans += [keys.pushed_due, keys.replies_due, keys.stats_due, keys.webhooks_due]
    layout, before, last, now_ms, moved = ledger.run(
        "beat",
        [keys.version, keys.ids, keys.beat(worker), keys.clock, *spans],
        [number, BEAT_TTL_MS, STEP_BACK_MS, MOVED_AT_ONCE],
    )
    back_ms = int(last or 0) - int(now_ms)
    if back_ms >= STEP_BACK_MS:
        # Only the process whose beat was the first since the step comes here.
        moved += step_back.due_sooner(ledger, back_ms, most=MOVED_AT_ONCE)
    return Beat(layout.decode(), int(before) if before else None, int(last) if last else None, int(now_ms), int(moved))


def keep(ledger: Ledger, loss: Loss) -> Loss:
    """Keep a loss for people; the same one, found by another process, is kept once.

    Returns the one that is kept.
    """
    for newest in losses(ledger)[:1]:
        if abs(newest.found_ms - loss.found_ms) < 30_000 and (newest.certain or not loss.certain):
            # Who found it first knows better when it began: since then others have beaten again.
            return newest
    # Apart, because older workers, who may run beside us, read no other fields than these three.
    key = ledger.keys.losses if loss.certain else ledger.keys.losses_maybe
    pipe = ledger.redis.pipeline(transaction=True)
    pipe.lpush(key, json.dumps({name: getattr(loss, name) for name in _KEPT_FIELDS}))
    pipe.ltrim(key, 0, KEPT - 1)
    pipe.expire(key, KEPT_S)
    pipe.execute()
    return loss


def server_of(ledger: Ledger) -> str:
    """A word that is the running server's own; another after a failover or a restart.

    Empty where Redis does not say.
    """
    try:
        found = ledger.redis.info("server")
    except ResponseError:  # hosted Redis may not allow the command
        return ""
    return str(found.get("run_id", ""))


def losses(ledger: Ledger) -> list[Loss]:
    """Losses of the last week, newest first."""
    return carry(ledger.redis, kept(ledger.keys))


def kept(keys: Keys) -> Talk[list[Loss]]:
    """The same, for a producer, who has no ledger."""
    answers = yield from ask(("LRANGE", keys.losses, "0", "-1"), ("LRANGE", keys.losses_maybe, "0", "-1"))
    found = [
        Loss(**{name: held[name] for name in _KEPT_FIELDS}, certain=certain)
        for certain, texts in zip((True, False), answers, strict=True)
        for held in map(json.loads, texts)
    ]
    return sorted(found, key=lambda loss: loss.found_ms, reverse=True)
