"""What a provider refuses: parks and their probes, throttles, retries, single calls.

No recipient is burnt who could be sent to.
"""

import pytest

from smsline.ledger import accounts
from smsline.ledger.link import Ledger
from tests.support.provider import FakeProvider, never_left, refuse, refuse_items, refuse_where
from tests.support.scene import Scene, make_scene
from tests.support.world import FIRST, some_numbers

FRENCH = 33612345678
BALANCE = "FailedOperation.InsufficientBalanceInSmsPackage"
TEMPLATE = "FailedOperation.TemplateUnapprovedOrNotExist"
NUMBER = "InvalidParameterValue.IncorrectPhoneNumber"


def test_a_parked_account_keeps_its_recipients_and_asks_once_a_minute(scene: Scene) -> None:
    """A hundred thousand could wait so: one call a minute finds out, and no try is counted."""
    job = scene.submit(some_numbers(600))
    scene.provider.usual = refuse(BALANCE)
    scene.send_all()
    assert len(scene.provider.calls) == 1
    for _ in range(10):
        scene.later(30)
    assert 5 <= len(scene.provider.calls) <= 6
    assert scene.counts(job) == {"total": 600, "waiting": 600}
    assert {row["attempts"] for row in scene.results(job)} == {0}
    (health,) = scene.ask.accounts()
    assert (health["state"], health["parked"][0]["code"]) == ("parked", BALANCE)


def test_a_probe_that_works_lifts_the_park_for_all(scene: Scene) -> None:
    """What waited goes out at once."""
    job = scene.submit(some_numbers(600))
    scene.provider.script.append(refuse(BALANCE))
    scene.send_all()
    scene.later(61)
    scene.later(1)
    assert scene.counts(job) == {"total": 600, "accepted": 600}
    assert not scene.ask.accounts()[0]["parked"]
    assert scene.texts() == dict.fromkeys(some_numbers(600), 1)


def test_a_person_resumes_an_account_at_once(scene: Scene) -> None:
    """Without waiting for the next probe."""
    job = scene.submit(some_numbers(3))
    scene.provider.script.append(refuse(BALANCE))
    scene.send_all()
    assert scene.ask.resume_account("main") == 1
    scene.later(1)
    assert scene.counts(job) == {"total": 3, "accepted": 3}


@pytest.mark.parametrize("by_item", [False, True])
def test_a_parked_template_lets_the_others_go_on(scene: Scene, *, by_item: bool) -> None:
    """Said of the whole call, or of each of its numbers alike, to jobs of different params.

    One park, not many deaths.
    """
    answer = refuse_items(TEMPLATE) if by_item else refuse(TEMPLATE)
    scene.provider.script.extend([answer, answer])
    stuck = scene.submit(some_numbers(5), template="stuck", params=["1"])
    scene.send_all()
    again = scene.submit(some_numbers(5), template="stuck", params=["2"])
    scene.send_all()
    third = scene.submit(some_numbers(5), template="stuck", params=["3"])
    other = scene.submit(some_numbers(5))
    scene.send_all()
    assert [scene.counts(job) for job in (stuck, again, third)] == [{"total": 5, "waiting": 5}] * 3
    assert scene.counts(other) == {"total": 5, "accepted": 5}
    assert len(scene.provider.calls) == 3
    parks = {(park["scope"], park["template"], park["code"]) for park in scene.ask.accounts()[0]["parked"]}
    assert parks == {("job", "stuck", TEMPLATE), ("template", "stuck", TEMPLATE)}
    for _ in range(12):
        scene.later(61)
    assert [scene.counts(job) for job in (stuck, again, third)] == [{"total": 5, "accepted": 5}] * 3
    assert not scene.ask.accounts()[0]["parked"]


def test_one_bad_job_is_held_alone(scene: Scene) -> None:
    """A misspelt variable is that job's own trouble: the template's other jobs go on.

    It is asked about once a minute.
    """
    bad = scene.submit(some_numbers(500), template="welcome", params=["mispelt=1"])
    scene.provider.script.append(refuse(TEMPLATE))
    scene.send_all()
    good = scene.submit(some_numbers(5, FIRST + 1000), template="welcome", params=["code=1"])
    scene.send_all()
    assert scene.counts(bad) == {"total": 500, "waiting": 500}
    assert scene.counts(good) == {"total": 5, "accepted": 5}
    (park,) = scene.ask.accounts()[0]["parked"]
    assert (park["scope"], park["template"]) == ("job", "welcome")
    assert scene.ask.resume_account("main") == 1
    for _ in range(3):
        scene.later(1)
    assert scene.counts(bad) == {"total": 500, "accepted": 500}


def test_one_side_of_an_account_is_parked_alone(scene: Scene) -> None:
    """The mainland package is used up; numbers abroad have one of their own."""
    scene.provider.script.append(refuse(BALANCE))
    china = scene.submit(some_numbers(3))
    scene.send_all()
    abroad = scene.submit([FRENCH])
    scene.send_all()
    assert scene.counts(china) == {"total": 3, "waiting": 3}
    assert scene.counts(abroad) == {"total": 1, "accepted": 1}
    (park,) = scene.ask.accounts()[0]["parked"]
    assert (park["scope"], park["code"]) == ("region", BALANCE)
    scene.later(61)
    scene.later(1)
    assert scene.counts(china) == {"total": 3, "accepted": 3}


def test_a_mistyped_signature_holds_up_its_own_job_alone(scene: Scene) -> None:
    """Others of the same template go on, with the account's signature or another of their own.

    It is told apart.
    """
    scene.provider.script.append(refuse("FailedOperation.SignatureIncorrectOrUnapproved"))
    mistyped = scene.submit(some_numbers(3), sign="Acmee")
    scene.send_all()
    usual, other = scene.submit(some_numbers(3, FIRST + 10)), scene.submit(some_numbers(3, FIRST + 20), sign="Acme")
    scene.send_all()
    assert scene.counts(mistyped) == {"total": 3, "waiting": 3}
    assert [scene.counts(job) for job in (usual, other)] == [{"total": 3, "accepted": 3}] * 2
    (park,) = scene.ask.accounts()[0]["parked"]
    assert (park["scope"], park["template"], park["own_sign"]) == ("job", "5678", True)
    assert scene.ask.resume_account("main") == 1
    scene.send_all()
    assert scene.counts(mistyped) == {"total": 3, "accepted": 3}


def test_a_parked_account_does_not_hold_up_another(ledger: Ledger) -> None:
    """Each account has its own health."""
    prefixes = {"cn": {"prefixes": ["86"]}, "fr": {"prefixes": ["33"]}}
    scene = make_scene(ledger, {name: FakeProvider() for name in prefixes}, accounts=prefixes)
    scene.provider_of("cn").usual = refuse(BALANCE)
    job = scene.submit([FIRST, FRENCH])
    scene.send_all()
    assert scene.counts(job) == {"total": 2, "waiting": 1, "accepted": 1}
    assert {health["account"]: health["state"] for health in scene.ask.accounts()} == {"cn": "parked", "fr": "ok"}


def test_recipients_that_end_while_their_account_is_parked_leave_the_batch_queue(scene: Scene) -> None:
    """Cancelled ones are gone with the next look, and the account stays parked for the next job."""
    job = scene.submit(some_numbers(3), ttl_s=90)
    scene.provider.usual = refuse(BALANCE)
    scene.send_all()
    scene.later(91)
    assert scene.counts(job) == {"total": 3, "expired": 3}
    scene.later(61)
    assert not list(scene.ledger.redis.scan_iter(match="*:queue:*"))


def test_one_parked_number_of_a_call_does_not_park_the_template(scene: Scene) -> None:
    """The others were taken; it is tried again by itself, and no try is counted."""
    job = scene.submit(some_numbers(3))
    scene.provider.script.append(refuse_items({FIRST: TEMPLATE}))
    scene.send_all()
    assert scene.counts(job) == {"total": 3, "waiting": 1, "accepted": 2}
    assert not scene.ask.accounts()[0]["parked"]
    scene.later(61)
    scene.later(1)
    assert scene.counts(job) == {"total": 3, "accepted": 3}


def test_a_throttled_account_rests_and_counts_no_try(scene: Scene) -> None:
    """The action's bucket is closed as long as the code says; all lanes wait, and people see it."""
    job = scene.submit(some_numbers(400))
    scene.provider.script.append(refuse("LimitExceeded"))
    scene.send_all()
    code = scene.otp(FIRST + 5000)
    scene.later(50)
    assert len(scene.provider.calls) == 1
    assert [account["state"] for account in scene.ask.accounts()] == ["throttled"]
    scene.later(12)
    assert [account["state"] for account in scene.ask.accounts()] == ["ok"]
    assert scene.counts(code) == {"total": 1, "accepted": 1}
    assert scene.counts(job) == {"total": 400, "accepted": 400}
    assert {row["attempts"] for row in scene.results(job)} == {1}


def test_a_template_that_may_not_be_sent_now_holds_up_nothing_else(scene: Scene) -> None:
    """Marketing outside its hours waits; one-time passwords of the same account go on."""
    job = scene.submit(some_numbers(3))
    scene.provider.script.append(refuse("FailedOperation.MarketingSendTimeConstraint"))
    scene.send_all()
    code = scene.otp(FIRST + 10)
    other = scene.submit([FIRST + 11], template="other")
    scene.send_all()
    assert scene.counts(code) == {"total": 1, "accepted": 1}
    assert scene.counts(other) == {"total": 1, "accepted": 1}
    assert scene.counts(job) == {"total": 3, "waiting": 3}
    assert len(scene.provider.calls) == 3


def test_a_throttled_number_waits_alone(scene: Scene) -> None:
    """The provider's cap on one number: it is tried again after the code's time, uncounted.

    No other recipient waits.
    """
    job = scene.submit(some_numbers(3))
    scene.provider.script.append(refuse_items({FIRST: "LimitExceeded.PhoneNumberThirtySecondLimit"}))
    scene.send_all()
    assert scene.counts(job) == {"total": 3, "waiting": 1, "accepted": 2}
    scene.later(25)
    assert len(scene.provider.calls) == 1
    scene.later(6)
    assert scene.counts(job) == {"total": 3, "accepted": 3}


def test_retries_that_are_used_up_end_in_the_dead_letter(scene: Scene) -> None:
    """An otp is tried five times more; the code of the last try stands beside it."""
    job = scene.otp(FIRST)
    scene.provider.usual = never_left("http.PoolTimeout")
    scene.until(lambda: scene.status(job)["closed_at"], within_s=200)
    assert scene.counts(job) == {"total": 1, "dead": 1}
    assert len(scene.provider.calls) == 6
    (row,) = scene.results(job)
    assert (row["code"], row["attempts"]) == ("http.PoolTimeout", 6)


def test_one_bad_number_that_spoils_a_call_is_found_by_single_calls(scene: Scene) -> None:
    """The call was refused for one number; each is tried alone, and only the bad one dies."""
    job = scene.submit(some_numbers(5))
    scene.provider.usual = refuse_where(NUMBER, lambda call: FIRST + 2 in call.numbers)
    scene.send_all()
    scene.later(2)
    assert scene.counts(job) == {"total": 5, "accepted": 4, "dead": 1}
    assert sorted(len(call.numbers) for call in scene.provider.calls) == [1, 1, 1, 1, 1, 5]
    assert {row["phone"]: row["code"] for row in scene.results(job) if row["state"] == "dead"} == {
        f"+{FIRST + 2}": NUMBER
    }


def test_content_that_will_never_do_concerns_its_job_and_nothing_else(scene: Scene) -> None:
    """A small job ends in the dead letter.

    Of a campaign six calls are refused, then it is held and can be cancelled.
    """
    blocked = "FailedOperation.ContainSensitiveWord"
    small, campaign = scene.submit(some_numbers(5), template="bad"), scene.submit(some_numbers(5_000), template="worse")
    scene.provider.usual = refuse_where(blocked, lambda call: call.content.template in {"bad", "worse"})
    scene.send_all()
    good = scene.submit(some_numbers(5))
    scene.send_all()
    assert scene.counts(small) == {"total": 5, "dead": 5}
    assert scene.status(small)["closed_at"]
    assert scene.counts(campaign) == {"total": 5_000, "waiting": 5_000}
    assert scene.counts(good) == {"total": 5, "accepted": 5}
    scene.ask.cancel(campaign)
    scene.run()
    assert scene.counts(campaign) == {"total": 5_000, "cancelled": 5_000}


def test_a_filter_that_means_one_recipient_ends_that_one(scene: Scene) -> None:
    """Smaller calls find the number; all others are texted, and the job is not held."""
    blocked, numbers = "FailedOperation.ContainSensitiveWord", some_numbers(400)
    scene.provider.usual = refuse_where(blocked, lambda call: numbers[137] in call.numbers)
    job = scene.submit(numbers)
    scene.send_all()
    assert scene.counts(job) == {"total": 400, "accepted": 399, "dead": 1}
    assert not accounts.parks(scene.ledger, "main")
    assert set(scene.texts().values()) == {1}


def test_an_unknown_code_is_doubted_counted_and_shown(scene: Scene) -> None:
    """So that a row can be added; nothing is sent again."""
    job = scene.submit([FIRST])
    scene.provider.script.append(refuse("BrandNewCode"))
    scene.send_all()
    assert scene.counts(job) == {"total": 1, "sending": 1}
    assert accounts.health(scene.ledger, "main", "tencent")["unknown_codes"] == {"BrandNewCode": 1}


def test_numbers_that_no_account_serves_wait_until_their_end(ledger: Ledger) -> None:
    """They are not lost, and leave nothing behind; a later account takes what is its own."""
    scene = make_scene(ledger, {"cn": FakeProvider()}, accounts={"cn": {"prefixes": ["86"]}})
    job = scene.submit([FIRST, FRENCH], ttl_s=600)
    named = scene.submit([FRENCH], account="fr", ttl_s=86_400)
    scene.send_all()
    assert scene.counts(job) == {"total": 2, "waiting": 1, "accepted": 1}
    scene.later(601)
    assert scene.counts(job) == {"total": 2, "accepted": 1, "expired": 1}
    both = make_scene(ledger, {"cn": scene.provider, "fr": FakeProvider()}, accounts={"cn": {"prefixes": ["86"]}})
    both.later(61)
    both.later(61)
    assert both.counts(named) == {"total": 1, "accepted": 1}


def test_recipients_of_a_stranger_leave_nothing_behind(ledger: Ledger) -> None:
    """When they have ended, their batch queue is gone, though no worker has their account."""
    scene = make_scene(ledger)
    job = scene.submit(some_numbers(3), account="gone", ttl_s=60)
    scene.send_all()
    scene.later(61)
    scene.later(61)
    assert scene.counts(job) == {"total": 3, "expired": 3}
    assert not list(ledger.redis.scan_iter(match="*:queue:*"))
