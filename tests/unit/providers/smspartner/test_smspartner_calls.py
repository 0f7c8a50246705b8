"""The calls that the engine does not need to send.

Expected requests and expected values, and what each refusal is.
"""

import json
from collections.abc import Callable
from dataclasses import replace

import httpx
import pytest

from tests.support.accounts import changed
from tests.unit.providers.smspartner.harness import ACCOUNT, API_KEY, FIRST, SECOND, Line, answering, error
from worker.providers.base import Balance, Broken, Refused
from worker.providers.smspartner import manage
from worker.providers.smspartner.client import SmsPartnerProvider
from worker.providers.smspartner.manage import HlrCampaign, NumberLookup, StopEntry

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
CREDITS = Balance("10225.119", "EUR", 269082)


def asked_for(line: Line) -> tuple[str, str, dict[str, str]]:
    """Method, path and parameters of the only request."""
    (request,) = line.requests
    params = dict(request.url.params) if request.method == "GET" else json.loads(request.content)
    return request.method, request.url.path, params


def test_credits() -> None:
    """GET /me tells the balance and what it buys."""
    line = answering(200, ME)

    assert line.provider.balance() == CREDITS
    assert asked_for(line) == ("GET", "/v1/me", {"apiKey": API_KEY})


@pytest.mark.parametrize(
    ("held", "expected"),
    [
        ({"solde": "10.5", "creditSmsLowCost": 7}, Balance("10.5", "", 7)),
        ({"balance": 10.5, "creditSms": "3"}, Balance("10.5", "", 0)),
        ({}, Balance("", "", 0)),
    ],
)
def test_older_names_of_credits(held: dict[str, object], expected: Balance) -> None:
    """The balance was called solde, the low-cost range otherwise; each may be missing or text."""
    line = answering(200, {"success": True, "credits": held})

    assert replace(line, account=changed(ACCOUNT, gamme=2)).provider.balance() == expected


def test_cancel() -> None:
    """GET /message-cancel takes a scheduled call back."""
    line = answering(200, {"success": True, "code": 200, "message": "ok"})

    assert manage.cancel(line.provider, "307") is None
    assert asked_for(line) == ("GET", "/v1/message-cancel", {"apiKey": API_KEY, "messageId": "307"})


@pytest.mark.parametrize("code", ["3", "4", "5", "6", "7", "10"])
def test_cancel_refused(code: str) -> None:
    """It is refused with a code of its own table."""
    assert manage.cancel(answering(400, error(int(code))).provider, "307") == Refused(code, "non", "")


def test_stop_list() -> None:
    """GET /stop-sms/list; an entry without a number is left out."""
    rows = [
        {"id": 19, "phoneNumber": f"+{FIRST}", "createdAt": "2015-07-20 10:19:45"},
        {"id": 20, "phoneNumber": None},
    ]
    line = answering(200, {"success": True, "code": 200, "data": rows})

    assert manage.stop_list(line.provider) == (StopEntry("19", FIRST, 1_437_380_385),)
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

    assert manage.lookup(line.provider, [FIRST, 331]) == (
        NumberLookup(str(FIRST), ok=True, number=FIRST, country="France", kind="Mobile", network="Orange"),
        NumberLookup("331", ok=False, message="pas valide"),
    )
    assert asked_for(line) == ("POST", "/v1/lookup", {"apiKey": API_KEY, "phoneNumbers": f"+{FIRST},+331"})


def test_hlr() -> None:
    """POST /hlr/notify begins a check; its results are posted to the URL."""
    line = answering(
        200, {"success": True, "code": 200, "campaign_id": "HLR1", "number": 2, "cost": 0.02, "currency": "EUR"}
    )

    found = manage.hlr(line.provider, [FIRST, SECOND], notify_url="https://example.com/hlr", tag="check")

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


CALLS: dict[str, Callable[[SmsPartnerProvider], object]] = {
    "balance": SmsPartnerProvider.balance,
    "stop_list": manage.stop_list,
    "cancel": lambda provider: manage.cancel(provider, "307"),
    "lookup": lambda provider: manage.lookup(provider, [FIRST]),
    "hlr": lambda provider: manage.hlr(provider, [FIRST], notify_url="https://example.com/hlr"),
    "bulk_status": lambda provider: provider.statuses_of("307"),
}
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

    answer = CALLS[call](line.provider)

    assert expected == (replace(answer, detail="") if isinstance(answer, Broken) else answer)
    assert len(line.requests) == 1


def test_timeout() -> None:
    """A question that is not answered in time is a value too."""

    def late(request: httpx.Request) -> httpx.Response:
        raise httpx.ReadTimeout("late", request=request)

    answer = Line(late).provider.balance()

    assert answer == Broken(
        maybe_sent=True, code="http.ReadTimeout", detail="the call broke after it may have been sent"
    )
