"""Sends as tables: the request of each call, and the value of each answer."""

import json
from dataclasses import replace
from typing import Any

import pytest

from smsline.codes import lookup
from smsline.ledger.batch_queues import BatchQueue
from smsline.verdicts import Verdict
from tests.support.accounts import changed
from tests.unit.providers.alibaba.harness import (
    BIZ_ID,
    CALL,
    CALL_CHINA,
    CALL_GLOBE,
    CONTENT,
    CONTEXT,
    FIRST,
    GLOBAL,
    INTERNATIONAL,
    MESSAGE_ID,
    OTP,
    SECOND,
    answering,
    gateway,
    globe,
    globe_refused,
    refused,
    sent,
)
from worker.providers.base import BatchRule, Broken, Item, Refused, Sent
from worker.sending.send import rule_of

OWN = replace(CALL, own_params=[("code=1",), ("code=2",)])


def _without_detail(answer: object) -> object:
    return replace(answer, detail="") if isinstance(answer, Broken) else answer


def test_mainland_request() -> None:
    """One SendSms for all.

    Local numbers, a JSON object of named params, and the context as OutId.
    """
    line = answering(200, sent())

    line.mainland().send(CALL)

    assert line.asked == {
        "PhoneNumbers": "13711112222,13711113333",
        "SignName": "阿里云",
        "TemplateCode": "SMS_154950909",
        "TemplateParam": json.dumps({"code": OTP}, separators=(",", ":")),
        "OutId": CONTEXT,
    }
    (request,) = line.requests
    assert request.headers["x-acs-action"] == "SendSms"
    assert request.headers["x-acs-version"] == "2017-05-25"
    assert request.headers["x-acs-date"] == "2026-09-21T14:13:20Z"
    assert request.headers["content-length"] == "0"
    assert "content-type" not in request.headers


@pytest.mark.parametrize(
    ("change", "expected"),
    [
        ({"params": ()}, {"TemplateParam": None}),
        ({"extend": "42"}, {"SmsUpExtendCode": "42"}),
        ({"sign": ""}, {"SignName": None}),
        ({"params": ("a=1", "b=x=y", "c=")}, {"TemplateParam": '{"a":"1","b":"x=y","c":""}'}),
        ({"params": ("code=阿\n",)}, {"TemplateParam": '{"code":"阿\\n"}'}),
    ],
)
def test_mainland_fields(change: dict[str, Any], expected: dict[str, str | None]) -> None:
    """What is not set is left out.

    Everything behind a param's first `=` is its value, and values are text.
    """
    line = answering(200, sent())

    line.mainland().send(replace(CALL, content=replace(CONTENT, **change)))

    assert expected == {name: line.asked.get(name) for name in expected}


def test_global_numbers_of_a_mainland_account() -> None:
    """They keep their country code, and have no plus sign."""
    line = answering(200, sent())

    answer = line.mainland().send(replace(CALL, numbers=(GLOBAL, 85251234567)))

    assert line.asked["PhoneNumbers"] == "6591234567,85251234567"
    assert isinstance(answer, Sent)
    assert [item.number for item in answer.items] == [GLOBAL, 85251234567]


def test_mainland_request_with_own_params() -> None:
    """SendBatchSms has a number, a signature and an object of params per recipient, in a form."""
    line = answering(200, sent())

    answer = line.mainland().send(replace(OWN, content=replace(CONTENT, extend="42")))

    assert line.requests[0].headers["x-acs-action"] == "SendBatchSms"
    assert line.asked == {"TemplateCode": "SMS_154950909", "OutId": CONTEXT}
    assert {name: json.loads(value) for name, value in line.form.items()} == {
        "PhoneNumberJson": ["13711112222", "13711113333"],
        "SignNameJson": ["阿里云", "阿里云"],
        "TemplateParamJson": [{"code": "1"}, {"code": "2"}],
        "SmsUpExtendCodeJson": ["42", "42"],
    }
    assert isinstance(answer, Sent)
    assert {item.number for item in answer.items} == {FIRST, SECOND}


def test_request_to_the_globe() -> None:
    """SendMessageToGlobe has the whole text, the sender, and the context as TaskId."""
    line = answering(200, globe())

    line.international().send(CALL_GLOBE)

    assert line.requests[0].headers["x-acs-action"] == "SendMessageToGlobe"
    assert line.requests[0].headers["x-acs-version"] == "2018-05-01"
    assert line.asked == {
        "To": "6591234567",
        "From": "ACME",
        "Message": f"Your code is {OTP}. Keep it.",
        "TaskId": CONTEXT,
    }


def test_request_to_china_from_abroad() -> None:
    """SendMessageWithTemplate has the number with its country code, and the signature as From."""
    line = answering(200, globe(To="8613711112222"))

    line.international().send(CALL_CHINA)

    assert line.requests[0].headers["x-acs-action"] == "SendMessageWithTemplate"
    assert line.asked == {
        "To": "8613711112222",
        "From": "阿里云",
        "TemplateCode": "SMS_154950909",
        "TemplateParam": json.dumps({"code": OTP}, separators=(",", ":")),
    }


@pytest.mark.parametrize(
    ("params", "text", "expected"),
    [
        ((f"code={OTP}",), "Your code is {1}.", f"Your code is {OTP}."),
        ((OTP,), "Your code is {1}.", f"Your code is {OTP}."),
        (("name=Ann", "x=1=2"), "{1}: {2}", "Ann: 1=2"),
        (("https://a.example/?b=c",), "See {1}", "See https://a.example/?b=c"),
        ((), "Sale today", "Sale today"),
    ],
)
def test_texts(params: tuple[str, ...], text: str, expected: str) -> None:
    """A text takes the params in their order: the value of one with a name, any other as it is."""
    line = answering(200, globe())
    account = changed(INTERNATIONAL, texts={"welcome": text})

    line.international(account).send(replace(CALL_GLOBE, content=replace(CALL_GLOBE.content, params=params)))

    assert line.asked["Message"] == expected


@pytest.mark.parametrize("params", [(OTP,), ("=x",), ("1a=x",), ("a b=x",), ("a=1", "a=2"), ("a=1", "b")])
@pytest.mark.parametrize("site", ["mainland", "international"])
def test_params_without_names(params: tuple[str, ...], site: str) -> None:
    """Params that a template cannot take are not sent.

    A local code says so, which kills the recipient with words to read.
    """
    line = answering(200, sent())
    provider = line.mainland() if site == "mainland" else line.international()

    answer = provider.send(replace(CALL_CHINA, content=replace(CONTENT, params=params)))

    assert isinstance(answer, Broken)
    assert (answer.code, answer.maybe_sent) == ("params.Unnamed", False)
    assert OTP not in answer.detail
    assert line.requests == []


def test_own_params_without_names() -> None:
    """When one of many numbers brings such params the call is not made.

    The others go out with the next one.
    """
    line = answering(200, sent())

    answer = line.mainland().send(replace(CALL, own_params=[("code=1",), ("2",)]))

    assert isinstance(answer, Sent)
    codes = {item.number: (item.ok, item.code) for item in answer.items}
    assert codes == {FIRST: (False, "call.Again"), SECOND: (False, "params.Unnamed")}
    assert lookup("alibaba", "api", "call.Again").row.verdict is Verdict.THROTTLE
    assert line.requests == []


@pytest.mark.parametrize(
    ("template", "params", "code"),
    [("other", ("1",), "text.Unknown"), ("welcome", (), "text.Params"), ("welcome", ("1", "2"), "text.Params")],
)
def test_texts_that_cannot_be_sent(template: str, params: tuple[str, ...], code: str) -> None:
    """A template without a text, or params that do not fit it, are not sent."""
    line = answering(200, globe())
    content = replace(CALL_GLOBE.content, template=template, params=params)

    answer = line.international().send(replace(CALL_GLOBE, content=content))

    assert _without_detail(answer) == Broken(maybe_sent=False, code=code, detail="")
    assert line.requests == []


@pytest.mark.parametrize("code", ["params.Unnamed", "text.Params"])
def test_local_codes_kill_the_recipient(code: str) -> None:
    """What could never be sent ends in the dead letter, not in another try."""
    assert lookup("smsline", "local", code).how == "exact"
    assert lookup("smsline", "local", code).row.verdict is Verdict.DEAD


def test_mainland_acceptance() -> None:
    """One BizId for all: each number's serial is the BizId with the number behind it."""
    answer = answering(200, sent()).mainland().send(CALL)

    items = tuple(
        Item(number, ok=True, code="OK", serial=f"{BIZ_ID}/{number}", fee=0, message="") for number in CALL.numbers
    )
    assert answer == Sent(items, "req-1")


def test_international_acceptance() -> None:
    """A MessageId for the one number, and how many parts are charged."""
    answer = answering(200, globe(Segments="2")).international().send(CALL_GLOBE)

    assert answer == Sent((Item(GLOBAL, ok=True, code="OK", serial=MESSAGE_ID, fee=2, message=""),), "req-1")


UNREADABLE = Broken(maybe_sent=True, code="http.NotJson", detail="")
ANSWERS: list[tuple[int, object, dict[str, str], object]] = [
    (200, refused("isv.SMS_SIGN_NAME_ILLEGAL"), {}, Refused("isv.SMS_SIGN_NAME_ILLEGAL", "no", "req-1")),
    (200, refused("isp.SYSTEM_ERROR"), {}, Refused("isp.SYSTEM_ERROR", "no", "req-1")),
    (200, {"Code": "isv.X"}, {}, Refused("isv.X", "", "")),
    (200, sent(BizId=None), {}, UNREADABLE),
    (200, sent(Code=None), {}, UNREADABLE),
    (200, sent(Code=True), {}, UNREADABLE),
    (200, {}, {}, UNREADABLE),
    (200, [], {}, UNREADABLE),
    (200, b"", {}, UNREADABLE),
    (200, b"<html>", {}, UNREADABLE),
    (200, b'{"Code":"OK","Biz', {}, UNREADABLE),
    (200, b"[" * 100_000, {}, UNREADABLE),
    (200, b'{"Code":"\xff"}', {}, UNREADABLE),
    (400, gateway("SignatureDoesNotMatch"), {}, Refused("SignatureDoesNotMatch", "no", "req-1")),
    (404, gateway("InvalidAccessKeyId.NotFound"), {}, Refused("InvalidAccessKeyId.NotFound", "no", "req-1")),
    (400, gateway("Throttling.User"), {}, Refused("Throttling.User", "no", "req-1")),
    (400, gateway("Throttling.User"), {"x-acs-retry-after": "1500"}, Refused("Throttling.User", "no", "req-1", 1.5)),
    (429, gateway("Throttling.User"), {"x-acs-retry-after": "20"}, Refused("Throttling.User", "no", "req-1", 0.02)),
    (400, gateway("Throttling"), {"x-acs-retry-after": "0"}, Refused("Throttling", "no", "req-1")),
    (400, gateway("Throttling"), {"x-acs-retry-after": "-5"}, Refused("Throttling", "no", "req-1")),
    (400, gateway("Throttling"), {"x-acs-retry-after": "soon"}, Refused("Throttling", "no", "req-1")),
    (500, gateway("InternalError"), {}, Refused("InternalError", "no", "req-1")),
    (503, gateway("ServiceUnavailable"), {}, Refused("ServiceUnavailable", "no", "req-1")),
    (429, b"", {}, Broken(maybe_sent=False, code="http.429", detail="")),
    (403, b"<html>", {}, Broken(maybe_sent=False, code="http.403", detail="")),
    (302, b"", {}, Broken(maybe_sent=False, code="http.302", detail="")),
    (404, {"error": "no"}, {}, Broken(maybe_sent=False, code="http.404", detail="")),
    (408, b"", {}, Broken(maybe_sent=True, code="http.408", detail="")),
    (400, sent(), {}, Broken(maybe_sent=True, code="http.400", detail="")),
    (400, globe(), {}, Broken(maybe_sent=True, code="http.400", detail="")),
    (500, b"", {}, Broken(maybe_sent=True, code="http.500", detail="")),
    (502, b"<html>", {}, Broken(maybe_sent=True, code="http.502", detail="")),
    (504, sent(), {}, Broken(maybe_sent=True, code="http.504", detail="")),
]


@pytest.mark.parametrize(("status", "body", "headers", "expected"), ANSWERS)
def test_mainland_answers(status: int, body: object, headers: dict[str, str], expected: object) -> None:
    """A code that is not OK refuses, whatever the status.

    Without one the status tells how far the call can have come.
    """
    answer = answering(status, body, headers).mainland().send(CALL)

    assert expected == _without_detail(answer)


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        (globe_refused("isv.MOBILE_NUMBER_ILLEGAL"), Refused("isv.MOBILE_NUMBER_ILLEGAL", "no", "req-1")),
        (globe_refused("QPS_LIMIT_CONTROL"), Refused("QPS_LIMIT_CONTROL", "no", "req-1")),
        (globe(MessageId=None), UNREADABLE),
        (globe(ResponseCode=None), UNREADABLE),
        (sent(), UNREADABLE),
        (b"x", UNREADABLE),
    ],
)
def test_international_answers(body: object, expected: object) -> None:
    """The same with the other API's names."""
    assert expected == _without_detail(answering(200, body).international().send(CALL_GLOBE))


@pytest.mark.parametrize(
    ("code", "verdict"),
    [
        ("isv.BUSINESS_LIMIT_CONTROL", Verdict.THROTTLE),
        ("isp.SYSTEM_ERROR", Verdict.UNSURE),
        ("QPS_LIMIT_CONTROL", Verdict.THROTTLE),
        ("Throttling.User", Verdict.THROTTLE),
        ("SignatureNonceUsed", Verdict.UNSURE),
        ("InvalidAccessKeyId.NotFound", Verdict.PARK),
        ("InternalError", Verdict.UNSURE),
        ("NotInAnyTable", Verdict.UNSURE),
    ],
)
def test_codes_are_looked_up_as_they_come(code: str, verdict: Verdict) -> None:
    """Business and gateway codes, with and without prefix, are found by the engine's one lookup."""
    assert lookup("alibaba", "api", code).row.verdict is verdict


def test_the_window_of_a_cap_stays_readable() -> None:
    """The text names the minute, the hour or the day for which a number is over its cap.

    Cleaning must leave it.
    """
    text = "触发天级流控Permits:10"

    answer = answering(200, refused("isv.BUSINESS_LIMIT_CONTROL", text)).mainland().send(CALL)

    assert isinstance(answer, Refused)
    assert answer.message == text


@pytest.mark.parametrize(
    ("params", "expected"),
    [("s", ("SendSms", 200)), ("p", ("SendBatchSms", 100)), ("a", ("SendSms", 1))],
    ids=["shared", "own", "alone"],
)
def test_the_action_follows_the_params(params: str, expected: tuple[str, int]) -> None:
    """Which call a batch queue's numbers share, and its bucket, depend on whose params they are."""
    rule = rule_of(answering(200, b"").mainland(), BatchQueue("marketing", "cn", "SMS_1", "m", params, "h"))

    assert expected == (rule.action, rule.limit)


def test_batch_rules() -> None:
    """Mainland: 200 with the same params, 100 with their own.

    International: one, in either region.
    """
    line = answering(200, b"")
    own = BatchRule("SendBatchSms", 100)

    for region in ("mainland", "global"):
        assert BatchRule("SendSms", 200, params_differ=True, own=own) == line.mainland().batch_rule(region)
    assert BatchRule("SendMessageWithTemplate", 1) == line.international().batch_rule("mainland")
    assert BatchRule("SendMessageToGlobe", 1) == line.international().batch_rule("global")
