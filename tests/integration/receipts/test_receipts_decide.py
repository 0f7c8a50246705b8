"""A failed receipt decides as a failed send: another try by its code, or the dead letter."""

import pytest

from smsline.errors import BadInput
from smsline.ledger.link import Ledger
from smsline.numbers import e164
from tests.support.provider import FakeProvider
from tests.support.scene import Scene, make_scene
from tests.support.world import FIRST, some_numbers
from worker.providers.base import Receipt

OFF, OFF_S = "IB:0064", 7200
"""Tencent's receipt for a phone that is off, and after how long its row allows another try."""
FLOW, FLOW_S = "MB:1041", 60
REFUSED = "REJECTD"
"""A reroute: this account cannot reach the number, another may."""
GONE = "-1017"
"""The number does not exist."""


@pytest.fixture
def two(ledger: Ledger) -> Scene:
    """A line whose second account stands behind the first."""
    route = {"main": {"prefixes": ["86"], "accounts": {"first": 1}, "fallback": ["second"]}}
    return make_scene(ledger, {"first": FakeProvider(), "second": FakeProvider()}, routes=route, linger_ms=0)


def fail(scene: Scene, code: str, account: str = "") -> Receipt:
    """The receipt of an account's last message says that it did not arrive."""
    provider = scene.provider_of(account) if account else scene.provider
    receipt = provider.receipt(provider.out[-1], ok=False, code=code)
    scene.apply([receipt], account)
    return receipt


def test_a_notice_is_tried_again_after_the_rows_wait(scene: Scene) -> None:
    """Once, through the same account.

    The second failure stands in the dead letter, and no third call is made.
    """
    job = scene.submit([FIRST], lane="notify", params=["parcel 12"])
    scene.send_all()
    fail(scene, OFF)
    assert scene.counts(job) == {"total": 1, "waiting": 1}
    scene.later(OFF_S - 5)
    assert len(scene.provider.out) == 1
    scene.later(10)
    assert [message.params for message in scene.provider.out] == [("parcel 12",)] * 2
    assert scene.counts(job) == {"total": 1, "accepted": 1}
    fail(scene, OFF)
    assert scene.counts(job) == {"total": 1, "undelivered": 1}
    (group,) = scene.ask.dead_groups()
    assert (group["state"], group["code"], group["count"]) == ("undelivered", OFF, 1)
    assert "off" in group["meaning"]


def test_a_reroute_goes_through_the_next_account(two: Scene) -> None:
    """At once; behind the last account there is the dead letter."""
    job = two.submit([FIRST], lane="notify")
    two.run()
    fail(two, REFUSED, "first")
    two.run()
    assert (len(two.provider_of("first").out), len(two.provider_of("second").out)) == (1, 1)
    two.apply(two.provider_of("second").deliver(), "second")
    assert two.counts(job) == {"total": 1, "delivered": 1}


def test_who_has_no_other_account_is_undelivered(scene: Scene) -> None:
    """A reroute needs a route."""
    job = scene.submit([FIRST], lane="notify")
    scene.send_all()
    fail(scene, REFUSED)
    assert scene.counts(job) == {"total": 1, "undelivered": 1}


@pytest.mark.parametrize(
    ("lane", "code", "again"),
    [("otp", FLOW, True), ("otp", OFF, False), ("notify", GONE, False), ("marketing", FLOW, False)],
)
def test_the_lane_the_row_and_the_ttl_decide(scene: Scene, lane: str, code: str, again: bool) -> None:
    """A code that comes after its ttl is of no use.

    Marketing is tried again by a person; a number that is gone, never.
    """
    job = scene.submit([FIRST], lane=lane, template="1234", params=["482913"])
    scene.send_all()
    fail(scene, code)
    assert scene.counts(job) == {"total": 1, "waiting" if again else "undelivered": 1}


def test_the_same_receipt_by_push_and_pull_counts_once(scene: Scene) -> None:
    """Its second coming says nothing about the next try, which has a serial of its own."""
    job = scene.submit([FIRST], lane="notify")
    scene.send_all()
    first = fail(scene, FLOW)
    scene.apply([first])
    assert scene.counts(job) == {"total": 1, "waiting": 1}
    scene.later(FLOW_S + 5)
    scene.apply([first])
    assert scene.counts(job) == {"total": 1, "accepted": 1}
    (health,) = scene.ask.accounts()
    assert (health["receipts"], health["late_receipts"]) == (1, 2)
    scene.apply(scene.provider.deliver([scene.provider.out[-1]]))
    assert scene.counts(job) == {"total": 1, "delivered": 1}


def test_params_live_until_the_receipt_and_not_beyond_the_ttl(scene: Scene) -> None:
    """While a try may need them; the receipt that ends the recipient, or the deadline, erases."""

    def held() -> bool:
        blocks = scene.ledger.redis.scan_iter(match="*block:*")
        return any(b"482913" in value for block in blocks for value in scene.ledger.redis.hvals(block))

    scene.otp(FIRST, code="482913")
    scene.send_all()
    assert held()
    scene.apply(scene.provider.deliver())
    assert not held()
    scene.otp(FIRST + 1, code="482913", ttl_s=60)
    scene.send_all()
    assert held()
    scene.later(61)
    assert not held()


def test_undelivered_marketing_is_requeued_by_code_and_goes_out_once(scene: Scene) -> None:
    """With its params; its old receipt, coming again, says nothing about the new message."""
    job = scene.submit(some_numbers(3), params=["20 %"])
    scene.send_all()
    receipts = [scene.provider.receipt(message, ok=False, code=FLOW) for message in scene.provider.out]
    scene.apply([*receipts[:2], receipts[2]._replace(code=GONE)])
    assert scene.counts(job) == {"total": 3, "undelivered": 3}
    assert scene.status(job)["state"] == "closed"
    assert scene.ask.requeue(code=FLOW, state="undelivered") == 2
    assert scene.ask.requeue(code=FLOW) == 0
    scene.send_all()
    assert sorted(scene.texts().values()) == [1, 2, 2]
    assert scene.provider.out[-1].params == ("20 %",)
    scene.apply(receipts)
    assert scene.counts(job) == {"total": 3, "accepted": 2, "undelivered": 1}
    assert scene.ask.drop(state="undelivered") == 1
    assert scene.ask.dead_groups() == []


def test_the_dead_letter_tells_states_apart(scene: Scene) -> None:
    """Undelivered, dead and unknown are listed, shown, requeued and dropped by state."""
    scene.submit([FIRST])
    scene.send_all()
    fail(scene, GONE)
    scene.submit([FIRST + 1])
    scene.send_all()
    scene.later(3 * 86_400 + 60)
    assert {group["state"] for group in scene.ask.dead_groups()} == {"undelivered", "unknown"}
    assert [row["phone"] for row in scene.ask.dead_rows(state="undelivered")] == [e164(FIRST)]
    assert [row["phone"] for row in scene.ask.dead_rows(state="unknown")] == [e164(FIRST + 1)]
    assert scene.ask.drop(state="unknown") == 1
    with pytest.raises(BadInput, match="state"):
        scene.ask.dead_groups(state="delivered")


def test_a_cancelled_job_is_not_tried_again(scene: Scene) -> None:
    """Nor is one whose ttl would be over when the wait is."""
    job = scene.submit([FIRST], lane="notify")
    late = scene.submit([FIRST + 1], lane="notify", ttl_s=FLOW_S)
    scene.send_all()
    scene.ask.cancel(job)
    scene.apply([scene.provider.receipt(message, ok=False, code=FLOW) for message in scene.provider.out])
    assert scene.counts(job) == {"total": 1, "undelivered": 1}
    assert scene.counts(late) == {"total": 1, "undelivered": 1}
