"""Tencent's callbacks, and its pulled replies (Tencent SMS API document, from line 7269).

A status is a list, a reply one object.

The code that is in Description when a receipt is pulled is in errmsg when it is pushed. Times of
receipts have no zone; they are Beijing's. `ext` is the SessionContext, which the provider adds on
request.
"""

from typing import Any, Final

from worker.providers.base import Receipt, Reply
from worker.providers.pushes import LONGEST_TEXT, PushFormat
from worker.providers.reading import BEIJING, dated, text, whole, word
from worker.providers.tencent.spelling import received
from worker.providers.tencent.wire import number_in

# Any other flag makes the row unreadable, so that it is counted and not taken for a failure.
_FLAGS: Final = {"SUCCESS": True, "FAIL": False}


def receipt_of(row: dict[str, Any]) -> Receipt | None:
    """A row of a pushed list of receipts; None when it cannot be read."""
    number, ok = _number(row), _FLAGS.get(word(row.get("report_status")).upper())
    serial = word(row.get("sid"))
    if number is None or ok is None or not serial:
        return None
    # A receipt without a readable time still settles its message.
    at_s = dated(row.get("user_receive_time"), BEIJING)
    code, told = word(row.get("errmsg")), text(row.get("description"))
    return Receipt(number, serial, ok, code, at_s, text(row.get("ext")), told)


def reply_of(row: dict[str, Any]) -> Reply | None:
    """A pushed reply; None when it cannot be read."""
    number = _number(row)
    if number is None:
        return None
    said = text(row.get("text"), LONGEST_TEXT)
    return Reply(number, said, whole(row.get("time")), text(row.get("sign")), word(row.get("extend")))


def pulled_reply_of(row: dict[str, Any]) -> Reply | None:
    """A row of PullSmsReplyStatus, which has other names (line 4810); None when unreadable."""
    if (number := number_in(row)) is None:
        return None
    said = text(row.get("ReplyContent"), LONGEST_TEXT)
    return Reply(number, said, whole(row.get("ReplyTime")), text(row.get("SignName")), word(row.get("ExtendCode")))


def _number(row: dict[str, Any]) -> int | None:
    # A callback has no whole number, only the two parts.
    return received("", word(row.get("nationcode")), word(row.get("mobile")))


PUSH: Final = PushFormat(receipt_of, reply_of, b'{"result":0,"errmsg":"OK"}')
