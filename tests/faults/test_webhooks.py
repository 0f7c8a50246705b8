"""Endpoints that die, hang, answer 500 and get events twice.

A real scheduler and real threads deliver.
"""

from collections import Counter
from collections.abc import Iterator
from contextlib import closing, contextmanager
from typing import Any

import pytest

from config.web import WebhookSettings
from smsline.ledger import due, webhooks
from smsline.ledger.link import Ledger
from smsline.names import WEBHOOKS_QUEUE
from tests.support.receiver import DIE, HANG, Receiver
from tests.support.redis_server import RedisServer
from tests.support.scene import Scene, make_scene
from tests.support.waiting import wait_until
from tests.support.world import some_numbers
from worker.runtime.scheduler import Scheduler
from worker.webhooks import retries
from worker.webhooks.deliver import Deliveries


@pytest.fixture
def line(redis_server: RedisServer, monkeypatch: pytest.MonkeyPatch) -> Iterator[Scene]:
    """A line on a real Redis whose endpoints are tried again at once."""
    monkeypatch.setattr(retries, "RETRIES_S", (0.01,) * 12)
    monkeypatch.setattr(retries, "LONGEST_PAUSE_S", 0.01)
    ledger = Ledger.at(redis_server.url, "t")
    ledger.redis.flushall()
    yield make_scene(ledger, webhooks=WebhookSettings(allow_private=True))
    ledger.redis.close()


@contextmanager
def working(scene: Scene) -> Iterator[Deliveries]:
    """A scheduler that wakes for webhooks as a worker process has it."""
    with closing(Deliveries(scene.engine)) as deliveries:

        def publish(_task: str, _queue: str, kwargs: dict[str, Any]) -> None:
            deliveries.start(kwargs["member"], lambda: due.awake(scene.ledger, *kwargs["wake"]))

        scheduler = Scheduler(scene.engine, [WEBHOOKS_QUEUE], publish)
        scheduler.start()
        yield deliveries
        scene.engine.stopping.set()
        scheduler.stop()


def test_one_that_hangs_delays_no_other_and_what_dies_or_fails_has_the_ledgers_sums_in_the_end(line: Scene) -> None:
    """Applied once by webhook-id, the sums are the ledger's, and seq has no gap."""
    with Receiver() as hanging, Receiver() as shaky, Receiver() as steady, working(line):
        hanging.plan = [HANG] * 1_000
        shaky.plan = [500, DIE, 200, DIE, 503, 200, 500, DIE]
        for name, receiver in (("hanging", hanging), ("shaky", shaky), ("steady", steady)):
            receiver.secret = webhooks.add(line.ledger, name, receiver.url, ["recipients.final", "job.closed"])
        jobs = [line.submit(some_numbers(300, 8613700000000 + 1000 * n)) for n in range(3)]
        for job in jobs:
            line.close_all(job)
        wait_until(lambda: len(steady.of("job.closed")) == 3)
        assert not hanging.applied
        wait_until(lambda: len(shaky.of("job.closed")) == 3 and not webhooks.listed(line.ledger)[1]["waiting"])
        for receiver in (shaky, steady):
            for job in jobs:
                states = Counter(row["state"] for row in receiver.rows(job))
                assert states == {state: n for state, n in line.counts(job).items() if state != "total"}
        assert max(Counter(shaky.seen).values()) > 1
