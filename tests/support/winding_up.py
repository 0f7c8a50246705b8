"""The end of every ledger in a test: all jobs are ended, closed and purged.

Whatever is left in Redis then has leaked.
"""

from typing import Final

from smsline.ledger import steering
from smsline.ledger.keys import PERMANENT
from smsline.ledger.link import Ledger
from tests.support.scene import Scene, make_scene

DAY_S: Final = 86_400
EMPTY_AT_THE_END: Final = ("jobs", "dead", "unsure:", "due:")
"""Permanent keys of which nothing may be left: everything in them belongs to a job."""


def wind_up(ledger: Ledger) -> None:
    """End every job and let its retention pass; then see that nothing of it is left.

    Raises:
        AssertionError: A key, or a member of a permanent one, is left behind.
    """
    scene = make_scene(ledger)
    for job in ledger.redis.zrange(ledger.keys.jobs, 0, -1):
        steering.control(ledger, job.decode(), "cancelled")
    for _ in range(8):
        scene.later(4 * DAY_S)
        if not ledger.redis.exists(ledger.keys.jobs):
            break
    scene.later(4 * DAY_S)
    assert not leaked(scene), f"left behind: {leaked(scene)}"


def leaked(scene: Scene) -> list[str]:
    """Keys that will never go away although no job is left."""
    client, prefix = scene.ledger.redis, scene.ledger.keys.prefix
    names = [name.decode() for name in client.scan_iter(match=f"{prefix}*", count=1000)]
    return [name for name in names if client.ttl(name) == -1 and not _allowed(name.removeprefix(prefix))]


def _allowed(name: str) -> bool:
    return _among(name, PERMANENT) and not _among(name, EMPTY_AT_THE_END)


def _among(name: str, known: tuple[str, ...]) -> bool:
    return any(name == each or (each.endswith(":") and name.startswith(each)) for each in known)
