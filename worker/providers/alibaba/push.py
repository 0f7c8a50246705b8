"""Alibaba Cloud's pushes: SmsReport and SmsUp of the mainland site, receipts of the other.

Each body is a list.

The two sites' rows have other fields, so the row itself tells of which it is. Times without a zone
are Beijing's.
"""

import re
from typing import Any, Final

from smsline.numbers import MAINLAND
from worker.providers.alibaba.spelling import moment, serial_of
from worker.providers.base import Receipt, Reply
from worker.providers.pushes import LONGEST_TEXT, PushFormat
from worker.providers.reading import flag, number_of, text, whole, word

_MOBILE: Final = re.compile(r"1[3-9][0-9]{9}")
# Status of the international site's rows: sent, failed, expired.
_FINAL: Final = {"1": True, "2": False, "6": False}


def receipt_of(row: dict[str, Any]) -> Receipt | None:
    """A row of a pushed list of receipts, of either site; None when it cannot be read."""
    # Only rows of the international site have a MessageId.
    if "MessageId" in row:
        number, ok, serial = (
            _number(word(row.get("To"))),
            _FINAL.get(word(row.get("Status"))),
            word(row.get("MessageId")),
        )
        if number is None or ok is None or not serial:
            return None
        at_s = moment(word(row.get("ReceiveDate")))
        # TaskId is what Call.context was; where the answer to the send was lost, the receipt is
        # matched by it.
        code, told = word(row.get("ErrorCode")), text(row.get("ErrorDescription"))
        return Receipt(number, serial, ok, code, at_s, text(row.get("TaskId")), told)
    number, ok, biz_id = _number(word(row.get("phone_number"))), flag(row.get("success")), word(row.get("biz_id"))
    if number is None or ok is None or not biz_id:
        return None
    at_s = moment(word(row.get("report_time")))
    code, told = word(row.get("err_code")), text(row.get("err_msg"))
    return Receipt(number, serial_of(biz_id, number), ok, code, at_s, text(row.get("out_id")), told)


def reply_of(row: dict[str, Any]) -> Reply | None:
    """A row of SmsUp; None when it cannot be read."""
    number = _number(word(row.get("phone_number") or row.get("From")))
    if number is None:
        return None
    said = text(row.get("content") or row.get("Content"), LONGEST_TEXT)
    # A date on one site, epoch text on the other.
    at = row.get("send_time") or row.get("SendDate")
    at_s = moment(word(at)) or whole(at)
    return Reply(number, said, at_s, text(row.get("sign_name")), word(row.get("dest_code")))


def _number(written: str) -> int | None:
    """Eleven digits from 1 are a mainland number without its code; others come with theirs."""
    number = number_of(written)
    if number is None or written.startswith("+") or not _MOBILE.fullmatch(str(number)):
        return number
    return int(f"{MAINLAND}{number}")


# The provider pushes again unless it is answered in these words.
PUSH: Final = PushFormat(receipt_of, reply_of, '{"code":0,"msg":"接收成功"}'.encode())
