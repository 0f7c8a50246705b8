"""Jobs that end: a cancel does not wait behind what is overdue, and many end for the price of a few round trips."""

from typing import Any

import pytest

from smsline.ledger import due, inbox
from tests.support.scene import Scene
from worker.intake import accept
from worker.maintenance import lifecycle

FIRST = 8613700000000


def round_trips(scene: Scene, overdue: int) -> int:
    """How often Redis is asked while so many single messages end that are overdue, and a campaign that is cancelled."""
    ledger, asked = scene.ledger, list[str]()
    jobs = [scene.submit([FIRST + n], lane="otp", params=[str(n)]) for n in range(overdue)]
    campaign = scene.submit([FIRST + n for n in range(450)], lane="marketing")
    for job in (*jobs, campaign):
        accept.accept_job(scene.engine, job)
    ledger.redis.zadd(ledger.keys.expire, dict.fromkeys(jobs, 1))
    for job in jobs:
        ledger.redis.hset(ledger.keys.job(job), "deadline_ms", 1)
    inbox.control(ledger, campaign, "cancelled")
    assert due.members(ledger, ledger.keys.expire, 2, most=1) == [campaign]
    with pytest.MonkeyPatch.context() as patch:
        for holder, name in ((ledger, "run"), (ledger, "run_many"), (ledger.redis, "pipeline")):

            def counted(*args: Any, real: Any = getattr(holder, name), name: str = name, **options: Any) -> Any:
                asked.append(name)
                return real(*args, **options)

            patch.setattr(holder, name, counted)
        lifecycle.end_due(scene.engine)
    assert {scene.status(job)["counts"]["expired"] for job in jobs} == {1}
    assert scene.status(campaign)["counts"]["cancelled"] == 450
    return len(asked)


def test_many_end_together(scene: Scene) -> None:
    """Ten times as many overdue messages are ended in as many round trips, and none of them stands before a cancel."""
    round_trips(scene, 2)  # until Redis knows the scripts
    assert round_trips(scene, 40) == round_trips(scene, 4)
