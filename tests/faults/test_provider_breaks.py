"""Providers that answer badly or not at all: timeouts, resets, garbage, gateway errors.

What can be known of each afterwards is written down.
"""

from typing import Any, Final

import pytest

from tests.faults.support.desk import COUNT, Desk
from tests.faults.support.hands import ACCOUNT
from tests.support.admin import admin_of

BROKEN: Final[list[dict[str, Any]]] = [
    {"kind": "slow", "ms": 800},
    {"kind": "lost"},
    {"kind": "reset"},
    {"kind": "garbled"},
    {"kind": "status", "status": 502},
    {"kind": "status", "status": 504},
    {"kind": "error", "code": "InternalError.Timeout"},
    {"kind": "error", "code": "InternalError.NobodyKnowsThis"},
]


def named(fault: dict[str, Any]) -> str:
    """A fault's name in a test's."""
    return "-".join(str(value) for value in fault.values())


@pytest.mark.parametrize("fault", BROKEN, ids=named)
@pytest.mark.parametrize("lane", ["otp", "marketing"])
def test_carried_out_and_not_answered(desk: Desk, fault: dict[str, Any], lane: str) -> None:
    """What was carried out before the answer broke is found by receipts: texted once, delivered."""
    desk.sandbox.control(faults=[{**fault, "action": "SendSms", "times": 1, "executed": True}])
    assert desk.finish(desk.submit(lane)) == {"delivered": COUNT}
    assert desk.sent() == {1}
    assert desk.sandbox.stats()["calls"]["SendSms"] == 1


@pytest.mark.parametrize("fault", BROKEN, ids=named)
def test_not_carried_out_and_not_answered(desk: Desk, fault: dict[str, Any]) -> None:
    """Nothing tells that it was not carried out: an otp goes out once more.

    Marketing ends as unknown and is never texted twice.
    """
    failing = {**fault, "action": "SendSms", "times": 1, "executed": False}
    desk.sandbox.control(faults=[failing])
    assert desk.finish(desk.submit("otp")) == {"delivered": COUNT}
    assert desk.sent() == {1}
    desk.sandbox.reset()
    desk.sandbox.control(faults=[failing])
    assert desk.finish(desk.submit("marketing")) == {"unknown": COUNT}
    assert desk.sent() == set()


def test_an_otp_is_sent_again_once_only(desk: Desk) -> None:
    """When the second call has no answer either, the otp ends as unknown: two calls, no third."""
    desk.sandbox.control(faults=[{"kind": "reset", "action": "SendSms"}])
    assert desk.finish(desk.submit("otp")) == {"unknown": COUNT}
    assert desk.sandbox.stats()["calls"]["SendSms"] == 2


def test_a_refused_connection_is_no_doubt(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    """The connection is refused, so nothing has left: marketing too is tried until it is taken."""
    poster = desk.providers[ACCOUNT]._port  # type: ignore[attr-defined]
    listening = poster._url
    monkeypatch.setattr(poster, "_url", listening.copy_with(port=1))
    job = desk.submit("marketing")
    for _ in range(4):
        desk.hands.step()
    assert desk.client.status(job)["counts"]["waiting"] == COUNT
    monkeypatch.setattr(poster, "_url", listening)
    assert desk.finish(job) == {"delivered": COUNT}
    assert desk.sent() == {1}


def test_a_person_sends_the_unknown_again(desk: Desk) -> None:
    """What ended as unknown can be requeued, and then goes out once."""
    desk.sandbox.control(faults=[{"kind": "reset", "action": "SendSms", "times": 1}])
    job = desk.submit("marketing")
    assert desk.finish(job) == {"unknown": COUNT}
    assert admin_of(desk.client).requeue(job=job) == COUNT
    assert admin_of(desk.client).requeue(job=job) == 0
    assert desk.finish(job) == {"delivered": COUNT}
    assert desk.sent() == {1}
