"""Troubles only an operator can end: the balance is used up, the clock is wrong.

Recipients wait, none is burnt, and it goes on.
"""

import time

import pytest

from tests.faults.support.desk import COUNT, Desk
from tests.faults.support.hands import ACCOUNT, engine_of
from tests.faults.support.provider import CountingProvider
from tests.support.admin import admin_of
from tests.support.waiting import wait_until
from worker.providers.tencent.client import TencentProvider

EMPTY = "FailedOperation.InsufficientBalanceInSmsPackage"
HOUR_S = 3600.0


def calls(desk: Desk) -> int:
    """How many sends the provider has seen."""
    return int(desk.sandbox.stats(numbers="0", log=False)["calls"].get("SendSms", 0))


def calls_after_a_step(desk: Desk) -> int:
    """Let the worker look once; how many sends the provider has seen by then."""
    desk.hands.step()
    return calls(desk)


def test_the_balance_is_used_up_and_bought_again(desk: Desk) -> None:
    """Without balance the account is parked: every recipient waits, and no try is counted.

    One call in a while finds out when it works again.
    """
    desk.sandbox.control(account_codes={"*": EMPTY})
    job, other = desk.submit(), desk.submit()
    wait_until(lambda: calls_after_a_step(desk), what="the first call")
    (health,) = admin_of(desk.client).accounts()
    assert (health["state"], health["parked"][0]["code"]) == ("parked", EMPTY)
    began_s, before = time.monotonic(), calls(desk)
    for _ in range(30):
        desk.hands.step()
    assert calls(desk) - before <= (time.monotonic() - began_s) / desk.hands.engine.settings.park_probe_s + 1
    assert desk.client.status(job)["counts"]["waiting"] == COUNT

    desk.sandbox.control(account_codes={})
    assert desk.finish(job) + desk.finish(other) == {"delivered": 2 * COUNT}
    assert {row["attempts"] for row in desk.client.results(job)} == {1}, "a refused call was counted as a try"
    assert desk.sent() == {2}, "once for each job"
    assert admin_of(desk.client).accounts()[0]["state"] == "ok"


def test_an_operator_need_not_wait_for_the_probe(desk: Desk) -> None:
    """`accounts resume` lifts the park at once."""
    desk.sandbox.control(account_codes={"*": EMPTY})
    job = desk.submit()
    wait_until(lambda: calls_after_a_step(desk), what="the first call")
    desk.sandbox.control(account_codes={})
    assert admin_of(desk.client).resume_account(ACCOUNT) == 1
    assert desk.finish(job) == {"delivered": COUNT}


@pytest.mark.parametrize("off_s", [-HOUR_S, HOUR_S])
def test_the_clock_is_an_hour_off(desk: Desk, monkeypatch: pytest.MonkeyPatch, off_s: float) -> None:
    """A worker with a wrong clock is refused by the provider, which parks the account and says why.

    Set right, everything goes out.
    """
    provider = desk.providers[ACCOUNT]
    assert isinstance(provider, TencentProvider)
    monkeypatch.setattr(provider, "clock", lambda: time.time() + off_s)
    job = desk.submit("otp")
    wait_until(lambda: calls_after_a_step(desk), what="the first call")
    (parked,) = admin_of(desk.client).accounts()[0]["parked"]
    assert parked["code"] == "AuthFailure.SignatureExpire"
    assert "clock" in parked["meaning"]
    assert desk.client.status(job)["counts"]["waiting"] == COUNT
    monkeypatch.setattr(provider, "clock", time.time)
    assert desk.finish(job) == {"delivered": COUNT}
    assert desk.sent() == {1}


def test_the_providers_backend_minds_the_clock(desk: Desk) -> None:
    """The other code for a wrong clock, which reads like a timeout, parks and leaves no doubt."""
    desk.sandbox.control(account_codes={"*": "InternalError.RequestTimeException"})
    job = desk.submit("marketing")
    wait_until(lambda: calls_after_a_step(desk), what="the first call")
    assert admin_of(desk.client).accounts()[0]["parked"][0]["code"] == "InternalError.RequestTimeException"
    desk.sandbox.control(account_codes={})
    assert desk.finish(job) == {"delivered": COUNT}
    assert desk.sent() == {1}


def test_the_workers_clock_decides_nothing(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    """Deadlines, leases and horizons are Redis' time.

    A worker a day ahead neither expires an otp nor gives up on a receipt.
    """
    real_s = time.time
    monkeypatch.setattr(time, "time", lambda: real_s() + 86_400)
    provider = CountingProvider()
    desk.hands.engine = engine_of(desk.ledger, provider)
    assert desk.finish(desk.submit("otp")) == {"delivered": COUNT}
    assert set(provider.sent.values()) == {1}
