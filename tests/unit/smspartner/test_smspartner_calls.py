"""The calls that the engine does not need to send: expected requests and expected values, and what each refusal is."""

import json
from dataclasses import replace

import httpx
import pytest

from smsline.verdicts import Scope, Verdict
from tests.unit.smspartner.harness import API_KEY, FIRST, SECOND, Line, answering, error
from worker.providers.base import Broken, Refused
from worker.providers.smspartner.checks import HlrCampaign, HlrResult, Looked, hlr_status, read_hlr
from worker.providers.smspartner.manage import Credits, Stopped

ME = {
    "success": True,
    "code": 200,
    "user": {"username": "a@example.com"},
    "credits": {
        "creditSms": 269082,
        "creditSmsECO": 444570,
        "creditHlr": 2045023,
        "toSend": 12,
        "balance": "10225.119",
        "currency": "EUR",
    },
}
CREDITS = Credits("10225.119", "EUR", premium=269082, low_cost=444570, hlr=2045023, to_send=12)


def asked_for(line: Line) -> tuple[str, str, dict[str, str]]:
    """Method, path and parameters of the only request."""
    (request,) = line.requests
    params = dict(request.url.params) if request.method == "GET" else json.loads(request.content)
    return request.method, request.url.path, params


def test_credits() -> None:
    """GET /me tells the balance and what it buys."""
    line = answering(200, ME)

    assert line.provider.calls.credits() == CREDITS
    assert asked_for(line) == ("GET", "/v1/me", {"apiKey": API_KEY})


@pytest.mark.parametrize(
    ("held", "expected"),
    [
        ({"solde": "10.5", "creditSmsLowCost": 7}, Credits("10.5", "", 0, 7, 0, 0)),
        ({"balance": 10.5, "creditSms": "3"}, Credits("10.5", "", 3, 0, 0, 0)),
        ({}, Credits("", "", 0, 0, 0, 0)),
    ],
)
def test_older_names_of_credits(held: dict[str, object], expected: Credits) -> None:
    """The balance was called solde, the low-cost range something else, and any of them may be missing or text."""
    assert answering(200, {"success": True, "credits": held}).provider.calls.credits() == expected


def test_cancel() -> None:
    """GET /message-cancel takes a scheduled call back."""
    line = answering(200, {"success": True, "code": 200, "message": "ok"})

    assert line.provider.calls.cancel("307") is None
    assert asked_for(line) == ("GET", "/v1/message-cancel", {"apiKey": API_KEY, "messageId": "307"})


@pytest.mark.parametrize("code", ["3", "4", "5", "6", "7", "10"])
def test_cancel_refused(code: str) -> None:
    """It is refused with a code of its own table."""
    assert answering(400, error(int(code))).provider.calls.cancel("307") == Refused(code, "non", "")


def test_stop_list() -> None:
    """GET /stop-sms/list; an entry without a number is left out."""
    rows = [
        {"id": 19, "phoneNumber": f"+{FIRST}", "createdAt": "2015-07-20 10:19:45"},
        {"id": 20, "phoneNumber": None},
    ]
    line = answering(200, {"success": True, "code": 200, "data": rows})

    assert line.provider.calls.stop_list() == (Stopped("19", FIRST, 1_437_380_385),)
    assert asked_for(line) == ("GET", "/v1/stop-sms/list", {"apiKey": API_KEY})


def test_lookup() -> None:
    """POST /lookup says of each number whether it can be one."""
    rows = [
        {
            "request": str(FIRST),
            "success": True,
            "countryCode": "France",
            "prefixCode": 33,
            "phoneNumber": f"+{FIRST}",
            "type": "Mobile",
            "network": "Orange",
        },
        {"request": "331", "success": False, "message": "pas valide"},
    ]
    line = answering(200, {"success": True, "code": 200, "lookup": rows})

    assert line.provider.calls.lookup([FIRST, 331]) == (
        Looked(str(FIRST), ok=True, number=FIRST, country="France", kind="Mobile", network="Orange"),
        Looked("331", ok=False, message="pas valide"),
    )
    assert asked_for(line) == ("POST", "/v1/lookup", {"apiKey": API_KEY, "phoneNumbers": f"+{FIRST},+331"})


def test_hlr() -> None:
    """POST /hlr/notify begins a check; its results are posted to the URL."""
    line = answering(
        200, {"success": True, "code": 200, "campaign_id": "HLR1", "number": 2, "cost": 0.02, "currency": "EUR"}
    )

    found = line.provider.calls.hlr([FIRST, SECOND], notify_url="https://example.com/hlr", tag="check")

    assert found == HlrCampaign("HLR1", 2, "0.02", "EUR")
    assert asked_for(line) == (
        "POST",
        "/v1/hlr/notify",
        {
            "apiKey": API_KEY,
            "phoneNumbers": f"+{FIRST},+{SECOND}",
            "notifyUrl": "https://example.com/hlr",
            "tag": "check",
        },
    )


def posted(**fields: object) -> bytes:
    """What is posted to the notifyUrl."""
    usual = {
        "phone": f"+{FIRST}",
        "messageId": "0f6f5c4e-uuid",
        "mccMnc": "20801",
        "ported": False,
        "errorGrpId": 0,
        "errorName": "NO_ERROR ",
        "errorDesc": "No Error",
        "date": "2018-02-06T17:26:56+01:00",
    }
    return json.dumps(usual | fields).encode()


def test_hlr_result() -> None:
    """A result has no number of its error: the name counts, without the blank behind it."""
    found = read_hlr(posted())

    assert isinstance(found, HlrResult)
    assert (found.number, found.network, found.ported, found.error) == (FIRST, "20801", False, "NO_ERROR")
    assert found.match.row.verdict is Verdict.OK
    assert found.at_s == 1_517_934_416


@pytest.mark.parametrize(
    ("name", "verdict", "scope"),
    [
        ("EC_UNKNOWN_SUBSCRIBER", Verdict.DEAD, Scope.RECIPIENT),
        ("EC_ABSENT_SUBSCRIBER", Verdict.RETRY, Scope.RECIPIENT),
        ("EC_SOMETHING_NEW", Verdict.UNSURE, Scope.RECIPIENT),
    ],
)
def test_hlr_error(name: str, verdict: Verdict, scope: Scope) -> None:
    """What an error says of the number comes from the table of HLR errors."""
    found = read_hlr(posted(errorName=name))

    assert isinstance(found, HlrResult)
    assert (found.match.row.verdict, found.match.row.scope) == (verdict, scope)


@pytest.mark.parametrize("body", [b"<html>", posted(phone=None), posted(errorName=""), b"[]"])
def test_hlr_nonsense(body: bytes) -> None:
    """What cannot be read is a value too."""
    assert isinstance(read_hlr(body), Broken)


def test_hlr_status() -> None:
    """A status of a check is looked up among those of checks."""
    assert hlr_status("DELIVERED_TO_HANDSET ").row.verdict is Verdict.OK
    assert hlr_status("REJECTED_DND").row.verdict is Verdict.DEAD
    assert hlr_status("?").how == "unknown"


CALLS = ["credits", "stop_list", "cancel", "lookup", "hlr", "bulk_status"]
TROUBLE: dict[str, tuple[int, object, object]] = {
    "key": (403, error(10), Refused("10", "non", "")),
    "IP": (400, error(96), Refused("96", "non", "")),
    "429": (429, b"", Refused("http.429", "too many requests in a minute", "")),
    "404": (404, b"", Broken(maybe_sent=False, code="http.404", detail="")),
    "500": (500, b"", Broken(maybe_sent=True, code="http.500", detail="")),
    "not json": (200, b"<html>", Broken(maybe_sent=True, code="http.NotJson", detail="")),
    "empty object": (200, b"{}", Broken(maybe_sent=True, code="http.NotJson", detail="")),
}


@pytest.mark.parametrize("call", CALLS)
@pytest.mark.parametrize("name", TROUBLE)
def test_trouble(call: str, name: str) -> None:
    """Every call gives trouble back as a value, after one request."""
    status, body, expected = TROUBLE[name]
    line = answering(status, body)

    answer = _make(line, call)

    assert expected == (replace(answer, detail="") if isinstance(answer, Broken) else answer)
    assert len(line.requests) == 1


def _make(line: Line, call: str) -> object:
    calls = line.provider.calls
    if call in ("cancel", "bulk_status"):
        return getattr(calls, call)("307")
    if call == "hlr":
        return calls.hlr([FIRST], notify_url="https://example.com/hlr")
    return calls.lookup([FIRST]) if call == "lookup" else getattr(calls, call)()


def test_timeout() -> None:
    """A question that is not answered in time is a value too."""

    def late(request: httpx.Request) -> httpx.Response:
        raise httpx.ReadTimeout("late", request=request)

    answer = Line(late).provider.calls.credits()

    assert answer == Broken(
        maybe_sent=True, code="http.ReadTimeout", detail="the call broke after it may have been sent"
    )
