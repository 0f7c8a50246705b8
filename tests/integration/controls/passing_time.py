"""Time that passes for what campaign controls write down too: the messages of a number, and the pace of a job."""

import json
from typing import Final

from smsline.ledger.link import Ledger
from tests.support.scene import Scene

PACE_FIELDS: Final = ("pace_ms", "pace_tail")


def let_pass(scene: Scene, seconds: float) -> None:
    """Let so many seconds pass, then do what has come due."""
    _move_called(scene.ledger, seconds)
    _move_jobs(scene.ledger, seconds)
    scene.later(seconds)


def _move_called(ledger: Ledger, seconds: float) -> None:
    for key in list(ledger.redis.scan_iter(match=f"{ledger.keys.prefix}called:*")):
        for number, packed in ledger.redis.hgetall(key).items():
            times = [int.from_bytes(packed[i : i + 4], "big") - int(seconds) for i in range(0, len(packed), 4)]
            ledger.redis.hset(key, number, b"".join(time.to_bytes(4, "big") for time in times))


def _move_jobs(ledger: Ledger, seconds: float) -> None:
    for name in ledger.redis.zrange(ledger.keys.jobs, 0, -1):
        key = ledger.keys.job(name.decode())
        for field in PACE_FIELDS:
            if held := ledger.redis.hget(key, field):
                ledger.redis.hset(key, field, float(held) - seconds * 1000)
        spec = json.loads(ledger.redis.hget(key, "spec") or "{}")
        if spec.get("start_s"):
            ledger.redis.hset(key, "spec", json.dumps({**spec, "start_s": spec["start_s"] - seconds}))


def due_in_s(scene: Scene, key: str) -> list[float]:
    """In how many seconds each member of a due set is due, soonest first."""
    now_ms = scene.engine.now_ms()
    return [(at_ms - now_ms) / 1000 for _, at_ms in scene.ledger.redis.zrange(key, 0, -1, withscores=True)]
