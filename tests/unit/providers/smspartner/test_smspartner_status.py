"""What became of messages.

Expected questions and expected receipts, by id, by tag, and one by one.
"""

from dataclasses import replace
from typing import Any

import pytest

from tests.unit.providers.smspartner.harness import (
    API_KEY,
    FIRST,
    SECOND,
    TAG,
    THIRD,
    answering,
    asked,
    error,
    in_turn,
    status_row,
    statuses,
)
from worker.providers.base import Broken, FoundMessage, MessageRef, Receipt, ReceiptPage, Refused
from worker.providers.smspartner.status import MessageStatus, StatusPage, receipt_when_final

CONTEXT = "sl:ab12cd:77"
AT_S = 1_517_934_416
DELIVERED = Receipt(FIRST, f"307/{FIRST}", ok=True, code="delivered", received_at_s=AT_S, context="")


def page(*receipts: Receipt, bad_rows: int = 0, rows: int | None = None) -> ReceiptPage:
    """A page of so many rows; as many as receipts unless told."""
    return ReceiptPage(receipts, bad_rows, len(receipts) + bad_rows if rows is None else rows)


def test_query_by_id() -> None:
    """Messages whose call's id is known are asked about in one multi-status."""
    line = answering(200, statuses(status_row()))

    line.provider.query(asked(FIRST, SECOND))

    (request,) = line.requests
    assert (request.method, str(request.url)) == ("POST", "https://api.smspartner.fr/v1/multi-status")
    assert line.sent == {
        "apiKey": API_KEY,
        "SMSStatut_List": [
            {"phoneNumber": f"+{FIRST}", "messageId": 307},
            {"phoneNumber": f"+{SECOND}", "messageId": 307},
        ],
    }


QUERIES: dict[str, tuple[int, object, object]] = {
    "delivered": (200, statuses(status_row()), page(DELIVERED)),
    "statut": (200, statuses(status_row(status=None, statut="Delivered")), page(DELIVERED)),
    "lower case": (200, statuses(status_row(status="delivered")), page(DELIVERED)),
    "another list name": (
        200,
        {"success": True, "StatusResponse_List": [status_row()]},
        page(DELIVERED),
    ),
    "id as text": (200, statuses(status_row(messageId="307")), page(DELIVERED)),
    "id as message_id": (200, statuses(status_row(messageId=None, message_id=307)), page(DELIVERED)),
    "no id": (200, statuses(status_row(messageId=None)), page(DELIVERED)),
    "date as a date": (200, statuses(status_row(date="2018-02-06 17:26:56")), page(DELIVERED)),
    "date as a number": (200, statuses(status_row(date=AT_S)), page(DELIVERED)),
    "no date": (200, statuses(status_row(date=None)), page(DELIVERED._replace(received_at_s=0))),
    "odd date": (200, statuses(status_row(date="hier")), page(DELIVERED._replace(received_at_s=0))),
    "not delivered": (
        200,
        statuses(status_row(status="Not delivered")),
        page(DELIVERED._replace(ok=False, code="not delivered")),
    ),
    "ko": (200, statuses(status_row(status="KO")), page(DELIVERED._replace(ok=False, code="ko"))),
    "waiting": (200, statuses(status_row(status="Waiting")), page(rows=1)),
    "a word nobody knows": (200, statuses(status_row(status="Lost in space")), page(rows=1)),
    "not known yet": (
        200,
        statuses(status_row(success=False, code=4, status="Numéro introuvable"), status_row(f"+{SECOND}")),
        page(Receipt(SECOND, f"307/{SECOND}", ok=True, code="delivered", received_at_s=AT_S, context="")),
    ),
    "another message to the number": (200, statuses(status_row(messageId=308)), page(rows=1)),
    "another number": (200, statuses(status_row("+33600000000")), page(rows=1)),
    "national spelling": (200, statuses(status_row("0612345678")), page(DELIVERED)),
    "no number": (200, statuses(status_row(None), status_row()), page(DELIVERED, bad_rows=1)),
    "no status": (200, statuses(status_row(status=None), status_row()), page(DELIVERED, bad_rows=1)),
    "rows that are none": (200, statuses("x", None, status_row()), page(DELIVERED)),
    "nothing": (200, statuses(), page()),
    "whole call not known": (400, error(4), page()),
    "key": (400, error(10), Refused("10", "non", "")),
    "no list": (200, {"success": True, "code": 200}, Broken(maybe_sent=True, code="http.NotJson", detail="")),
    "not json": (200, b"<html>", Broken(maybe_sent=True, code="http.NotJson", detail="")),
    "429": (429, b"", Refused("http.429", "too many requests in a minute", "")),
    "404": (404, b"", Broken(maybe_sent=False, code="http.404", detail="")),
    "500": (500, b"", Broken(maybe_sent=True, code="http.500", detail="")),
}


@pytest.mark.parametrize("name", QUERIES)
def test_answer_to_a_query(name: str) -> None:
    """A final status is a receipt under the serial asked about.

    Everything else is none, and no error unless it says so.
    """
    status, body, expected = QUERIES[name]

    answer = answering(status, body).provider.query(asked(FIRST, SECOND))

    assert expected == (replace(answer, detail="") if isinstance(answer, Broken) else answer)


def test_two_messages_to_one_number() -> None:
    """An answer without ids is not guessed at when the number was asked about twice."""
    both = [*asked(FIRST), *asked(FIRST, message_id="308")]

    assert answering(200, statuses(status_row(messageId=None))).provider.query(both) == page(rows=1)
    assert answering(200, statuses(status_row())).provider.query(both) == page(DELIVERED)


def tagged(number: int, status: str = "Delivered") -> dict[str, Any]:
    """A row of bulk-status-by-tag, which has no id."""
    return {"phoneNumber": f"+{number}", "status": status, "stopSMS": False, "date": str(AT_S)}


def test_query_by_tag() -> None:
    """A message found by its tag is asked about by its tag again, beside those with an id."""
    line = in_turn(statuses(status_row()), statuses(tagged(SECOND), currentPage=1, total=1))

    answer = line.provider.query([*asked(FIRST), *asked(SECOND, message_id=TAG)])

    assert [request.url.path for request in line.requests] == ["/v1/multi-status", "/v1/bulk-status-by-tag"]
    assert dict(line.requests[1].url.params) == {"apiKey": API_KEY, "tag": TAG}
    assert answer == page(
        DELIVERED,
        Receipt(SECOND, f"{TAG}/{SECOND}", ok=True, code="delivered", received_at_s=AT_S, context=""),
    )


def test_find() -> None:
    """A call is found by the tag made of its context.

    What is final comes with its receipt, what is on the way without.
    """
    line = answering(
        200, statuses(tagged(FIRST), tagged(SECOND, "Waiting"), tagged(33600000000), currentPage=1, total=3)
    )

    found = line.provider.find(CONTEXT, [FIRST, SECOND, THIRD])

    assert dict(line.requests[0].url.params) == {"apiKey": API_KEY, "tag": TAG}
    assert found == (
        FoundMessage(
            FIRST,
            f"{TAG}/{FIRST}",
            Receipt(FIRST, f"{TAG}/{FIRST}", ok=True, code="delivered", received_at_s=AT_S, context=CONTEXT),
        ),
        FoundMessage(SECOND, f"{TAG}/{SECOND}"),
    )


def test_find_with_an_id() -> None:
    """Should the answer name the call's id after all, the message goes by it."""
    row = tagged(FIRST, "Waiting") | {"messageId": 307}

    assert answering(200, statuses(row)).provider.find(CONTEXT, [FIRST]) == (FoundMessage(FIRST, f"307/{FIRST}"),)


@pytest.mark.parametrize(
    ("status", "body", "expected"),
    [
        (400, error(4), ()),
        (200, statuses(), ()),
        (400, error(10), Refused("10", "non", "")),
        (
            500,
            b"",
            Broken(maybe_sent=True, code="http.500", detail="HTTP status 500 without an error of the provider's own"),
        ),
    ],
)
def test_find_nothing(status: int, body: object, expected: object) -> None:
    """A tag that the provider does not know is no error; whatever else it answers is."""
    assert answering(status, body).provider.find(CONTEXT, [FIRST]) == expected


def test_pages_of_a_tag() -> None:
    """All pages are asked for, until there are as many rows as the answer says."""
    first = statuses(tagged(FIRST), currentPage=1, total=2)
    line = in_turn(first, statuses(tagged(SECOND), currentPage=2, total=2))

    found = line.provider.find(CONTEXT, [FIRST, SECOND])

    assert isinstance(found, tuple)
    assert [each.number for each in found] == [FIRST, SECOND]
    assert [request.url.params.get("page") for request in line.requests] == [None, "2"]


@pytest.mark.parametrize("again", [{"currentPage": 1, "total": 2}, {"total": 2}])
def test_pages_that_repeat(again: dict[str, int]) -> None:
    """How to ask for the next page is not documented.

    An answer that is no second page ends the asking.
    """
    line = in_turn(statuses(tagged(FIRST), currentPage=1, total=2), statuses(tagged(FIRST), **again))

    found = line.provider.find(CONTEXT, [FIRST, SECOND])

    assert isinstance(found, tuple)
    assert [each.number for each in found] == [FIRST]


def test_pages_end() -> None:
    """An answer that promises rows for ever is not asked for ever."""
    pages = [statuses(tagged(FIRST), currentPage=number, total=9999) for number in range(1, 30)]
    line = in_turn(*pages)

    assert isinstance(line.provider.find(CONTEXT, [FIRST]), tuple)
    assert len(line.requests) == 20


def test_trouble_on_a_later_page() -> None:
    """Half an answer is none."""
    line = in_turn(statuses(tagged(FIRST), currentPage=1, total=2), error(10))

    assert line.provider.find(CONTEXT, [FIRST]) == Refused("10", "non", "")


def test_message_status() -> None:
    """One message.

    The number is `number`, the status `statut`, the id text, the date without a zone.
    """
    body = {
        "success": True,
        "code": 200,
        "number": f"+{FIRST}",
        "messageId": "1111",
        "stopSms": True,
        "date": "2015-02-07 22:39:46",
        "statut": "Delivered",
        "cost": 0.045,
    }
    line = answering(200, body)

    answer = line.provider.statuses_of("1111", FIRST)

    assert str(line.requests[0].url).startswith("https://api.smspartner.fr/v1/message-status?")
    assert dict(line.requests[0].url.params) == {"apiKey": API_KEY, "messageId": "1111", "phoneNumber": f"+{FIRST}"}
    assert answer == StatusPage((MessageStatus(FIRST, "1111", "delivered", 1_423_345_186, stopped=True),))


def test_message_status_not_known() -> None:
    """Asked for alone, "not known" is what the caller wants to hear."""
    assert answering(400, error(4)).provider.statuses_of("1", FIRST) == Refused("4", "non", "")


def test_bulk_status() -> None:
    """Every message of a call."""
    line = answering(200, statuses(tagged(FIRST), tagged(SECOND, "Waiting"), message_id="307"))

    answer = line.provider.statuses_of("307")

    assert dict(line.requests[0].url.params) == {"apiKey": API_KEY, "messageId": "307"}
    assert isinstance(answer, StatusPage)
    assert [(each.number, each.word, receipt_when_final(each, "") is not None) for each in answer.statuses] == [
        (FIRST, "delivered", True),
        (SECOND, "waiting", False),
    ]


def test_asking_by_number_asks_nobody() -> None:
    """No call of SMSPartner tells by number what was sent."""
    line = answering(200, statuses(status_row()))

    assert line.provider.ask(FIRST, since_s=0, until_s=9) == page()
    assert line.requests == []


def test_nothing_to_ask() -> None:
    """No message, no question."""
    line = answering(200, statuses())

    assert line.provider.query(list[MessageRef]()) == page()
    assert line.requests == []
