"""Workers that are told to stop under load, one after the other or all at once.

Calls in flight are finished, nothing is left over.
"""

from tests.faults.support.service import Service
from tests.support.waiting import wait_until


def test_stopped_under_load(service: Service) -> None:
    """SIGTERM lets calls in flight end and be written down.

    No recipient is unsure, and the next worker finds the rest waiting.
    """
    service.sandbox.control(latency_ms=300)
    first = service.worker().wait_ready()
    campaign = service.campaign(4_000)
    wait_until(lambda: service.client.status(campaign)["counts"]["sending"] >= 800, what="calls under way")
    assert first.terminate() == 0
    counts = service.client.status(campaign)["counts"]
    assert counts["sending"] == 0
    assert counts["waiting"] > 0
    assert not service.ledger.redis.exists(service.ledger.keys.lease), "a claim was left behind"
    service.worker()
    service.wait_closed(campaign)
    assert service.account([campaign]) == {"delivered": 4_000}


def test_replaced_one_after_the_other_under_load(service: Service) -> None:
    """A rolling restart loses nothing, doubles nothing, and leaves no recipient in doubt."""
    service.sandbox.control(latency_ms=50)
    old = [service.worker().wait_ready(), service.worker().wait_ready()]
    campaign = service.campaign(6_000, pace=1_500)
    otps = [service.otp() for _ in range(5)]
    for each in old:
        fresh = service.worker().wait_ready()
        assert each.terminate() == 0
        otps += [service.otp() for _ in range(5)]
        assert fresh.alive()
    service.wait_closed(campaign, *otps)
    assert service.account([campaign, *otps]) == {"delivered": 6_000 + len(otps)}
