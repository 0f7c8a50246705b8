"""Queries as tables: what is asked for, and what becomes of each answer.

The two sites' status numbers kept apart.
"""

from dataclasses import replace
from typing import Any

import pytest

from tests.unit.providers.alibaba.harness import (
    ASKED_CN,
    ASKED_SG,
    BIZ_ID,
    CONTEXT,
    FIRST,
    GLOBAL,
    MESSAGE_ID,
    NOW,
    answering,
    detail,
    details,
    failing,
    gateway,
    globe_refused,
    message,
    query_of,
    refused,
)
from worker.providers.alibaba.international import GlobeStatus
from worker.providers.alibaba.mainland import SendStatus
from worker.providers.base import (
    Broken,
    FindProvider,
    FoundMessage,
    MessageRef,
    QueryProvider,
    QueryRule,
    QueueProvider,
    Receipt,
    ReceiptPage,
    Refused,
)

DAY_S = 86_400
RECEIVED = 1_789_999_960
"""22:12:40 of the harness' day in Beijing."""

MIDNIGHT = 1_789_920_000
"""00:00:00 of 2026-09-21 in Beijing."""

DELIVERED_CN = Receipt(FIRST, f"{BIZ_ID}/{FIRST}", ok=True, code="DELIVERED", received_at_s=RECEIVED, context=CONTEXT)
DELIVERED_SG = Receipt(
    GLOBAL, MESSAGE_ID, ok=True, code="DELIVERED", received_at_s=RECEIVED, context="", message="success"
)
UNREADABLE = Broken(maybe_sent=True, code="http.NotJson", detail="")


def _without_detail(answer: object) -> object:
    return replace(answer, detail="") if isinstance(answer, Broken) else answer


def test_one_number_two_meanings() -> None:
    """1 is waiting on the mainland and delivered abroad.

    3 is delivered on the mainland and on its way abroad.
    """
    assert (SendStatus.WAITING, SendStatus.FAILED, SendStatus.DELIVERED) == ("1", "2", "3")
    assert (GlobeStatus.DELIVERED, GlobeStatus.FAILED, GlobeStatus.SENDING) == ("1", "2", "3")


def test_both_are_asked_and_neither_has_a_queue() -> None:
    """One message in a query, charged to the site's own action.

    Only the mainland can be asked by number.
    """
    line = answering(200, b"")

    for provider, action in ((line.mainland(), "QuerySendDetails"), (line.international(), "QueryMessage")):
        assert isinstance(provider, QueryProvider)
        assert not isinstance(provider, QueueProvider)
        assert QueryRule(action, 1) == provider.query_rule
        assert provider.limits[action] > 0
    assert (line.mainland().ask_action, line.international().ask_action) == ("QuerySendDetails", "")


def test_mainland_query() -> None:
    """By number, by the day of the call in Beijing, and by the BizId of the serial."""
    line = answering(200, details(detail()))

    page = line.mainland().query([ASKED_CN])

    assert page == ReceiptPage((DELIVERED_CN,), 0, 1)
    assert line.asked == {
        "PhoneNumber": "13711112222",
        "SendDate": "20260921",
        "BizId": BIZ_ID,
        "PageSize": "50",
        "CurrentPage": "1",
    }
    assert line.requests[0].headers["x-acs-action"] == "QuerySendDetails"


@pytest.mark.parametrize(
    ("row", "expected"),
    [
        ({"SendStatus": 3}, (DELIVERED_CN,)),
        ({"SendStatus": "3"}, (DELIVERED_CN,)),
        ({"SendStatus": 2, "ErrCode": "MK:0001"}, (DELIVERED_CN._replace(ok=False, code="MK:0001"),)),
        ({"SendStatus": 2, "ErrCode": "DELIVERED"}, (DELIVERED_CN._replace(ok=False),)),
        ({"SendStatus": 1, "ErrCode": ""}, ()),
        ({"PhoneNum": "8613711112222"}, (DELIVERED_CN,)),
        ({"PhoneNum": "+86 13711112222"}, None),
        ({"ReceiveDate": None}, (DELIVERED_CN._replace(received_at_s=0),)),
        ({"ReceiveDate": "yesterday"}, (DELIVERED_CN._replace(received_at_s=0),)),
        ({"OutId": None}, (DELIVERED_CN._replace(context=""),)),
        ({"PhoneNum": "13711113333"}, None),
        ({"PhoneNum": None}, None),
        ({"SendStatus": 4}, None),
        ({"SendStatus": None}, None),
        ({"SendStatus": True}, None),
    ],
)
def test_mainland_rows(row: dict[str, Any], expected: tuple[Receipt, ...] | None) -> None:
    """The status decides, not the code; waiting is no receipt.

    What is not the number asked about, or has no status, is bad.
    """
    page = answering(200, details(detail(**row))).mainland().query([ASKED_CN])

    assert page == ReceiptPage(expected or (), int(expected is None), 1)


@pytest.mark.parametrize("rows", [[None], [[]], ["x"], [7]])
def test_mainland_rows_that_are_none(rows: list[object]) -> None:
    """A row that is no object costs itself only."""
    page = answering(200, details(*rows, detail())).mainland().query([ASKED_CN])

    assert page == ReceiptPage((DELIVERED_CN,), 1, 2)


@pytest.mark.parametrize("found", [None, {}, {"SmsSendDetailDTO": None}, [], {"SmsSendDetailDTO": {}}])
def test_nothing_known_yet(found: object) -> None:
    """No rows, in whatever form, are an empty page."""
    page = answering(200, details() | {"SmsSendDetailDTOs": found}).mainland().query([ASKED_CN])

    assert page == ReceiptPage((), 0, 0)


@pytest.mark.parametrize(
    ("accepted_s", "days"),
    [
        (MIDNIGHT + 12 * 3600, ["20260921"]),
        (MIDNIGHT + 121, ["20260921"]),
        (MIDNIGHT + 60, ["20260920", "20260921"]),
        (MIDNIGHT - 60, ["20260920", "20260921"]),
        (MIDNIGHT - 121, ["20260920"]),
    ],
)
def test_mainland_query_near_midnight(accepted_s: int, days: list[str]) -> None:
    """Two clocks may see two days: the second one is asked for when the first has nothing."""
    line = answering(200, details())

    line.mainland().query([replace(ASKED_CN, accepted_s=accepted_s)])

    assert days == [query_of(request)["SendDate"] for request in line.requests]
    assert len({request.headers["x-acs-signature-nonce"] for request in line.requests}) == len(days)


def test_a_found_message_ends_the_search() -> None:
    """Even when it is still on its way."""
    line = answering(200, details(detail(SendStatus=1)))

    page = line.mainland().query([replace(ASKED_CN, accepted_s=MIDNIGHT)])

    assert page == ReceiptPage((), 0, 1)
    assert len(line.requests) == 1


def test_mainland_ask() -> None:
    """Asked by number alone, a receipt goes by its OutId, in its serial too.

    Messages without one are another sender's.
    """
    line = answering(200, details(detail(), detail(OutId=""), detail(OutId=None), detail(OutId="other", SendStatus=2)))

    page = line.mainland().ask(FIRST, since_s=NOW - 3600, until_s=NOW)

    ours = DELIVERED_CN._replace(serial=f"{CONTEXT}/{FIRST}")
    other = ours._replace(serial=f"other/{FIRST}", ok=False, context="other")
    assert page == ReceiptPage((ours, other), 0, 2)
    assert "BizId" not in line.asked


@pytest.mark.parametrize(
    ("since_s", "until_s", "days"),
    [
        (NOW - 60, NOW, ["20260921"]),
        (NOW - DAY_S, NOW + 60, ["20260920", "20260921"]),
        (MIDNIGHT - 1, MIDNIGHT, ["20260920", "20260921"]),
    ],
)
def test_mainland_ask_by_days(since_s: int, until_s: int, days: list[str]) -> None:
    """Every day of Beijing's calendar that the time touches is asked for."""
    line = answering(200, details())

    line.mainland().ask(FIRST, since_s=since_s, until_s=until_s)

    assert days == [query_of(request)["SendDate"] for request in line.requests]


def test_mainland_ask_goes_back_30_days() -> None:
    """An earlier beginning is moved.

    A time that is wholly gone is not asked for, and is no empty page.
    """
    line = answering(200, details())

    line.mainland().ask(FIRST, since_s=NOW - 90 * DAY_S, until_s=NOW - 29 * DAY_S)
    gone = line.mainland().ask(FIRST, since_s=NOW - 90 * DAY_S, until_s=NOW - 31 * DAY_S)
    empty = line.mainland().ask(FIRST, since_s=NOW, until_s=NOW)

    assert [query_of(request)["SendDate"] for request in line.requests] == ["20260822", "20260823"]
    for answer in (gone, empty):
        assert _without_detail(answer) == Broken(maybe_sent=False, code="ask.TooOld", detail="")


def test_query_by_out_id() -> None:
    """A message whose BizId was never seen is asked about by number and day, told by its OutId."""
    line = answering(200, details(detail(OutId="other"), detail()))

    page = line.mainland().query([replace(ASKED_CN, serial=f"{CONTEXT}/{FIRST}")])

    assert isinstance(page, ReceiptPage)
    assert page.receipts == (DELIVERED_CN._replace(serial=f"{CONTEXT}/{FIRST}"),)
    assert "BizId" not in line.asked


FOUND = f"{CONTEXT}/{FIRST}"


@pytest.mark.parametrize(
    ("rows", "expected"),
    [
        ([detail()], (FoundMessage(FIRST, FOUND, DELIVERED_CN._replace(serial=FOUND)),)),
        (
            [detail(OutId="other"), detail(SendStatus=2, ErrCode="X")],
            (FoundMessage(FIRST, FOUND, DELIVERED_CN._replace(serial=FOUND, ok=False, code="X")),),
        ),
        ([detail(SendStatus=1)], (FoundMessage(FIRST, FOUND),)),
        ([detail(OutId="other")], ()),
        ([detail(OutId=None)], ()),
        ([detail(SendStatus=9)], ()),
        ([detail(PhoneNum="13711113333")], ()),
        ([], ()),
    ],
)
def test_find(rows: list[dict[str, Any]], expected: tuple[FoundMessage, ...]) -> None:
    """A call whose answer was lost is found by its OutId: with the receipt, or on its way."""
    line = answering(200, details(*rows))

    assert expected == line.mainland().find(CONTEXT, [FIRST])
    assert (line.asked["PhoneNumber"], line.asked["SendDate"]) == ("13711112222", "20260921")


def test_find_after_midnight() -> None:
    """Shortly after midnight the call may be yesterday's."""
    line = answering(200, details())

    assert line.mainland(now_s=MIDNIGHT + 3600).find(CONTEXT, [FIRST]) == ()
    assert [query_of(request)["SendDate"] for request in line.requests] == ["20260920", "20260921"]


def test_find_in_trouble() -> None:
    """Says how."""
    answer = answering(400, gateway("Throttling.User")).mainland().find(CONTEXT, [FIRST])

    assert answer == Refused("Throttling.User", "no", "req-1")


def test_who_can_find() -> None:
    """The mainland site, a number at a time; the other one has no way to."""
    line = answering(200, b"")
    provider = line.mainland()

    assert isinstance(provider, FindProvider)
    assert (provider.find_action, provider.find_limit) == ("QuerySendDetails", 1)
    assert not isinstance(line.international(), FindProvider)


def test_international_query() -> None:
    """By MessageId."""
    line = answering(200, message())

    assert ReceiptPage((DELIVERED_SG,), 0, 1) == line.international().query([ASKED_SG])
    assert line.asked == {"MessageId": MESSAGE_ID}
    assert line.requests[0].headers["x-acs-action"] == "QueryMessage"


@pytest.mark.parametrize(
    ("fields", "expected"),
    [
        ({"Status": "1"}, (DELIVERED_SG,)),
        ({"Status": 1}, (DELIVERED_SG,)),
        ({"Status": "2", "ErrorCode": "INVALID_NUM"}, (DELIVERED_SG._replace(ok=False, code="INVALID_NUM"),)),
        ({"Status": "3", "ErrorCode": None}, ()),
        ({"ReceiveDate": None}, (DELIVERED_SG._replace(received_at_s=0),)),
        ({"ReceiveDate": "x"}, (DELIVERED_SG._replace(received_at_s=0),)),
        ({"To": None}, (DELIVERED_SG,)),
        ({"To": "+6591234567"}, (DELIVERED_SG,)),
        ({"To": "6599999999"}, None),
        ({"Status": "6"}, None),
        ({"Status": None}, None),
    ],
)
def test_international_rows(fields: dict[str, Any], expected: tuple[Receipt, ...] | None) -> None:
    """The status decides; sending is no receipt.

    Another number's message, or an undocumented status, is bad.
    """
    page = answering(200, message(**fields)).international().query([ASKED_SG])

    assert page == ReceiptPage(expected or (), int(expected is None), 1)


@pytest.mark.parametrize("code", ["DATA_NOT_EXIST", "isv.DATA_NOT_EXIST"])
def test_no_receipt_yet_is_no_fault(code: str) -> None:
    """The provider's word for "ask later" is an empty page: it closes no bucket."""
    assert ReceiptPage((), 0, 0) == answering(200, globe_refused(code)).international().query([ASKED_SG])


def test_international_ask() -> None:
    """There is nothing to ask by a number alone, and nothing is called."""
    line = answering(200, message())

    assert ReceiptPage((), 0, 0) == line.international().ask(GLOBAL, since_s=NOW - 60, until_s=NOW)
    assert line.requests == []


TROUBLE: list[tuple[int, object, object]] = [
    (200, refused("isp.RAM_PERMISSION_DENY"), Refused("isp.RAM_PERMISSION_DENY", "no", "req-1")),
    (400, gateway("Throttling.User"), Refused("Throttling.User", "no", "req-1")),
    (500, gateway("InternalError"), Refused("InternalError", "no", "req-1")),
    (200, b"x", UNREADABLE),
    (200, {}, UNREADABLE),
    (429, b"", Broken(maybe_sent=False, code="http.429", detail="")),
    (502, b"", Broken(maybe_sent=True, code="http.502", detail="")),
]


@pytest.mark.parametrize(("status", "body", "expected"), TROUBLE)
def test_mainland_trouble(status: int, body: object, expected: object) -> None:
    """A query that fails says how, and asks for no other day."""
    line = answering(status, body)

    assert expected == _without_detail(line.mainland().query([replace(ASKED_CN, accepted_s=MIDNIGHT)]))
    assert len(line.requests) == 1


@pytest.mark.parametrize(
    ("status", "body", "expected"),
    [(200, globe_refused("FORBIDDEN_ACTION"), Refused("FORBIDDEN_ACTION", "no", "req-1")), *TROUBLE[1:]],
)
def test_international_trouble(status: int, body: object, expected: object) -> None:
    """The same abroad."""
    assert expected == _without_detail(answering(status, body).international().query([ASKED_SG]))


def test_broken_query() -> None:
    """No answer is a `Broken`, as for a send."""
    answer = failing(TimeoutError("slow")).international().query([ASKED_SG])

    assert isinstance(answer, Broken)
    assert answer.code == "http.TimeoutError"


@pytest.mark.parametrize("number", [FIRST, GLOBAL])
def test_serials_find_their_way_back(number: int) -> None:
    """What a send was told as serial asks for the right BizId."""
    line = answering(200, details())

    line.mainland().query([MessageRef(f"{BIZ_ID}/{number}", number, NOW)])

    assert line.asked["BizId"] == BIZ_ID
