"""bulk-send: up to 500 numbers with a text each, refused as a whole or answered by their fates."""

import math
import re
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any, Final
from zoneinfo import ZoneInfo

from msgspec import Struct

from worker.sandbox.sandbox import Sandbox
from worker.sandbox.smspartner.reading import CallRefusal, complaint, number_of, whole
from worker.sandbox.smspartner.steering import STOP_CODE, SmsPartnerFate, fate_of
from worker.sandbox.smspartner.store import BulkCall, SmsPartnerMessage, Store
from worker.sandbox.state import Origin
from worker.sandbox.steering import DELIVERED

# Numbers of one call (SMSPartner error codes, line 50).
NUMBERS_LIMIT: Final = 500

# Parts of one message (SMSPartner error codes, line 52).
PARTS_LIMIT: Final = 10

# Stands for an app in the world that all wires share.
APP: Final = "smspartner"

PRICE: Final = 0.038
DUPLICATE_CODE: Final = 15
_TAKEN: Final = 200
# Of every date and hour on this wire.
ZONE: Final = ZoneInfo("Europe/Paris")

_SENDER: Final = re.compile(r"[A-Za-z0-9 ]*")
_TAG: Final = re.compile(r"[^\sA-Z]{0,20}")
_FIELDS: Final = frozenset(
    {
        "apiKey", "SMSList", "sender", "gamme", "tag", "scheduledDeliveryDate", "time", "minute", "urlResponse",
        "urlDlr", "isStopSms", "isUnicode", "sandbox", "_format",
    }
)  # fmt: skip


class BulkText(Struct, frozen=True):
    """One row of SMSList, its number read."""

    number: int
    spelled: str
    message: str


def bulk_send(sandbox: Sandbox, store: Store, fields: Mapping[str, Any]) -> dict[str, object] | CallRefusal:
    """Check a call, let its messages out and answer for each number."""
    texts = _texts(fields, steering=sandbox.flags.steering)
    if isinstance(texts, CallRefusal):
        return texts
    # A call is refused whole for one bad field, text or length: nothing of it goes out.
    if refused := _check_settings(fields) or _check_lengths(fields, texts) or _refused_on_purpose(sandbox, fields):
        return refused
    sent_ms = _start_ms(fields, sandbox.now_ms())
    if isinstance(sent_ms, CallRefusal):
        return sent_ms
    rows, taken, known = [], list[tuple[BulkText, SmsPartnerFate]](), set[int]()
    for text in texts:
        fate = fate_of(text.number, steering=sandbox.flags.steering)
        code = DUPLICATE_CODE if text.number in known else STOP_CODE if text.number in store.stopped else fate.code
        # The first of two rows with a number is sent: one SMS per number and call.
        known.add(text.number)
        if code == STOP_CODE:
            store.stopped.setdefault(text.number, sandbox.now_ms())
        if fate.sent and code not in (DUPLICATE_CODE, STOP_CODE):
            taken.append((text, fate))
        if fate.answered:
            rows.append(_row(text, code, unicode=fields.get("isUnicode") in (1, "1")))
    sandbox.stats.carried_out(len(texts), [str(row["code"]) for row in rows])
    sending = _let_out(sandbox, store, taken, fields=fields, sent_ms=sent_ms)
    parts = sum(int(str(row.get("nbSms", 0))) for row in rows)
    return {
        "message_id": sending.message_id,
        "currency": "EUR",
        "cost": round(PRICE * parts, 3),
        "nbSMS": parts,
        # The order of the rows is not documented: a client that trusts positions must fail here.
        "SMSResponse_List": sandbox.shuffled(rows),
    }


def _texts(fields: Mapping[str, Any], *, steering: bool) -> list[BulkText] | CallRefusal:
    listed = fields.get("SMSList")
    if listed is None:
        return CallRefusal(2)
    if not isinstance(listed, list) or not all(isinstance(each, dict) for each in listed):
        return CallRefusal(90)
    if not listed:
        return CallRefusal(55)
    if len(listed) > NUMBERS_LIMIT:
        return CallRefusal(50)
    texts, complaints = [], []
    for each in listed:
        spelled, message = each.get("phoneNumber"), each.get("message")
        number = number_of(spelled)
        if number is None or not fate_of(number, steering=steering).valid:
            words = f"Ce numero de telephone n'est pas valide ({spelled})"
            complaints.append(complaint("phoneNumber", words))
        elif not isinstance(message, str) or not message:
            complaints.append(complaint("message", "Le message est requis"))
        else:
            texts.append(BulkText(number, str(spelled), message))
    return CallRefusal(9, tuple(complaints)) if complaints else texts


def _check_settings(fields: Mapping[str, Any]) -> CallRefusal | None:
    """The fields that hold for the whole call."""
    wrong = [complaint(name, "Ce champ n'existe pas") for name in fields if name not in _FIELDS]
    sender, tag = fields.get("sender", ""), fields.get("tag", "")
    if sender and not (isinstance(sender, str) and 3 <= len(sender) <= 11):
        wrong.append(complaint("sender", "L'emetteur a de 3 a 11 caracteres"))
    if not isinstance(tag, str) or not _TAG.fullmatch(tag):
        wrong.append(complaint("tag", "Le tag a 20 caracteres au maximum, en minuscules et sans espace"))
    if fields.get("gamme", 1) not in (1, 2, "1", "2"):
        wrong.append(complaint("gamme", "La gamme est 1 ou 2"))
    wrong += [
        complaint(name, "0 ou 1")
        for name in ("isStopSms", "isUnicode", "sandbox")
        if fields.get(name, 0) not in (0, 1, "0", "1")
    ]
    if wrong:
        return CallRefusal(9, tuple(wrong))
    return None if not sender or _SENDER.fullmatch(sender) else CallRefusal(44)


def _check_lengths(fields: Mapping[str, Any], texts: Sequence[BulkText]) -> CallRefusal | None:
    unicode = fields.get("isUnicode") in (1, "1")
    # The longest text decides: one that is too long refuses all.
    most = max(parts_of(text.message, unicode=unicode) for text in texts)
    if fields.get("gamme") in (2, "2") and most > 1:
        return CallRefusal(42)
    return CallRefusal(52) if most > PARTS_LIMIT else None


def parts_of(message: str, *, unicode: bool) -> int:
    """Billable parts of 160 or 153 characters, Unicode 70 or 67; a line break counts two."""
    # SMSPartner writes a line break and the euro sign as :br: and :euro:; each costs two characters
    # in GSM 7-bit.
    length = len(message.replace(":br:", "br").replace(":euro:", "ee"))
    one, of_several = (70, 67) if unicode else (160, 153)
    return 1 if length <= one else math.ceil(length / of_several)


def _refused_on_purpose(sandbox: Sandbox, fields: Mapping[str, Any]) -> CallRefusal | None:
    codes = (sandbox.flags.account_codes.get(APP), sandbox.flags.sign_codes.get(str(fields.get("sender", ""))))
    return next((CallRefusal(int(code)) for code in codes if code and code.isdigit()), None)


def _start_ms(fields: Mapping[str, Any], now_ms: int) -> int | CallRefusal:
    """When the messages go out: now, or at the time of a scheduled call, in French time."""
    date, hour, minute = fields.get("scheduledDeliveryDate"), whole(fields.get("time")), whole(fields.get("minute"))
    if date is None:
        return now_ms
    if hour is None or minute is None:
        return CallRefusal(46 if hour is None else 47)
    # The provider sends scheduled calls every five minutes, and takes hour 24.
    if minute % 5 or not 0 <= minute <= 55 or not 0 <= hour <= 24:
        return CallRefusal(48)
    try:
        day = datetime.strptime(str(date), "%d/%m/%Y").replace(tzinfo=ZONE)
    except ValueError:
        return CallRefusal(49)
    start_ms = int((day + timedelta(hours=hour, minutes=minute)).timestamp() * 1000)
    return start_ms if start_ms > now_ms else CallRefusal(49)


def _let_out(
    sandbox: Sandbox,
    store: Store,
    taken: Sequence[tuple[BulkText, SmsPartnerFate]],
    *,
    fields: Mapping[str, Any],
    sent_ms: int,
) -> BulkCall:
    tag, delay = str(fields.get("tag", "")), sandbox.delay
    unicode = fields.get("isUnicode") in (1, "1")
    messages = {
        text.number: SmsPartnerMessage(
            text.number,
            fate,
            parts_of(text.message, unicode=unicode),
            sent_ms + delay.ms + store.jitter_ms(delay.jitter_ms),
        )
        for text, fate in taken
    }
    first = None
    # The provider's own test mode: answered and remembered, and nothing goes out.
    if fields.get("sandbox") not in (1, "1"):
        app = sandbox.name_callback(APP, str(fields.get("urlDlr", "")), str(fields.get("urlResponse", "")))
        first = sandbox.world.send(Origin(app, tag, sent_ms), list(messages), [DELIVERED] * len(messages), delay)
    sending = BulkCall(store.next_id(), tag, messages, sent_ms)
    store.keep(sending, first)
    return sending


def _row(text: BulkText, code: int, *, unicode: bool) -> dict[str, object]:
    number = f"+{text.number}"
    if code != _TAKEN:
        return {"success": False, "code": code, "message": f"sandbox: {code}", "phoneNumber": number}
    parts = parts_of(text.message, unicode=unicode)
    return {"success": True, "code": code, "nbSms": parts, "cost": round(PRICE * parts, 3), "phoneNumber": number}
