"""Tencent's JSON: the parameters of sends, pulls and asks, and how their answers are read.

Nothing that arrives raises, and one odd field costs at most its own row: a call whose answer cannot
be read may have been carried out, and reading must not make that uncertainty larger than it is.
Answers in which every field is as documented, nearly all of them, are decoded by msgspec straight
into their types; the others are read field by field.
"""

import re
from functools import partial
from typing import Annotated, Final, Literal, TypeAlias

import msgspec
from msgspec import Meta, Struct

from smsline.numbers import e164, is_mainland
from worker.providers.base import Broken, Call, Item, Receipt, ReceiptPage, Refused, Sent
from worker.providers.cleaning import Clean
from worker.providers.reading import (
    LONGEST,
    Oddities,
    Row,
    held,
    items_of,
    opened,
    receipts_of,
    text,
    unreadable,
    whole,
    word,
)
from worker.providers.tencent.facts import ROWS_PER_PAGE
from worker.providers.tencent.spelling import asked, received

_Text: TypeAlias = Annotated[str, Meta(max_length=LONGEST)]


class _TakenRow(Struct, rename="pascal", gc=False):
    """A row of a number that was taken, with every field as documented."""

    code: Literal["Ok"]
    serial_no: _Text
    phone_number: str
    fee: Annotated[int, Meta(ge=0, lt=1_000_000)]
    message: _Text


class _TakenResponse(Struct, rename="pascal"):
    send_status_set: list[_TakenRow]
    request_id: _Text
    error: None = None


class _TakenEnvelope(Struct, rename="pascal"):
    response: _TakenResponse


class _PlainReceipt(Struct, rename="pascal", gc=False):
    """A row as documented: msgspec holds its types, which costs Python a microsecond a field."""

    phone_number: str
    serial_no: Annotated[str, Meta(min_length=1, max_length=LONGEST)]
    report_status: Literal["SUCCESS", "FAIL"]
    description: _Text
    user_receive_time: Annotated[int, Meta(ge=0, lt=10**15)]
    session_context: _Text | None = None


class _PlainPage(Struct, rename="pascal"):
    pull_sms_send_status_set: list[_PlainReceipt]
    error: None = None


class _PlainEnvelope(Struct, rename="pascal"):
    response: _PlainPage


TIMEOUT: Final = "InternalError.Timeout"
# Of a call whose every number met the timeout and has neither serial nor fee: the provider took
# none of them, and its document (line 5072) says to try again (smsline/codes).
UNTAKEN: Final = "InternalError.Timeout/untaken"

# Made once: msgspec compiles the types of a decoder when it is built.
_PLAIN_DECODER: Final = msgspec.json.Decoder(_PlainEnvelope)
# Numbers of a whole page as the provider writes them (`spelling.received`), looked at together.
_PLAIN_NUMBERS: Final = re.compile(r"(?:\+(?!860)[1-9][0-9]{6,14}(?: |$))*")

# Make a value of its parts two to three times as fast as `Receipt(…)`, which goes through Python; a
# page has a hundred of them.
_RECEIPT: Final = partial(tuple.__new__, Receipt)
_ITEM: Final = partial(tuple.__new__, Item)
_TAKEN: Final = msgspec.json.Decoder(_TakenEnvelope)


def send_params(call: Call, *, sdk_app_id: str) -> dict[str, object]:
    """The parameters of a SendSms; SenderId goes with global numbers only."""
    content = call.content
    # The first number speaks for all: a call never mixes mainland and global numbers.
    mainland = any(map(is_mainland, call.numbers[:1]))
    return {
        "PhoneNumberSet": [e164(number) for number in call.numbers],
        "SmsSdkAppId": sdk_app_id,
        "TemplateId": content.template,
        "SignName": content.sign,
        "TemplateParamSet": content.params,
        "ExtendCode": content.extend,
        "SessionContext": call.context,
        "SenderId": "" if mainland else content.sender,
    }


def each_params(call: Call, *, sdk_app_id: str) -> dict[str, object]:
    """The parameters of a SendMultiGlobalSms: a message for each number, with its own params.

    A message has no place for a signature or an extend code (tencentcloud-sdk-python-sms 3.1.153,
    `models.MultiSmsInfo`).
    """
    content = call.content
    shared = {"TemplateId": content.template, "SenderId": content.sender, "SessionContext": call.context}
    shared = {name: value for name, value in shared.items() if value}
    messages = [
        {"PhoneNumber": e164(number), **({"TemplateParamSet": params} if params else {}), **shared}
        for number, params in zip(call.numbers, call.own_params, strict=True)
    ]
    return {"SmsSdkAppId": sdk_app_id, "MultiSmsInfoSet": messages}


def pull_params(*, sdk_app_id: str) -> dict[str, object]:
    """The parameters of either pull: as many rows as a page may have."""
    return {"SmsSdkAppId": sdk_app_id, "Limit": ROWS_PER_PAGE}


def span_params(number: int, *, since_s: int, until_s: int, sdk_app_id: str) -> dict[str, object]:
    """A question about one number and a time; Offset can only be 0 (lines 2525, 2813)."""
    return {
        "SmsSdkAppId": sdk_app_id,
        "PhoneNumber": e164(number),
        "BeginTime": since_s,
        "EndTime": until_s,
        "Offset": 0,
        "Limit": ROWS_PER_PAGE,
    }


def answered(body: bytes, clean: Clean) -> Row | Refused | Broken:
    """What stands in an answer's `Response`, or the error that stands there instead.

    An Error without a Code is none (Tencent SMS API document, lines 2300-2317).
    """
    envelope = opened(body)
    if isinstance(envelope, Broken):
        return envelope
    response = envelope.get("Response")
    if not isinstance(response, dict):
        return unreadable(f"{len(body)} bytes of JSON without a Response")
    error = response.get("Error")
    if isinstance(error, dict) and (code := word(error.get("Code"))):
        return Refused(code, clean(text(error.get("Message"))), text(response.get("RequestId")))
    return response


def read_send(body: bytes, call: Call, *, clean: Clean) -> tuple[Sent | Refused | Broken, Oddities]:
    """The answer to a SendSms or a SendMultiGlobalSms, its items matched to the call by number.

    Their rows have the same fields (tencentcloud-sdk-python-sms 3.1.153, `models.SendStatus` and
    `models.SendMultiStatus`).

    Args:
        body: The answer's body.
        call: What was asked.
        clean: Applied to the provider's messages.
    """
    if taken := _all_taken(body, call, clean):
        return taken, Oddities()
    response = answered(body, clean)
    if not isinstance(response, dict):
        return response, Oddities()
    # Which of the lists is there tells the action; an answer holds one of them.
    listed = held(response, "SendStatusSet" if "SendStatusSet" in response else "SendMultiStatusSet", list)
    if isinstance(listed, Broken):
        return listed, Oddities()
    # The spelling that was sent is found in one look-up; `asked` is for the others.
    sent_as = {e164(number): number for number in call.numbers}

    def item(row: Row, number: int) -> Item:
        code, fee, message = word(row.get("Code")), whole(row.get("Fee")), clean(text(row.get("Message")))
        # `Ok`, `OK` and `ok` all occur in the document.
        return Item(number, code.lower() == "ok", code, text(row.get("SerialNo")), fee, message)

    # The provider answers in an order of its own (lines 3810-3811, 3834).
    items, oddities = items_of(
        listed,
        call.numbers,
        spelled=lambda row: text(row.get("PhoneNumber")) if word(row.get("Code")) else "",
        asked=lambda written, numbers: sent_as.get(written) or asked(written, numbers),
        item=item,
    )
    # One missing, billed or numbered item is a sign that the call got through: then every number
    # stays in doubt. An item alone is none that the others could bear out: its text may be out.
    untaken = all(item.code == TIMEOUT and not item.serial and not item.fee for item in items)
    if untaken and 1 < len(items) == len(call.numbers):
        items = tuple(item._replace(code=UNTAKEN) for item in items)
    return Sent(items=items, request_id=text(response.get("RequestId"))), oddities


def read_receipts(body: bytes, *, clean: Clean) -> ReceiptPage | Refused | Broken:
    """The answer to either pull action; rows without number, flag or any id are bad.

    Args:
        body: The answer's body.
        clean: Applied to the provider's messages.
    """
    if plain := _plain_receipts(body):
        return ReceiptPage(receipts=plain, bad_rows=0, rows=len(plain))
    response = answered(body, clean)
    return receipt_page(response) if isinstance(response, dict) else response


def receipt_page(response: Row) -> ReceiptPage | Broken:
    """The receipts in a `Response` of either pull action."""
    listed = held(response, "PullSmsSendStatusSet", list)
    return receipts_of(listed, _receipt) if isinstance(listed, list) else listed


def _all_taken(body: bytes, call: Call, clean: Clean) -> Sent | None:
    """An answer that takes every number it names, as documented; None: look closely.

    Nearly all are so. The decoder finds it out in C, and a row costs a look-up and a tuple.
    """
    try:
        response = _TAKEN.decode(body).response
    except (ValueError, RecursionError):
        return None
    asked_for = {e164(number): number for number in call.numbers}
    # What nearly all of them say (line 3838) has nothing to hide, and cleaning it is a fifth of a
    # call with one number.
    items, said, shown = list[Item](), "send success", "send success"
    for row in response.send_status_set:
        number = asked_for.pop(row.phone_number, None)
        if number is None:
            return None
        if row.message != said:
            said, shown = row.message, clean(row.message)
        items.append(_ITEM((number, True, "Ok", row.serial_no, row.fee, shown)))
    return Sent(tuple(items), response.request_id)


def _plain_receipts(body: bytes) -> tuple[Receipt, ...]:
    """The receipts of a page with every row as documented; none when any is not."""
    try:
        rows = _PLAIN_DECODER.decode(body).response.pull_sms_send_status_set
    except (ValueError, RecursionError):
        return ()
    # A blank in a number, which would pass for two of them, shows in the length.
    phones = [row.phone_number for row in rows]
    joined = " ".join(phones)
    if not _PLAIN_NUMBERS.fullmatch(joined) or joined.count(" ") + 1 > len(rows):
        return ()
    return tuple(
        [
            _RECEIPT(
                (
                    int(row.phone_number),
                    row.serial_no,
                    row.report_status == "SUCCESS",
                    row.description.strip(),
                    row.user_receive_time,
                    row.session_context or "",
                    "",
                )
            )
            for row in rows
        ]
    )


def _receipt(row: Row) -> Receipt | None:
    """The slow way, for the few rows that are not as documented."""
    number = number_in(row)
    flag = word(row.get("ReportStatus")).upper()
    serial, context = text(row.get("SerialNo")), text(row.get("SessionContext"))
    # A flag of another kind is not read as a failure: a wrong "undelivered" could bring a second
    # text.
    if number is None or flag not in {"SUCCESS", "FAIL"} or not (serial or context):
        return None
    code, at_s = word(row.get("Description")), whole(row.get("UserReceiveTime"))
    return Receipt(number, serial, flag == "SUCCESS", code, at_s, context)


def number_in(row: Row) -> int | None:
    """The number of a receipt or a reply, whole or in two parts; None when none tells."""
    return received(*(word(row.get(name)) for name in ("PhoneNumber", "CountryCode", "SubscriberNumber")))
