"""Redis behind Sentinel: its primary ends while a campaign goes out, a replica takes its place, and the line goes on by itself."""

from pathlib import Path

import pytest

from smsline import Client
from smsline.errors import Unavailable
from smsline.ledger.link import Ledger
from tests.faults.support.service import Service
from tests.support.admin import admin_of
from tests.support.sentinel import Watched
from tests.support.waiting import wait_until


def test_a_replica_takes_the_primary_s_place(tmp_path: Path) -> None:
    """Jobs that were there are finished, new ones are taken; what the replica had, nobody is texted twice for."""
    with Watched(tmp_path) as redis, Service(redis.first.port, tmp_path) as service:
        service.direct_url = redis.url
        service.client.close()
        service.ledger = Ledger.at(redis.url, "smsline")
        service.client = Client(redis_url=redis.url)
        worker = service.worker().wait_ready()
        before = [service.campaign(300), service.otp()]
        service.wait_closed(*before)
        waiting = service.campaign(120, pace=40)
        redis.fail_over()
        wait_until(lambda: taken(service), timeout_s=20, what="a job being taken again", every_s=0.2)
        after = [service.campaign(300), service.otp()]
        service.wait_closed(*before, waiting, *after, timeout_s=60)
        states = service.account([*before, *after])
        assert states == {"delivered": 602}
        assert worker.alive()
        assert service.states(waiting)["delivered"] + service.states(waiting)["unknown"] == 120
        service.client.close()
        service.ledger.close()


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
