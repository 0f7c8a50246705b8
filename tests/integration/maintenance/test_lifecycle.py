"""Jobs that end: no cancel waits behind what is overdue; many end for a few round trips."""

from collections.abc import Callable
from typing import Any

import pytest

from smsline.ledger import due, steering
from tests.support.scene import Scene
from worker.intake import accept
from worker.maintenance import lifecycle

FIRST = 8613700000000


def counted(ask: Callable[..., Any], asked: list[str]) -> Callable[..., Any]:
    """The same, noted down each time."""

    def do(*args: Any, **options: Any) -> Any:
        asked.append(ask.__name__)
        return ask(*args, **options)

    return do


def round_trips(scene: Scene, overdue: int) -> list[str]:
    """How often Redis is asked while many overdue single messages and a cancelled campaign end."""
    ledger, asked = scene.ledger, list[str]()
    jobs = [scene.submit([FIRST + n], lane="otp", params=[str(n)]) for n in range(overdue)]
    campaign = scene.submit([FIRST + n for n in range(450)], lane="marketing")
    for job in (*jobs, campaign):
        accept.accept_job(scene.engine, job)
    ledger.redis.zadd(ledger.keys.expire, dict.fromkeys(jobs, 1))
    for job in jobs:
        ledger.redis.hset(ledger.keys.job(job), "deadline_ms", 1)
    steering.control(ledger, campaign, "cancelled")
    assert due.members(ledger, ledger.keys.expire, 2, most=1) == [campaign]
    with pytest.MonkeyPatch.context() as patch:
        for holder, name in ((ledger, "run"), (ledger, "run_many"), (ledger.redis, "pipeline")):
            patch.setattr(holder, name, counted(getattr(holder, name), asked))
        patch.setattr(ledger, "_look_at_layout", lambda: None)  # once a second, whatever is done
        lifecycle.end_due(scene.engine, 60)
    assert {scene.status(job)["counts"]["expired"] for job in jobs} == {1}
    assert scene.status(campaign)["counts"]["cancelled"] == 450
    return asked


def test_many_end_together(scene: Scene) -> None:
    """Ten times as many overdue messages end in as many round trips, none before a cancel."""
    round_trips(scene, 2)  # until Redis knows the scripts
    assert round_trips(scene, 40) == round_trips(scene, 4)
