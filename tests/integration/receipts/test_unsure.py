"""Calls whose end is unknown: they are asked about, and nothing is sent again blindly."""

import time
from typing import Any

import pytest

from smsline.ledger import accounts, batch_queues
from tests.support.provider import FakeProvider, accept, lost, never_left, refuse, refuse_items
from tests.support.scene import Scene
from tests.support.world import FIRST, some_numbers
from worker.providers.base import Answer, Broken, Call, Receipt


def test_a_lost_call_is_found_by_the_context_of_its_receipts(scene: Scene) -> None:
    """The messages were out; none is texted twice, and the serials are known from then on."""
    job = scene.submit(some_numbers(3))
    scene.provider.script.append(lost())
    scene.send_all()
    assert scene.counts(job) == {"total": 3, "sending": 3}
    scene.provider.deliver()
    scene.later(6)
    assert scene.counts(job) == {"total": 3, "delivered": 3}
    assert scene.texts() == dict.fromkeys(some_numbers(3), 1)
    assert {row["serial"] for row in scene.results(job)} == {message.serial for message in scene.provider.out}
    scene.later(3600)
    assert not scene.ledger.redis.exists(scene.ledger.keys.unsure("main"))


@pytest.mark.parametrize("together", [False, True])
def test_a_lost_call_is_found_by_number_and_time_where_receipts_name_no_context(
    scene: Scene, *, together: bool
) -> None:
    """Of two lost calls to the same number the older one is found first.

    Two receipts in one page are one for each.
    """
    jobs = []
    for _ in range(2):
        jobs.append(scene.submit([FIRST]))
        scene.provider.script.append(lost())
        scene.send_all()
        scene.later(3)
    now_s = scene.engine.now_ms() // 1000
    first, second = scene.provider.out
    page = [
        scene.provider.receipt(message, ok=message is first, context=False)._replace(received_at_s=now_s)
        for message in (first, second)
    ]
    if not together:
        scene.apply(page[:1])
        assert [scene.counts(job) for job in jobs] == [{"total": 1, "delivered": 1}, {"total": 1, "sending": 1}]
    scene.apply(page[0 if together else 1 :])
    assert scene.counts(jobs[0]) == {"total": 1, "delivered": 1}
    assert scene.counts(jobs[1]) == {"total": 1, "undelivered": 1}


def test_a_serial_of_a_page_is_one_recipient_s(scene: Scene) -> None:
    """A second number under it is a stranger's, and takes no place from the true receipt."""
    job = scene.submit(some_numbers(2))
    scene.provider.script.append(lost())
    scene.send_all()
    first, second = (scene.provider.receipt(message) for message in scene.provider.out)
    astray = second._replace(serial=first.serial, ok=False, code="MK:0001")
    scene.apply([first, astray, second])
    assert scene.counts(job) == {"total": 2, "delivered": 2}


def test_a_receipt_from_before_a_lost_call_is_not_its_own(scene: Scene) -> None:
    """Without a context, a receipt of long ago belongs to another message."""
    job = scene.submit([FIRST])
    scene.provider.script.append(lost(carried_out=False))
    scene.send_all()
    old = Receipt(FIRST, "old", True, "DELIVRD", scene.engine.now_ms() // 1000 - 3600, "")
    scene.apply([old])
    assert scene.counts(job) == {"total": 1, "sending": 1}


def test_receipts_of_a_lost_call_may_lack_their_serial(scene: Scene) -> None:
    """The context is enough; a stranger's receipt without serial in the same page is still kept."""
    job = scene.submit([FIRST])
    scene.provider.script.append(lost())
    scene.send_all()
    mine = scene.provider.receipt(scene.provider.out[0])._replace(serial="")
    scene.apply([mine, mine._replace(number=FIRST + 9, context="other")])
    assert scene.counts(job) == {"total": 1, "delivered": 1}
    assert accounts.health(scene.ledger, "main", "tencent")["orphans"] == 1


def test_a_call_decides_nothing_about_a_recipient_that_has_gone_out_again(scene: Scene) -> None:
    """Both calls to one number are lost: the second's horizon decides, and the second's receipt.

    The first one's horizon comes sooner, while the other recipient is still in doubt for it.
    """
    job = scene.submit(some_numbers(2), lane="notify", ttl_s=86_400.0)
    scene.provider.script.append(lost())
    scene.send_all()
    failed = scene.provider.receipt(scene.provider.out[0], ok=False)._replace(code="MK:0006")
    scene.apply([failed])
    scene.provider.script.append(lost())
    scene.until(lambda: len(scene.provider.out) == 3, step_s=30.0)
    scene.until(lambda: "unknown" in scene.counts(job), step_s=100.0, within_s=3_700.0)
    assert scene.counts(job) == {"total": 2, "sending": 1, "unknown": 1}
    scene.apply([scene.provider.receipt(scene.provider.out[2])])
    assert scene.counts(job) == {"total": 2, "delivered": 1, "unknown": 1}


def test_what_an_older_worker_left_keeps_no_call_from_deciding(scene: Scene) -> None:
    """It writes no attempt: with one of another call, and other tries, the recipient is decided."""
    job = scene.submit([FIRST])
    scene.provider.script.append(lost(carried_out=False))
    scene.send_all()
    (block,) = [key for key in scene.ledger.redis.keys("*block:*") if scene.ledger.redis.hexists(key, "ua")]
    scene.ledger.redis.hset(block, "ua", b"\x09abc")
    scene.until(lambda: "unknown" in scene.counts(job), step_s=100.0, within_s=3_700.0)


def test_receipts_that_come_before_the_loss_is_known_are_found(scene: Scene) -> None:
    """The worker died in the middle of the call; receipts came first, its lease ended later."""
    job = scene.submit(some_numbers(2))
    scene.run()
    die_in_the_call(scene)
    scene.later(0.6)
    assert scene.counts(job) == {"total": 2, "sending": 2}
    scene.apply([scene.provider.receipt(message) for message in scene.provider.out])
    assert scene.counts(job) == {"total": 2, "sending": 2}
    scene.later(61)
    scene.later(6)
    assert scene.counts(job) == {"total": 2, "delivered": 2}
    assert scene.texts() == dict.fromkeys(some_numbers(2), 1)


def die_in_the_call(scene: Scene) -> None:
    """The next call is made, and its worker ends before it can write anything down."""

    def die(provider: FakeProvider, call: Call) -> Answer:
        accept(provider, call)
        raise SystemExit

    scene.provider.script.append(die)
    with pytest.raises(SystemExit):
        scene.later(0.6)


def test_a_lost_call_is_asked_about_by_number_on_a_schedule(scene: Scene) -> None:
    """Where no receipt comes by the queue, questions find it: at 5 s, 30 s, 2 min, 10 min, 1 h."""
    job = scene.submit([FIRST])
    scene.provider.script.append(lost())
    scene.send_all()
    started_s = scene.engine.now_ms() // 1000
    asked = []
    for _ in range(7):
        scene.later(5)
        asked.append(len(scene.provider.asked))
    assert asked == [1, 1, 1, 1, 1, 2, 2]
    assert all(since_s < started_s < until_s for _, since_s, until_s in scene.provider.asked[:1])
    scene.provider.deliver(pulled=False)
    scene.later(100)
    assert scene.counts(job) == {"total": 1, "delivered": 1}


@pytest.mark.parametrize("lane", ["notify", "marketing"])
def test_what_is_not_found_ends_as_unknown_and_is_never_sent_again(scene: Scene, lane: str) -> None:
    """After an hour; a person can requeue it."""
    job = scene.submit(some_numbers(3), lane=lane)
    scene.provider.script.append(lost(carried_out=False))
    scene.send_all()
    scene.later(3500)
    assert scene.counts(job) == {"total": 3, "sending": 3}
    scene.until(lambda: scene.status(job)["closed_at"], step_s=60, within_s=300)
    assert scene.counts(job) == {"total": 3, "unknown": 3}
    assert len(scene.provider.calls) == 1
    assert {row["code"] for row in scene.results(job)} == {"unsure.Horizon"}
    assert scene.ask.requeue(job=job) == 3
    assert scene.close_all(job)["counts"]["delivered"] == 3


def test_a_one_time_password_is_sent_again_once(scene: Scene) -> None:
    """At its horizon of 10 s, while its ttl lasts; a second loss ends it."""
    job = scene.otp(FIRST)
    scene.provider.usual = lost(carried_out=False)
    scene.run()
    scene.later(6)
    assert len(scene.provider.calls) == 1
    scene.later(6)
    assert len(scene.provider.calls) == 2
    scene.later(30)
    assert len(scene.provider.calls) == 2
    assert scene.counts(job) == {"total": 1, "unknown": 1}
    assert scene.status(job)["closed_at"]


def test_a_one_time_password_whose_time_is_over_is_not_sent_again(scene: Scene) -> None:
    """It is of no use."""
    job = scene.otp(FIRST, ttl_s=8)
    scene.provider.usual = lost(carried_out=False)
    scene.run()
    scene.later(6)
    scene.later(6)
    assert len(scene.provider.calls) == 1
    assert scene.counts(job) == {"total": 1, "unknown": 1}


def test_a_resent_password_that_is_delivered_twice_is_final_once(scene: Scene) -> None:
    """The receipt of the first try comes late and is counted, not applied."""
    job = scene.otp(FIRST)
    scene.provider.script.append(lost())
    scene.run()
    scene.later(6)
    scene.later(6)
    assert scene.counts(job) == {"total": 1, "accepted": 1}
    first, second = scene.provider.out
    scene.apply([scene.provider.receipt(second), scene.provider.receipt(first, ok=False)])
    assert scene.counts(job) == {"total": 1, "delivered": 1}


def test_a_number_left_out_of_an_answer_is_unsure(scene: Scene) -> None:
    """The others are accepted; it is found like any other."""
    job = scene.submit(some_numbers(3))
    scene.provider.script.append(refuse_items({}, missing=[FIRST + 1]))
    scene.send_all()
    assert scene.counts(job) == {"total": 3, "accepted": 2, "sending": 1}
    scene.provider.deliver()
    scene.later(6)
    assert scene.counts(job) == {"total": 3, "delivered": 3}


def test_an_internal_error_of_the_provider_is_doubted_and_a_refused_connection_is_not(scene: Scene) -> None:
    """What certainly never left is tried again within a second.

    What may have been carried out is asked about.
    """
    doubted = scene.submit([FIRST])
    scene.provider.script.append(refuse("InternalError.Timeout"))
    scene.send_all()
    assert scene.counts(doubted) == {"total": 1, "sending": 1}
    tried = scene.submit([FIRST + 1])
    scene.provider.script.append(never_left())
    scene.send_all()
    scene.later(2)
    assert scene.counts(tried) == {"total": 1, "accepted": 1}
    assert scene.counts(doubted) == {"total": 1, "sending": 1}


def test_questions_that_fail_are_asked_again_and_the_horizon_holds(scene: Scene) -> None:
    """A provider that cannot be asked decides nothing before the horizon."""
    job = scene.submit([FIRST])
    scene.provider.script.append(lost())
    scene.send_all()
    scene.provider.deliver(pulled=False)
    for _ in range(2):
        scene.provider.ask_script.append(Broken(maybe_sent=True, code="http.ReadTimeout", detail=""))
    scene.later(31)
    assert scene.counts(job) == {"total": 1, "sending": 1}
    scene.until(lambda: scene.counts(job) == {"total": 1, "delivered": 1}, step_s=30, within_s=700)


def test_a_claim_that_was_never_begun_goes_back_to_its_batch_queue(scene: Scene) -> None:
    """Its worker died between the take and the call; the recipients are sent to once."""
    job = scene.submit(some_numbers(3))
    scene.run()
    line = parse(scene)
    scene.advance(1)
    claim = batch_queues.take(
        scene.ledger, line, scene.engine.next_attempt(), limit=200, linger_ms=0, lease_ms=60_000, worker="dead"
    )
    assert claim is not None
    scene.later(30)
    assert not scene.provider.calls
    scene.later(31)
    scene.later(1)
    assert scene.counts(job) == {"total": 3, "accepted": 3}
    assert len(scene.provider.calls) == 1


def parse(scene: Scene) -> batch_queues.BatchQueue:
    """The only batch queue of the marketing lane."""
    (name,) = scene.ledger.redis.zrange(scene.ledger.keys.send("marketing"), 0, -1)
    return batch_queues.parse_queue(name.decode())


def test_a_worker_that_was_asleep_until_its_lease_was_over_makes_no_call(
    scene: Scene, monkeypatch: pytest.MonkeyPatch
) -> None:
    """By then the recipients may be another's; the call is put off, and made once."""
    job = scene.submit(some_numbers(2))
    scene.run()
    begin = batch_queues.begin

    def begin_and_be_late(*args: Any) -> Any:
        begun = begin(*args)
        scene.advance(55)
        scene.engine.monotonic_s = lambda: time.monotonic() + 55
        return begun

    monkeypatch.setattr(batch_queues, "begin", begin_and_be_late)
    scene.advance(1)
    scene.send_some("marketing")
    assert not scene.provider.calls
    assert scene.counts(job) == {"total": 2, "waiting": 2}
    monkeypatch.undo()
    scene.later(2)
    assert scene.counts(job) == {"total": 2, "accepted": 2}
    assert len(scene.provider.calls) == 1
