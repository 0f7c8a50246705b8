"""Tencent's JSON: the bodies of sends, pulls and asks, and how their answers are read.

Nothing that arrives raises. Every field is declared to hold anything, so that one odd field costs
at most its own row: a call whose answer cannot be read may have been carried out, and reading must
not make that uncertainty larger than it is. Fields that are not declared are skipped.
"""

import re
from functools import partial
from typing import Annotated, Any, Final, Literal, TypeAlias

import msgspec
from msgspec import UNSET, Meta, Struct, UnsetType

from smsline.numbers import e164, is_mainland
from worker.providers.base import Broken, Call, Item, Receipt, ReceiptPage, Refused, Sent
from worker.providers.cleaning import Clean
from worker.providers.reading import LONGEST, Oddities, text, unreadable, whole, word
from worker.providers.tencent.facts import ROWS_PER_PAGE
from worker.providers.tencent.spelling import asked, received

# msgspec tells a struct from anything else by type; these unions let any other JSON value through
# instead of failing the body.
_NoStruct: TypeAlias = list[Any] | str | int | float | bool | None
_NoList: TypeAlias = dict[str, Any] | str | int | float | bool | UnsetType | None


# What is not set is left out, as the official SDK leaves out what is None.
class _SendRequest(Struct, rename="pascal", omit_defaults=True):
    phone_number_set: list[str]
    sms_sdk_app_id: str
    template_id: str
    sign_name: str = ""
    template_param_set: tuple[str, ...] = ()
    extend_code: str = ""
    session_context: str = ""
    sender_id: str = ""


class _Message(Struct, rename="pascal", omit_defaults=True):
    phone_number: str
    template_id: str
    template_param_set: tuple[str, ...] = ()
    sender_id: str = ""
    session_context: str = ""


# As in tencentcloud-sdk-python-sms 3.1.153; the document does not have this action.
class _SendEachRequest(Struct, rename="pascal"):
    sms_sdk_app_id: str
    multi_sms_info_set: list[_Message]


class _PullRequest(Struct, rename="pascal"):
    sms_sdk_app_id: str
    limit: int


class _AskRequest(Struct, rename="pascal"):
    sms_sdk_app_id: str
    phone_number: str
    begin_time: int
    end_time: int
    offset: int
    limit: int


class _SendRow(Struct, rename="pascal"):
    serial_no: Any = None
    phone_number: Any = None
    fee: Any = None
    code: Any = None
    message: Any = None


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


class _ReceiptRow(Struct, rename="pascal"):
    # Every field may be of any type or missing: one odd field must not cost the other 99 rows,
    # which the queue has given away for good.
    user_receive_time: Any = None
    country_code: Any = None
    subscriber_number: Any = None
    phone_number: Any = None
    serial_no: Any = None
    report_status: Any = None
    description: Any = None
    session_context: Any = None


class _PlainReceipt(Struct, rename="pascal", gc=False):
    """A row as documented; msgspec holds every field against its type, which costs Python a microsecond a field."""

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


class _Error(Struct, rename="pascal"):
    code: Any = None
    message: Any = None


class _Response(Struct, rename="pascal"):
    error: _Error | _NoStruct = None
    request_id: Any = None
    # UNSET and not None: a list that is null is an answer about no number, one that is missing is
    # no answer at all.
    send_status_set: list[_SendRow | _NoStruct] | _NoList = UNSET
    send_multi_status_set: list[_SendRow | _NoStruct] | _NoList = UNSET
    pull_sms_send_status_set: list[_ReceiptRow | _NoStruct] | _NoList = UNSET


class _Envelope(Struct, rename="pascal"):
    response: _Response | _NoStruct = None


TIMEOUT: Final = "InternalError.Timeout"
UNTAKEN: Final = "InternalError.Timeout/untaken"
"""Of a call whose every number met the timeout and has neither serial nor fee: the provider took none of them, and its document
(line 5072) says to try again (smsline/codes)."""

_ENCODER: Final = msgspec.json.Encoder()
# Made once: msgspec compiles the types of a decoder when it is built.
_DECODER: Final = msgspec.json.Decoder(_Envelope | _NoStruct)
_PLAIN_DECODER: Final = msgspec.json.Decoder(_PlainEnvelope)
_PLAIN_NUMBERS: Final = re.compile(r"(?:\+(?!860)[1-9][0-9]{6,14}(?: |$))*")
"""Numbers of a whole page as the provider writes them (`spelling.received`), looked at together."""

_RECEIPT: Final = partial(tuple.__new__, Receipt)
"""Makes a receipt of its values three times as fast as by their names; a page has a hundred of them."""
_TAKEN: Final = msgspec.json.Decoder(_TakenEnvelope)


def send_body(call: Call, *, sdk_app_id: str) -> bytes:
    """The body of a SendSms; what is not set is left out, and SenderId goes with global numbers only."""
    content = call.content
    # The first number speaks for all: a call never mixes mainland and global numbers.
    mainland = any(map(is_mainland, call.numbers[:1]))
    return _ENCODER.encode(
        _SendRequest(
            phone_number_set=[e164(number) for number in call.numbers],
            sms_sdk_app_id=sdk_app_id,
            template_id=content.template,
            sign_name=content.sign,
            template_param_set=content.params,
            extend_code=content.extend,
            session_context=call.context,
            sender_id="" if mainland else content.sender,
        )
    )


def send_each_body(call: Call, *, sdk_app_id: str) -> bytes:
    """The body of a SendMultiGlobalSms: a message for each number, with its own params and the template of all.

    A message has no place for a signature or an extend code (tencentcloud-sdk-python-sms 3.1.153, `models.MultiSmsInfo`).
    """
    content = call.content
    messages = [
        _Message(e164(number), content.template, params, content.sender, call.context)
        for number, params in zip(call.numbers, call.own_params, strict=True)
    ]
    return _ENCODER.encode(_SendEachRequest(sms_sdk_app_id=sdk_app_id, multi_sms_info_set=messages))


def pull_body(limit: int, *, sdk_app_id: str) -> bytes:
    """The body of a PullSmsSendStatus; `limit` is brought into what the provider takes."""
    return _ENCODER.encode(_PullRequest(sms_sdk_app_id=sdk_app_id, limit=min(max(limit, 1), ROWS_PER_PAGE)))


def ask_body(number: int, *, since_s: int, until_s: int, sdk_app_id: str) -> bytes:
    """The body of a PullSmsSendStatusByPhoneNumber; Offset can only be 0 (Tencent SMS API document, line 2813)."""
    return _ENCODER.encode(
        _AskRequest(
            sms_sdk_app_id=sdk_app_id,
            phone_number=e164(number),
            begin_time=since_s,
            end_time=until_s,
            offset=0,
            limit=ROWS_PER_PAGE,
        )
    )


def is_answer(body: bytes) -> bool:
    """Whether the body is the provider's envelope, whatever it says."""
    return isinstance(_open(body), _Response)


def is_error(body: bytes) -> bool:
    """Whether the body is the provider's error envelope."""
    response = _open(body)
    return isinstance(response, _Response) and _refused(response, str) is not None


def read_send(body: bytes, call: Call, *, clean: Clean) -> tuple[Sent | Refused | Broken, Oddities]:
    """The answer to a SendSms or a SendMultiGlobalSms, its items matched to the call by number.

    Their rows have the same fields (tencentcloud-sdk-python-sms 3.1.153, `models.SendStatus` and `models.SendMultiStatus`).

    Args:
        body: The answer's body.
        call: What was asked.
        clean: Applied to the provider's messages.
    """
    if taken := _all_taken(body, call, clean):
        return taken, Oddities()
    response = _open(body)
    if isinstance(response, Broken):
        return response, Oddities()
    if refused := _refused(response, clean):
        return refused, Oddities()
    # Which of the lists is there tells the action; an answer holds one of them.
    rows = response.send_multi_status_set if response.send_status_set is UNSET else response.send_status_set
    if rows is not None and not isinstance(rows, list):
        return unreadable("an answer with neither an Error nor a list of what became of each number"), Oddities()
    items, oddities = _items(rows or [], call, clean)
    # One missing, billed or numbered item is a sign that the call got through: then every number
    # stays in doubt.
    untaken = all(item.code == TIMEOUT and not item.serial and not item.fee for item in items)
    if untaken and len(items) == len(call.numbers):
        items = tuple(item._replace(code=UNTAKEN) for item in items)
    return Sent(items=items, request_id=text(response.request_id)), oddities


def read_receipts(body: bytes, *, clean: Clean) -> ReceiptPage | Refused | Broken:
    """The answer to either pull action; rows without a number, a flag, or any id are counted as bad.

    Args:
        body: The answer's body.
        clean: Applied to the provider's messages.
    """
    if plain := _plain_receipts(body):
        return ReceiptPage(receipts=plain, bad_rows=0, rows=len(plain))
    response = _open(body)
    if isinstance(response, Broken):
        return response
    if refused := _refused(response, clean):
        return refused
    rows = response.pull_sms_send_status_set
    if rows is not None and not isinstance(rows, list):
        return unreadable("an answer with neither an Error nor a list PullSmsSendStatusSet")
    read = [_receipt(row) for row in rows or []]
    receipts = tuple(receipt for receipt in read if receipt)
    return ReceiptPage(receipts=receipts, bad_rows=len(read) - len(receipts), rows=len(read))


def _open(body: bytes) -> _Response | Broken:
    try:
        envelope = _DECODER.decode(body)
    except (ValueError, RecursionError) as error:  # msgspec's errors and bad UTF-8 are ValueErrors
        return unreadable(f"{len(body)} bytes that are not JSON ({type(error).__name__})")
    if isinstance(envelope, _Envelope) and isinstance(envelope.response, _Response):
        return envelope.response
    return unreadable(f"{len(body)} bytes of JSON without a Response")


def _refused(response: _Response, clean: Clean) -> Refused | None:
    """The one error for the whole call; an Error without a Code is none (Tencent SMS API document, lines 2300-2317)."""
    error = response.error
    if not isinstance(error, _Error) or not (code := word(error.code)):
        return None
    return Refused(code=code, message=clean(text(error.message)), request_id=text(response.request_id))


def _items(rows: list[_SendRow | _NoStruct], call: Call, clean: Clean) -> tuple[tuple[Item, ...], Oddities]:
    # Matched by number, never by position: the provider answers in an order of its own (lines
    # 3810-3811, 3834). The spelling that was sent is found in one look-up; `asked` is for the
    # others.
    numbers = {e164(number): number for number in call.numbers}
    known = frozenset(call.numbers)
    items: dict[int, Item] = {}
    strangers = repeats = unreadable = 0
    for row in rows:
        if not isinstance(row, _SendRow) or not (code := word(row.code)) or not (written := text(row.phone_number)):
            unreadable += 1
        elif (number := numbers.get(written) or asked(written, known)) is None:
            strangers += 1
        elif number in items:
            repeats += 1
        else:
            fee, message = whole(row.fee), clean(text(row.message))
            # `Ok`, `OK` and `ok` all occur in the document.
            items[number] = Item(number, code.lower() == "ok", code, text(row.serial_no), fee, message)
    return tuple(items.values()), Oddities(strangers, repeats, unreadable)


def _all_taken(body: bytes, call: Call, clean: Clean) -> Sent | None:
    """An answer that takes every number it names, each once, with every field as documented; None: look closely.

    Nearly all are so. The decoder finds it out in C, and a row costs a look-up and a tuple.
    """
    try:
        response = _TAKEN.decode(body).response
    except (ValueError, RecursionError):
        return None
    asked_for = {e164(number): number for number in call.numbers}
    items, said, shown = list[Item](), "", ""
    for row in response.send_status_set:
        number = asked_for.pop(row.phone_number, None)
        if number is None:
            return None
        if row.message != said:
            said, shown = row.message, clean(row.message)
        # Twice as fast as `Item(...)`, which goes through Python.
        items.append(_new(Item, (number, True, "Ok", row.serial_no, row.fee, shown)))
    return Sent(tuple(items), response.request_id)


_new: Final = tuple.__new__


def _plain_receipts(body: bytes) -> tuple[Receipt, ...]:
    """The receipts of a page in which every row is as documented, column by column; none when any is not."""
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


def _receipt(row: _ReceiptRow | _NoStruct) -> Receipt | None:
    if not isinstance(row, _ReceiptRow):
        return None
    # The slow way, for the few rows that are not as documented.
    number = received(text(row.phone_number), text(row.country_code), text(row.subscriber_number))
    flag = word(row.report_status).upper()
    serial, context = text(row.serial_no), text(row.session_context)
    # A flag of another kind is not read as a failure: a wrong "undelivered" could bring a second
    # text.
    if number is None or flag not in ("SUCCESS", "FAIL") or not (serial or context):
        return None
    return Receipt(
        number=number,
        serial=serial,
        ok=flag == "SUCCESS",
        code=word(row.description),
        received_at_s=whole(row.user_receive_time),
        context=context,
    )
