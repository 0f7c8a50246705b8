"""The dead letter: listed by code, job and account.

Requeued when the cause is gone, or dropped; twice does nothing more.
"""

from collections.abc import Iterator
from typing import Any

import pytest

from smsline.errors import Conflict
from smsline.ledger import accounts
from smsline.ledger.link import Ledger
from tests.support.provider import FakeProvider, lost, refuse, refuse_items
from tests.support.scene import Scene, make_scene
from tests.support.world import FIRST, some_numbers

WORD = "FailedOperation.ContainSensitiveWord"
NUMBER = "InvalidParameterValue.IncorrectPhoneNumber"
BLOCKED = "FailedOperation.PhoneNumberParseFail"
FRENCH = 33612345678


@pytest.fixture(autouse=True)
def sums_hold(scene: Scene) -> Iterator[None]:
    """Whatever a rule does, what is counted or looked up is what a look at everything finds."""
    yield
    groups = scene.ask.dead_groups()
    assert [group | {"jobs": []} for group in groups] == scene.ask.dead_summary()
    for job in {job for group in groups for job in group["jobs"]}:
        assert scene.ask.dead_summary(job=job) == scene.ask.dead_groups(job=job)


def with_dead(scene: Scene, **spec: Any) -> str:
    """A job of four, two of which are dead with different codes, and one of which is delivered."""
    job = scene.submit(some_numbers(4), **spec)
    scene.provider.script.append(refuse_items({FIRST: NUMBER, FIRST + 1: BLOCKED}))
    scene.send_all()
    scene.provider.deliver(scene.provider.out[:1])
    scene.later(6)
    return job


def test_the_dead_are_listed_with_what_their_code_means(scene: Scene) -> None:
    """By account and code, with the jobs, and row by row."""
    job = with_dead(scene)
    groups = {group["code"]: group for group in scene.ask.dead_groups()}
    assert groups.keys() == {NUMBER, BLOCKED}
    assert (groups[NUMBER]["count"], groups[NUMBER]["jobs"], groups[NUMBER]["verdict"]) == (1, [job], "dead")
    assert groups[NUMBER]["meaning"]
    assert {(row["phone"], row["code"]) for row in scene.ask.dead_rows()} == {
        (f"+{FIRST}", NUMBER),
        (f"+{FIRST + 1}", BLOCKED),
    }
    assert [row["code"] for row in scene.ask.dead_rows(code=NUMBER)] == [NUMBER]
    assert not scene.ask.dead_groups(account="other")


def test_a_requeue_sends_again_once(scene: Scene) -> None:
    """Only what was asked for; twice does nothing more; the job opens again, and closes."""
    job = with_dead(scene)
    assert scene.ask.requeue(code=NUMBER) == 1
    assert scene.ask.requeue(code=NUMBER) == 0
    assert scene.counts(job) == {"total": 4, "waiting": 1, "accepted": 1, "delivered": 1, "dead": 1}
    assert scene.close_all(job)["counts"]["delivered"] == 3
    assert [group["code"] for group in scene.ask.dead_groups()] == [BLOCKED]
    assert scene.texts()[FIRST] == 1


def test_a_requeued_recipient_that_dies_again_is_in_the_dead_letter_again(scene: Scene) -> None:
    """With its new code."""
    job = with_dead(scene)
    scene.ask.requeue(job=job)
    scene.provider.script.append(refuse_items(BLOCKED))
    scene.send_all()
    assert {group["code"]: group["count"] for group in scene.ask.dead_groups()} == {BLOCKED: 2}


def test_what_is_dropped_leaves_the_dead_letter_and_keeps_its_state(scene: Scene) -> None:
    """The job's counts and results stay; a requeue no longer finds it."""
    job = with_dead(scene)
    assert scene.ask.drop(code=NUMBER) == 1
    assert scene.ask.drop(code=NUMBER) == 0
    assert scene.counts(job)["dead"] == 2
    assert sorted(row["state"] for row in scene.results(job)) == ["accepted", "dead", "dead", "delivered"]
    assert [row["code"] for row in scene.ask.dead_rows()] == [BLOCKED]
    assert scene.ask.requeue(job=job) == 1


def test_two_accounts_of_a_job_are_mended_apart(ledger: Ledger) -> None:
    """The same code at the other account stays where it is."""
    prefixes = {"cn": {"prefixes": ["86"]}, "fr": {"prefixes": ["33"]}}
    scene = make_scene(ledger, {name: FakeProvider() for name in prefixes}, accounts=prefixes)
    job = scene.submit([FIRST, FRENCH])
    for name in prefixes:
        scene.provider_of(name).script.append(refuse(WORD))
    scene.send_all()
    assert {(group["account"], group["count"]) for group in scene.ask.dead_groups()} == {("cn", 1), ("fr", 1)}
    assert [(row["account"], row["phone"]) for row in scene.ask.dead_rows(account="fr")] == [("fr", f"+{FRENCH}")]
    assert scene.ask.requeue(account="fr") == 1
    assert [(group["account"], group["count"]) for group in scene.ask.dead_groups()] == [("cn", 1)]
    assert scene.counts(job) == {"total": 2, "waiting": 1, "dead": 1}
    assert scene.ask.drop(account="cn") == 1
    assert not scene.ask.dead_groups()


@pytest.mark.parametrize("code", ["InvalidParameterValue.Odd code with blanks", "InvalidParameterValue." + "x" * 70])
def test_codes_of_any_shape_can_be_listed_and_mended(scene: Scene, code: str) -> None:
    """Blanks and length are the provider's; the dead letter holds one word of them."""
    job = scene.submit([FIRST])
    scene.provider.script.append(refuse(code))
    scene.send_all()
    (group,) = scene.ask.dead_groups()
    assert group["code"].startswith("InvalidParameterValue.")
    assert scene.results(job)[0]["code"] == group["code"]
    assert scene.ask.requeue(code=group["code"]) == 1
    assert not scene.ask.dead_groups()


def test_a_receipts_code_may_have_blanks(scene: Scene) -> None:
    """SMSPartner's does.

    Under the code that results show, its recipients are listed, explained, shown, sent again and
    dropped.
    """
    accounts.register(scene.ledger, {"main": "smspartner"})
    code = "not delivered"
    scene.submit([FRENCH, FRENCH + 1])
    scene.send_all()
    scene.provider.deliver(ok=False, code=code)
    scene.later(6)
    (group,) = scene.ask.dead_summary()
    assert (group["code"], group["meaning"], group["count"]) == (
        code,
        "The message did not reach the phone; no reason is given.",
        2,
    )
    assert [row["code"] for row in scene.ask.dead_rows(code=code)] == [code, code]
    assert scene.ask.requeue(code=code) == 2
    assert not scene.ask.dead_summary()
    scene.send_all()
    scene.provider.deliver(scene.provider.out[2:], ok=False, code=code)
    scene.later(6)
    assert scene.ask.drop(code=code) == 2


def test_a_job_whose_time_is_over_is_not_requeued(scene: Scene) -> None:
    """And the operator is told why."""
    with_dead(scene, ttl_s=60)
    scene.later(61)
    with pytest.raises(Conflict, match="its ttl has passed"):
        scene.ask.requeue()


def test_a_cancelled_job_is_not_requeued(scene: Scene) -> None:
    """It was cancelled for a reason."""
    scene.ask.cancel(with_dead(scene))
    with pytest.raises(Conflict, match="it was cancelled"):
        scene.ask.requeue()


def test_a_recipient_whose_params_are_erased_is_not_requeued(scene: Scene) -> None:
    """A message with empty places would go out; one that never had params can."""
    bare = scene.submit([FIRST])
    secret = scene.submit([FIRST + 1], params=["551177"])
    scene.send_all()
    for _ in range(8):
        scene.later(12 * 3600)
    assert scene.counts(bare) == scene.counts(secret) == {"total": 1, "unknown": 1}
    scene.ledger.redis.hdel(scene.ledger.keys.job(bare), "deadline_ms")
    scene.ledger.redis.hdel(scene.ledger.keys.job(secret), "deadline_ms")
    with pytest.raises(Conflict, match=r"1 requeued; not requeued: job .*: the params are erased"):
        scene.ask.requeue()
    assert scene.counts(bare) == {"total": 1, "waiting": 1}


def test_a_removed_job_leaves_no_dead_letters(scene: Scene) -> None:
    """The retention ends them with their job."""
    with_dead(scene)
    scene.provider.deliver()
    scene.later(6)
    for _ in range(3):
        scene.later(4 * 86_400)
    assert not scene.ask.dead_groups()
    assert not scene.ask.jobs()


@pytest.mark.parametrize(
    ("accepted", "in_time", "words"),
    [
        (0, 0, "is unknown: a requeue may text them twice"),
        (2_000, 1_980, "99.0% had their receipt within 35 minutes; of these none came, so about 1 in 101 of them"),
    ],
)
def test_the_odds_of_an_unknown_outcome_are_told(scene: Scene, accepted: int, in_time: int, words: str) -> None:
    """How reliably the account's receipts come says how much their silence means."""
    scene.submit([FIRST])
    scene.provider.script.append(lost(carried_out=False))
    scene.send_all()
    scene.later(4_000)
    counters = {"r|main|notify|accepted": accepted, "h|accepted_to_final_seconds|main|15": in_time}
    scene.ledger.redis.hset(scene.ledger.keys.stats, mapping=counters)
    (group,) = scene.ask.dead_groups(state="unknown")
    assert words in group["advice"]
