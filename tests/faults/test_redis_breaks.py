"""Redis killed and restarted under load, and away for a while.

What was taken is there afterwards, and nothing is sent without it.
"""

import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from smsline import Client
from smsline.errors import Unavailable, Unconfirmed
from smsline.job import JobOptions
from tests.faults.support.processes import SOON_S
from tests.faults.support.service import Service, service_on
from tests.faults.support.wire import Moment, know_scripts
from tests.support.admin import admin_of
from tests.support.redis_server import RedisServer
from tests.support.waiting import wait_until


@pytest.fixture
def redis_on_disk(tmp_path: Path) -> Iterator[RedisServer]:
    """A Redis with an append-only file."""
    with RedisServer(tmp_path) as server:
        yield server


@pytest.fixture
def lasting(redis_on_disk: RedisServer, tmp_path: Path) -> Iterator[Service]:
    """A service whose Redis can be killed and started again."""
    with service_on(redis_on_disk.port, tmp_path) as made:
        yield made


class Producer(threading.Thread):
    """Hands over one otp after the other until told to stop.

    Attributes:
        taken: Jobs whose submit returned.
        refused: How many submits said that nothing was taken.
        unclear: Jobs whose submit said that they may have been taken.
    """

    def __init__(self, service: Service) -> None:
        super().__init__(daemon=True)
        self._service = service
        self._over = threading.Event()
        self.taken: list[str] = []
        self.refused = 0
        self.unclear: list[str] = []

    def run(self) -> None:
        """Submit; a refusal is an error that says so, never anything else."""
        while not self._over.wait(0.02):
            try:
                self.taken.append(self._service.otp())
            except Unavailable:
                self.refused += 1
            except Unconfirmed as error:
                self.unclear.append(error.job)

    def finish(self) -> None:
        """Stop and wait for the last submit."""
        self._over.set()
        self.join()


def test_redis_is_killed_under_load(lasting: Service, redis_on_disk: RedisServer) -> None:
    """Every job whose submit returned survives a kill -9 of Redis, and workers go on by themselves.

    No recipient of a campaign is texted twice.
    """
    lasting.sandbox.control(latency_ms=100)
    worker = lasting.worker(UNSURE_HORIZON_S__MARKETING=SOON_S).wait_ready()
    producer = Producer(lasting)
    producer.start()
    campaign = lasting.campaign(2_000, pace=1_000)
    for _ in range(2):
        before = len(producer.taken)
        wait_until(lambda before=before: len(producer.taken) > before + 5, what="some jobs being taken")  # type: ignore[misc]
        redis_on_disk.kill()
        wait_until(lambda refused=producer.refused: producer.refused > refused, what="a refusal")  # type: ignore[misc]
        redis_on_disk.start()
    producer.finish()
    there = {status["job"] for status in admin_of(lasting.client).jobs(limit=10_000)}
    assert set(producer.taken) <= there
    producer.taken += [job for job in producer.unclear if job in there]
    lasting.wait_closed(campaign, *producer.taken)
    assert worker.alive()
    repeated = lasting.sandbox.stats(numbers="repeated", log=False)["numbers"]
    sent_twice = [number for number in repeated if number in {row["phone"] for row in lasting.client.results(campaign)}]
    assert sent_twice == []
    states = lasting.account([campaign, *producer.taken], twice=len(producer.taken))
    assert set(states) <= {"delivered", "unknown"}
    assert states.total() == 2_000 + len(producer.taken)


def test_redis_is_away_for_a_while(service: Service) -> None:
    """While Redis is out of reach no call is made and no job taken; then everything goes on."""
    cut_off = Client(redis_url=service.wire.url)
    service.worker(tapped=True).wait_ready()
    service.wait_closed(service.otp())
    service.wire.cut()
    waiting = service.campaign(300)
    with pytest.raises(Unavailable):
        cut_off.send(to="+8613800109999", template="1234", lane="otp")
    with pytest.raises(Unavailable):
        cut_off.campaign(to=["+8613800109999"], template="5678")
    before, until_s = service.sent(), time.monotonic() + 1.5
    wait_until(lambda: time.monotonic() > until_s, what="a while")
    assert service.sent() == before, "sent without the ledger"
    service.wire.mend()
    service.wait_closed(waiting)
    assert service.states(waiting) == {"delivered": 300}
    assert set(service.sent().values()) == {1}
    cut_off.close()


def test_redis_goes_away_during_calls(service: Service) -> None:
    """What the provider answered meanwhile, to sends and pulls, is written when Redis is back.

    No number is unsure or asked about.
    """
    service.sandbox.control(latency_ms=500)
    # No call is given up: what is late is late because the machine is busy.
    service.worker(tapped=True, LEASE_S="60", ACCOUNTS__MAIN__TIMEOUT_S="30").wait_ready()
    campaign = service.campaign(2_000)
    # Calls under way grow in number: the first ones of an account are few.
    wait_until(
        lambda: service.client.status(campaign)["counts"]["sending"] >= 600, what="several calls being under way"
    )
    # A call that began while its Redis went away would never be made.
    service.client.pause(campaign)
    begun = 2_000 - service.client.status(campaign)["counts"]["waiting"]
    wait_until(lambda: len(service.sent()) == begun, what="all calls being carried out")
    service.wire.cut()
    until_s = time.monotonic() + 0.7
    wait_until(lambda: time.monotonic() > until_s, what="the answers")
    service.wire.mend()
    service.client.resume(campaign)
    service.wait_closed(campaign)
    assert service.account([campaign]) == {"delivered": 2_000}
    assert all(row["serial"] and row["code"] == "DELIVRD" for row in service.client.results(campaign))
    assert "had no answer" not in (service.folder / "workers.log").read_text()


@pytest.mark.parametrize("moment", ["asked", "answered"])
def test_the_answer_to_a_submit_is_lost(service: Service, moment: Moment) -> None:
    """A submit whose connection breaks is asked again, one job whether Redis had it or not."""
    know_scripts(service.ledger, "submit")
    client = Client(redis_url=service.wire.url)
    service.wire.tap("submit", moment, lambda: None)
    job = client.send(to="+8613800109999", template="1234", lane="otp", ttl_s=60)
    assert [each["job"] for each in admin_of(client).jobs()] == [job]
    service.worker()
    service.wait_closed(job)
    assert service.sent() == {"+8613800109999": 1}
    client.close()


def test_whether_a_job_was_taken_is_not_known(service: Service) -> None:
    """When Redis stays away after a submit, the error carries the job's id.

    Repeating the call with it is one job and one message.
    """
    know_scripts(service.ledger, "submit")
    client = Client(redis_url=service.wire.url)
    service.wire.tap("submit", "answered", service.wire.cut)
    spec: JobOptions = {"lane": "otp", "ttl_s": 60}
    with pytest.raises(Unconfirmed, match="may have been taken") as doubt:
        client.send(to="+8613800109999", template="1234", **spec)
    service.wire.mend()
    job = client.send(to="+8613800109999", template="1234", job_id=doubt.value.job, **spec)
    assert job == doubt.value.job
    assert [each["job"] for each in admin_of(client).jobs()] == [job], "it had been taken"
    service.worker()
    service.wait_closed(job)
    assert service.sent() == {"+8613800109999": 1}
    client.close()
