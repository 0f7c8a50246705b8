"""Time that passes for what campaign controls write down too.

That is the messages of a number, and the start of a paced job.
"""

import json

from smsline.ledger.link import Ledger
from tests.support.clock import advance
from tests.support.scene import Scene


def let_pass(scene: Scene, seconds: float) -> None:
    """Let so many seconds pass, then do what has come due."""
    no_worker_works(scene, seconds)
    scene.run()


class Course:
    """The course of a test, from its making on.

    Args:
        scene: Whose time.
    """

    def __init__(self, scene: Scene) -> None:
        self._scene = scene
        self._now_s = 0.0

    def to(self, seconds: float) -> None:
        """Let time pass until so many seconds after the start, then do what has come due."""
        no_worker_works(self._scene, seconds - self._now_s)
        self._now_s = seconds
        self._scene.run()


def no_worker_works(scene: Scene, seconds: float) -> None:
    """Let so many seconds pass while all workers are down."""
    _move_called(scene.ledger, seconds)
    _move_starts(scene.ledger, seconds)
    advance(scene.ledger, seconds)


def _move_called(ledger: Ledger, seconds: float) -> None:
    for key in list(ledger.redis.scan_iter(match=f"{ledger.keys.prefix}called:*")):
        for number, packed in ledger.redis.hgetall(key).items():
            times = [int.from_bytes(packed[i : i + 4], "big") - int(seconds) for i in range(0, len(packed), 4)]
            ledger.redis.hset(key, number, b"".join(at_s.to_bytes(4, "big") for at_s in times))


def _move_starts(ledger: Ledger, seconds: float) -> None:
    for name in ledger.redis.zrange(ledger.keys.jobs, 0, -1):
        key = ledger.keys.job(name.decode())
        spec = json.loads(ledger.redis.hget(key, "spec") or "{}")
        if spec.get("start_s"):
            ledger.redis.hset(key, "spec", json.dumps({**spec, "start_s": spec["start_s"] - seconds}))


def due_in_s(scene: Scene, key: str) -> list[float]:
    """In how many seconds each member of a due set is due, soonest first."""
    now_ms = scene.engine.now_ms()
    return [(at_ms - now_ms) / 1000 for _, at_ms in scene.ledger.redis.zrange(key, 0, -1, withscores=True)]
