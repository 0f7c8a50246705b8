"""What providers push, as documents or observers show it, is read as receipts and replies."""

import json
from datetime import datetime, timedelta, timezone

import pytest

from worker.providers.alibaba.push import PUSH as ALIBABA
from worker.providers.base import Receipt, Reply
from worker.providers.pushes import count_rows, push_format
from worker.providers.smspartner.push import PUSH as SMSPARTNER
from worker.providers.tencent.push import PUSH as TENCENT

BEIJING = timezone(timedelta(hours=8))
AT = datetime(2015, 10, 17, 8, 3, 4, tzinfo=BEIJING).timestamp()
MOBILE, NUMBER = "13711112222", 8613711112222

TENCENT_STATUS = {
    "user_receive_time": "2015-10-17 08:03:04",
    "nationcode": "86",
    "mobile": MOBILE,
    "report_status": "SUCCESS",
    "errmsg": "DELIVRD",
    "description": "The SMS message is successfully delivered",
    "sid": "5000:1",
}
TENCENT_REPLY = {"extend": "01", "mobile": MOBILE, "nationcode": "86", "sign": "S", "text": "TD", "time": 1457336869}
SMS_REPORT = {
    "phone_number": MOBILE,
    "send_time": "2015-10-17 08:03:00",
    "report_time": "2015-10-17 08:03:04",
    "success": False,
    "err_code": "UNDELIV",
    "err_msg": "x",
    "sms_size": "1",
    "biz_id": "900",
    "out_id": "sl:a:1",
}
GLOBE = {
    "ErrorDescription": "too late",
    "To": "6591234567",
    "Status": 6,
    "MessageId": "m-1",
    "TaskId": "sl:a:2",
    "ReceiveDate": "Sat, 17 Oct 2015 00:03:04 +0000",
    "ErrorCode": "EXPIRED",
}
SMS_UP = {
    "phone_number": MOBILE,
    "content": "TD",
    "send_time": "2015-10-17 08:03:04",
    "dest_code": "1234",
    "sequence_id": 1,
    "sign_name": "S",
}
DLR = {"status": "delivered", "msgId": "95415616", "date": 1771941463, "phone": "+33612345678", "cost": "0.049"}


def page(*rows: object) -> bytes:
    """Rows as a body."""
    return json.dumps(list(rows)).encode()


def test_receipts_are_read_in_each_providers_form() -> None:
    """The number with its country, the serial as the send's answer had it, the flag and the code.

    Then the time in Beijing, and the text.
    """
    told = "The SMS message is successfully delivered"
    assert TENCENT.read_receipts(page(TENCENT_STATUS)).receipts == (
        Receipt(NUMBER, "5000:1", True, "DELIVRD", int(AT), "", told),
    )
    failed = {**TENCENT_STATUS, "report_status": "FAIL", "errmsg": "MK:0001", "ext": "sl:a:1", "description": None}
    assert TENCENT.read_receipts(page(failed)).receipts == (
        Receipt(NUMBER, "5000:1", False, "MK:0001", int(AT), "sl:a:1"),
    )
    assert ALIBABA.read_receipts(page(SMS_REPORT, GLOBE)).receipts == (
        Receipt(NUMBER, f"900/{NUMBER}", False, "UNDELIV", int(AT), "sl:a:1", "x"),
        Receipt(6591234567, "m-1", False, "EXPIRED", int(AT), "sl:a:2", "too late"),
    )
    assert SMSPARTNER.read_receipts(json.dumps(DLR).encode()).receipts == (
        Receipt(33612345678, "95415616/33612345678", True, "delivered", 1771941463, ""),
    )


def test_replies_are_read_in_each_providers_form() -> None:
    """Tencent pushes one object, Alibaba a list, SMSPartner either of two objects.

    Its STOP is one whatever the text.
    """
    assert TENCENT.read_replies(json.dumps(TENCENT_REPLY).encode()).replies == (
        Reply(NUMBER, "TD", 1457336869, "S", "01"),
    )
    assert ALIBABA.read_replies(page(SMS_UP)).replies == (Reply(NUMBER, "TD", int(AT), "S", "1234"),)
    short = {"type": "stop", "phone_number": "0612345678", "text": "", "message_id": 1}
    long = {"msisdn": "33612345678", "to": "33700000000", "messageId": "7", "text": "oui", "keyword": "OUI"}
    assert SMSPARTNER.read_replies(json.dumps(short).encode()).replies == (Reply(33612345678, "", 0, "", "", True),)
    assert SMSPARTNER.read_replies(json.dumps(long).encode()).replies == (
        Reply(33612345678, "oui", 0, "", "33700000000"),
    )


@pytest.mark.parametrize("form", [TENCENT, ALIBABA, SMSPARTNER])
@pytest.mark.parametrize(
    "raw", [b"", b"\xff", b"[1, null, {}]", b'{"a":', b"[[]]", b'"x"', b'[{"mobile":{},"sid":[]}]']
)
def test_nonsense_costs_its_own_rows(form: object, raw: bytes) -> None:
    """Nothing that is pushed raises, and nothing of it becomes a receipt or a reply."""
    assert not form.read_receipts(raw).receipts  # type: ignore[attr-defined]
    assert not form.read_replies(raw).replies  # type: ignore[attr-defined]


def test_a_pending_status_is_no_receipt_and_no_fault() -> None:
    """SMSPartner tells that a message is on its way, too."""
    read = SMSPARTNER.read_receipts(json.dumps({**DLR, "status": "waiting"}).encode())
    assert (read.receipts, read.bad_rows) == ((), 0)


def test_rows_are_counted_without_being_read() -> None:
    """A list has as many as it has, an object one; what is neither is refused at the door."""
    assert [count_rows(raw) for raw in (b"[1,2]", b"{}", b"[]", b"7", b"nope")] == [2, 1, 0, None, None]
    assert push_format("tencent") is TENCENT
