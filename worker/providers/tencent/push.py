"""Tencent's callbacks, and its pulled replies: status is a list, a reply is one object (Tencent SMS API document, from line 7269).

The code that is in Description when a receipt is pulled is in errmsg when it is pushed. Times of receipts have no zone; they are
Beijing's. `ext` is the SessionContext, which the provider adds on request.
"""

from datetime import datetime, timedelta, timezone
from typing import Any, Final

from worker.providers.base import Broken, Receipt, ReceiptPage, Refused
from worker.providers.cleaning import Clean
from worker.providers.pushes import LONGEST_TEXT, PushFormat, Reply, ReplyPage, rows_of
from worker.providers.reading import text, whole, word
from worker.providers.tencent import answers
from worker.providers.tencent.spelling import received

BEIJING: Final = timezone(timedelta(hours=8))

_FLAGS: Final = {"SUCCESS": True, "FAIL": False}


def read_receipts(raw: bytes) -> ReceiptPage:
    """A pushed page of receipts."""
    rows = rows_of(raw)
    found = tuple(receipt for row in rows if (receipt := _receipt(row)))
    return ReceiptPage(found, len(rows) - len(found), len(rows))


def _receipt(row: dict[str, Any]) -> Receipt | None:
    number, ok = _number(row), _FLAGS.get(word(row.get("report_status")).upper())
    serial = word(row.get("sid"))
    if number is None or ok is None or not serial:
        return None
    at_s = _moment(word(row.get("user_receive_time")))
    return Receipt(number, serial, ok, word(row.get("errmsg")), at_s, text(row.get("ext")))


def read_replies(raw: bytes) -> ReplyPage:
    """A pushed reply."""
    rows = rows_of(raw)
    found = tuple(reply for row in rows if (reply := _reply(row)))
    return ReplyPage(found, len(rows) - len(found))


def _reply(row: dict[str, Any]) -> Reply | None:
    number = _number(row)
    if number is None:
        return None
    said = text(row.get("text"), LONGEST_TEXT)
    return Reply(number, said, whole(row.get("time")), text(row.get("sign")), word(row.get("extend")))


def read_pulled_replies(raw: bytes, *, clean: Clean) -> ReplyPage | Refused | Broken:
    """A page of PullSmsReplyStatus, the same facts under other names (Tencent SMS API document, line 4810)."""
    response = answers.opened(raw, clean=clean)
    if not isinstance(response, dict):
        return response
    found = response.get("PullSmsReplyStatusSet") or []
    rows = [row for row in found if isinstance(row, dict)]
    replies = tuple(reply for row in rows if (reply := _pulled(row)))
    return ReplyPage(replies, len(found) - len(replies))


def _pulled(row: dict[str, Any]) -> Reply | None:
    names = ("PhoneNumber", "CountryCode", "SubscriberNumber")
    number = received(*(word(row.get(name)) for name in names))
    if number is None:
        return None
    said = text(row.get("ReplyContent"), LONGEST_TEXT)
    return Reply(number, said, whole(row.get("ReplyTime")), text(row.get("SignName")), word(row.get("ExtendCode")))


def _number(row: dict[str, Any]) -> int | None:
    return received("", word(row.get("nationcode")), word(row.get("mobile")))


def _moment(written: str) -> int:
    try:
        return int(datetime.strptime(written, "%Y-%m-%d %H:%M:%S").replace(tzinfo=BEIJING).timestamp())
    except ValueError:
        return 0


PUSH: Final = PushFormat(read_receipts, read_replies, b'{"result":0,"errmsg":"OK"}')
