"""Redis behind Sentinel: its primary ends while a campaign goes out.

A replica takes its place, and the line goes on by itself.
"""

import re
from pathlib import Path

import pytest

from smsline import Client
from smsline.errors import NotFound, Unavailable
from smsline.ledger import losses
from smsline.ledger.link import Ledger
from tests.faults.support.processes import SOON_S
from tests.faults.support.service import Service
from tests.support.admin import admin_of
from tests.support.sentinel import Watched
from tests.support.waiting import wait_until


def test_a_replica_takes_the_primary_s_place(tmp_path: Path) -> None:
    """Jobs that were there are finished, new ones are taken.

    What the replica had, no recipient is texted twice for.
    """
    with Watched(tmp_path) as redis, Service(redis.first.port, tmp_path) as service:
        service.direct_url = redis.url
        service.client.close()
        service.ledger = Ledger.at(redis.url, "smsline")
        service.client = Client(redis_url=redis.url)
        worker = service.worker(UNSURE_HORIZON_S__MARKETING=SOON_S).wait_ready()
        before = [service.campaign(300), service.otp()]
        service.wait_closed(*before)
        waiting = service.campaign(120, pace=40)
        redis.fail_over()
        wait_until(lambda: taken(service), what="a job being taken again", every_s=0.2)
        after = [service.campaign(300), service.otp()]
        service.wait_closed(*before, waiting, *after)
        states = service.account([*before, *after])
        assert states == {"delivered": 602}
        assert worker.alive()
        assert service.states(waiting)["delivered"] + service.states(waiting)["unknown"] == 120
        service.client.close()
        service.ledger.close()


def test_a_replica_without_the_last_moments_takes_the_primary_s_place(tmp_path: Path) -> None:
    """Two workers run on: each job handed over since closes with every number right.

    What was lost is told by both and kept.
    """
    with Watched(tmp_path) as redis, Service(redis.first.port, tmp_path) as service:
        service.direct_url = redis.url
        service.client.close()
        service.ledger = Ledger.at(redis.url, "smsline")
        service.client = Client(redis_url=redis.url)
        workers = [service.worker(LEASE_S="2", UNSURE_HORIZON_S__MARKETING=SOON_S) for _ in range(2)]
        for worker in workers:
            worker.wait_ready()
        before = [service.campaign(250), service.otp()]
        service.wait_closed(*before)
        redis.cut_off()
        lost = [service.campaign(450), service.otp(), service.campaign(30)]
        service.wait_closed(*lost[1:])
        redis.fail_over(behind=True)
        wait_until(lambda: taken(service), what="a job being taken again", every_s=0.2)
        after = [service.campaign(count) for count in (450, 1, 30, 250)] + [service.otp()]
        service.wait_closed(*before, *after)
        sent = service.sent()
        for job in after:
            rows = list(service.client.results(job))
            assert len(rows) == service.client.status(job)["counts"]["total"]
            assert [row["state"] for row in rows] == ["delivered"] * len(rows)
            assert {sent[row["phone"]] for row in rows} == {1}
        assert service.states(*before) == {"delivered": 251}
        for job in lost:
            with pytest.raises(NotFound):
                service.client.status(job)
        assert all(worker.alive() for worker in workers)
        # Each looks once a second, and on a busy machine one of them may tell it
        # long before the other.
        wait_until(lambda: len(told_in(workers[0].log)) >= len(workers), what="the loss being told by both")
        assert losses.losses(service.ledger)
        assert len(told_in(workers[0].log)) == len(workers)
        service.client.close()
        service.ledger.close()


def told_in(log: Path) -> list[str]:
    """Where the workers' log says that Redis has lost something, or may have."""
    return re.findall(r"(ERROR|WARNING) .*witness: .* lost", log.read_text())


def taken(service: Service) -> bool:
    """Whether the client can hand over a job."""
    try:
        admin_of(service.client).jobs()
    except Unavailable:
        return False
    return True


@pytest.mark.parametrize("url", ["sentinel://127.0.0.1:1/smsline/0"])
def test_without_sentinels_nothing_is_taken(url: str) -> None:
    """A clear error."""
    client = Client(redis_url=url)
    with pytest.raises(Unavailable):
        client.send(to="+8613800100000", template="1")
    client.close()
