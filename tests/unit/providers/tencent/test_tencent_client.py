"""The provider as the engine calls it.

Expected requests and expected values, for every way an answer can go.
"""

import json
import logging
from dataclasses import replace

import httpx
import pytest

from tests.support.accounts import changed
from tests.unit.providers.http_errors import HTTPX_ERRORS, NEVER_LEFT
from tests.unit.providers.tencent.harness import (
    ACCOUNT,
    ASKED,
    CALL,
    NOW,
    SECRET_KEY,
    SECRETS,
    TOKEN,
    Line,
    answering,
    error_body,
    failing,
    row,
    sent_body,
    without_detail,
)
from worker.providers.base import Answer, BatchRule, Broken, Item, Provider, Refused, Sent
from worker.providers.http import LARGEST_BODY
from worker.providers.tencent.client import open_provider

FIRST, SECOND = ASKED
OK = Item(number=FIRST, ok=True, code="Ok", serial="5000:1045", fee=1, message="send success")


def test_request_of_a_send() -> None:
    """A send is one signed POST of the documented JSON, stamped with the time it is made."""
    line = answering(200, sent_body(row()))

    line.provider.send(CALL)

    (request,) = line.requests
    assert (request.method, str(request.url)) == ("POST", "https://sms.tencentcloudapi.com/")
    expected = {
        "host": "sms.tencentcloudapi.com",
        "content-type": "application/json",
        "x-tc-action": "SendSms",
        "x-tc-version": "2021-01-11",
        "x-tc-region": "ap-guangzhou",
        "x-tc-language": "en-US",
        "x-tc-timestamp": str(NOW),
        "x-tc-token": TOKEN,
    }
    assert expected == {name: request.headers[name] for name in expected}
    assert request.headers["authorization"].startswith("TC3-HMAC-SHA256 Credential=AKIDtestidtestid/2026-09-21/sms/")
    assert line.sent["PhoneNumberSet"] == ["+8613711112222", "+8613711113333"]


def test_no_token_no_header() -> None:
    """A long-term key sends no X-TC-Token."""
    line = replace(answering(200, sent_body()), account=changed(ACCOUNT, token=""))

    line.provider.send(CALL)

    assert "x-tc-token" not in line.requests[0].headers


ANSWERS: dict[str, tuple[int, bytes, Answer]] = {
    "accepted": (200, sent_body(row()), Sent((OK,), "req-1")),
    "refused": (200, error_body("FailedOperation", "why"), Refused("FailedOperation", "why", "req-1")),
    "refused with 400": (400, error_body("InvalidParameter"), Refused("InvalidParameter", "no", "req-1")),
    "refused with 403": (403, error_body("AuthFailure"), Refused("AuthFailure", "no", "req-1")),
    "not json": (200, b"<html>", Broken(maybe_sent=True, code="http.NotJson", detail="")),
    "empty": (200, b"", Broken(maybe_sent=True, code="http.NotJson", detail="")),
    "empty object": (200, b"{}", Broken(maybe_sent=True, code="http.NotJson", detail="")),
    "too large": (200, b" " * (LARGEST_BODY + 1), Broken(maybe_sent=True, code="http.TooLarge", detail="")),
    "204": (204, b"", Broken(maybe_sent=True, code="http.204", detail="")),
    "302": (302, sent_body(row()), Broken(maybe_sent=True, code="http.302", detail="")),
    "400": (400, b"bad request", Broken(maybe_sent=False, code="http.400", detail="")),
    "400 with items": (400, sent_body(row()), Broken(maybe_sent=True, code="http.400", detail="")),
    "404": (404, b"", Broken(maybe_sent=False, code="http.404", detail="")),
    "413": (413, b"{}", Broken(maybe_sent=False, code="http.413", detail="")),
    "429": (429, b"slow down", Broken(maybe_sent=False, code="http.429", detail="")),
    "429 with error": (429, error_body("RequestLimitExceeded"), Broken(maybe_sent=False, code="http.429", detail="")),
    "500": (500, b"", Broken(maybe_sent=True, code="http.500", detail="")),
    "502": (502, b"<html>", Broken(maybe_sent=True, code="http.502", detail="")),
    "503 with error": (503, error_body("InternalError"), Broken(maybe_sent=True, code="http.503", detail="")),
    "504": (504, b"", Broken(maybe_sent=True, code="http.504", detail="")),
}


@pytest.mark.parametrize("name", ANSWERS)
def test_answer_to_a_send(name: str) -> None:
    """Each answer becomes its value, after one request and never a second."""
    status, body, expected = ANSWERS[name]
    line = answering(status, body)

    answer = line.provider.send(CALL)

    assert expected == without_detail(answer)
    assert len(line.requests) == 1


@pytest.mark.parametrize("kind", HTTPX_ERRORS, ids=lambda kind: str(kind.__name__))
def test_error_of_httpx(kind: type[Exception]) -> None:
    """Every exception of httpx becomes a `Broken` of its name.

    Only those from before the request may be sent again.
    """
    line = failing(_made(kind))

    answers = (
        line.provider.send(CALL),
        line.provider.pull(),
        line.provider.ask(FIRST, since_s=NOW - 60, until_s=NOW),
    )

    for answer in answers:
        assert isinstance(answer, Broken)
        assert answer.code == f"http.{kind.__name__}"
        assert answer.maybe_sent is (kind.__name__ not in NEVER_LEFT)
        # ConnectError alone may speak: it comes before any header is written or any answer read.
        assert kind is httpx.ConnectError or not [each for each in SECRETS if each in answer.detail]
    assert len(line.requests) == 3


def _made(kind: type[Exception]) -> Exception:
    # Two kinds make their own message and one needs an answer; each must still carry a secret in.
    text = f"{SECRETS} +8613711112222"
    if kind is httpx.HTTPStatusError:
        return httpx.HTTPStatusError(text, request=httpx.Request("GET", "http://h"), response=httpx.Response(500))
    if kind in (httpx.StreamConsumed, httpx.ResponseNotRead, httpx.RequestNotRead, httpx.StreamClosed):
        return kind()
    return kind(text)


def test_every_error_of_httpx_is_tried() -> None:
    """The list above has each exception that httpx exports."""
    exported = {value for value in vars(httpx).values() if isinstance(value, type) and issubclass(value, Exception)}

    assert exported == set(HTTPX_ERRORS)


@pytest.mark.parametrize("error", [ValueError("x"), UnicodeError("x"), OSError("x"), RuntimeError("x")])
def test_error_of_anything_else(error: Exception, caplog: pytest.LogCaptureFixture) -> None:
    """What httpx lets through from below ends as a value too, may have been sent, and is logged."""
    answer = failing(error).provider.send(CALL)

    assert isinstance(answer, Broken)
    assert (answer.maybe_sent, answer.code) == (True, f"http.{type(error).__name__}")
    assert type(error).__name__ in caplog.text


@pytest.mark.parametrize("timeout_s", [0.0, -1.0])
def test_no_time_no_call(timeout_s: float) -> None:
    """A call whose time is over before it begins is not made."""
    line = answering(200, sent_body(row()))

    answer = line.provider.send(replace(CALL, timeout_s=timeout_s))

    assert isinstance(answer, Broken)
    assert (answer.maybe_sent, answer.code) == (False, "http.NoTime")
    assert not line.requests


def test_odd_items_are_logged_by_count(caplog: pytest.LogCaptureFixture) -> None:
    """Items left out of an answer are counted in the log with account and call, and no number."""
    line = answering(200, sent_body(row("+8613799999999"), row(), row(), row(None)))

    answer = line.provider.send(CALL)

    assert Sent((OK,), "req-1") == answer
    assert "account main, call b7.1" in caplog.text
    assert "strangers=1, repeats=1, unreadable=1" in caplog.text
    assert "9999999" not in caplog.text


def test_normal_answer_is_not_logged(caplog: pytest.LogCaptureFixture) -> None:
    """An answer without oddities leaves no line of ours."""
    answering(200, sent_body(row())).provider.send(CALL)

    assert not [record for record in caplog.records if record.name.startswith("worker")]


def test_batch_rules() -> None:
    """200 numbers to a SendSms.

    Global numbers with params of their own 200 to a SendMultiGlobalSms, mainland ones never
    together.
    """
    provider: Provider = answering(200, b"").provider
    own = BatchRule("SendMultiGlobalSms", 200, params_differ=True)

    assert BatchRule("SendSms", 200, params_differ=False) == provider.batch_rule("mainland")
    assert BatchRule("SendSms", 200, params_differ=True, own=own) == provider.batch_rule("global")
    assert own.action in provider.limits


def test_an_account_with_a_signature_sends_different_params_one_by_one() -> None:
    """SendMultiGlobalSms carries no signature, and a message must not lose its own."""
    provider: Provider = replace(answering(200, b""), account=changed(ACCOUNT, sign="Acme")).provider
    assert provider.batch_rule("global") == BatchRule("SendSms", 200, params_differ=False)


LEAKY = f"key {' '.join(SECRETS)} number +8613711112222 or 13711112222"
LEAKS = [
    answering(200, error_body("FailedOperation", LEAKY)),
    answering(200, sent_body(row(Code="FailedOperation", Message=LEAKY), row("+8613799999999", Message=LEAKY))),
    answering(200, LEAKY.encode()),
    answering(403, LEAKY.encode()),
    answering(403, error_body("AuthFailure", LEAKY)),
    answering(429, LEAKY.encode()),
    answering(503, LEAKY.encode()),
    failing(httpx.ReadTimeout(LEAKY)),
    failing(httpx.PoolTimeout(LEAKY)),
    failing(ValueError(LEAKY)),
]


@pytest.mark.parametrize("line", LEAKS)
def test_secrets_stay_inside(line: Line, caplog: pytest.LogCaptureFixture) -> None:
    """No answer and no log line holds a secret, a param or a number, whatever is repeated to us."""
    caplog.set_level(logging.DEBUG)

    answer = line.provider.send(CALL)

    shown = caplog.text + (repr([item.message for item in answer.items]) if isinstance(answer, Sent) else repr(answer))
    assert not [secret for secret in (*SECRETS, "13711112222") if secret in shown]


@pytest.mark.parametrize("line", LEAKS)
def test_secrets_stay_inside_when_pulled(line: Line, caplog: pytest.LogCaptureFixture) -> None:
    """The same holds for a pull and an ask, which know of no params."""
    caplog.set_level(logging.DEBUG)

    raw = line.provider.pull()
    page = line.provider.read_page(raw) if isinstance(raw, bytes) else raw
    asked = line.provider.ask(FIRST, since_s=NOW - 60, until_s=NOW)

    shown = caplog.text + repr(page) + repr(asked)
    assert not [secret for secret in (SECRET_KEY, TOKEN, "13711112222") if secret in shown]


def test_opened_account_is_a_provider() -> None:
    """`open_provider` gives the engine's interface, makes no call, and is closed for good."""
    provider = open_provider("main", ACCOUNT, pool_size=1)

    assert provider.limits["SendSms"] == 3000
    provider.close()
    answer = provider.send(CALL)

    assert isinstance(answer, Broken)
    assert (answer.maybe_sent, answer.code) == (False, "http.Closed")


def test_body_is_json_of_the_provider() -> None:
    """The bytes that are signed are the bytes that are sent, in UTF-8."""
    line = answering(200, sent_body())

    line.provider.send(CALL)

    assert "腾讯云".encode() in line.requests[0].content
    assert json.loads(line.requests[0].content)["SignName"] == "腾讯云"


UNBILLED = {"SerialNo": "", "Fee": 0, "Code": "InternalError.Timeout"}


@pytest.mark.parametrize(
    ("rows", "codes"),
    [
        ([row(**UNBILLED), row("+8613711113333", **UNBILLED)], {"InternalError.Timeout/untaken"}),
        ([row(**UNBILLED), row("+8613711113333", **{**UNBILLED, "Fee": 1})], {"InternalError.Timeout"}),
        ([row(**UNBILLED), row("+8613711113333", **{**UNBILLED, "SerialNo": "5:1"})], {"InternalError.Timeout"}),
        ([row(**UNBILLED), row("+8613711113333")], {"InternalError.Timeout", "Ok"}),
        ([row(**UNBILLED)], {"InternalError.Timeout"}),
        ([], {"InternalError.Timeout"}),
    ],
    ids=["none was taken", "a fee", "a serial", "one was taken", "one is missing", "one alone"],
)
def test_a_timeout_of_the_whole_call_is_judged_by_what_stands_beside_it(rows: list[object], codes: set[str]) -> None:
    """Without serial and fee of any number it is tried again (document, line 5072).

    Any sign of a message is doubt; so is a number alone, which no other bears out: it would be
    texted again and again.
    """
    call = CALL if rows else replace(CALL, numbers=CALL.numbers[:1])
    answer = answering(200, sent_body(*(rows or [row(**UNBILLED)]))).provider.send(call)

    assert isinstance(answer, Sent)
    assert {item.code for item in answer.items} == codes
