"""Actions of 2018-05-01: the fields of each answer. A MessageId for each number."""

import math
from collections.abc import Mapping
from datetime import datetime
from email.utils import format_datetime
from typing import Final

import msgspec

from worker.sandbox.alibaba.book import AlibabaBook, Outgoing
from worker.sandbox.alibaba.content import (
    BAD_JSON,
    BAD_PARAMETERS,
    LONGEST_CONTEXT,
    TOO_MANY,
    check_sender,
    check_sign,
    check_template,
    shown,
    texts_of,
    told,
    values_of,
)
from worker.sandbox.alibaba.mainland import BEIJING
from worker.sandbox.alibaba.numbers import international
from worker.sandbox.alibaba.steering import ILLEGAL_NUMBER, SiteTrouble, fates_of
from worker.sandbox.numbers import country_of, is_mainland
from worker.sandbox.sandbox import Sandbox

# Numbers in one BatchSendMessageToGlobe (Alibaba Cloud SMS error codes, current edition, line 12).
BATCH_LIMIT: Final = 1000

TYPES: Final = ("OTP", "NOTIFY", "MKT")

_RESTRICTED: Final = SiteTrouble("isv.COUNTRY_RESTRICTED", "COUNTRY_RESTRICTED", "Mainland China is not supported.")
_NO_DATA: Final = SiteTrouble("isv.DATA_NOT_EXIST", "DATA_NOT_EXIST", "The delivery report does not exist.")
_UNEQUAL: Final = SiteTrouble("isv.QUANTITY_INCONSISTENT", "QUANTITY_INCONSISTENT", "As many texts as numbers, please.")
_DELIVERED, _FAILED, _SENDING = "1", "2", "3"
_DESCRIPTION: Final = "The SMS Send Request was accepted"


def send_to_globe(
    sandbox: Sandbox, book: AlibabaBook, key: str, params: Mapping[str, str]
) -> dict[str, object] | SiteTrouble:
    """SendMessageToGlobe: a text to one number outside the mainland."""
    number = international(params["To"])
    trouble = told(sandbox.flags, key) or _check_globe(params, number)
    if trouble or number is None:
        return trouble or ILLEGAL_NUMBER
    call = Outgoing(key, params.get("TaskId", ""), "", params.get("From", ""))
    return _send(sandbox, book, call, number, text=params["Message"])


def batch_to_globe(
    sandbox: Sandbox, book: AlibabaBook, key: str, params: Mapping[str, str]
) -> dict[str, object] | SiteTrouble:
    """BatchSendMessageToGlobe: a text each to up to 1,000 numbers, their ids not told apart."""
    numbers, texts = texts_of(params["To"]), texts_of(params["Message"])
    if not numbers or texts is None:
        return BAD_JSON
    if len(numbers) > BATCH_LIMIT:
        return TOO_MANY
    if len(numbers) != len(texts):
        return _UNEQUAL
    if trouble := told(sandbox.flags, key):
        return trouble
    call = Outgoing(key, params.get("TaskId", ""), "", params.get("From", ""))
    ids, failed = list[str](), list[str]()
    for spelled, text in zip(numbers, texts, strict=True):
        number = international(spelled)
        # A number that fails is listed without a reason: that is the real answer's flaw.
        refused = _check_globe(params, number) or number is None
        answer = ILLEGAL_NUMBER if refused or number is None else _send(sandbox, book, call, number, text=text)
        failed += [spelled] if isinstance(answer, SiteTrouble) else []
        ids += [] if isinstance(answer, SiteTrouble) else [str(answer["MessageId"])]
    return {
        "SuccessCount": str(len(ids)),
        "FailedList": msgspec.json.encode(failed).decode(),
        "MessageIdList": msgspec.json.encode(ids).decode(),
        "From": params.get("From", ""),
        "ResponseDescription": _DESCRIPTION,
    }


def send_with_template(
    sandbox: Sandbox, book: AlibabaBook, key: str, params: Mapping[str, str]
) -> dict[str, object] | SiteTrouble:
    """SendMessageWithTemplate: a template to one mainland number."""
    flags, number = sandbox.flags, international(params["To"])
    values = values_of(params.get("TemplateParam", ""))
    sign, template = params["From"], params["TemplateCode"]
    if trouble := told(flags, key) or check_sign(flags, sign) or check_template(flags, template, values):
        return trouble
    if number is None or not is_mainland(number):
        return ILLEGAL_NUMBER
    return _send(sandbox, book, Outgoing(key, "", template, sign), number, text=shown(sign, values or {}))


def query_message(
    sandbox: Sandbox,  # noqa: ARG001 - handlers look alike
    book: AlibabaBook,
    key: str,
    params: Mapping[str, str],
) -> dict[str, object] | SiteTrouble:
    """QueryMessage: what became of one message."""
    message = book.find(key, params["MessageId"])
    # Also for a moment after a send at the real service, which is why clients must not take it for
    # a fault.
    if message is None:
        return _NO_DATA
    receipt = book.receipt(message)
    fields: dict[str, object] = {
        "MessageId": message.message_id,
        "To": str(message.number),
        "Message": message.text,
        "SendDate": date_of(message.sent_s),
        "Status": _SENDING,
        "NumberDetail": _number_detail(message.number),
        "ResponseDescription": _DESCRIPTION,
    }
    if receipt is None:
        return fields
    return fields | {
        "Status": _DELIVERED if receipt.delivered else _FAILED,
        "ErrorCode": message.fate.receipt,
        "ErrorDescription": "success" if receipt.delivered else "failed",
        "ReceiveDate": date_of(receipt.received_s),
    }


def _check_globe(params: Mapping[str, str], number: int | None) -> SiteTrouble | None:
    if number is None:
        return ILLEGAL_NUMBER
    if is_mainland(number):
        return _RESTRICTED
    validity = params.get("ValidityPeriod", "1")
    wrong = len(params.get("TaskId", "")) > LONGEST_CONTEXT or params.get("Type", "OTP") not in TYPES
    if wrong or not (validity.isascii() and validity.isdigit()):
        return BAD_PARAMETERS
    return check_sender(params.get("From", ""))


def _send(
    sandbox: Sandbox, book: AlibabaBook, call: Outgoing, number: int, *, text: str
) -> dict[str, object] | SiteTrouble:
    """Let a message out, unless its fate refuses it."""
    (fate,) = fates_of(sandbox, [number])
    sent = book.send(call, [number], [fate], [text]) if fate.trouble is None or fate.sent else []
    sandbox.stats.carried_out(1, [fate.trouble.international if fate.trouble else "OK"])
    if fate.trouble is not None:
        return fate.trouble
    message = sent[0]
    return {
        "MessageId": message.message_id,
        "To": str(message.number),
        "From": message.call.sign,
        # 70 characters, as if all were Unicode: a careful count.
        "Segments": str(max(1, math.ceil(len(message.text) / 70))),
        "NumberDetail": _number_detail(message.number),
        "ResponseDescription": _DESCRIPTION,
    }


def _number_detail(number: int) -> dict[str, str]:
    country = country_of(number)
    return {"Country": country.iso if country else "", "Region": "", "Carrier": "sandbox"}


def date_of(at_s: int) -> str:
    """A moment as the international site writes it: as in a mail, with a zone."""
    return format_datetime(datetime.fromtimestamp(at_s, BEIJING))
