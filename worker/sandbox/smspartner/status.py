"""The four status calls: messages by ids, numbers and tags, in the spelling of each call."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any, Final

from worker.sandbox.sandbox import Sandbox
from worker.sandbox.smspartner.reading import CallRefusal, number_of, whole
from worker.sandbox.smspartner.send import NUMBERS_LIMIT, PRICE, ZONE
from worker.sandbox.smspartner.store import StatusReport, Store, report, reports

# Rows in one page of bulk-status-by-tag; the real figure is not documented, nor is the parameter
# `page`.
PAGE: Final = 100


def message_status(sandbox: Sandbox, store: Store, fields: Mapping[str, Any]) -> dict[str, object] | CallRefusal:
    """One message: `statut`, the id as text, the date without a zone."""
    number, message_id = number_of(fields.get("phoneNumber")), whole(fields.get("messageId"))
    if message_id is None:
        return CallRefusal(3)
    if number is None:
        return CallRefusal(2)
    found = _find(store, message_id, number, sandbox.now_ms())
    if found is None:
        return CallRefusal(4)
    return {
        "number": f"+{number}",
        "messageId": str(message_id),
        "stopSms": number in store.stopped,
        "date": datetime.fromtimestamp(found.at_s, ZONE).strftime("%Y-%m-%d %H:%M:%S"),
        "statut": found.status,
        "cost": PRICE,
        "countryCode": "FR",
        "currency": "EUR",
    }


def multi_status(sandbox: Sandbox, store: Store, fields: Mapping[str, Any]) -> dict[str, object] | CallRefusal:
    """Up to 500 messages: `status`, the id as a number, the date as text of an epoch."""
    # The pages call it SMSStatus_List and their samples SMSStatut_List; both are taken.
    listed = fields.get("SMSStatut_List", fields.get("SMSStatus_List"))
    if not isinstance(listed, list) or not all(isinstance(each, dict) for each in listed):
        return CallRefusal(6)
    if not listed or len(listed) > NUMBERS_LIMIT:
        return CallRefusal(50 if listed else 5)
    rows = []
    for each in listed:
        spelled, message_id = each.get("phoneNumber"), whole(each.get("messageId"))
        # Without its + a number is refused here, other than in a send.
        if message_id is None or not str(spelled or "").startswith("+"):
            return CallRefusal(3 if message_id is None else 2)
        number = number_of(spelled)
        found = None if number is None else _find(store, message_id, number, sandbox.now_ms())
        row: dict[str, object] = {"success": found is not None, "phoneNumber": spelled, "messageId": message_id}
        if found is None:
            rows.append(row | {"code": 4, "status": "Numéro introuvable"})
            continue
        stopped = str(int(found.number in store.stopped))  # text here, a boolean in the other status calls
        rows.append(
            row | {"code": 200, "status": found.status, "date": str(found.at_s), "stopSms": stopped, "isSpam": "0"}
        )
    return {"StatutResponse_List": sandbox.shuffled(rows)}


def bulk_status(sandbox: Sandbox, store: Store, fields: Mapping[str, Any]) -> dict[str, object] | CallRefusal:
    """Every message of a call."""
    message_id = whole(fields.get("messageId"))
    if message_id is None:
        return CallRefusal(3)
    sending = store.call(message_id)
    if sending is None:
        return CallRefusal(4)
    rows = [_bulk_row(store, each) for each in reports(sending, sandbox.now_ms())]
    return {"message_id": str(message_id), "StatutResponse_List": rows}


def bulk_status_by_tag(sandbox: Sandbox, store: Store, fields: Mapping[str, Any]) -> dict[str, object] | CallRefusal:
    """Every message of the calls with a tag, a page at a time, without their ids."""
    tag = fields.get("tag")
    if not tag:
        return CallRefusal(3)
    sendings = store.of_tag(str(tag))
    if not sendings:
        return CallRefusal(4)
    rows = [_bulk_row(store, each) for sending in sendings for each in reports(sending, sandbox.now_ms())]
    page = max(1, whole(fields.get("page")) or 1)
    # No ids in the rows: a client has to remember the tag.
    shown = rows[(page - 1) * PAGE : page * PAGE]
    return {"currentPage": page, "total": len(rows), "StatutResponse_List": shown}


def _bulk_row(store: Store, found: StatusReport) -> dict[str, object]:
    stopped = found.number in store.stopped
    return {
        "phoneNumber": f"+{found.number}",
        "status": found.status,
        "stopSMS": stopped,
        "date": str(found.at_s),
    }


def _find(store: Store, message_id: int, number: int, now_ms: int) -> StatusReport | None:
    sending = store.call(message_id)
    message = None if sending is None else sending.messages.get(number)
    return None if sending is None or message is None else report(sending, message, now_ms)
