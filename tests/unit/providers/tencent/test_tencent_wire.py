"""Requests as they are written and answers as they are read, whatever arrives."""

import json
import warnings
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tencentcloud.sms.v20210111 import models

from tests.unit.providers.tencent.harness import (
    ASKED,
    CALL,
    OTP,
    answering,
    error_body,
    page_body,
    receipt_row,
    row,
    sent_body,
)
from worker.providers.base import Broken, Call, Content, Item, Receipt, ReceiptPage, Refused, Sent
from worker.providers.cleaning import cleaner
from worker.providers.reading import Oddities
from worker.providers.tencent.wire import answered, pull_params, read_receipts, read_send, send_params, span_params

FIRST, SECOND = ASKED
OK = Item(number=FIRST, ok=True, code="Ok", serial="5000:1045", fee=1, message="send success")
GLOBAL = Call(numbers=(6591234567,), content=Content(template="9", sender="ACME"), context="", timeout_s=1)
DELIVERED = Receipt(FIRST, "14:1932", ok=True, code="DELIVRD", received_at_s=1620734188, context="b7.1")


def _read(body: bytes) -> tuple[Sent | Refused | Broken, Oddities]:
    return read_send(body, CALL, clean=cleaner(()))


def _page(body: bytes) -> ReceiptPage | Refused | Broken:
    return read_receipts(body, clean=cleaner(()))


@pytest.mark.parametrize(
    ("call", "body"),
    [
        (
            CALL,
            {
                "PhoneNumberSet": ["+8613711112222", "+8613711113333"],
                "SmsSdkAppId": "1400006666",
                "TemplateId": "1234",
                "SignName": "腾讯云",
                "TemplateParamSet": ["482913"],
                "SessionContext": "b7.1",
            },
        ),
        (
            GLOBAL,
            {"PhoneNumberSet": ["+6591234567"], "SmsSdkAppId": "1400006666", "TemplateId": "9", "SenderId": "ACME"},
        ),
        (
            replace(CALL, numbers=(FIRST,), content=Content("1234", sender="ACME", extend="07"), context=""),
            {
                "PhoneNumberSet": ["+8613711112222"],
                "SmsSdkAppId": "1400006666",
                "TemplateId": "1234",
                "ExtendCode": "07",
            },
        ),
    ],
    ids=["mainland", "global", "mainland without sign, params or context"],
)
def test_body_of_a_send(call: Call, body: dict[str, Any]) -> None:
    """What is not set is left out, and a sender id goes with global numbers only."""
    line = answering(200, b"")

    line.provider.send(call)

    assert body == line.sent


@pytest.mark.parametrize(
    ("params", "request_model"),
    [
        (send_params(CALL, sdk_app_id="1"), models.SendSmsRequest),
        (send_params(GLOBAL, sdk_app_id="1"), models.SendSmsRequest),
        (pull_params(sdk_app_id="1"), models.PullSmsSendStatusRequest),
        (span_params(FIRST, since_s=1, until_s=2, sdk_app_id="1"), models.PullSmsSendStatusByPhoneNumberRequest),
    ],
)
def test_sdk_knows_every_field(params: dict[str, object], request_model: Any) -> None:
    """The official SDK's model of the request takes each field and would send the same."""
    line = answering(200, b"")
    line.provider.once("X", params)
    body, request = line.requests[0].content, request_model()
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        request.from_json_string(body.decode())

    assert json.loads(body) == {name: value for name, value in request._serialize().items() if value is not None}


SENDS: dict[str, tuple[list[object], tuple[Item, ...], Oddities]] = {
    "accepted": ([row()], (OK,), Oddities()),
    "shuffled": (
        [row("+8613711113333", SerialNo="b"), row(SerialNo="a")],
        (OK._replace(number=SECOND, serial="b"), OK._replace(serial="a")),
        Oddities(),
    ),
    "mixed": (
        [row(), row("+8613711113333", Code="LimitExceeded.PhoneNumberDailyLimit", Message="no", Fee=0, SerialNo="")],
        (OK, Item(SECOND, ok=False, code="LimitExceeded.PhoneNumberDailyLimit", serial="", fee=0, message="no")),
        Oddities(),
    ),
    "missing": ([row("+8613711113333")], (OK._replace(number=SECOND),), Oddities()),
    "none": ([], (), Oddities()),
    "other spelling": (
        [row("008613711112222"), row("13711113333")],
        (OK, OK._replace(number=SECOND)),
        Oddities(),
    ),
    "stranger": ([row("+8613799999999"), row()], (OK,), Oddities(strangers=1)),
    "repeated": ([row(), row("13711112222", Code="FailedOperation")], (OK,), Oddities(repeats=1)),
    "unreadable": (
        [
            None,
            5,
            "x",
            [row()],
            {},
            row(None),
            row(Code=None),
            row(Code=""),
            row(PhoneNumber=["+8613711112222"]),
            row(),
        ],
        (OK,),
        Oddities(unreadable=9),
    ),
    "nulls": (
        [row(SerialNo=None, Fee=None, SessionContext=None, Message=None, IsoCode=None)],
        (Item(FIRST, ok=True, code="Ok", serial="", fee=0, message=""),),
        Oddities(),
    ),
    "other types": (
        [row(8613711112222, SerialNo=5, Fee="2", Message={"a": 1}), row("+8613711113333", Fee=-1, Code=1014)],
        (
            Item(FIRST, ok=True, code="Ok", serial="5", fee=2, message=""),
            Item(SECOND, ok=False, code="1014", serial="5000:1045", fee=0, message="send success"),
        ),
        Oddities(),
    ),
    "extra fields": ([row(Carrier="CMCC", Extra={"deep": [1]})], (OK,), Oddities()),
    "OK": ([row(Code="OK")], (OK._replace(code="OK"),), Oddities()),
    "ok": ([row(Code=" ok ")], (OK._replace(code="ok"),), Oddities()),
    "not quite ok": ([row(Code="Okay")], (OK._replace(ok=False, code="Okay"),), Oddities()),
}


@pytest.mark.parametrize("name", SENDS)
def test_answer_to_a_send(name: str) -> None:
    """Items are matched to the call by number.

    What cannot be matched or read is left out and counted.
    """
    rows, items, oddities = SENDS[name]

    assert (Sent(items=items, request_id="req-1"), oddities) == _read(sent_body(*rows))


NOT_AN_ANSWER = {
    "empty": b"",
    "text": b"upstream connect error",
    "html": b"<html>502</html>",
    "cut": sent_body(row())[:-3],
    "trailing": sent_body(row()) + b"x",
    "not utf-8": b'{"Response":{"RequestId":"\xff"}}',
    "lone surrogate": b'{"Response":{"RequestId":"\\ud800"}}',
    "not finite": b'{"Response":{"RequestId":1e999}}',
    "deep": b'{"Response":{"X":' + b"[" * 100_000,
    "null": b"null",
    "number": b"1",
    "list": b"[]",
    "no Response": b"{}",
    "null Response": b'{"Response":null}',
    "text Response": b'{"Response":"Ok"}',
    "neither": b'{"Response":{"RequestId":"req-1"}}',
    "text set": b'{"Response":{"SendStatusSet":"x","PullSmsSendStatusSet":"x"}}',
    "object set": b'{"Response":{"SendStatusSet":{"Code":"Ok"},"PullSmsSendStatusSet":{}}}',
    "error without code": b'{"Response":{"Error":{},"RequestId":"req-1"}}',
    "error of another shape": b'{"Response":{"Error":"FailedOperation","RequestId":"req-1"}}',
    "null code": b'{"Response":{"Error":{"Code":null,"Message":"no"}}}',
}


@pytest.mark.parametrize("name", NOT_AN_ANSWER)
def test_what_is_no_answer(name: str) -> None:
    """A body of no known shape is an unreadable answer: the call may have been carried out."""
    body = NOT_AN_ANSWER[name]

    for answer in (_read(body)[0], _page(body)):
        assert isinstance(answer, Broken)
        assert (answer.maybe_sent, answer.code) == (True, "http.NotJson")
    assert not isinstance(answered(body, str), Refused)


@pytest.mark.parametrize("body", [b'{"Response":{"SendStatusSet":null,"PullSmsSendStatusSet":null}}'])
def test_null_set_is_an_empty_one(body: bytes) -> None:
    """A set that is null has no rows."""
    assert (Sent(items=(), request_id=""), Oddities()) == _read(body)
    assert ReceiptPage(receipts=(), bad_rows=0, rows=0) == _page(body)


@pytest.mark.parametrize(
    ("body", "refused"),
    [
        (error_body("AuthFailure.SignatureExpire"), Refused("AuthFailure.SignatureExpire", "no", "req-1")),
        (error_body("UnsupportedOperation."), Refused("UnsupportedOperation.", "no", "req-1")),
        (b'{"Response":{"Error":{"Code":1004,"Message":null,"X":1}}}', Refused("1004", "", "")),
        (
            b'{"Response":{"SendStatusSet":[],"PullSmsSendStatusSet":[],"Error":{"Code":"InternalError"}}}',
            Refused("InternalError", "", ""),
        ),
    ],
)
def test_error_of_the_whole_call(body: bytes, refused: Refused) -> None:
    """An Error with a Code answers all of the call, with the code as the provider wrote it."""
    assert (refused, Oddities()) == _read(body)
    assert refused == _page(body)
    assert refused == answered(body, str)


RECEIPTS: dict[str, tuple[object, Receipt | None]] = {
    "delivered": (receipt_row(), DELIVERED),
    "failed": (receipt_row(ReportStatus="FAIL", Description="MK:0001"), DELIVERED._replace(ok=False, code="MK:0001")),
    "flag before code": (receipt_row(ReportStatus="FAIL"), DELIVERED._replace(ok=False)),
    "other case": (receipt_row(ReportStatus="success"), DELIVERED),
    "context off": (receipt_row(SessionContext=None), DELIVERED._replace(context="")),
    "no time": (receipt_row(UserReceiveTime=None), DELIVERED._replace(received_at_s=0)),
    "time as text": (receipt_row(UserReceiveTime="1620734188"), DELIVERED),
    "time as date": (receipt_row(UserReceiveTime="2021-05-11 20:00:00"), DELIVERED._replace(received_at_s=0)),
    "time beyond counting": (receipt_row(UserReceiveTime=10**30), DELIVERED._replace(received_at_s=0)),
    "number in parts": (receipt_row(PhoneNumber=None), DELIVERED),
    "number without parts": (receipt_row(CountryCode=None, SubscriberNumber=None), DELIVERED),
    "number as integer": (receipt_row(PhoneNumber=8613711112222, CountryCode=86), DELIVERED),
    "identified by context": (receipt_row(SerialNo=None), DELIVERED._replace(serial="")),
    "extra": (receipt_row(Carrier="CMCC"), DELIVERED),
    "no number": (receipt_row(PhoneNumber=None, CountryCode=None), None),
    "no flag": (receipt_row(ReportStatus=None), None),
    "unknown flag": (receipt_row(ReportStatus="PENDING"), None),
    "no id": (receipt_row(SerialNo=None, SessionContext=""), None),
    "null": (None, None),
    "text": ("x", None),
}


@pytest.mark.parametrize("name", RECEIPTS)
def test_row_of_a_page(name: str) -> None:
    """A row needs a number, a flag and an id.

    One that has not is counted and the others are kept.
    """
    written, receipt = RECEIPTS[name]

    read = (DELIVERED, receipt) if receipt else (DELIVERED,)
    assert ReceiptPage(receipts=read, bad_rows=2 - len(read), rows=2) == _page(page_body(receipt_row(), written))


def test_message_is_cleaned() -> None:
    """A provider's message shows no secret, long number or line break, and 200 characters."""
    clean = cleaner((OTP, "48", ""))

    shown = clean(f"code {OTP} to +8613711112222\nrefused " + "x" * 300)

    assert shown.startswith("code **** to +86137****2222 refused xxx")
    assert len(shown) == 200


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(max_size=20),
    lambda children: st.lists(children, max_size=4) | st.dictionaries(st.text(max_size=10), children, max_size=4),
    max_leaves=12,
)
NUMBERS: st.SearchStrategy[object] = st.sampled_from(
    ["+8613711112222", "13711113333", "008613711113333", "+8613799999999", None, 7, [], ""]
)
CODES: st.SearchStrategy[object] = st.sampled_from(["Ok", "OK", "FailedOperation", None, 5, {}])
ROWS = st.fixed_dictionaries(
    {}, optional={"PhoneNumber": NUMBERS | JSON, "Code": CODES | JSON, "Fee": JSON, "SerialNo": JSON, "Message": JSON}
)
RECEIPT_ROWS = st.fixed_dictionaries(
    {},
    optional={
        "PhoneNumber": NUMBERS | JSON,
        "CountryCode": JSON,
        "SubscriberNumber": JSON,
        "ReportStatus": st.sampled_from(["SUCCESS", "FAIL"]) | JSON,
        "SerialNo": st.text(max_size=9) | JSON,
        "UserReceiveTime": JSON,
        "Description": JSON,
        "SessionContext": JSON,
    },
)


@given(st.binary(max_size=200) | JSON.map(lambda tree: json.dumps(tree).encode()))
@settings(deadline=None)
def test_arbitrary_body_is_read(body: bytes) -> None:
    """No body raises; without the provider's envelope it is an unreadable answer."""
    assert isinstance(_read(body)[0], Broken)
    assert isinstance(_page(body), Broken)


@given(
    st.fixed_dictionaries(
        {}, optional={"Error": JSON, "RequestId": JSON, "SendStatusSet": JSON | st.lists(ROWS | JSON, max_size=5)}
    )
)
@settings(deadline=None)
def test_arbitrary_answer_to_a_send_is_read(tree: dict[str, Any]) -> None:
    """Whatever the fields hold.

    Every row is an item or counted, and each item is of a number of the call, once.
    """
    answer, oddities = _read(json.dumps({"Response": tree}).encode())

    if isinstance(answer, Sent):
        numbers = [item.number for item in answer.items]
        rows = len(tree["SendStatusSet"] or [])
        assert rows == len(numbers) + oddities.strangers + oddities.repeats + oddities.unreadable
        assert len(set(numbers)) == len(numbers)
        assert set(numbers) <= set(ASKED)


@given(st.lists(RECEIPT_ROWS | JSON, max_size=5))
@settings(deadline=None, max_examples=50)
def test_arbitrary_page_is_read(rows: list[Any]) -> None:
    """Whatever the rows hold: each is a receipt or counted as bad."""
    page = _page(page_body(*rows))

    assert isinstance(page, ReceiptPage)
    assert len(rows) == page.rows == len(page.receipts) + page.bad_rows
    assert all(receipt.number and (receipt.serial or receipt.context) for receipt in page.receipts)
