"""The suppression list: numbers on it are never texted, whatever job asks.

The list is looked at right before every call.
"""

import pytest

from smsline.errors import BadInput
from smsline.ledger import batch_queues, suppression
from smsline.ledger.batch_queues import NotStarted
from smsline.ledger.link import Ledger
from smsline.ledger.suppression import Scope, Suppression
from smsline.names import LANES
from smsline.numbers import e164
from tests.integration.controls.passing_time import let_pass
from tests.support.provider import FakeProvider, Script, never_left, refuse, refuse_items
from tests.support.scene import Scene, make_scene
from tests.support.world import FIRST, TERMS, World, some_numbers
from worker.intake import accept
from worker.providers.base import Answer, Call

OPTED_OUT = "FailedOperation.PhoneNumberInBlacklist"


@pytest.fixture
def at_once(ledger: Ledger) -> Scene:
    """A scene whose lanes do not linger."""
    return make_scene(ledger, linger_ms=0)


def phones(scene: Scene) -> list[str]:
    """Every number on the list."""
    return [entry["phone"] for entry in scene.ask.suppressed()]


def called(scene: Scene) -> set[int]:
    """Every number that was in a call."""
    return {number for call in scene.provider.calls for number in call.numbers}


def test_listed_numbers_are_never_called(at_once: Scene) -> None:
    """They end as suppressed, the others of their call go out.

    The job closes when those have their receipts.
    """
    listed = some_numbers(3, FIRST + 5)
    assert at_once.ask.suppress(map(e164, listed)) == 3
    job = at_once.submit(some_numbers(20))
    at_once.run()
    assert called(at_once) == set(some_numbers(20)) - set(listed)
    assert at_once.counts(job) == {"total": 20, "accepted": 17, "suppressed": 3}
    assert at_once.close_all(job)["state"] == "closed"
    rows = {row["phone"]: row for row in at_once.results(job)}
    for row in (rows[e164(number)] for number in listed):
        assert row["state"] == "suppressed"
        assert row["final_at"]
        assert not row["attempts"]


STOPS = [("marketing", {"marketing"}), ("notify", {"marketing", "notify"}), ("all", {"marketing", "notify", "otp"})]


@pytest.mark.parametrize(("scope", "lanes"), STOPS)
def test_a_scope_stops_its_lane_and_those_that_matter_less(at_once: Scene, scope: Scope, lanes: set[str]) -> None:
    """Who wants no advertisements still gets the code to log in.

    Only `all`, which a person sets, stops that too.
    """
    at_once.ask.suppress([e164(FIRST)], scope=scope)
    jobs = {lane: at_once.submit([FIRST], lane=lane, params=["482913"]) for lane in LANES}
    at_once.run()
    stopped = {lane for lane, job in jobs.items() if at_once.counts(job) == {"total": 1, "suppressed": 1}}
    assert stopped == lanes
    assert len(at_once.provider.calls) == len(LANES) - len(lanes)


def test_a_phone_is_stopped_in_each_of_its_spellings(at_once: Scene) -> None:
    """Argentina's mobiles have a 9 in them from abroad; the phone is the same."""
    at_once.ask.suppress(["+5491123456789", "+541123456780"])
    job = at_once.submit([541123456789, 5491123456780])
    at_once.run()
    assert at_once.counts(job) == {"total": 2, "suppressed": 2}


def test_an_entry_is_widened_and_never_narrowed(at_once: Scene) -> None:
    """Opt-outs from advertisements in a file do not let through whom a person has stopped."""
    assert at_once.ask.suppress([e164(FIRST)], scope="marketing", reason="first") == 1
    assert at_once.ask.suppress([e164(FIRST)], scope="all", reason="asked by letter") == 1
    assert at_once.ask.suppress([e164(FIRST)], scope="notify") == 0
    (entry,) = at_once.ask.suppressed()
    assert (entry["scope"], entry["source"], entry["reason"]) == ("all", "person", "asked by letter")


def test_the_list_can_be_written_down_and_read_again(at_once: Scene) -> None:
    """Scope, source, reason and time of each entry come back as they were.

    What is there already changes nothing.
    """
    at_once.ask.suppress([e164(FIRST), e164(FIRST + 1)], scope="notify", reason="by letter, 3 May")
    suppression.add(at_once.ledger, [Suppression(FIRST, "marketing", "reply main", "the word TD")])
    saved = sorted(at_once.ask.suppressed(), key=str)
    assert len(saved) == 3
    assert at_once.ask.suppress_entries(saved) == 0
    at_once.ask.unsuppress([e164(FIRST), e164(FIRST + 1)])
    assert at_once.ask.suppress_entries(saved) == 3
    assert sorted(at_once.ask.suppressed(), key=str) == saved


def test_the_old_list_stops_advertisements(at_once: Scene) -> None:
    """It had no scopes and did not say from where it had a number.

    Most came from opt-outs, and they lock no account out.
    """
    at_once.ledger.redis.sadd(at_once.ledger.keys.suppressed, FIRST)
    suppression.adopt(at_once.ledger)
    assert not at_once.ledger.redis.exists(at_once.ledger.keys.suppressed)
    code, advertisement = at_once.otp(FIRST), at_once.submit([FIRST])
    at_once.run()
    assert at_once.counts(code) == {"total": 1, "accepted": 1}
    assert at_once.counts(advertisement) == {"total": 1, "suppressed": 1}
    assert [(entry["scope"], entry["source"]) for entry in at_once.ask.suppressed()] == [
        ("marketing", "person before scopes")
    ]


@pytest.mark.parametrize("lane", LANES)
def test_no_lane_goes_past_the_list(at_once: Scene, lane: str) -> None:
    """A job of listed numbers makes no call, takes no token, and closes at once."""
    at_once.ask.suppress([e164(FIRST)])
    job = at_once.submit([FIRST], lane=lane, params=["482913"])
    at_once.run()
    assert at_once.provider.calls == []
    assert not list(at_once.ledger.redis.scan_iter(match="*bucket:*:SendSms"))
    assert at_once.counts(job) == {"total": 1, "suppressed": 1}
    assert at_once.status(job)["state"] == "closed"


def test_params_of_suppressed_recipients_are_erased(at_once: Scene) -> None:
    """They are of no use any more."""
    at_once.ask.suppress([e164(FIRST)])
    at_once.otp(FIRST, code="482913")
    at_once.run()
    (block,) = at_once.ledger.redis.scan_iter(match="*block:*")
    assert b"482913" not in b" ".join(at_once.ledger.redis.hvals(block))


def test_who_joins_the_list_while_in_the_inbox(at_once: Scene) -> None:
    """The job was taken, no worker has looked at it yet."""
    job = at_once.submit(some_numbers(2))
    at_once.ask.suppress([e164(FIRST)])
    at_once.run()
    assert called(at_once) == {FIRST + 1}
    assert at_once.counts(job) == {"total": 2, "accepted": 1, "suppressed": 1}


def test_a_number_that_joins_the_list_while_in_a_batch_queue(at_once: Scene) -> None:
    """The job is accepted, its numbers wait for their call."""
    job = at_once.submit(some_numbers(2))
    accept.accept_job(at_once.engine, job)
    at_once.ask.suppress([e164(FIRST)])
    at_once.run()
    assert called(at_once) == {FIRST + 1}
    assert at_once.counts(job) == {"total": 2, "accepted": 1, "suppressed": 1}


def test_who_joins_the_list_after_being_taken_for_a_call(ledger: Ledger) -> None:
    """A worker has claimed it and waits for the rate limit: the last look counts."""
    world = World(ledger)
    job = world.job([FIRST])
    claim = world.take()
    assert claim is not None
    suppression.add(ledger, [Suppression(FIRST)])
    assert batch_queues.begin(ledger, claim, TERMS) == NotStarted("empty")
    assert world.counts(job) == {"total": 1, "suppressed": 1}


def test_who_joins_the_list_while_its_pace_goes_on(at_once: Scene) -> None:
    """A part of a paced job is out when one of its next numbers opts out."""
    job = at_once.submit(some_numbers(3), pace=0.2)
    at_once.run()
    at_once.ask.suppress([e164(FIRST + 2)])
    for _ in range(3):
        let_pass(at_once, 5)
    assert called(at_once) == set(some_numbers(2))
    assert at_once.counts(job) == {"total": 3, "accepted": 2, "suppressed": 1}


def test_who_joins_the_list_while_paused(at_once: Scene) -> None:
    """It waits as long as the job is paused, and ends when it goes on."""
    job = at_once.submit(some_numbers(2))
    at_once.ask.pause(job)
    at_once.run()
    at_once.ask.suppress([e164(FIRST)])
    at_once.ask.resume(job)
    at_once.run()
    assert called(at_once) == {FIRST + 1}


def test_who_joins_the_list_between_two_tries(at_once: Scene) -> None:
    """The first call did not get through; there is no second one."""

    def fail_and_opt_out(provider: FakeProvider, call: Call) -> Answer:
        at_once.ask.suppress([e164(FIRST)])
        return never_left()(provider, call)

    at_once.provider.script.append(fail_and_opt_out)
    job = at_once.submit([FIRST])
    at_once.run()
    let_pass(at_once, 2)
    assert len(at_once.provider.calls) == 1
    assert at_once.counts(job) == {"total": 1, "suppressed": 1}


@pytest.mark.parametrize("refusal", [refuse_items({FIRST: OPTED_OUT}), refuse(OPTED_OUT)])
def test_an_answer_that_tells_of_an_opt_out_feeds_the_list(at_once: Scene, refusal: Script) -> None:
    """The recipient is dead in this job; the next job does not even call."""
    at_once.provider.script.append(refusal)
    first = at_once.submit([FIRST])
    at_once.run()
    assert at_once.counts(first) == {"total": 1, "dead": 1}
    assert phones(at_once) == [e164(FIRST)]
    second = at_once.submit(some_numbers(2))
    at_once.run()
    assert len(at_once.provider.calls) == 2
    assert at_once.counts(second) == {"total": 2, "accepted": 1, "suppressed": 1}


def test_a_whole_call_that_is_refused_for_one_opt_out_suppresses_no_other_number(at_once: Scene) -> None:
    """Each is asked for alone, and only who has opted out joins the list."""

    def refuse_whom_it_concerns(provider: FakeProvider, call: Call) -> Answer:
        refusing = refuse(OPTED_OUT) if FIRST in call.numbers else refuse_items({})
        return refusing(provider, call)

    at_once.provider.usual = refuse_whom_it_concerns
    job = at_once.submit(some_numbers(5))
    at_once.run()
    assert phones(at_once) == [e164(FIRST)]
    assert at_once.counts(job) == {"total": 5, "accepted": 4, "dead": 1}


@pytest.mark.parametrize("code", ["MX:0012", "TSBLACK"])
def test_a_receipt_that_tells_of_an_opt_out_feeds_the_list(at_once: Scene, code: str) -> None:
    """The carrier's word counts like the provider's (Tencent's receipt codes, reason opt-out)."""
    job = at_once.submit([FIRST])
    at_once.run()
    at_once.provider.deliver(ok=False, code=code)
    let_pass(at_once, 10)
    assert at_once.counts(job) == {"total": 1, "undelivered": 1}
    assert phones(at_once) == [e164(FIRST)]
    again = at_once.submit([FIRST])
    at_once.run()
    assert len(at_once.provider.calls) == 1
    assert at_once.counts(again) == {"total": 1, "suppressed": 1}


@pytest.mark.parametrize(("ok", "code"), [(True, "MX:0012"), (False, "MK:0001"), (False, "INVALID"), (True, "DELIVRD")])
def test_other_receipts_suppress_no_number(at_once: Scene, ok: bool, code: str) -> None:
    """Not a success, whatever its code; not a number that does not exist.

    Not a text that lacks its unsubscribe line.
    """
    at_once.submit([FIRST])
    at_once.run()
    at_once.provider.deliver(ok=ok, code=code)
    let_pass(at_once, 10)
    assert phones(at_once) == []


def test_a_number_taken_off_the_list_is_texted_again(at_once: Scene) -> None:
    """What has ended stays ended; what is submitted from now on goes out."""
    at_once.ask.suppress([e164(FIRST)])
    before = at_once.submit([FIRST])
    at_once.run()
    assert at_once.ask.unsuppress([e164(FIRST), e164(FIRST + 1)]) == 1
    after = at_once.submit([FIRST])
    at_once.run()
    assert at_once.counts(before) == {"total": 1, "suppressed": 1}
    assert at_once.counts(after) == {"total": 1, "accepted": 1}


def test_a_number_is_on_the_list_once_in_whatever_spelling(at_once: Scene) -> None:
    """The number counts, not how it is written."""
    at_once.ask.region = "CN"
    assert at_once.ask.suppress([e164(FIRST), "0086 137 0000 0000", "13700000000"]) == 1
    assert at_once.ask.suppress([e164(FIRST)]) == 0
    assert at_once.ask.unsuppress(["137-0000-0000"]) == 1


def test_numbers_before_a_bad_one_are_on_the_list(at_once: Scene) -> None:
    """Who mends the bad number need not wonder whether the first ones are texted meanwhile."""
    with pytest.raises(BadInput):
        at_once.ask.suppress([e164(FIRST), e164(FIRST + 1), "no number", e164(FIRST + 2)])
    assert set(phones(at_once)) == {e164(FIRST), e164(FIRST + 1)}
    with pytest.raises(BadInput):
        at_once.ask.unsuppress([e164(FIRST), "no number"])
    assert set(phones(at_once)) == {e164(FIRST + 1)}


def test_a_long_list_is_taken_in_pieces(ledger: Ledger) -> None:
    """Each number is counted once; doubles are not new."""
    many = some_numbers(2_500)
    assert suppression.add(ledger, map(Suppression, many + many[:10])) == 2_500
    assert suppression.count(ledger) == 2_500
    assert {entry.number for entry in suppression.listed(ledger)} == set(many)
    assert suppression.remove(ledger, iter(many[:1_200])) == 1_200
    assert suppression.count(ledger) == 1_300
