"""Workers that differ: one lacks an account, or its machine is refused.

It stops its own share, visibly, and no other's.
"""

import logging

import pytest

from smsline.ledger import due, pages
from smsline.ledger.link import Ledger
from tests.support.provider import FakeProvider, lost, refuse
from tests.support.provider import accept as accepted
from tests.support.scene import Scene, make_scene
from tests.support.world import FIRST, some_numbers
from worker.intake import accept
from worker.receipts import drain, pushed, replies
from worker.runtime.scheduler import Scheduler
from worker.sending import unserved

CLOCK = "AuthFailure.SignatureExpire"


def workers(ledger: Ledger, *accounts: dict[str, FakeProvider]) -> list[Scene]:
    """A worker for each of these sets of accounts, on one ledger; all of them run."""
    found = []
    for n, providers in enumerate(accounts):
        scene = make_scene(ledger, providers)
        scene.engine.worker = f"machine-{n}:1"
        scene.engine.presence._worker = scene.engine.worker
        scene.engine.presence.announce(now=True)
        found.append(scene)
    return found


def look(scene: Scene) -> None:
    """A few looks of a worker; what it leaves to others stays due."""
    for _ in range(4):
        scene.tick()
        scene.advance(0.6)


def test_a_worker_without_an_account_leaves_it_to_others(ledger: Ledger, caplog: pytest.LogCaptureFixture) -> None:
    """It parks nothing, and what stands behind the other account's queues is sent all the same.

    Who serves it is shown.
    """
    logging.disable(logging.NOTSET)
    main, french = FakeProvider(), FakeProvider()
    lacking, having = workers(ledger, {"main": main}, {"main": main, "french": french})
    theirs = [lacking.submit([FIRST + n], account="french", params=[str(n)]) for n in range(25)]
    mine = lacking.submit(some_numbers(5, FIRST + 100), account="main")
    for job in (*theirs, mine):
        accept.accept_job(lacking.engine, job)
    lacking.advance(1)
    woken: list[str] = []
    Scheduler(lacking.engine, ["smsline.marketing"], lambda task, *_: woken.append(task)).look()
    assert woken == ["smsline.send"], "for the one that it serves, behind twenty-five that it does not"
    assert "lacks the account french" in caplog.text
    look(lacking)
    assert lacking.counts(mine) == {"total": 5, "accepted": 5}
    assert all(lacking.counts(job) == {"total": 1, "waiting": 1} for job in theirs)
    health = {each["account"]: each for each in lacking.ask.accounts()}
    assert (health["french"]["state"], health["french"]["workers"]) == ("ok", ["machine-1:1"])
    assert health["main"]["workers"] == ["machine-0:1", "machine-1:1"]
    look(having)
    assert len(french.out) == 25
    assert max(having.texts().values()) == 1


def test_a_call_in_doubt_is_left_to_those_who_can_ask(ledger: Ledger) -> None:
    """The otp is not sent again without a question: the worker that has its account finds it."""
    french = FakeProvider()
    lacking, having = workers(ledger, {"main": FakeProvider()}, {"french": french})
    french.script.append(lost())
    job = having.otp(FIRST, account="french")
    having.run()
    assert having.counts(job) == {"total": 1, "sending": 1}
    french.deliver(pulled=False)
    for _ in range(20):
        lacking.advance(3)
        lacking.tick()
    assert lacking.counts(job) == {"total": 1, "sending": 1}
    having.later(1)
    assert having.counts(job) == {"total": 1, "delivered": 1}
    assert french.texts() == {FIRST: 1}


def test_what_is_pushed_and_said_is_left_to_those_who_have_the_account(ledger: Ledger) -> None:
    """A page met by a worker that lacks its account is read by another within a second.

    Its replies are pulled as before.
    """
    lacking, having = workers(ledger, {"main": FakeProvider()}, {"french": FakeProvider()})
    keys = ledger.keys
    raw = b'{"nationcode": "86", "mobile": "13711112222", "sign": "S", "text": "TD", "time": 7}'
    pages.push(ledger, "french", "reply", raw)
    due.start(ledger, keys.replies_due, ["french"], having.engine.now_ms())
    for _ in range(10):
        pushed.read_pushed(lacking.engine, "french")
        replies.pull_replies(lacking.engine, "french")
        lacking.advance(0.06)
    pushed.read_pushed(having.engine, "french")
    assert [entry["phone"] for entry in having.ask.suppressed()] == ["+8613711112222"]
    assert ledger.redis.zscore(keys.replies_due, "french") is not None
    ledger.redis.delete(keys.replies_due)  # a service that runs has it for ever


def test_an_account_that_no_worker_has_is_told_and_goes_on_when_one_has(ledger: Ledger) -> None:
    """Its recipients wait; the first worker that has it lifts that at once."""
    (lacking,) = workers(ledger, {"main": FakeProvider()})
    job = lacking.submit(some_numbers(3), account="french")
    lacking.send_all()
    assert lacking.counts(job) == {"total": 3, "waiting": 3}
    health = {each["account"]: each for each in lacking.ask.accounts()}
    assert (health["french"]["state"], health["french"]["parked"][0]["code"]) == ("unserved", "account.Unknown")
    (having,) = workers(ledger, {"french": FakeProvider()})
    unserved.resume(having.engine)
    having.send_all()
    assert having.counts(job) == {"total": 3, "accepted": 3}


def test_a_machine_that_is_refused_leaves_the_account_to_others(ledger: Ledger) -> None:
    """Its clock is off by an hour: nothing is parked, and it is named.

    Its recipients go out through the other worker.
    """
    off, right = FakeProvider(usual=refuse(CLOCK)), FakeProvider()
    wrong_clock, fine = workers(ledger, {"main": off}, {"main": right})
    job = wrong_clock.submit(some_numbers(600))
    look(wrong_clock)
    assert len(off.calls) == 1
    (health,) = fine.ask.accounts()
    assert (health["state"], health["parked"]) == ("ok", [])
    assert health["refused"] == {"machine-0:1": CLOCK}
    look(fine)
    assert fine.counts(job) == {"total": 600, "accepted": 600}
    assert {row["attempts"] for row in fine.results(job)} == {1}


def test_a_machine_that_may_not_pull_receipts_leaves_them_to_others(ledger: Ledger) -> None:
    """The bucket stays open for the others; later it finds out whether it is still refused."""
    off, right = FakeProvider(), FakeProvider()
    wrong_clock, fine = workers(ledger, {"main": off}, {"main": right})
    job = fine.submit(some_numbers(3))
    fine.send_all()
    right.deliver()
    off.pull_script.append(f"refused {CLOCK}".encode())
    for _ in range(4):
        wrong_clock.advance(3)
        drain.drain(wrong_clock.engine, "main")
    assert off.pulls == 1
    fine.later(1)
    assert fine.counts(job) == {"total": 3, "delivered": 3}
    assert wrong_clock.engine.presence.leave_for_ms("main") is not None
    assert fine.engine.presence.leave_for_ms("main") is None


def test_an_account_is_parked_when_all_machines_are_refused(ledger: Ledger) -> None:
    """Then it is the account's trouble: others may take over, and a person sees it.

    One that works again lifts it.
    """
    providers = [FakeProvider(usual=refuse(CLOCK)), FakeProvider(usual=refuse(CLOCK))]
    first, second = workers(ledger, {"main": providers[0]}, {"main": providers[1]})
    job = first.submit(some_numbers(3))
    look(first)
    assert first.ask.accounts()[0]["state"] == "ok"
    look(second)
    (health,) = second.ask.accounts()
    assert (health["state"], health["parked"][0]["code"]) == ("parked", CLOCK)
    providers[1].usual = accepted
    assert second.ask.resume_account("main") == 1
    second.send_all()
    assert second.counts(job) == {"total": 3, "accepted": 3}
    assert second.ask.accounts()[0]["refused"] == {"machine-0:1": CLOCK}
