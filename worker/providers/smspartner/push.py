"""SMSPartner's callbacks: a receipt at `urlDlr`, a reply or a STOP at the URL of the account.

The pages do not show a receipt's body; the form read here was observed by a client's author (octolo/python-pymissive): one object
with status, msgId, date and phone. Replies to short numbers have type, phone_number and text, those to long numbers msisdn and
messageId; both come as JSON, as a form, or in the query string.
"""

from typing import Any, Final

from smsline.codes import lookup
from smsline.verdicts import Verdict
from worker.providers.base import Receipt, ReceiptPage
from worker.providers.pushes import LONGEST_TEXT, PushFormat, Reply, ReplyPage, rows_of
from worker.providers.reading import first, text, word
from worker.providers.smspartner.spelling import moment, received
from worker.providers.smspartner.status import SPACE
from worker.providers.smspartner.wire import serial_of


def read_receipts(raw: bytes) -> ReceiptPage:
    """A pushed receipt; a status that is not final yet is a row without one."""
    rows = rows_of(raw)
    found = [_receipt(row) for row in rows]
    receipts = tuple(each for each in found if isinstance(each, Receipt))
    return ReceiptPage(receipts, found.count(None), len(rows))


def _receipt(row: dict[str, Any]) -> Receipt | bool | None:
    """The receipt; True for a status that is not final, None for what cannot be read."""
    number = received(word(first(row, "phone", "phoneNumber", "phone_number", "number")))
    state = word(first(row, "status", "statut")).lower()
    message = word(first(row, "msgId", "messageId", "message_id"))
    if number is None or not state or not message:
        return None
    match = lookup("smspartner", SPACE, state)
    if match.how == "unknown" or match.row.pending:
        return True
    return Receipt(
        number, serial_of(message, number), match.row.verdict is Verdict.OK, state, moment(row.get("date")), ""
    )


def read_replies(raw: bytes) -> ReplyPage:
    """A pushed reply or STOP."""
    rows = rows_of(raw)
    found = tuple(reply for row in rows if (reply := _reply(row)))
    return ReplyPage(found, len(rows) - len(found))


def _reply(row: dict[str, Any]) -> Reply | None:
    number = received(word(first(row, "phone_number", "phoneNumber", "msisdn", "phone")))
    if number is None:
        return None
    stops = word(row.get("type")).lower() == "stop"
    said = text(first(row, "text", "message", "keyword"), LONGEST_TEXT)
    at_s = moment(first(row, "date", "message-timestamp", "received_at"))
    return Reply(number, said, at_s, "", word(row.get("to")), stops)


PUSH: Final = PushFormat(read_receipts, read_replies, b'{"success":true}', form=True)
