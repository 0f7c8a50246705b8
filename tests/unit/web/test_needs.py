"""What the first page says that a person must do: stuck lanes, accounts that do not send, credit.

What ends by itself is left out.
"""

from smsline.health import AccountHealth, CreditInfo, LateCallsInfo
from smsline.names import GONE_MS, lane_queue
from tests.unit.web.conftest import Site
from worker.web.pages.needs import LaneWait, of_account, of_lanes

NOW_MS = 1_900_000_000_000
WELL = AccountHealth(
    account="main",
    provider="tencent",
    state="ok",
    parked=[],
    held=None,
    throttled_until=None,
    late_calls=None,
    workers=["w1"],
    refused={},
    waiting=0,
    receipts=0,
    late_receipts=0,
    unmatched_receipts=0,
    last_error="",
    unknown_codes={},
    credit=None,
    failover=None,
    failed_over={},
)


def test_lanes_that_are_stuck() -> None:
    """Without a worker, whatever the lane; a one-time password after half a minute.

    Marketing may wait for its hours all night.
    """
    looks = {lane_queue("otp"): NOW_MS - 1000, lane_queue("marketing"): NOW_MS - GONE_MS - 1}
    lanes = [LaneWait("otp", 2, 31.0), LaneWait("notify", 0, 0.0), LaneWait("marketing", 5, 36_000.0)]
    told = [need.what for need in of_lanes(lanes, looks, NOW_MS)]
    assert told == [
        "a one-time password has waited for 31 s",
        "lane marketing is stuck: 5 recipients wait, and no worker looks after it",
    ]
    alive = {lane_queue(each.lane): NOW_MS for each in lanes}
    assert not list(of_lanes([LaneWait("otp", 2, 5.0), *lanes[1:]], alive, NOW_MS))


def test_accounts_that_need_a_person() -> None:
    """Credit below what waits, no worker that has it, a machine that is refused.

    One that is well needs nothing.
    """
    credit = CreditInfo(balance="1", currency="EUR", messages=20, at=None)
    assert not list(of_account(WELL | {"credit": credit}, 20))
    troubled = WELL | {
        "credit": credit,
        "state": "unserved",
        "throttled_until": "2026-08-02T00:00:00Z",
        "late_calls": LateCallsInfo(calls=2, recipients=201, since=None),
        "refused": {"w2": "UnauthorizedOperation.RequestIpNotInWhitelist"},
    }
    assert [need.what for need in of_account(troubled, 21)] == [
        "no running worker has account main",
        "main refuses the machine w2 (UnauthorizedOperation.RequestIpNotInWhitelist)",
        "account main is throttled: its provider takes no calls until 2026-08-02T00:00:00Z",
        "2 calls of account main are under way for longer than usual",
        "main has credit for 20 messages, and 21 recipients wait",
    ]


def test_the_first_page_says_so(site: Site) -> None:
    """An empty ledger needs no worker; recipients without a worker do."""
    browser = site()
    assert "no lane is stuck" in browser.get("/").text
    ledger = browser.app.state.web.ledger  # type: ignore[attr-defined]
    ledger.redis.hincrby(ledger.keys.stats, "g|notify|waiting", 3)
    assert "lane notify is stuck: 3 recipients wait" in site().get("/").text
