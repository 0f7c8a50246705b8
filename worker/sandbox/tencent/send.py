"""Sends: refused as a whole, or answered per number by its fate."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Final

from msgspec import Struct

from worker.sandbox.numbers import country_of, is_mainland, normalise_all
from worker.sandbox.sandbox import Sandbox
from worker.sandbox.state import Origin
from worker.sandbox.steering import DELIVERED, FATES, INCORRECT, SUFFIXES
from worker.sandbox.tencent.content import TencentContent, refusing_code
from worker.sandbox.tencent.result import TencentResult
from worker.sandbox.wire import OK, WireRefusal

# Numbers of one call (Tencent SMS API document, line 3778).
NUMBERS_LIMIT: Final = 200

# SessionContext has fewer bytes than this (Tencent SMS API document, line 3784).
CONTEXT_LIMIT: Final = 512

_SENT: Final = "send success"
_UNKNOWN_COUNTRY: Final = "DEF"
_BAD_NUMBER: Final = FATES[INCORRECT].code


class SendStatusRow(Struct, frozen=True, gc=False, rename="pascal"):
    """One row of the answer, in the document's spelling (lines 4852-4866)."""

    serial_no: str
    phone_number: str
    fee: int
    session_context: str
    code: str
    message: str
    iso_code: str


class TextGroup(Struct, frozen=True):
    """Numbers that get the same content in the same call, all mainland or all global.

    Attributes:
        app: SmsSdkAppId.
        spelled: The numbers as the request has them.
        numbers: The same as E.164 integers, None for what is no number.
        mainland: Whether they are mainland numbers.
        context: SessionContext.
        content: What they are told.
    """

    app: str
    spelled: Sequence[str]
    numbers: Sequence[int | None]
    mainland: bool
    context: str
    content: TencentContent


class TextOutcome(Struct, frozen=True):
    """Numbers asked for, rows of the answer, and messages whose receipts go ahead of it."""

    count: int
    rows: list[SendStatusRow]
    early: tuple[int, ...] = ()


def send_sms(sandbox: Sandbox, params: Mapping[str, Any]) -> TencentResult | WireRefusal:
    """SendSms: one content to up to 200 numbers, all mainland or all global."""
    spelled: list[str] = params["PhoneNumberSet"]
    context: str = params.get("SessionContext", "")
    if refusal := _check_call(sandbox, params["SmsSdkAppId"], count=len(spelled), contexts=[context]):
        return refusal
    if not spelled:
        return WireRefusal("MissingParameter.EmptyPhoneNumberSet", "`PhoneNumberSet` is empty.")
    numbers = normalise_all(spelled)
    # What is no number belongs to neither region, and does not refuse the others.
    regions = {is_mainland(number) for number in numbers if number is not None}
    if len(regions) > 1:
        return WireRefusal(
            "UnsupportedOperation.ContainDomesticAndInternationalPhoneNumber",
            "The call has both mainland and global numbers.",
        )
    content = TencentContent(params["TemplateId"], params.get("TemplateParamSet", ()), params.get("SignName", ""))
    outcome = let_out(
        sandbox,
        TextGroup(params["SmsSdkAppId"], spelled, numbers, mainland=True in regions, context=context, content=content),
    )
    return _answer(sandbox, params["SmsSdkAppId"], {"SendStatusSet": [outcome]})


def send_multi_global_sms(sandbox: Sandbox, params: Mapping[str, Any]) -> TencentResult | WireRefusal:
    """SendMultiGlobalSms: up to 200 global numbers, each with its own content (official SDK)."""
    messages: list[dict[str, Any]] = params["MultiSmsInfoSet"]
    app: str = params["SmsSdkAppId"]
    contexts = [one.get("SessionContext") or "" for one in messages]
    if refusal := _check_call(sandbox, app, count=len(messages), contexts=contexts):
        return refusal
    if not messages:
        return WireRefusal("InvalidParameterValue.MultiSmsInfoSetEmpty", "`MultiSmsInfoSet` is empty.")
    numbers = normalise_all([one["PhoneNumber"] for one in messages])
    if any(number is not None and is_mainland(number) for number in numbers):
        return WireRefusal(
            "UnsupportedOperation.ContainDomesticPhoneNumber", "Mainland numbers cannot be sent to this way."
        )
    contents = [TencentContent(one["TemplateId"], one.get("TemplateParamSet") or ()) for one in messages]
    outcomes = [
        let_out(
            sandbox,
            TextGroup(app, [one["PhoneNumber"]], [number], mainland=False, context=context, content=content),
        )
        for one, number, context, content in zip(messages, numbers, contexts, contents, strict=True)
    ]
    return _answer(sandbox, app, {"SendMultiStatusSet": outcomes})


def let_out(sandbox: Sandbox, group: TextGroup) -> TextOutcome:
    """Send what its fate lets out and say of each number what its fate says."""
    # A fault of the content is every number's, and nothing goes out.
    if code := refusing_code(sandbox.flags, sandbox.book, group.content, mainland=group.mainland):
        rows = zip(group.spelled, group.numbers, strict=True)
        refused = [_refused_row(group, one, number, code if number else _BAD_NUMBER) for one, number in rows]
        return TextOutcome(len(refused), refused)
    fates = _fates_of(sandbox, group.numbers)
    chosen = [(number, fate) for number, fate in zip(group.numbers, fates, strict=True) if number and FATES[fate].sent]
    numbers, indexes = [one[0] for one in chosen], [one[1] for one in chosen]
    origin = Origin(group.app, group.context, sandbox.now_ms())
    first = sandbox.world.send(origin, numbers, indexes, sandbox.delay)
    serials = sandbox.world.serials(first, len(numbers))
    # Rows of a plain send are built together: it is what benches measure, and a fate is looked up
    # for none of them.
    if not any(fates):
        return TextOutcome(len(fates), _sent_rows(group, OK, numbers, serials))
    early = tuple(message for message, fate in enumerate(indexes, first) if FATES[fate].early)
    return TextOutcome(len(fates), _mixed_rows(group, fates, iter(serials)), early)


def _fates_of(sandbox: Sandbox, numbers: Sequence[int | None]) -> list[int]:
    """The index of each number's fate; `INCORRECT` for what is no number."""
    if not sandbox.flags.steering:
        return [INCORRECT if number is None else DELIVERED for number in numbers]
    fates = [INCORRECT if number is None else SUFFIXES.get(number % 10000, DELIVERED) for number in numbers]
    # The ordinary call, in which all are delivered, is spared a second pass over its numbers.
    if any(fates):
        for place, (number, fate) in enumerate(zip(numbers, fates, strict=True)):
            if number is not None and FATES[fate].once and not sandbox.world.first_try(number):
                fates[place] = DELIVERED
    return fates


def _mixed_rows(group: TextGroup, fates: Sequence[int], serials: Iterator[str]) -> list[SendStatusRow]:
    """A row for each answered number; each one sent uses up a serial, told or not."""
    rows = []
    for spelled, number, index in zip(group.spelled, group.numbers, fates, strict=True):
        fate = FATES[index]
        # A serial is used up even where the answer hides it: its receipt will have it.
        serial = next(serials) if number and fate.sent else ""
        if not fate.answered:
            continue
        if number and fate.code.lower() == "ok":
            rows.extend(_sent_rows(group, fate.code, [number], [serial]))
        else:
            rows.append(_refused_row(group, spelled, number, fate.code))
    return rows


def _sent_rows(group: TextGroup, code: str, numbers: Sequence[int], serials: Sequence[str]) -> list[SendStatusRow]:
    fee, context = group.content.fee, group.context
    # A mainland call has one country: looking it up per number would cost more than the rest of the
    # row.
    countries = ["CN"] * len(numbers) if group.mainland else map(_iso_of, numbers)
    return [
        SendStatusRow(serial, f"+{number}", fee, context, code, _SENT, iso)
        for number, serial, iso in zip(numbers, serials, countries, strict=True)
    ]


def _refused_row(group: TextGroup, spelled: str, number: int | None, code: str) -> SendStatusRow:
    """A row without serial and fee; what is no number is given back as it came."""
    iso = _UNKNOWN_COUNTRY if number is None else _iso_of(number)
    return SendStatusRow(
        "", spelled if number is None else f"+{number}", 0, group.context, code, f"sandbox: {code}", iso
    )


def _iso_of(number: int) -> str:
    country = country_of(number)
    return country.iso if country else _UNKNOWN_COUNTRY


def _answer(sandbox: Sandbox, app: str, outcomes: Mapping[str, Sequence[TextOutcome]]) -> TencentResult:
    """The rows in another order than the request's (lines 3810-3811, 3834 and 3843)."""
    ((field, parts),) = outcomes.items()
    rows = [row for part in parts for row in part.rows]
    count = sum(part.count for part in parts)
    sandbox.stats.carried_out(count, [row.code for row in rows])
    fees = [row.fee for row in rows if row.serial_no]
    sandbox.book.count(app, sandbox.now_ms(), submitted=count, fees=fees)
    return TencentResult(
        {field: sandbox.shuffled(rows)}, early=tuple(message for part in parts for message in part.early)
    )


def _check_call(sandbox: Sandbox, app: str, *, count: int, contexts: Sequence[str]) -> WireRefusal | None:
    """What is wrong with the call as a whole, whatever it says."""
    if count > NUMBERS_LIMIT:
        return WireRefusal("LimitExceeded.PhoneNumberCountLimit", f"A call may name {NUMBERS_LIMIT} phone numbers.")
    if any(len(context.encode()) >= CONTEXT_LIMIT for context in contexts):
        return WireRefusal("InvalidParameterValue", f"`SessionContext` has fewer than {CONTEXT_LIMIT} bytes.")
    # Last, so that a call which is wrong by itself says so even while the account is told to
    # refuse.
    codes = sandbox.flags.account_codes
    if code := codes.get(app) or codes.get("*"):
        return WireRefusal(code, "The sandbox was told to answer this to every send of the account.")
    return None
