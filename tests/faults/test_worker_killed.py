"""Workers that end without a word, and another one that finishes.

kill -9 while the provider has their call, and at every script they run.
"""

import pytest

from tests.faults.support.gateway import Moment
from tests.faults.support.processes import LATE_S, SOON_S
from tests.faults.support.service import Service
from tests.faults.support.wire import Moment as WireMoment
from tests.faults.support.wire import know_scripts
from tests.support.waiting import wait_until

CAMPAIGN = 250
ONE_CALL = 200


@pytest.mark.parametrize("moment", ["arrived", "carried out"])
def test_killed_while_the_provider_has_the_call(service: Service, moment: Moment) -> None:
    """Killed before a call is carried out: an otp goes out once more, a campaign's end as unknown.

    Killed after it: both are found.
    """
    worker = service.worker()

    def kill() -> bool:
        worker.kill()
        return False

    service.gateway.trap("SendSms", moment, kill)
    campaign = service.campaign(ONE_CALL)
    wait_until(lambda: not worker.alive(), what="the worker's end")
    otp = service.otp()
    other = service.worker()

    def kill_other() -> bool:
        other.kill()
        return False

    service.gateway.trap("SendSms", moment, kill_other)
    wait_until(lambda: not other.alive(), what="the other worker's end")
    service.worker(UNSURE_HORIZON_S__MARKETING=SOON_S if moment == "arrived" else LATE_S)
    service.wait_closed(campaign, otp)
    states = service.account([campaign, otp])
    assert service.states(otp) == {"delivered": 1}
    if moment == "carried out":
        assert states == {"delivered": ONE_CALL + 1}
    else:
        assert states == {"delivered": 1, "unknown": ONE_CALL}


@pytest.mark.parametrize(
    ("script", "moment"), [("take", "answered"), ("begin", "answered"), ("record", "asked"), ("receipts", "answered")]
)
def test_killed_at_a_script(service: Service, script: str, moment: WireMoment) -> None:
    """Killed before Redis has a script, or before its answer arrives.

    Nothing is lost, no recipient is texted twice.
    """
    know_scripts(service.ledger, script)
    # One call at a time, or another one may have been begun and not have left when its worker dies.
    worker = service.worker(tapped=True, WORKER_THREADS="1")
    service.wire.tap(script, moment, worker.kill)
    jobs = [service.campaign(CAMPAIGN), service.otp()]
    wait_until(lambda: not worker.alive(), what="the worker's end")
    service.worker(UNSURE_HORIZON_S__MARKETING=SOON_S if script == "begin" else LATE_S)
    service.wait_closed(*jobs)
    states = service.account(jobs)
    assert service.states(jobs[1]) == {"delivered": 1}
    never_called = script == "begin"
    assert states["unknown"] <= (200 if never_called else 0)
