"""Several accounts for the same numbers: who stands in for whom, and when.

No account stands in for a call that may have gone out.
"""

from collections import Counter
from typing import Any

import pytest

from smsline.ledger.link import Ledger
from tests.support.provider import FakeProvider, accept, lost, never_left, refuse, refuse_items
from tests.support.scene import Scene, make_scene
from tests.support.world import FIRST, some_numbers

REGION = "UnsupportedOperation.UnsupportedRegion"
BALANCE = "FailedOperation.InsufficientBalanceInSmsPackage"
WORD = "FailedOperation.ContainSensitiveWord"
OPT_OUT = "FailedOperation.PhoneNumberInBlacklist"
FLOOD = "LimitExceeded.PhoneNumberDailyLimit"
TEMPLATE = "FailedOperation.TemplateIncorrectOrUnapproved"


def two_accounts(ledger: Ledger, **settings: Any) -> Scene:
    """`first` and `second`, each for every number."""
    names = {"first": FakeProvider(), "second": FakeProvider()}
    return make_scene(ledger, names, **settings)


@pytest.fixture
def pair(ledger: Ledger) -> Scene:
    """Two accounts without further settings."""
    return two_accounts(ledger)


def shares(scene: Scene) -> dict[str, int]:
    """How many messages went out through each account."""
    return {name: len(scene.provider_of(name).out) for name in scene.engine.providers}


def test_who_a_provider_cannot_serve_goes_through_the_next_account(pair: Scene) -> None:
    """In one call, as they were; the results name the account's provider and both tries."""
    numbers, alone = some_numbers(200), some_numbers(5, FIRST + 1000)
    pair.provider_of("first").usual = refuse_items(dict.fromkeys(numbers, REGION))
    job = pair.submit(numbers)
    pair.send_all()
    pair.later(2)
    assert [len(call.numbers) for call in pair.provider_of("second").calls] == [200]
    # A call that is refused as a whole is tried one by one first; how many calls that
    # makes is left to real time.
    pair.provider_of("first").usual = refuse(REGION)
    refused = pair.submit(alone)
    pair.send_all()
    pair.later(2)
    assert pair.texts() == dict.fromkeys([*numbers, *alone], 1)
    pair.provider_of("second").deliver()
    pair.later(6)
    for each, count in ((job, 200), (refused, 5)):
        assert pair.counts(each) == {"total": count, "delivered": count}
        assert {row["attempts"] for row in pair.results(each)} == {2}


def test_a_number_that_no_account_can_serve_is_dead_at_the_last_one(pair: Scene) -> None:
    """With its code; the dead letter knows whose it is, a requeue begins with the first again."""
    for name in ("first", "second"):
        pair.provider_of(name).usual = refuse_items({FIRST: REGION})
    job = pair.submit(some_numbers(3))
    pair.send_all()
    pair.later(2)
    assert pair.counts(job) == {"total": 3, "accepted": 2, "dead": 1}
    (group,) = pair.ask.dead_groups()
    assert (group["account"], group["code"], group["count"]) == ("second", REGION, 1)
    assert [row["phone"] for row in pair.ask.dead_rows(account="second")] == [f"+{FIRST}"]
    assert not pair.ask.dead_groups(account="first")
    pair.provider_of("first").usual = accept
    assert pair.ask.requeue(account="first") == 0
    assert pair.ask.requeue(account="second") == 1
    pair.send_all()
    assert pair.counts(job) == {"total": 3, "accepted": 3}
    assert not pair.ask.dead_groups()
    assert shares(pair) == {"first": 3, "second": 0}


@pytest.mark.parametrize("code", [WORD, OPT_OUT, FLOOD])
def test_a_refusal_that_protects_people_is_not_gone_round(pair: Scene, code: str) -> None:
    """Content, opt-out and anti-flood refusals hold at every account."""
    pair.provider_of("first").usual = refuse_items({FIRST: code})
    pair.submit([FIRST])
    pair.send_all()
    pair.later(2)
    assert not pair.provider_of("second").calls


def test_a_parked_account_is_stood_in_for(pair: Scene) -> None:
    """What waits there and what comes later goes through the next account, each once."""
    pair.provider_of("first").usual = refuse(BALANCE)
    job = pair.submit(some_numbers(450))
    later = pair.submit(some_numbers(5, FIRST + 1000))
    pair.send_all()
    assert pair.counts(job) == {"total": 450, "accepted": 450}
    assert pair.counts(later) == {"total": 5, "accepted": 5}
    assert pair.texts() == dict.fromkeys([*some_numbers(450), *some_numbers(5, FIRST + 1000)], 1)
    assert shares(pair) == {"first": 0, "second": 455}
    health = {each["account"]: each for each in pair.ask.accounts()}
    assert (health["first"]["state"], health["second"]["state"]) == ("parked", "ok")
    assert sum(health["first"]["failed_over"].values()) >= 200


def test_a_parked_template_is_stood_in_for_and_the_others_are_not(pair: Scene) -> None:
    """The account goes on with what it may send."""
    pair.provider_of("first").script.append(refuse(TEMPLATE))
    pair.submit(some_numbers(5), template="stuck")
    pair.send_all()
    pair.submit(some_numbers(5, FIRST + 100), template="5678")
    pair.send_all()
    assert shares(pair) == {"first": 5, "second": 5}


def test_a_parked_account_is_probed_with_what_comes_new(pair: Scene) -> None:
    """One call a minute; when it works, the account has its numbers back."""
    first = pair.provider_of("first")
    first.usual = refuse(BALANCE)
    pair.submit(some_numbers(5))
    pair.send_all()
    asked = len(first.calls)
    for n in range(3):
        pair.submit(some_numbers(5, FIRST + 100 * n + 100))
        pair.later(1)
    assert len(first.calls) == asked
    pair.later(61)
    pair.submit(some_numbers(5, FIRST + 900))
    pair.send_all()
    assert len(first.calls) == asked + 1
    first.usual = accept
    pair.later(61)
    pair.submit(some_numbers(5, FIRST + 1900))
    pair.send_all()
    assert not pair.ask.accounts()[0]["parked"]
    assert len(first.out) == 5


def test_no_recipient_is_lost_where_all_accounts_are_parked(pair: Scene) -> None:
    """They wait where they are, and go out when one works again."""
    for name in ("first", "second"):
        pair.provider_of(name).usual = refuse(BALANCE)
    job = pair.submit(some_numbers(5))
    pair.send_all()
    assert pair.counts(job) == {"total": 5, "waiting": 5}
    pair.provider_of("second").usual = accept
    pair.later(62)
    pair.later(2)
    assert pair.counts(job) == {"total": 5, "accepted": 5}


def test_a_job_that_names_its_account_stays_with_it(pair: Scene) -> None:
    """Parked or not, and also when the provider cannot serve a number."""
    pair.provider_of("first").script.append(refuse_items({FIRST: REGION}))
    job = pair.submit(some_numbers(2), account="first")
    pair.send_all()
    pair.later(2)
    assert pair.counts(job) == {"total": 2, "accepted": 1, "dead": 1}
    pair.provider_of("first").usual = refuse(BALANCE)
    waiting = pair.submit(some_numbers(2, FIRST + 10), account="first")
    pair.send_all()
    assert pair.counts(waiting) == {"total": 2, "waiting": 2}
    assert not pair.provider_of("second").calls


def failing(scene: Scene, calls: int, *, start: int = 1000) -> None:
    """Let so many calls of the first account fail that never left."""
    scene.provider_of("first").script.extend([never_left()] * calls)
    for n in range(calls):
        scene.submit([FIRST + start + n], template=f"t{n}", lane="otp")
        scene.run()


def test_others_stand_in_for_an_account_whose_calls_fail(ledger: Ledger) -> None:
    """From the threshold on, for the cooldown.

    Who was waiting for another try goes with them; the reason is shown.
    """
    scene = two_accounts(ledger, failover_failures=4, breaker_failures=0)
    failing(scene, 3)
    assert not scene.provider_of("second").calls
    failing(scene, 1, start=2000)
    scene.later(3)
    assert shares(scene)["second"] >= 1
    assert sum(shares(scene).values()) == 4
    (first, _) = scene.ask.accounts()
    assert first["state"] == "failing"
    assert first["failover"] is not None
    assert (first["failover"]["code"], first["failover"]["share"]) == ("http.ConnectError", 0.0)
    assert max(scene.texts().values()) == 1


def test_a_few_failures_among_many_calls_change_nothing(ledger: Ledger) -> None:
    """The threshold is a number of failures and half of all calls."""
    scene = two_accounts(ledger, failover_failures=3, breaker_failures=0)
    for n in range(20):
        scene.otp(FIRST + n)
        scene.run()
    failing(scene, 5)
    scene.later(3)
    assert not scene.provider_of("second").calls


def test_an_account_comes_back_slowly(ledger: Ledger) -> None:
    """After the cooldown a few numbers go through it, then ever more, then all.

    All go at once when a person says so.
    """
    scene = two_accounts(ledger, failover_failures=2, failover_cooldown_s=60, failover_return_s=100)
    failing(scene, 2)
    scene.later(3)
    before = Counter(shares(scene))

    def part(start: int) -> float:
        """The part of 400 numbers that goes through the first account."""
        scene.submit(some_numbers(400, FIRST + start))
        scene.send_all()
        now = Counter(shares(scene))
        gained = {name: now[name] - before[name] for name in now}
        before.update(gained)
        assert sum(gained.values()) == 400
        return gained["first"] / 400

    assert part(10_000) == 0
    scene.later(60)
    assert 0.01 <= part(20_000) <= 0.2
    scene.later(40)
    assert 0.3 <= part(30_000) <= 0.7
    assert scene.ask.resume_account("first") == 1
    scene.advance(1)
    assert part(40_000) == 1


def test_an_otp_sent_again_after_an_unsure_call_stays_with_its_account(pair: Scene) -> None:
    """It is unknown whether the first one went out, so no other provider is asked.

    Not even while the account is parked.
    """
    pair.provider_of("first").script.append(lost(carried_out=False))
    job = pair.otp(FIRST)
    pair.run()
    pair.provider_of("first").usual = refuse(BALANCE)
    pair.later(11)
    pair.later(2)
    assert not pair.provider_of("second").calls
    pair.provider_of("first").usual = accept
    pair.later(62)
    assert pair.counts(job) == {"total": 1, "accepted": 1}


def test_an_otp_after_an_unsure_call_may_go_elsewhere_if_the_settings_say_so(ledger: Ledger) -> None:
    """`unsure_reroute`."""
    scene = two_accounts(ledger, unsure_reroute=True)
    scene.provider_of("first").script.append(lost(carried_out=False))
    job = scene.otp(FIRST)
    scene.run()
    scene.later(11)
    scene.later(1)
    assert scene.counts(job) == {"total": 1, "accepted": 1}
    assert shares(scene) == {"first": 0, "second": 1}


def test_a_recipient_that_changed_accounts_is_asked_about_at_the_one_that_took_it(pair: Scene) -> None:
    """Its receipt is overdue there and nowhere else."""
    pair.provider_of("first").usual = refuse_items({FIRST: REGION})
    job = pair.submit(some_numbers(2))
    pair.send_all()
    pair.later(2)
    pair.later(700)
    assert [number for number, _, _ in pair.provider_of("second").asked] == [FIRST]
    assert [number for number, _, _ in pair.provider_of("first").asked] == [FIRST + 1]
    pair.later(260_000)
    assert pair.counts(job) == {"total": 2, "unknown": 2}
    assert {group["account"] for group in pair.ask.dead_groups()} == {"first", "second"}


def test_routes_share_numbers_by_weight_and_by_lane(ledger: Ledger) -> None:
    """A number always has the same account; a route for a lane goes before one for all."""
    routes = {
        "all": {"accounts": {"first": 3, "second": 1}},
        "quick": {"lanes": ["otp"], "accounts": ["second"], "fallback": ["first"]},
    }
    scene = two_accounts(ledger, routes=routes)
    scene.submit(some_numbers(400))
    scene.send_all()
    assert 240 <= shares(scene)["first"] <= 360
    again = Counter(shares(scene))
    scene.submit(some_numbers(400))
    scene.send_all()
    assert Counter(shares(scene)) == Counter({name: 2 * count for name, count in again.items()})
    scene.otp(FIRST)
    scene.run()
    assert shares(scene)["second"] == 2 * again["second"] + 1


def test_each_account_says_it_in_its_own_words(ledger: Ledger) -> None:
    """Its own template id, params in its own order, and its signature where the job has none."""
    accounts = {
        "first": {"sign": "A"},
        "second": {"sign": "B", "templates": {"5678": "9(minutes, code)"}},
    }
    scene = two_accounts(ledger, accounts=accounts)
    scene.provider_of("first").usual = refuse(BALANCE)
    scene.submit([FIRST], params=["code=1", "minutes=5"])
    scene.submit([FIRST + 1], params=["7", "8"], sign="C")
    scene.submit([FIRST + 2], template="unknown")
    scene.send_all()
    said = {
        call.numbers[0]: (call.content.template, call.content.params, call.content.sign)
        for call in scene.provider_of("second").calls
    }
    assert said == {FIRST: ("9", ("5", "1"), "B"), FIRST + 1: ("9", ("7", "8"), "C")}
