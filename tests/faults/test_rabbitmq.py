"""RabbitMQ as Celery's broker, out of reach under load and with its messages gone.

No job is lost, no recipient is texted twice.
"""

from collections.abc import Iterator

import pytest
from celery import Celery

from smsline import Client
from smsline.names import TASK_SUBMIT, lane_queue
from tests.faults.support.rabbit import MAPPER, SERVER, RabbitMQ, url_of
from tests.faults.support.service import Service
from tests.faults.support.wire import Wire
from tests.support.waiting import wait_until
from worker.intake import submit

pytestmark = pytest.mark.skipif(
    not (SERVER and MAPPER), reason="no rabbitmq-server on this machine; .ci/run installs one"
)


@pytest.fixture(scope="module")
def rabbitmq(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RabbitMQ]:
    """A RabbitMQ, which takes seconds to start.

    Messages that a test left in it are wake-ups, and do no harm.
    """
    with RabbitMQ(tmp_path_factory.mktemp("rabbitmq")) as server:
        yield server


def test_the_broker_is_out_of_reach_under_load(service: Service, rabbitmq: RabbitMQ) -> None:
    """Jobs are taken all the same, for the ledger is there.

    The same workers go on by themselves when the broker is back, empty.
    """
    service.sandbox.control(latency_ms=50)
    service.client.close()
    with Wire(rabbitmq.port) as wire:
        service.client = Client(broker_url=url_of(wire.port), redis_url=service.direct_url)
        worker = service.worker(BROKER_URL=url_of(wire.port)).wait_ready()
        jobs = [service.campaign(3_000, pace=1_000), *(service.otp() for _ in range(5))]
        wait_until(lambda: len(service.sent()) > 500, what="the campaign going out")
        wire.cut()
        jobs += [service.otp() for _ in range(3)]
        rabbitmq.purge()
        wire.mend()
        service.wait_closed(*jobs)
        jobs.append(service.otp())
        service.wait_closed(jobs[-1])
        assert worker.alive()
        assert service.account(jobs) == {"delivered": 3_000 + len(jobs) - 1}


def test_a_job_in_a_message_outlasts_the_ledger(service: Service, rabbitmq: RabbitMQ) -> None:
    """A submitted message that meets a ledger which is away is not acknowledged.

    It is a job as soon as the ledger is back.
    """
    payload = {"v": 1, "template": "1", "to": ["+8613800100000"], "lane": "otp"}
    worker = service.worker(tapped=True, BROKER_URL=url_of(rabbitmq.port)).wait_ready()
    service.wire.cut()
    with Celery(broker=url_of(rabbitmq.port), set_as_current=False) as producer:
        producer.send_task(TASK_SUBMIT, args=[payload], queue=lane_queue("otp"), task_id="m1")
    log = service.folder / "workers.log"
    wait_until(lambda: "smsline.submit cannot use Redis" in log.read_text(), what="a try in vain")
    service.wire.mend()
    job = submit.job_id_of("m1")
    wait_until(lambda: len(service.sent()) == 1, what="the job going out")
    service.wait_closed(job)
    assert worker.alive()
    assert service.account([job]) == {"delivered": 1}
