"""Calls that are refused for what they say, whatever their recipients are.

A job, a template or an account is held, no recipient is burnt.
"""

from dataclasses import replace

import pytest

from tests.support.provider import FakeProvider, Script, accept, refuse, refuse_items
from tests.support.scene import Scene
from tests.support.world import FIRST, some_numbers
from worker.providers.base import Answer, Call

COUNT = 2_000
WRONG = "FailedOperation.TemplateParamSetNotMatchApprovedTemplate"

WORDS = "FailedOperation.ContainSensitiveWord"

AT_TENCENT = (
    "InvalidParameter",
    "InvalidParameterValue.NeverSeen",
    "MissingParameter",
    "FailedOperation.FailResolvePacket",
)


def parked(scene: Scene) -> list[tuple[str, str]]:
    """What is parked, as scope and code."""
    return [(park["scope"], park["code"]) for park in scene.ask.accounts()[0]["parked"]]


@pytest.mark.parametrize("answer", [refuse(WRONG), refuse_items(WRONG), *map(refuse, AT_TENCENT)])
def test_a_campaign_is_not_burnt_batch_by_batch(scene: Scene, answer: Script) -> None:
    """A misspelt variable: the job alone is held after its first call.

    One call a minute asks again, and all of it goes out when mended.
    """
    scene.provider.usual = answer
    job = scene.submit(some_numbers(COUNT), params=["misspelt"])
    scene.send_all()
    assert len(scene.provider.calls) == 1
    assert [scope for scope, _ in parked(scene)] == ["job"]
    scene.later(61)
    assert len(scene.provider.calls) == 2
    assert scene.counts(job) == {"total": COUNT, "waiting": COUNT}
    scene.provider.usual = accept
    good = scene.submit(some_numbers(10, FIRST + COUNT), params=["right"])
    scene.send_all()
    assert scene.counts(good) == {"total": 10, "accepted": 10}
    scene.later(61)
    assert scene.counts(job) == {"total": COUNT, "accepted": COUNT}
    assert not parked(scene)


def test_a_bad_message_ends_at_once_and_stops_no_other(scene: Scene) -> None:
    """One recipient, one text: its producer learns of it.

    The template goes on, however many bad ones are among the good.
    """
    for n in range(12):
        scene.provider.script.append(refuse(WRONG) if n % 2 else accept)
        job = scene.otp(FIRST + n, str(n))
        scene.send_all()
        assert scene.counts(job) == {"total": 1, "dead" if n % 2 else "accepted": 1}
    assert not parked(scene)


def test_messages_of_different_params_that_meet_the_same_code_hold_their_template(scene: Scene) -> None:
    """Three in a row, and no good one between them: the others wait, and other templates go on."""
    scene.provider.usual = refuse(WRONG)
    bad = [scene.otp(FIRST + n, str(n)) for n in range(10)]
    scene.send_all()
    assert [scene.counts(job).get("waiting", 0) for job in bad].count(1) == 7
    assert parked(scene) == [("template", WRONG)]
    scene.provider.usual = accept
    other = scene.otp(FIRST + 20, template="4321")
    scene.send_all()
    assert scene.counts(other) == {"total": 1, "accepted": 1}
    for _ in range(3):
        scene.later(61)
    assert [scene.counts(job).get("accepted", 0) for job in bad].count(1) == 7
    assert not parked(scene)


def test_several_templates_that_meet_the_same_code_hold_their_account(scene: Scene) -> None:
    """Three in a row, and no good call of any between them: it is nothing that a job says."""
    scene.provider.usual = refuse("InvalidParameterValue.NeverSeen")
    bad = [scene.otp(FIRST + n, str(n), template=str(1234 + n), ttl_s=600) for n in range(10)]
    scene.send_all()
    assert parked(scene) == [("account", "InvalidParameterValue.NeverSeen")]
    assert sum(scene.counts(job).get("waiting", 0) for job in bad) == 7
    scene.provider.usual = accept
    scene.later(61)
    scene.send_all()
    assert sum(scene.counts(job).get("accepted", 0) for job in bad) == 7


@pytest.mark.parametrize(
    ("provider", "code"),
    [
        ("tencent", "InvalidParameterValue.IncorrectPhoneNumber"),
        ("tencent", "FailedOperation.PhoneNumberInBlacklist"),
        ("alibaba", "isv.MOBILE_NUMBER_ILLEGAL"),
        ("alibaba", "InvalidPhoneNumbers"),
        ("smspartner", "9.phoneNumbers"),
    ],
)
def test_the_number_that_spoils_a_call_is_found(scene: Scene, provider: str, code: str) -> None:
    """The whole call is refused for it, and does not say for whom.

    Smaller calls find it out, the others have one message each.
    """
    bad = FIRST + 123

    def answer(provider: FakeProvider, call: Call) -> Answer:
        return (refuse(code) if bad in call.numbers else accept)(provider, call)

    accounts = scene.engine.settings.accounts
    accounts["main"] = accounts["main"].model_copy(update={"provider": provider})
    scene.provider.usual = answer
    job = scene.submit(some_numbers(600))
    for _ in range(6):
        scene.later(1)
    assert scene.counts(job) == {"total": 600, "accepted": 599, "dead": 1}
    assert [row["phone"] for row in scene.results(job) if row["state"] == "dead"] == [f"+{bad}"]
    assert max(scene.texts().values()) == 1
    assert len(scene.provider.calls) <= 2 + 1 + 4 + 5 + 4 + 3
    assert not parked(scene)


@pytest.mark.parametrize(("answer", "calls"), [(refuse(WORDS), 6), (refuse_items(WORDS), 1)])
def test_a_text_that_may_not_be_sent_holds_its_job_alone(scene: Scene, answer: Script, calls: int) -> None:
    """However many jobs meet it: their texts differ, and the template is that of good ones too.

    A call refused as a whole may have been so for one recipient: a few are tried before.
    """
    scene.provider.usual = answer
    bad = [scene.submit(some_numbers(1_000, FIRST + 1_000 * n), params=[f"bad {n}"]) for n in range(3)]
    scene.send_all()
    assert len(scene.provider.calls) == 3 * calls
    assert [scope for scope, _ in parked(scene)] == ["job"] * 3
    assert [scene.counts(job) for job in bad] == [{"total": 1_000, "waiting": 1_000}] * 3


def test_one_row_of_bad_params_does_not_take_its_call_with_it(scene: Scene) -> None:
    """Where each number brings its own params, a refused call is tried one by one.

    The bad row is found, the others go out.
    """
    scene.provider.rule = replace(scene.provider.rule, params_differ=True)

    def answer(provider: FakeProvider, call: Call) -> Answer:
        bad = ("bad",) in (call.own_params or [call.content.params])
        return (refuse(WRONG) if bad else accept)(provider, call)

    scene.provider.usual = answer
    rows = [(str(n),) if n != 7 else ("bad",) for n in range(40)]
    job = scene.submit(some_numbers(40), own_params=rows)
    scene.send_all()
    scene.later(2)
    assert scene.counts(job) == {"total": 40, "accepted": 39, "dead": 1}
    assert not parked(scene)
