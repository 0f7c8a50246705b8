"""Accepted recipients whose receipt does not come: asked about by number, at last given up."""

from typing import Any

import pytest

from smsline.ledger import due, waits
from tests.support.provider import FakeProvider, refuse_items
from tests.support.scene import Scene
from tests.support.world import FIRST, some_numbers
from worker.providers.base import Answer, Call, Item, Refused, Sent
from worker.receipts import poll

DAY_S = 86_400


def test_a_silent_recipient_is_asked_about_and_found(scene: Scene) -> None:
    """At ten minutes, an hour, six hours and a day after it was accepted."""
    job = scene.submit([FIRST])
    scene.send_all()
    asked = []
    for hours in (0, 0.15, 0.05, 0.9, 4, 1.5, 17, 2):
        scene.later(hours * 3600)
        asked.append(len(scene.provider.asked))
    assert asked == [0, 0, 1, 2, 2, 3, 3, 4]
    scene.provider.deliver(pulled=False)
    scene.later(2 * DAY_S - 10)
    scene.later(60)
    assert scene.counts(job) == {"total": 1, "unknown": 1}


def test_a_question_finds_the_receipt(scene: Scene) -> None:
    """A receipt that was lost with a page is not lost for good."""
    job = scene.submit(some_numbers(3))
    scene.send_all()
    scene.provider.deliver(pulled=False)
    scene.later(601)
    assert scene.counts(job) == {"total": 3, "delivered": 3}
    assert scene.status(job)["closed_at"]


@pytest.mark.parametrize("action", ["PullSmsSendStatusByPhoneNumber", ""])
def test_a_recipient_without_a_receipt_ends_as_unknown(
    scene: Scene, monkeypatch: pytest.MonkeyPatch, action: str
) -> None:
    """After three days, whether it can be asked about or not; a later receipt is counted."""
    monkeypatch.setattr(FakeProvider, "ask_action", action)
    job = scene.submit([FIRST], params=["551177"], ttl_s=10 * DAY_S)
    scene.send_all()
    scene.until(lambda: scene.status(job)["closed_at"], step_s=6 * 3600, within_s=4 * DAY_S)
    assert scene.counts(job) == {"total": 1, "unknown": 1}
    (row,) = scene.results(job)
    assert row["code"] == "receipt.Deadline"
    assert bool(scene.provider.asked) is bool(action)
    scene.apply([scene.provider.receipt(scene.provider.out[0])])
    assert scene.counts(job) == {"total": 1, "unknown": 1}


def test_a_taken_recipient_without_a_serial_waits_like_the_others(scene: Scene) -> None:
    """An answer that takes a number and names no serial is no reason to stop at one question."""
    job = scene.submit([FIRST])

    def nameless(provider: FakeProvider, call: Call) -> Answer:
        sent = [provider.send_out(number, call) for number in call.numbers]
        return Sent(tuple(Item(message.number, True, "Ok", "", 1, "") for message in sent), "r")

    scene.provider.script.append(nameless)
    scene.send_all()
    scene.later(700)
    assert scene.counts(job) == {"total": 1, "accepted": 1}
    assert scene.results(job)[0]["accepted_at"]


def test_questions_that_are_refused_leave_the_schedule_as_it_is(scene: Scene) -> None:
    """The next round asks again."""
    job = scene.submit(some_numbers(2))
    scene.send_all()
    scene.provider.deliver(pulled=False)
    scene.provider.ask_script.append(Refused("InternalError", "", "r"))
    scene.later(601)
    assert scene.counts(job) == {"total": 2, "accepted": 2}
    scene.later(3600)
    assert scene.counts(job) == {"total": 2, "delivered": 2}


def test_a_recipient_that_is_accepted_while_its_block_is_probed_is_probed_too(
    scene: Scene, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A probe that finds no recipient silent is not the last if one is accepted meanwhile."""
    job = scene.submit(some_numbers(2))
    throttled = {FIRST + 1: "LimitExceeded.PhoneNumberOneHourLimit"}
    scene.provider.script.append(refuse_items(throttled))
    scene.send_all()
    (member,) = scene.ledger.redis.zrange(scene.ledger.keys.probe, 0, -1)
    scene.provider.deliver()
    scene.later(6)
    assert scene.counts(job) == {"total": 2, "waiting": 1, "delivered": 1}
    finish = due.finish

    def finish_late(*args: Any) -> bool:
        monkeypatch.setattr(due, "finish", finish)
        waits.move_due(scene.ledger, scene.ledger.keys.later, only_due=False)
        scene.send_some("marketing")
        return finish(*args)

    scene.advance(700)
    scene.ledger.redis.zadd(
        scene.ledger.keys.probe, {member: 0}
    )  # as a probe finds it that began before the receipt came
    monkeypatch.setattr(due, "finish", finish_late)
    poll.poll_block(scene.engine, member.decode())
    assert scene.counts(job) == {"total": 2, "accepted": 1, "delivered": 1}
    scene.provider.deliver([scene.provider.out[-1]], pulled=False)
    scene.later(3700)
    assert scene.counts(job) == {"total": 2, "delivered": 2}
