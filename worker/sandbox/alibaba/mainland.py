"""Actions of 2017-05-25: the fields of each answer.

A call has one BizId, and one code for all of its numbers.
"""

import re
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta, timezone
from typing import Final

from msgspec import Struct

from worker.sandbox.alibaba.book import AlibabaBook, AlibabaMessage, Outgoing
from worker.sandbox.alibaba.content import (
    BAD_JSON,
    BAD_PARAMETERS,
    LONGEST_CONTEXT,
    TOO_MANY,
    as_values,
    check_sign,
    check_template,
    decoded,
    shown,
    texts_of,
    told,
    values_of,
)
from worker.sandbox.alibaba.numbers import normalise
from worker.sandbox.alibaba.steering import ILLEGAL_NUMBER, SiteTrouble, fates_of
from worker.sandbox.sandbox import Sandbox

# Numbers in one SendSms (official SDK 4.6.0, `SendSmsRequest.phone_numbers`).
NUMBERS_LIMIT: Final = 1000

# Numbers in one SendBatchSms.
EACH_LIMIT: Final = 100

ROWS_LIMIT: Final = 50
HISTORY_DAYS: Final = 30
BEIJING: Final = timezone(timedelta(hours=8))

_BAD_DATE: Final = SiteTrouble("isv.QUERY_DATE_ILLEGAL", "QUERY_DATE_ILLEGAL", "The date is illegal.")
_COUNT: Final = re.compile(r"[1-9][0-9]{0,5}")
_WAITING, _FAILED, _DELIVERED = 1, 2, 3


class DetailRow(Struct, frozen=True):
    """One number of a call, as it is spelled, and what it is told."""

    spelled: str
    sign: str
    values: dict[str, str] | None


def send_sms(
    sandbox: Sandbox, book: AlibabaBook, key: str, params: Mapping[str, str]
) -> dict[str, object] | SiteTrouble:
    """SendSms: one content to up to 1,000 numbers."""
    values = values_of(params.get("TemplateParam", ""))
    spelled = params["PhoneNumbers"].split(",")
    if len(spelled) > NUMBERS_LIMIT:
        return TOO_MANY
    recipients = [DetailRow(one, params["SignName"], values) for one in spelled]
    return _send(sandbox, book, key, params, recipients=recipients)


def send_batch_sms(
    sandbox: Sandbox, book: AlibabaBook, key: str, params: Mapping[str, str]
) -> dict[str, object] | SiteTrouble:
    """SendBatchSms: up to 100 numbers, each with its own signature and values."""
    spelled, signs = texts_of(params["PhoneNumberJson"]), texts_of(params["SignNameJson"])
    # A template without variables takes none, and the parameter may be left out.
    given = decoded(params["TemplateParamJson"]) if "TemplateParamJson" in params else [{}] * len(spelled or ())
    if not spelled or signs is None or not isinstance(given, list):
        return BAD_JSON
    if len(spelled) > EACH_LIMIT:
        return TOO_MANY
    if not len(spelled) == len(signs) == len(given):
        return BAD_PARAMETERS
    recipients = [
        DetailRow(one, sign, as_values(values)) for one, sign, values in zip(spelled, signs, given, strict=True)
    ]
    return _send(sandbox, book, key, params, recipients=recipients)


def query_send_details(
    sandbox: Sandbox, book: AlibabaBook, key: str, params: Mapping[str, str]
) -> dict[str, object] | SiteTrouble:
    """QuerySendDetails: what went to a number on a day of Beijing's calendar, newest first."""
    number = normalise(params["PhoneNumber"])
    size, page = params["PageSize"], params["CurrentPage"]
    if number is None:
        return ILLEGAL_NUMBER
    if not _COUNT.fullmatch(size) or not _COUNT.fullmatch(page) or int(size) > ROWS_LIMIT:
        return BAD_PARAMETERS
    today = datetime.fromtimestamp(sandbox.now_ms() / 1000, BEIJING)
    try:
        age = today - datetime.strptime(params["SendDate"], "%Y%m%d").replace(tzinfo=BEIJING)
    except ValueError:
        return _BAD_DATE
    # strptime takes fewer digits too; a day counts whole, therefore one more than
    # the documented thirty.
    if len(params["SendDate"]) != 8 or not timedelta(0) <= age < timedelta(days=HISTORY_DAYS + 1):
        return _BAD_DATE
    found = [
        message
        for message in book.to(key, number)
        if day_of(message.sent_s) == params["SendDate"] and params.get("BizId") in (None, message.biz_id)
    ]
    first = (int(page) - 1) * int(size)
    rows = [_detail(book, message) for message in found[first : first + int(size)]]
    return {"TotalCount": str(len(found)), "SmsSendDetailDTOs": {"SmsSendDetailDTO": rows}}


def day_of(at_s: float) -> str:
    """The day in Beijing, `yyyyMMdd`."""
    return f"{datetime.fromtimestamp(at_s, BEIJING):%Y%m%d}"


def _send(
    sandbox: Sandbox, book: AlibabaBook, key: str, params: Mapping[str, str], *, recipients: Sequence[DetailRow]
) -> dict[str, object] | SiteTrouble:
    """Let the messages out, unless something is wrong with the call or one of its numbers."""
    template, context = params["TemplateCode"], params.get("OutId", "")
    flags = sandbox.flags
    checks = (check_sign(flags, one.sign) or check_template(flags, template, one.values) for one in recipients)
    if trouble := told(flags, key) or next(filter(None, checks), None):
        return trouble
    if len(context) > LONGEST_CONTEXT:
        return BAD_PARAMETERS
    numbers = [normalise(one.spelled) for one in recipients]
    known = [number for number in numbers if number is not None]
    if len(known) < len(numbers):
        return ILLEGAL_NUMBER
    fates = fates_of(sandbox, known)
    worst = next((fate for fate in fates if fate.trouble), None)
    biz_id = ""
    # An answer for all numbers: either all went out, or none did.
    if worst is None or worst.sent:
        texts = [shown(one.sign, one.values or {}) for one in recipients]
        biz_id = book.send(Outgoing(key, context, template, recipients[0].sign, globe=False), known, fates, texts)[
            0
        ].biz_id
    # This API answers once for all numbers of a call: with the trouble of the first that is
    # refused.
    trouble = worst.trouble if worst else None
    sandbox.stats.carried_out(len(known), [trouble.mainland if trouble else "OK"] * len(known))
    return trouble or {"BizId": biz_id}


def _detail(book: AlibabaBook, message: AlibabaMessage) -> dict[str, object]:
    receipt = book.receipt(message)
    row: dict[str, object] = {
        # Answers drop the mainland's country code and keep every other.
        "PhoneNum": str(message.number).removeprefix("86")
        if str(message.number).startswith("86")
        else str(message.number),
        "SendDate": clock_of(message.sent_s),
        "SendStatus": _WAITING,
        "TemplateCode": message.call.template,
        "Content": message.text,
        "OutId": message.call.context,
    }
    # Neither code nor date while it waits.
    if receipt is None:
        return row
    status = _DELIVERED if receipt.delivered else _FAILED
    return row | {"SendStatus": status, "ErrCode": message.fate.receipt, "ReceiveDate": clock_of(receipt.received_s)}


def clock_of(at_s: int) -> str:
    """A moment as the mainland site writes it: in Beijing, without a zone."""
    return datetime.fromtimestamp(at_s, UTC).astimezone(BEIJING).strftime("%Y-%m-%d %H:%M:%S")
