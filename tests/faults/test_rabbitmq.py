"""RabbitMQ as Celery's broker, out of reach under load and with its messages gone: no job is lost, nobody is texted twice."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from smsline import Client
from tests.faults.support.rabbit import MAPPER, SERVER, RabbitMQ, url_of
from tests.faults.support.service import Service
from tests.faults.support.wire import Wire
from tests.support.waiting import wait_until

pytestmark = pytest.mark.skipif(
    not (SERVER and MAPPER), reason="no rabbitmq-server on this machine; .ci/run installs one"
)


@pytest.fixture
def rabbitmq(tmp_path: Path) -> Iterator[RabbitMQ]:
    """A RabbitMQ with nothing in it."""
    folder = tmp_path / "rabbitmq"
    folder.mkdir()
    with RabbitMQ(folder) as server:
        yield server


def test_the_broker_is_out_of_reach_under_load(service: Service, rabbitmq: RabbitMQ) -> None:
    """Jobs are taken all the same, for the ledger is there; the same workers go on by themselves when the broker is back, empty."""
    service.sandbox.control(latency_ms=50)
    service.client.close()
    with Wire(rabbitmq.port) as wire:
        service.client = Client(broker_url=url_of(wire.port), redis_url=service.direct_url)
        worker = service.worker(BROKER_URL=url_of(wire.port)).wait_ready()
        jobs = [service.campaign(3_000, pace=1_000), *(service.otp() for _ in range(5))]
        wait_until(lambda: len(service.sent()) > 500, timeout_s=20, what="the campaign going out")
        wire.cut()
        jobs += [service.otp() for _ in range(3)]
        rabbitmq.purge()
        wire.mend()
        service.wait_closed(*jobs, timeout_s=60)
        jobs.append(service.otp())
        service.wait_closed(jobs[-1])
        assert worker.alive()
        assert service.account(jobs) == {"delivered": 3_000 + len(jobs) - 1}
