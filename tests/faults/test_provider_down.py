"""A provider that is down for everything: the account is held, probed, and goes on by itself.

Few recipients are ever in doubt.
"""

from typing import Any, Final

import pytest

from smsline.ledger import batch_queues
from smsline.ledger.batch_queues import CallLimits, Claim
from smsline.ledger.link import Ledger
from tests.support.provider import FakeProvider, Script, accept, lost, never_left, refuse, refuse_items
from tests.support.scene import Scene, make_scene
from tests.support.world import FIRST, some_numbers
from worker.intake.accept import accept_due
from worker.outcome import RESENT
from worker.providers.base import Sent
from worker.sending.send import send_slice

COUNT: Final = 3_000
DOWN_S: Final = 90
GLOBAL_FIRST: Final = 447_700_900_000
INTERNAL: Final = "InternalError.Timeout"

KINDS: Final[dict[str, Script]] = {
    "refused": never_left(),
    "502": lost("http.502", carried_out=False),
    "504": lost("http.504", carried_out=False),
    "garbled": lost("http.NotJson", carried_out=False),
    "internal": refuse(INTERNAL),
    "internal for each": refuse_items(INTERNAL),
    "hang": lost("http.ReadTimeout", carried_out=False),
    "empty": lambda _provider, _call: Sent((), "r"),
    "unheard-of": refuse("NobodyHasSeenThis"),
}


@pytest.mark.parametrize("kind", KINDS)
def test_an_outage_costs_what_was_in_flight(scene: Scene, kind: str) -> None:
    """One call of 200, a few of five, and a probe of one recipient now and then.

    The rest goes out when the provider is back.
    """
    job = scene.submit(some_numbers(COUNT))
    scene.provider.usual = KINDS[kind]
    scene.send_all()
    in_doubt = sum(len(call.numbers) for call in scene.provider.calls)
    assert in_doubt <= 200 + 3 * 5 + 2
    (health,) = scene.ask.accounts()
    assert health["state"] == "held"
    assert health["held"]
    assert health["held"]["code"]
    before = len(scene.provider.calls)
    for _ in range(DOWN_S // 5):
        scene.later(5)
    probes = scene.provider.calls[before:]
    assert 3 <= len(probes) <= 8, "pauses of 1, 2, 4, 8, 16 and 30 s"
    assert {len(call.numbers) for call in probes} == {1}
    assert scene.ask.accounts()[0]["state"] == "held"
    scene.provider.usual = accept
    scene.later(31)
    for _ in range(6):
        scene.later(1)
    counts = scene.counts(job)
    assert counts["accepted"] >= COUNT - in_doubt - len(probes)
    assert counts["accepted"] == COUNT or kind != "refused"
    assert max(scene.texts().values()) == 1
    assert scene.ask.accounts()[0]["state"] == "ok"


@pytest.mark.parametrize("kind", ["refused", "504"])
def test_one_side_that_is_down_costs_what_was_in_flight_and_stops_no_other(scene: Scene, kind: str) -> None:
    """Calls to global numbers fail, mainland ones go well between them.

    The global side is parked, and asked once a minute.
    """

    def answer(provider: FakeProvider, call: Any) -> Any:
        mainland = str(call.numbers[0]).startswith("86")
        return (accept if mainland else KINDS[kind])(provider, call)

    scene.provider.usual = answer
    job = scene.submit(some_numbers(COUNT, GLOBAL_FIRST))
    for n in range(12):
        scene.otp(FIRST + n, str(n))
        scene.later(1)
    assert len(scene.provider.out) == 12
    in_doubt = sum(len(call.numbers) for call in scene.provider.calls) - 12
    assert in_doubt <= 200 + 3 * 5 + 2 * 5
    (health,) = scene.ask.accounts()
    assert [park["scope"] for park in health["parked"]] == ["region"]
    scene.later(61)
    assert sum(len(call.numbers) for call in scene.provider.calls) - 12 - in_doubt <= 5
    scene.provider.usual = accept
    scene.later(61)
    scene.send_all()
    assert scene.counts(job)["accepted"] >= COUNT - in_doubt - 5
    assert not scene.ask.accounts()[0]["parked"]


ABROAD: Final = [(GLOBAL_FIRST, 3), (33_612_000_000, 3), (919_812_000_000, 1)]
"""First numbers of three countries, and how many of seven; calls to the last one fail."""


def to_india(call: Any) -> bool:
    """Whether the call carries a number of the country that fails."""
    return any(str(number).startswith("91") for number in call.numbers)


def to_the_template(call: Any) -> bool:
    """Whether the call has the template that fails."""
    return str(call.content.template) == "5678"


PARTS: Final[dict[str, Any]] = {"global IN": to_india, "5678": to_the_template}


@pytest.mark.parametrize("part", PARTS)
def test_a_part_that_fails_costs_what_was_in_flight_and_stops_no_other(scene: Scene, part: str) -> None:
    """Calls to one country, or of one template, fail, others go well between them.

    That part is parked, whatever shares calls with it.
    """
    numbers = [first + n for n in range(300) for first, share in ABROAD if n % 3 < share]
    scene.provider.usual = lambda provider, call: (KINDS["504"] if PARTS[part](call) else accept)(provider, call)
    job = scene.submit(numbers)
    for n in range(12):
        scene.otp(GLOBAL_FIRST + 1_000 + n, str(n))
        scene.later(1)
    sent = scene.texts()
    assert sum(number >= GLOBAL_FIRST + 1_000 for number in sent if str(number).startswith("44")) == 12
    in_doubt = scene.counts(job)["sending"]
    assert in_doubt <= 200 + 4 * 5
    (parked,) = scene.ask.accounts()[0]["parked"]
    assert part in {parked["side"], parked["template"]}
    bad = numbers if part == "5678" else [number for number in numbers if str(number).startswith("91")]
    assert scene.counts(job).get("accepted", 0) >= len(numbers) - len(bad) - 200
    scene.provider.usual = accept
    scene.later(61)
    scene.send_all()
    assert scene.counts(job) == {"total": len(numbers), "accepted": len(numbers) - in_doubt, "sending": in_doubt}
    assert not scene.ask.accounts()[0]["parked"]


def test_what_has_not_failed_probes_a_held_account_out_of_turn(scene: Scene) -> None:
    """Only the country that fails was sent to, so that the account is held.

    Another country's otp does not wait for its pause.
    """
    scene.provider.usual = lambda provider, call: (KINDS["504"] if to_india(call) else accept)(provider, call)
    scene.submit(some_numbers(500, ABROAD[-1][0]))
    scene.send_all()
    scene.later(60)
    assert scene.ask.accounts()[0]["state"] == "held"
    job = scene.otp(GLOBAL_FIRST)
    scene.run()
    assert scene.counts(job) == {"total": 1, "accepted": 1}


def test_waiting_for_a_held_account_uses_up_no_try(scene: Scene) -> None:
    """Connections are refused for an hour: an otp with two hours to live goes out then.

    Its probes were for the account, not for it.
    """
    job = scene.otp(FIRST, ttl_s=7_200)
    scene.provider.usual = never_left()
    for _ in range(60):
        scene.later(60)
    scene.provider.usual = accept
    scene.later(31)
    assert scene.counts(job) == {"total": 1, "accepted": 1}
    (row,) = scene.results(job)
    assert row["attempts"] <= 5


def test_an_otp_whose_time_is_over_expires_while_its_account_is_held(scene: Scene) -> None:
    """As it would in any other queue."""
    job = scene.otp(FIRST, ttl_s=60)
    scene.provider.usual = never_left()
    scene.run()
    scene.later(30)
    scene.later(31)
    assert scene.counts(job) == {"total": 1, "expired": 1}


def test_one_failure_among_good_calls_holds_nothing(scene: Scene) -> None:
    """Only a row of them does; after one the next call is a small one."""
    scene.provider.script.extend([accept, lost(), accept, lost(), lost(), lost(), accept])
    job = scene.submit(some_numbers(2_000))
    scene.send_all()
    assert scene.ask.accounts()[0]["state"] == "ok"
    assert [len(call.numbers) for call in scene.provider.calls][:8] == [200, 200, 5, 200, 5, 5, 5, 200]
    assert scene.counts(job)["total"] == scene.counts(job).get("accepted", 0) + scene.counts(job).get("sending", 0)


def test_others_take_over_from_a_held_account(ledger: Ledger) -> None:
    """What certainly was not sent goes through the next candidate at once.

    The held one is probed, and has its numbers back.
    """
    scene = make_scene(ledger, {"first": FakeProvider(), "second": FakeProvider()})
    scene.provider_of("first").usual = never_left()
    job = scene.submit(some_numbers(1_000))
    scene.send_all()
    scene.later(3)
    assert scene.counts(job) == {"total": 1_000, "accepted": 1_000}
    assert max(scene.texts().values()) == 1
    scene.provider_of("first").usual = accept
    scene.later(31)
    for n in range(9):
        scene.submit(some_numbers(5, FIRST + 10_000 + 10 * n))
        scene.send_all()
    assert len(scene.provider_of("first").out) >= 30
    assert {each["account"]: each["state"] for each in scene.ask.accounts()}["first"] == "ok"


def test_a_person_lets_a_held_account_go_on_at_once(scene: Scene) -> None:
    """`accounts resume` closes the breaker and makes what waits due."""
    scene.provider.usual = never_left()
    job = scene.submit(some_numbers(500))
    scene.send_all()
    scene.later(40)
    scene.provider.usual = accept
    assert scene.ask.resume_account("main") == 1
    for _ in range(3):
        scene.later(1)
    assert scene.counts(job) == {"total": 500, "accepted": 500}
    assert RESENT not in {row["attempts"] for row in scene.results(job)}


def test_messages_of_a_held_or_parked_account_do_not_starve_the_others(scene: Scene) -> None:
    """Each of its own params has a batch queue of its own: they are put off together.

    After each probe one more is asked.
    """
    scene = make_scene(scene.ledger, {"down": FakeProvider(usual=never_left()), "well": FakeProvider()})
    for n in range(150):
        scene.otp(FIRST + n, str(n), account="down", ttl_s=3_600)
    scene.otp(FIRST + 150, account="well")
    while accept_due(scene.engine, "otp"):
        pass
    begun, beginning = list[str](), batch_queues._beginning

    def counted(ledger: Ledger, claim: Claim, terms: CallLimits) -> Any:
        begun.append(claim.queue.account)
        return beginning(ledger, claim, terms)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(batch_queues, "_beginning", counted)
        for _ in range(10):
            scene.advance(4)
            send_slice(scene.engine, "otp")
    assert len(scene.provider_of("well").out) == 1
    assert len(scene.provider_of("down").calls) <= 12
    assert begun.count("down") <= 2 * len(scene.provider_of("down").calls)
    scene.provider_of("down").usual = accept
    for _ in range(4):
        scene.later(31)
    assert len(scene.provider_of("down").out) == 150
