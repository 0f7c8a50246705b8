"""A bulk-send as the engine makes it.

Expected requests and expected values, for every way an answer can go.
"""

import logging
from dataclasses import replace
from typing import Any

import httpx
import pytest

from tests.support.accounts import changed
from tests.unit.providers.http_errors import HTTPX_ERRORS, NEVER_LEFT
from tests.unit.providers.smspartner.harness import (
    ACCOUNT,
    API_KEY,
    CALL,
    FIRST,
    OTP,
    SECOND,
    SECRETS,
    TAG,
    THIRD,
    Line,
    answering,
    error,
    failing,
    item,
    sent,
)
from worker.providers.base import Answer, BatchRule, Broken, FindProvider, Item, QueryProvider, QueryRule, Refused, Sent
from worker.providers.http import LARGEST_BODY
from worker.providers.smspartner.wire import tag_of

OK = Item(FIRST, ok=True, code="200", serial=f"307/{FIRST}", fee=1, message="")
OK2 = OK._replace(number=SECOND, serial=f"307/{SECOND}")


def bad(number: int, code: str, message: str = "") -> Item:
    """An item that says no."""
    return Item(number, ok=False, code=code, serial="", fee=0, message=message)


def test_request() -> None:
    """A send is one POST of the documented JSON.

    A text for each number, the sender, and a tag of the call's own.
    """
    line = answering(200, sent(item()))

    line.provider.send(CALL)

    (request,) = line.requests
    assert (request.method, str(request.url)) == ("POST", "https://api.smspartner.fr/v1/bulk-send")
    assert request.headers["content-type"] == "application/json"
    assert line.sent == {
        "apiKey": API_KEY,
        "SMSList": [
            {"phoneNumber": f"+{FIRST}", "message": f"Votre code: {OTP}"},
            {"phoneNumber": f"+{SECOND}", "message": f"Votre code: {OTP}"},
        ],
        "sender": "ACME",
        "tag": TAG,
    }


def test_request_with_options() -> None:
    """The range of service, STOP line, Unicode and a job's sender are sent where they are set."""
    account = changed(
        ACCOUNT,
        gamme=2,
        stop_sms=True,
        unicode=True,
        endpoint="http://127.0.0.1:8899/proxy/",
        callback_secret="s3cret-s3cret-s3cret,old-old-old-old-old",
        callback_url="https://sms.example.com/",
    )
    line = replace(answering(200, sent()), account=account)

    line.provider.send(replace(CALL, content=replace(CALL.content, sender="Other")))

    assert str(line.requests[0].url) == "http://127.0.0.1:8899/proxy/v1/bulk-send"
    shown = {name: line.sent[name] for name in ("gamme", "isStopSms", "isUnicode", "sender", "urlDlr", "urlResponse")}
    callback = "https://sms.example.com/callbacks/french/s3cret-s3cret-s3cret"
    urls = {"urlDlr": f"{callback}/status", "urlResponse": f"{callback}/reply"}
    assert shown == {"gamme": 2, "isStopSms": 1, "isUnicode": 1, "sender": "Other", **urls}


def test_text_for_each_number() -> None:
    """Numbers that bring their own params each get their own text.

    Line breaks are written as the provider wants them.
    """
    account = changed(ACCOUNT, texts={"login": "Bonjour {2},\nvotre code: {1}"})
    line = replace(answering(200, sent()), account=account)

    line.provider.send(replace(CALL, own_params=[("111", "Zoé"), ("222", "{1} :br:")]))

    assert [row["message"] for row in line.sent["SMSList"]] == [
        "Bonjour Zoé,:br:votre code: 111",
        "Bonjour {1} :br:,:br:votre code: 222",
    ]


def test_tag_of_a_call() -> None:
    """The engine's contexts become tags that people can read back: ledger and attempt."""
    assert tag_of("sl:ab12cd:77") == "slab12cd77"
    assert tag_of("sl:ab12cd:999999999999") == "slab12cd999999999999"


@pytest.mark.parametrize("context", ["sl:ab12cd:1234567890123", "SL:AB12CD:77", "b7.1", "", "7", "été " * 200])
def test_tag_of_any_context(context: str) -> None:
    """Any context has a tag of its own: up to 20 lower-case letters and digits, a letter first."""
    tag = tag_of(context)

    assert len(tag) <= 20
    assert tag.isascii()
    assert tag.isalnum()
    assert tag == tag.lower()
    assert not tag.isdigit()
    assert len({tag_of(f"{context}{more}") for more in ("", "0", "x")}) == 3


FIELD = "children[{}].data"


def nine(*fields: str, key: str = "errors", message: str = "mauvais") -> dict[str, Any]:
    """A refusal with code 9 that names these fields."""
    return {
        "success": False,
        "code": 9,
        key: [{"elementId": FIELD.format(field), "message": message} for field in fields],
    }


ANSWERS: dict[str, tuple[int, object, Answer]] = {
    "accepted": (200, sent(item(), item(f"+{SECOND}")), Sent((OK, OK2), "307")),
    "another order": (200, sent(item(f"+{SECOND}"), item()), Sent((OK2, OK), "307")),
    "national spelling": (200, sent(item("0612345678")), Sent((OK,), "307")),
    "bare spelling": (200, sent(item("33612345678")), Sent((OK,), "307")),
    "zeros spelling": (200, sent(item("0033 6 12 34 56 78")), Sent((OK,), "307")),
    "id as text": (200, sent(item(), message_id="307"), Sent((OK,), "307")),
    "id as messageId": (200, sent(item(), message_id=None, messageId=307), Sent((OK,), "307")),
    "id as msgId": (200, sent(item(), message_id=None, msgId="307"), Sent((OK,), "307")),
    "no id": (200, sent(item(), message_id=None), Sent((OK._replace(serial=f"{TAG}/{FIRST}"),), "")),
    "success with another code": (200, sent(item(code=2), code=2), Sent((OK,), "307")),
    "success as text": (200, sent(item(success="true")), Sent((OK,), "307")),
    "no flag but 200": (200, sent(item(success=None)), Sent((OK,), "307")),
    "parts as text": (200, sent(item(nbSms="3")), Sent((OK._replace(fee=3),), "307")),
    "a created one": (201, sent(item()), Sent((OK,), "307")),
    "stop list": (200, sent(item(success=False, code=14)), Sent((bad(FIRST, "14"),), "307")),
    "duplicate": (
        200,
        sent(item(), item(), item(f"+{SECOND}", success=False, code=15)),
        Sent((OK, bad(SECOND, "15")), "307"),
    ),
    "no price": (200, sent(item(success=False, code="13")), Sent((bad(FIRST, "13"),), "307")),
    "failed with 200": (200, sent(item(success=False)), Sent((bad(FIRST, "success.false"),), "307")),
    "a stranger": (200, sent(item("+33600000000"), item()), Sent((OK,), "307")),
    "no number": (200, sent(item(None), item()), Sent((OK,), "307")),
    "neither flag nor code": (200, sent(item(success=None, code=None), item()), Sent((OK,), "307")),
    "rows that are none": (200, sent("x", None, 7, item()), Sent((OK,), "307")),
    "no list": (200, sent(SMSResponse_List=None), Sent((), "307")),
    "list in a refusal": (
        400,
        sent(item(success=False, code=14), item(f"+{SECOND}"), success=False, code=55),
        Sent((bad(FIRST, "14"), OK2), "307"),
    ),
    "credit": (200, error(11, "Credit insuffisant"), Refused("11", "Credit insuffisant", "")),
    "credit with 400": (400, error(11), Refused("11", "non", "")),
    "key with 403": (403, error(10), Refused("10", "non", "")),
    "IP with 401": (401, error("96"), Refused("96", "non", "")),
    "no flag with 4xx": (400, {"code": 90, "message": "non"}, Refused("90", "non", "")),
    "refused without code": (200, {"success": False}, Refused("success.false", "", "")),
    "refused with 200": (200, {"success": False, "code": 200, "message": "?"}, Refused("success.false", "?", "")),
    "queue": (200, error(500), Refused("500", "non", "")),
    "sender": (400, nine("sender"), Refused("9.sender", "mauvais", "")),
    "message": (400, nine("message", key="error"), Refused("9.message", "mauvais", "")),
    "numbers": (400, nine("phoneNumbers"), Refused("9.phoneNumbers", "mauvais", "")),
    "a field nobody knows": (400, nine("SMSList"), Refused("9", "mauvais", "")),
    "number of a row": (
        400,
        nine("SMSList].children[0].children[phoneNumber"),
        Refused("9.phoneNumbers", "mauvais", ""),
    ),
    "gravest first": (
        400,
        nine("phoneNumber", "message", "sender"),
        Refused("9.sender", "mauvais; mauvais; mauvais", ""),
    ),
    "schedule": (400, nine("minute", "sender"), Refused("9", "mauvais; mauvais", "")),
    "9 without a list": (400, error(9), Refused("9", "non", "")),
    "one of them is bad": (
        400,
        nine("phoneNumber", message=f"pas valide (+{SECOND})"),
        Sent((bad(FIRST, "call.Again"), bad(SECOND, "9.phoneNumbers", "pas valide (+33698****5432)")), ""),
    ),
    "both are bad": (
        400,
        nine("phoneNumber", message=f"pas valide (0612345678, +{SECOND})"),
        Sent(
            tuple(
                bad(number, "9.phoneNumbers", "pas valide (061****78, +33698****5432)") for number in (FIRST, SECOND)
            ),
            "",
        ),
    ),
    "no price for one": (
        400,
        error(13, f"Pas de prix: {FIRST}"),
        Sent((bad(FIRST, "13", "Pas de prix: 336****78"), bad(SECOND, "call.Again")), ""),
    ),
    "both in a row": (
        400,
        error(13, f"Pas de prix: {FIRST} {SECOND}"),
        Sent(tuple(bad(number, "13", "Pas de prix: 336123****5432") for number in (FIRST, SECOND)), ""),
    ),
    "an unknown number is named": (
        400,
        error(13, "Pas de prix: 33600000000"),
        Refused("13", "Pas de prix: 336****00", ""),
    ),
    "a number is named, not blamed": (400, error(11, f"Credit, {FIRST}"), Refused("11", "Credit, 336****78", "")),
    "429": (429, b"slow down", Refused("http.429", "too many requests in a minute", "")),
    "429 with error": (429, error(429), Refused("http.429", "too many requests in a minute", "")),
    "not json": (200, b"<html>", Broken(maybe_sent=True, code="http.NotJson", detail="")),
    "empty": (200, b"", Broken(maybe_sent=True, code="http.NotJson", detail="")),
    "empty object": (200, b"{}", Broken(maybe_sent=True, code="http.NotJson", detail="")),
    "a list": (200, b"[]", Broken(maybe_sent=True, code="http.NotJson", detail="")),
    "not utf-8": (200, b'{"success": "\xff"}', Broken(maybe_sent=True, code="http.NotJson", detail="")),
    "too deep": (200, b"[" * 100_000, Broken(maybe_sent=True, code="http.NotJson", detail="")),
    "too large": (200, b" " * (LARGEST_BODY + 1), Broken(maybe_sent=True, code="http.TooLarge", detail="")),
    "302": (302, sent(item()), Broken(maybe_sent=False, code="http.302", detail="")),
    "400": (400, b"Bad Request", Broken(maybe_sent=False, code="http.400", detail="")),
    "400 with success": (400, sent(item()), Sent((OK,), "307")),
    "400 that says nothing": (400, b"{}", Broken(maybe_sent=False, code="http.400", detail="")),
    "404": (404, b"<html>", Broken(maybe_sent=False, code="http.404", detail="")),
    "408": (408, b"", Broken(maybe_sent=True, code="http.408", detail="")),
    "500": (500, b"", Broken(maybe_sent=True, code="http.500", detail="")),
    "502": (502, b"<html>", Broken(maybe_sent=True, code="http.502", detail="")),
    "503 with error": (503, error(11), Broken(maybe_sent=True, code="http.503", detail="")),
}


@pytest.mark.parametrize("name", ANSWERS)
def test_answer(name: str) -> None:
    """Each answer becomes its value, after one request and never a second."""
    status, body, expected = ANSWERS[name]
    line = answering(status, body)

    answer = line.provider.send(CALL)

    assert expected == _without_detail(answer)
    assert len(line.requests) == 1


def _without_detail(answer: object) -> object:
    if isinstance(answer, Broken):
        assert answer.detail
        return replace(answer, detail="")
    return answer


def test_one_number_is_not_set_apart() -> None:
    """A call of one number that is refused for it is refused as a whole.

    There is no other recipient to spare.
    """
    line = answering(400, nine("phoneNumber", message=f"pas valide (+{FIRST})"))

    answer = line.provider.send(replace(CALL, numbers=(FIRST,)))

    assert answer == Refused("9.phoneNumbers", "pas valide (+33612****5678)", "")


def test_overseas_number_in_national_spelling() -> None:
    """A national spelling can belong to an overseas department.

    Then the nine digits after the zero decide.
    """
    line = answering(200, sent(item("0692123456")))

    answer = line.provider.send(replace(CALL, numbers=(FIRST, THIRD)))

    assert isinstance(answer, Sent)
    assert [each.number for each in answer.items] == [THIRD]


@pytest.mark.parametrize("kind", HTTPX_ERRORS, ids=lambda kind: str(kind.__name__))
def test_error_of_httpx(kind: type[Exception]) -> None:
    """Only errors before the first byte are certain not to have sent.

    Nothing of httpx' message is shown beyond a failed connect.
    """
    answer = failing(_raised(kind)).provider.send(CALL)

    assert isinstance(answer, Broken)
    assert answer.maybe_sent == (kind.__name__ not in NEVER_LEFT)
    assert answer.code == f"http.{kind.__name__}"
    assert API_KEY not in answer.detail


def _raised(kind: Any) -> Exception:
    """An error of this kind that quotes the URL with the key, as httpx' own may.

    A failed connect has none to quote.
    """
    request = httpx.Request("GET", f"https://api.smspartner.fr/v1/me?apiKey={API_KEY}")
    words = "refused" if kind is httpx.ConnectError else f"quoting {request.url}"
    if issubclass(kind, httpx.HTTPStatusError):
        return httpx.HTTPStatusError(words, request=request, response=httpx.Response(500, request=request))
    made: Exception = kind() if issubclass(kind, httpx.StreamError) and kind is not httpx.StreamError else kind(words)
    return made


def test_template_without_a_text() -> None:
    """A template without a text is certain not to have been sent, and nothing is asked."""
    line = answering(200, sent(item()))

    answer = line.provider.send(replace(CALL, content=replace(CALL.content, template="other")))

    assert answer == Broken(
        maybe_sent=False,
        code="text.Unknown",
        detail="no text for the template other; add it to TEXTS of the account",
    )
    assert line.requests == []


def test_template_in_any_case() -> None:
    """Settings keep template ids in lower case; a job's spelling does not matter."""
    line = answering(200, sent(item()))

    assert isinstance(line.provider.send(replace(CALL, content=replace(CALL.content, template="LogIn"))), Sent)


@pytest.mark.parametrize("params", [(), ("1", "2")])
def test_params_that_do_not_fit(params: tuple[str, ...]) -> None:
    """A number with too few or too many params is refused here.

    Nothing is sent yet, and the others go with the next call.
    """
    line = answering(200, sent(item()))

    answer = line.provider.send(replace(CALL, own_params=[params, ("3",)]))

    assert answer == Sent((bad(FIRST, "text.Params"), bad(SECOND, "call.Again")), "")
    assert line.requests == []


def test_oddities_are_told(caplog: pytest.LogCaptureFixture) -> None:
    """What was left out of an answer is counted in the log, without a number or a text."""
    line = answering(200, sent(item("+33600000000"), item(), item(), item(None)))

    with caplog.at_level(logging.WARNING):
        line.provider.send(CALL)

    assert "left out of the answer: Oddities(strangers=1, repeats=1, unreadable=1)" in caplog.text
    assert "336" not in caplog.text


@pytest.mark.parametrize(
    ("status", "body"),
    [
        (400, error(11, f"cle {API_KEY}, texte Votre code: {OTP}")),
        (200, sent(item(success=False, code=777, message=f"cle {API_KEY}, texte Votre code: {OTP}"))),
    ],
)
def test_no_secret_comes_back(status: int, body: object, caplog: pytest.LogCaptureFixture) -> None:
    """The key and the text are taken out of whatever the provider quotes."""
    with caplog.at_level(logging.DEBUG):
        answer = answering(status, body).provider.send(CALL)

    assert "****" in repr(answer)
    assert not [secret for secret in SECRETS if secret in repr(answer) + caplog.text]


def test_what_it_can_do() -> None:
    """Asked about 500 messages at once and calls by tag; packs 500 numbers with a text each."""
    provider = Line(lambda _: httpx.Response(200)).provider

    assert isinstance(provider, QueryProvider)
    assert isinstance(provider, FindProvider)
    assert provider.batch_rule("global") == BatchRule("bulk-send", 500, params_differ=True)
    assert provider.query_rule == QueryRule("multi-status", 500)
    assert provider.limits["bulk-send"] == 5
    assert set(provider.limits) >= {"bulk-send", "multi-status", "bulk-status-by-tag", "me"}
