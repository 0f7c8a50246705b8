"""What is not about messages: credit, the STOP list, cancelling, and checks of numbers."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any, Final
from uuid import uuid4

from worker.sandbox.numbers import country_of
from worker.sandbox.sandbox import Sandbox
from worker.sandbox.smspartner.reading import CallRefusal, number_of, whole
from worker.sandbox.smspartner.send import NUMBERS_LIMIT, PRICE, ZONE
from worker.sandbox.smspartner.store import Store

# A call can be taken back until so long before its time (SMSPartner API pages).
CANCEL_BEFORE_MS: Final = 300_000

# Money on every account at the start, EUR; each part costs `PRICE`.
BALANCE: Final = 1000.0


def me(sandbox: Sandbox, store: Store, _fields: Mapping[str, Any]) -> dict[str, object] | CallRefusal:
    """Credit, less what was sent."""
    left = max(0.0, BALANCE - PRICE * len(sandbox.world.numbers))
    return {
        "user": {"username": "sandbox@example.com", "firstname": "Sand", "lastname": "Box"},
        "credits": {
            "creditSms": int(left / PRICE),
            # Both ranges at the same price, which is enough for a client that counts.
            "creditSmsECO": int(left / PRICE),
            "creditHlr": int(left * 100),
            "toSend": store.scheduled(sandbox.now_ms()),
            "balance": f"{left:.3f}",
            "currency": "EUR",
        },
    }


def message_cancel(sandbox: Sandbox, store: Store, fields: Mapping[str, Any]) -> dict[str, object] | CallRefusal:
    """Take a scheduled call back."""
    message_id = whole(fields.get("messageId"))
    if message_id is None:
        return CallRefusal(3)
    sending, now_ms = store.call(message_id), sandbox.now_ms()
    if sending is None or sending.cancelled:
        return CallRefusal(4 if sending is None else 5)
    if sending.sent_ms - now_ms < CANCEL_BEFORE_MS:
        return CallRefusal(7 if sending.sent_ms <= now_ms else 6)
    sending.cancelled = True
    return {"message": "Annulation effectuee"}


def stop_list(_sandbox: Sandbox, store: Store, _fields: Mapping[str, Any]) -> dict[str, object] | CallRefusal:
    """Numbers that met the fate of the STOP list."""
    return {
        "data": [
            {
                "id": place,
                "phoneNumber": f"+{number}",
                "createdAt": datetime.fromtimestamp(since_ms / 1000, ZONE).strftime("%Y-%m-%d %H:%M:%S"),
            }
            for place, (number, since_ms) in enumerate(store.stopped.items(), 1)
        ]
    }


def lookup(_sandbox: Sandbox, _store: Store, fields: Mapping[str, Any]) -> dict[str, object] | CallRefusal:
    """Whether each of up to 500 is spelt like a number."""
    spelled = _listed(fields)
    if isinstance(spelled, CallRefusal):
        return spelled
    rows: list[dict[str, object]] = []
    for each in spelled:
        number = number_of(each)
        country = None if number is None else country_of(number)
        if number is None or country is None:
            rows.append({"request": each, "success": False, "message": "Le numero n'est pas valide"})
            continue
        rows.append(
            {
                "request": each,
                "success": True,
                "countryCode": country.iso,
                "prefixCode": int(country.calling_code),
                "phoneNumber": f"+{number}",
                "type": "Mobile",
                "network": "",
                "format": {"e164": f"+{number}"},
            }
        )
    return {"lookup": rows}


def hlr_notify(_sandbox: Sandbox, _store: Store, fields: Mapping[str, Any]) -> dict[str, object] | CallRefusal:
    """A campaign of checks; nothing is posted to the notifyUrl: no calls are made from here."""
    spelled = _listed(fields)
    if isinstance(spelled, CallRefusal):
        return spelled
    # Unlike lookup, HLR costs money: one bad number refuses all.
    if not all(number_of(each) for each in spelled):
        return CallRefusal(2)
    return {
        "campaign_id": f"HLR{uuid4().hex[:12]}",
        "number": len(spelled),
        "cost": 0.01 * len(spelled),
        "currency": "EUR",
    }


def _listed(fields: Mapping[str, Any]) -> list[str] | CallRefusal:
    given = fields.get("phoneNumbers")
    if not given or not isinstance(given, str):
        return CallRefusal(2)
    spelled = given.split(",")
    if len(spelled) > NUMBERS_LIMIT:
        return CallRefusal(50)
    return CallRefusal(19) if any(";" in each or " " in each.strip() for each in spelled) else spelled
