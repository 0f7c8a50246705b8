"""Global numbers with params of their own: what is sent, and what an answer says of each number."""

import json
import time
from dataclasses import replace
from typing import Any

import httpx
import pytest
from tencentcloud.sms.v20210111 import models

from tests.support.accounts import changed
from tests.unit.providers.tencent.harness import ACCOUNT, Line, answering, error_body, failing
from worker.providers.base import Answer, BatchRule, Broken, Call, Content, Item, Refused, Sent
from worker.providers.tencent.client import EACH_AGAIN_S

FIRST, SECOND, THIRD = NUMBERS = (6591234567, 33612345678, 447700900123)
CALL = Call(
    numbers=NUMBERS,
    content=Content("12", ("Ann", "1"), sender="ACME"),
    context="sl:abc:7",
    timeout_s=5.0,
    own_params=[("Ann", "1"), ("Bob", "2"), ()],
)
SIGNED = replace(CALL, content=Content("12", sign="Acme"), own_params=[("a",), ("b",), ("a",)])


def said(number: int, code: str = "Ok", **fields: Any) -> dict[str, Any]:
    """One row of SendMultiStatusSet."""
    row = {"SerialNo": f"14:{number}", "PhoneNumber": f"+{number}", "Fee": 1, "SessionContext": "sl:abc:7"}
    return {**row, "Code": code, "Message": "m", "IsoCode": "SG", **fields}


def body(*rows: object, field: str = "SendMultiStatusSet") -> bytes:
    """An answer to a SendMultiGlobalSms."""
    return json.dumps({"Response": {field: list(rows), "RequestId": "r"}}).encode()


def item(number: int, code: str = "Ok") -> Item:
    """What such a row becomes."""
    ok = code == "Ok"
    return Item(number, ok=ok, code=code, serial=f"14:{number}", fee=1, message="m")


def test_request() -> None:
    """Each number is a message of its own; all share template, sender and context.

    The official SDK reads the same.
    """
    line = answering(200, body())

    line.provider.send(CALL)

    (request,) = line.requests
    assert request.headers["x-tc-action"] == "SendMultiGlobalSms"
    shared = {"TemplateId": "12", "SenderId": "ACME", "SessionContext": "sl:abc:7"}
    assert line.sent == {
        "SmsSdkAppId": "1400006666",
        "MultiSmsInfoSet": [
            {"PhoneNumber": "+6591234567", "TemplateParamSet": ["Ann", "1"], **shared},
            {"PhoneNumber": "+33612345678", "TemplateParamSet": ["Bob", "2"], **shared},
            {"PhoneNumber": "+447700900123", **shared},
        ],
    }
    read = models.SendMultiGlobalSmsRequest()
    read.from_json_string(request.content.decode())
    assert [one.TemplateParamSet for one in read.MultiSmsInfoSet] == [["Ann", "1"], ["Bob", "2"], None]


ANSWERS: dict[str, tuple[int, bytes, Answer]] = {
    "in another order": (200, body(said(THIRD), said(FIRST)), Sent((item(THIRD), item(FIRST)), "r")),
    "one refused": (
        200,
        body(said(FIRST), said(SECOND, "LimitExceeded.PhoneNumberDailyLimit")),
        Sent((item(FIRST), item(SECOND, "LimitExceeded.PhoneNumberDailyLimit")), "r"),
    ),
    "a stranger": (200, body(said(6591230000), said(FIRST)), Sent((item(FIRST),), "r")),
    "refused": (200, error_body("InvalidParameter.X"), Refused("InvalidParameter.X", "no", "req-1")),
    "4xx": (403, b"", Broken(maybe_sent=False, code="http.403", detail="")),
    "429": (429, b"", Broken(maybe_sent=False, code="http.429", detail="")),
    "5xx": (502, b"", Broken(maybe_sent=True, code="http.502", detail="")),
    "not json": (200, b"<html>", Broken(maybe_sent=True, code="http.NotJson", detail="")),
    "another list": (200, body(field="Others"), Broken(maybe_sent=True, code="http.NotJson", detail="")),
}  # fmt: skip


@pytest.mark.parametrize("name", ANSWERS)
def test_answer(name: str) -> None:
    """Each answer becomes its value, after one request."""
    status, raw, expected = ANSWERS[name]
    line = answering(status, raw)

    answer = line.provider.send(CALL)

    assert expected == (replace(answer, detail="") if isinstance(answer, Broken) else answer)
    assert len(line.requests) == 1


def test_timeout() -> None:
    """After a time-out every number may have been sent to."""
    answer = failing(httpx.ReadTimeout("x")).provider.send(CALL)

    assert isinstance(answer, Broken)
    assert (answer.maybe_sent, answer.code) == (True, "http.ReadTimeout")


def test_own_params_stay_secret() -> None:
    """What the provider repeats of a number's own params is not passed on."""
    line = answering(200, body(said(FIRST, "FailedOperation", Message="bad value Bob")))

    answer = line.provider.send(CALL)

    assert isinstance(answer, Sent)
    assert "Bob" not in answer.items[0].message


def test_mainland_numbers_go_by_send_sms() -> None:
    """A mainland number with params of its own is a SendSms of its own."""
    line = answering(200, body(field="SendStatusSet"))

    line.provider.send(Call([8613711112222], Content("1", ("a",), "Acme"), "c", 5.0, own_params=[("a",)]))

    assert line.requests[0].headers["x-tc-action"] == "SendSms"
    assert line.sent["TemplateParamSet"] == ["a"]


AGAIN = "call.Again"
SIGNED_ANSWERS: dict[str, tuple[Line, list[tuple[int, str]] | str]] = {
    "taken": (
        answering(200, body(said(THIRD), said(FIRST), field="SendStatusSet")),
        [(THIRD, "Ok"), (FIRST, "Ok"), (SECOND, AGAIN)],
    ),
    "refused": (answering(200, error_body("X.Y")), [(FIRST, "X.Y"), (THIRD, "X.Y"), (SECOND, AGAIN)]),
    "nobody knows": (answering(502, b""), [(SECOND, AGAIN)]),
    "never left": (failing(httpx.ConnectError("x")), "http.ConnectError"),
}


@pytest.mark.parametrize("name", SIGNED_ANSWERS)
def test_a_signature_does_not_fit_into_messages(name: str) -> None:
    """With a signature, numbers of the first one's params go by SendSms.

    An answer about them says nothing of the others.
    """
    line, expected = SIGNED_ANSWERS[name]

    answer = line.provider.send(SIGNED)

    assert line.requests[0].headers["x-tc-action"] == "SendSms"
    sent = json.loads(line.requests[0].content)
    assert (sent["PhoneNumberSet"], sent["TemplateParamSet"]) == (["+6591234567", "+447700900123"], ["a"])
    assert sent["SignName"] == "Acme"
    if isinstance(answer, Sent):
        assert expected == [(one.number, one.code) for one in answer.items]
    else:
        assert isinstance(answer, Broken)
        assert expected == answer.code


def test_alike_params_need_one_call() -> None:
    """Signed numbers whose params are alike are one SendSms, and its answer is the answer."""
    alike = replace(SIGNED, own_params=[("a",)] * 3)
    answer = answering(200, error_body("X.Y")).provider.send(alike)

    assert Refused("X.Y", "no", "req-1") == answer


def test_it_is_switched_on_by_a_setting() -> None:
    """Not every endpoint has the action.

    Without the setting such numbers go one to a SendSms, and none is left out.
    """
    line = replace(answering(200, body(said(FIRST), field="SendStatusSet")), account=changed(ACCOUNT, send_each=False))

    assert line.provider.batch_rule("global") == BatchRule("SendSms", 200)
    answer = line.provider.send(CALL)

    assert line.requests[0].headers["x-tc-action"] == "SendSms"
    assert isinstance(answer, Sent)
    assert [(one.number, one.code) for one in answer.items] == [(FIRST, "Ok"), (SECOND, AGAIN), (THIRD, AGAIN)]


@pytest.mark.parametrize(
    "code",
    [
        "InvalidAction",
        "ActionOffline",
        "NoSuchProduct",
        "InternalError.RestApiInterfaceNotExist",
        "UnsupportedOperation",
        "UnauthorizedOperation",
        "AuthFailure.UnauthorizedOperation",
    ],
)
def test_an_endpoint_without_it_goes_on_with_send_sms(code: str) -> None:
    """Nothing was sent, so no number is parked or lost.

    They wait for the next call, a SendSms, and the action is tried again later.
    """
    answers = [error_body(code), body(said(FIRST), field="SendStatusSet")]
    line = Line(lambda _: httpx.Response(200, content=answers.pop(0)))
    provider = line.provider

    first, second = provider.send(CALL), provider.send(CALL)

    assert isinstance(first, Sent)
    assert isinstance(second, Sent)
    assert [(one.number, one.code) for one in first.items] == [(FIRST, AGAIN), (SECOND, AGAIN), (THIRD, AGAIN)]
    assert [request.headers["x-tc-action"] for request in line.requests] == ["SendMultiGlobalSms", "SendSms"]
    assert provider.batch_rule("global") == BatchRule("SendSms", 200)
    assert second.items[0].ok
    provider.clock = lambda: time.time() + EACH_AGAIN_S
    assert provider.batch_rule("global").own is not None


@pytest.mark.parametrize("code", ["UnsupportedOperation.UnsupportedRegion", "AuthFailure.SignatureExpire"])
def test_another_refusal_is_the_calls_own(code: str) -> None:
    """It says nothing of the action."""
    provider = answering(200, error_body(code)).provider

    assert provider.send(CALL) == Refused(code, "no", "req-1")
    assert provider.batch_rule("global").own is not None
