"""Workers that stall for longer than their lease and go on: too late to call, too late to write."""

import re

from tests.faults.support.service import Service
from tests.faults.support.wire import know_scripts
from tests.support.waiting import wait_until


def test_stopped_before_its_call(service: Service) -> None:
    """Who was stopped between the claim and the call makes no call.

    The otp has gone out through another worker, once.
    """
    know_scripts(service.ledger, "take", "begin")
    # Of two threads that look at the same batch queue, the tap may meet the one
    # that finds nothing in it.
    first = service.worker(tapped=True, WORKER_THREADS="1")

    def stop() -> bool:
        first.stop()
        return True

    service.wire.tap("begin", "answered", stop)
    otp = service.otp()
    wait_until(lambda: service.client.status(otp)["counts"]["sending"], what="the call being begun")
    second = service.worker()
    service.wait_closed(otp)
    first.go_on()
    second.terminate()
    service.wait_closed(later := service.otp())
    assert service.account([otp, later]) == {"delivered": 2}
    assert set(service.sent().values()) == {1}


def test_stopped_before_the_answer(service: Service) -> None:
    """Who was stopped while its call was under way adds what no other worker could know, the fee.

    The receipts have told the rest.
    """
    first = service.worker()
    service.gateway.trap("SendSms", "carried out", first.stop)
    campaign = service.campaign(20)
    wait_until(service.sent, what="the call being carried out")
    second = service.worker()
    service.wait_closed(campaign)
    # The receipts may have told all before the lease was over.
    wait_until(lambda: not service.ledger.redis.zcard(service.ledger.keys.lease), what="the end of the lease")
    before = service.client.status(campaign)
    first.go_on()
    second.terminate()
    service.wait_closed(later := service.campaign(20))
    assert service.account([campaign, later]) == {"delivered": 40}
    after = service.client.status(campaign)
    assert (after["counts"], after["closed_at"]) == (before["counts"], before["closed_at"])
    assert after["fee"] in {before["fee"], 20}
    late = "lost its lease|when its answer came"
    wait_until(lambda: re.search(late, first.log.read_text()), what="the late answer being written")
