"""SMSPartner's callbacks: a receipt at `urlDlr`, a reply or a STOP at the URL of the account.

The pages do not show a receipt's body; the form read here was observed by a client's author
(octolo/python-pymissive): one object with status, msgId, date and phone. Replies to short numbers
have type, phone_number and text, those to long numbers msisdn and messageId; both come as JSON, as
a form, or in the query string.
"""

from typing import Any, Final, Literal

from worker.providers.base import Receipt, Reply
from worker.providers.pushes import LONGEST_TEXT, PENDING, PushFormat
from worker.providers.reading import first, text, word
from worker.providers.smspartner.spelling import moment, received
from worker.providers.smspartner.status import MessageStatus, receipt_when_final
from worker.providers.smspartner.wire import serial_of


def receipt_of(row: dict[str, Any]) -> Receipt | Literal["pending"] | None:
    """A pushed receipt; `pending` while its status is not final, None when it cannot be read."""
    number = received(word(first(row, "phone", "phoneNumber", "phone_number", "number")))
    state = word(first(row, "status", "statut")).lower()
    message = word(first(row, "msgId", "messageId", "message_id"))
    if number is None or not state or not message:
        return None
    status = MessageStatus(number, message, state, moment(row.get("date")), stopped=False)
    return receipt_when_final(status, serial_of(message, number)) or PENDING


def reply_of(row: dict[str, Any]) -> Reply | None:
    """A pushed reply or STOP; None when it cannot be read."""
    number = received(word(first(row, "phone_number", "phoneNumber", "msisdn", "phone")))
    if number is None:
        return None
    # The provider has understood the STOP by itself, in whatever language.
    stops = word(row.get("type")).lower() == "stop"
    said = text(first(row, "text", "message", "keyword"), LONGEST_TEXT)
    at_s = moment(first(row, "date", "message-timestamp", "received_at"))
    return Reply(number, said, at_s, "", word(row.get("to")), stops)


PUSH: Final = PushFormat(receipt_of, reply_of, b'{"success":true}', form=True)
