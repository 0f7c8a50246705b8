"""A number's page: every message that is kept for it, with what became of it and why."""

import pytest

from smsline import Client
from smsline.cli import main
from smsline.cli.options import Connect
from smsline.errors import BadInput
from smsline.ledger import accounts, replies
from smsline.ledger.link import Ledger
from smsline.ledger.replies import NewReply
from tests.support.provider import FakeProvider, refuse_items
from tests.support.scene import Scene, make_scene
from tests.support.world import FIRST, some_numbers

BLOCKED = "FailedOperation.PhoneNumberParseFail"


def test_every_message_of_a_number_newest_first(ledger: Ledger) -> None:
    """With its job, lane, state, code and meaning; other numbers of the same jobs do not show.

    The sandbox, which says its own name in place of a provider's, is no exception, and is told of
    conversions too.
    """
    scene = make_scene(ledger, {"sandbox": FakeProvider()})
    scene.provider.script.append(refuse_items({FIRST: BLOCKED}))
    campaign = scene.submit(some_numbers(4), lane="marketing")
    scene.send_all()
    otp = scene.otp(FIRST)
    scene.send_all()
    scene.provider.deliver()
    scene.later(6)

    page = scene.ask.number(f"+{FIRST}")

    told = {event["job"]: (event["lane"], event["state"], event["code"]) for event in page["messages"]}
    assert (page["phone"], page["suppressed"]) == (f"+{FIRST}", False)
    assert told == {campaign: ("marketing", "dead", BLOCKED), otp: ("otp", "delivered", "DELIVRD")}
    (dead,) = [event for event in page["messages"] if event["code"] == BLOCKED]
    assert (dead["meaning"], dead["advice"]) != ("", "")
    assert dead["provider"] == "sandbox"
    accounts.register(ledger, {"sandbox": "tencent"}, questions={"sandbox": ["conversion"]})
    assert Client(ledger=ledger).converted(otp) == 1
    ledger.redis.delete(ledger.keys.questions_due)  # this worker asks no questions
    created = [event["created_at"] for event in page["messages"]]
    assert created == sorted(created, key=str, reverse=True)


def test_the_page_says_that_a_number_is_suppressed(scene: Scene) -> None:
    """And why, also when nothing was ever sent to it; what is no number is refused."""
    scene.ask.suppress([f"+{FIRST}"])
    page = scene.ask.number(f"+{FIRST}")
    assert (page["suppressed"], page["messages"]) == (True, [])
    assert [entry["scope"] for entry in page["suppressions"]] == ["all"]
    with pytest.raises(BadInput, match="number"):
        scene.ask.number("twelve")


def test_the_page_has_what_the_number_answered(scene: Scene, capsys: pytest.CaptureFixture[str]) -> None:
    """Newest first, in any of its spellings, while replies are kept; others' do not show."""
    reply = NewReply("main", FIRST, "old", 1, "", "", "", None, "")
    for day, (number, text) in enumerate([(FIRST, "old"), (FIRST + 1, "other"), (FIRST, "TD"), (FIRST, "thanks")]):
        told = reply._replace(number=number, text=text, does="stop" if text == "TD" else "", scope="marketing")
        assert replies.keep(scene.ledger, told, retention_ms=1e9)
        assert not replies.keep(scene.ledger, told, retention_ms=1e9), day
        scene.advance(1)
    assert [each["text"] for each in scene.ask.number(f"+{FIRST}")["replies"]] == ["thanks", "TD", "old"]
    assert main(["number", f"+{FIRST}"], connect=Connect(lambda: scene.ask, lambda: scene.ask)) == 0  # type: ignore[arg-type, return-value]
    shown = capsys.readouterr().out
    assert "it answered: TD (an opt-out)" in shown
    assert "suppressed for marketing by reply main" in shown

    scene.later(2)
    assert replies.keep(scene.ledger, reply._replace(text="new"), retention_ms=0)
    assert [each["text"] for each in scene.ask.number(f"+{FIRST}")["replies"]] == ["new"]
    assert scene.ask.number(f"+{FIRST + 1}")["replies"] == []
    assert scene.ledger.redis.hlen(scene.ledger.keys.replies_of) == 1


def test_the_command_prints_what_happened(scene: Scene, capsys: pytest.CaptureFixture[str]) -> None:
    """One table, and each code explained below it."""
    scene.provider.script.append(refuse_items({FIRST: BLOCKED}))
    job = scene.submit(some_numbers(1), lane="notify")
    scene.send_all()

    assert main(["number", f"+{FIRST}"], connect=Connect(lambda: scene.ask, lambda: scene.ask)) == 0  # type: ignore[arg-type, return-value]

    shown = capsys.readouterr().out
    assert all(word in shown for word in (f"+{FIRST}: 1 message kept", job, "dead", f"{BLOCKED}: "))
