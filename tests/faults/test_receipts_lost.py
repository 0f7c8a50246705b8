"""Receipts that a pull took off the provider's queue and that never arrived.

They are asked for by number, until every one is there.
"""

import pytest

from tests.faults.support.gateway import Moment
from tests.faults.support.service import Service
from tests.support.waiting import wait_until


def test_an_answer_with_receipts_is_lost(service: Service) -> None:
    """The provider gives each receipt once.

    Those of a lost answer are asked for by number, all in one round at 20 a second.
    """
    service.gateway.trap("PullSmsSendStatus", "carried out", lambda: False)
    service.worker(RECEIPT_PROBES_S="0.5,86400")
    campaign = service.campaign(60)
    service.wait_closed(campaign)
    assert service.account([campaign]) == {"delivered": 60}
    assert service.sandbox.stats()["calls"]["PullSmsSendStatusByPhoneNumber"] >= 60


@pytest.mark.parametrize("moment", ["arrived", "carried out"])
def test_killed_while_it_drains(service: Service, moment: Moment) -> None:
    """A worker is killed while the provider has its pull: another one drains on.

    It asks for what was taken.
    """
    first = service.worker()

    def kill() -> bool:
        first.kill()
        return moment == "arrived"

    service.gateway.trap("PullSmsSendStatus", moment, kill)
    campaign = service.campaign(20)
    wait_until(lambda: not first.alive(), what="the worker's end")
    service.worker()
    service.wait_closed(campaign)
    assert service.account([campaign]) == {"delivered": 20}
