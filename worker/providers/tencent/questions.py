"""What an account can be asked besides receipts, and what it can be told.

Arguments are checked before a call is made: an error names the field and the rule.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import partial
from typing import Annotated, Final
from zoneinfo import ZoneInfo

from smsline.errors import BadInput
from smsline.numbers import e164, mask
from worker.providers.adapter import Adapter
from worker.providers.base import Broken, Refused
from worker.providers.pushes import LONGEST_TEXT
from worker.providers.reading import Row, held, made, text, whole, word, words
from worker.providers.tencent import facts, wire

# Whose hours the provider's statistics are taken to be in; the document does not say.
ZONE: Final = ZoneInfo("Asia/Shanghai")

# Longest time in one question about receipts (Tencent SMS API document, line 3100).
LONGEST: Final = timedelta(days=32)

# Longer than E.164 allows, because an international prefix may come before it (00, 011).
_WRITTEN: Final = re.compile(r"\+?[0-9]{5,20}")


def _phone(row: Row) -> str:
    # A number that cannot be read is shown as written: a person can still read it.
    number = wire.number_in(row)
    return word(row.get("PhoneNumber")) if number is None else e164(number)


def _is_ok(value: object) -> bool:
    # `OK` in line 4795, `Ok` in line 4009.
    return word(value).lower() == "ok"


@dataclass(frozen=True, slots=True)
class QueuedReply:
    """One message from a person (Tencent SMS API document, line 4810); its text is secret.

    The phone is in E.164 where the number can be read, else as the provider writes it.
    """

    phone: Annotated[str, _phone]
    text: Annotated[str, partial(text, longest=LONGEST_TEXT), "ReplyContent"]
    received_at_s: Annotated[int, whole, "ReplyTime"]
    sign: Annotated[str, text, "SignName"]
    extend: Annotated[str, word, "ExtendCode"]


@dataclass(frozen=True, slots=True)
class QueuedReplies:
    """The replies of a page, and how many rows it had; a full page: there may be more."""

    replies: tuple[QueuedReply, ...]
    rows: int


@dataclass(frozen=True, slots=True)
class SendCounts:
    """Messages handed over in some hours, taken by the provider, and billed (line 4869)."""

    submitted: Annotated[int, whole, "RequestCount"]
    accepted: Annotated[int, whole, "RequestSuccessCount"]
    fee: Annotated[int, whole, "FeeCount"]


@dataclass(frozen=True, slots=True)
class ReceiptCounts:
    """Receipts of messages handed over in some hours (Tencent SMS API document, line 4707).

    The last five are parts of the failed ones: a fault inside the carrier's network, a number that
    is not valid, a phone that is off, a number that is blocked, and the carrier's own limit.
    """

    accepted: Annotated[int, whole, "RequestSuccessCount"]
    receipts: Annotated[int, whole, "CallbackCount"]
    delivered: Annotated[int, whole, "CallbackSuccessCount"]
    failed: Annotated[int, whole, "CallbackFailCount"]
    carrier_error: Annotated[int, whole, "InternalErrorCount"]
    bad_number: Annotated[int, whole, "InvalidNumberCount"]
    unreachable: Annotated[int, whole, "ShutdownErrorCount"]
    blocked: Annotated[int, whole, "BlackListCount"]
    too_many: Annotated[int, whole, "FrequencyLimitCount"]


@dataclass(frozen=True, slots=True)
class NumberReading:
    """One number as the provider reads it (Tencent SMS API document, line 4795).

    The phone is in E.164, or as it was asked about when it cannot be read; the country is an ISO
    3166 code, `DEF` for none that is known.
    """

    phone: Annotated[str, word, "PhoneNumber"]
    ok: Annotated[bool, _is_ok, "Code"]
    code: Annotated[str, word, "Code"]
    message: Annotated[str, words, "Message"]
    calling_code: Annotated[str, word, "NationCode"]
    subscriber: Annotated[str, word, "SubscriberNumber"]
    country: Annotated[str, word, "IsoCode"]
    country_name: Annotated[str, text, "IsoName"]


@dataclass(frozen=True, slots=True)
class ConversionReport:
    """The provider's word on a report (Tencent SMS API document, line 4842)."""

    ok: Annotated[bool, _is_ok, "Code"]
    code: Annotated[str, word, "Code"]
    message: Annotated[str, words, "Message"]


def pull_replies(provider: Adapter) -> QueuedReplies | Refused | Broken:
    """Take the next replies, at most 100, off the queue of the SmsSdkAppId, for a command to show.

    Each is given once: that it is a queue stands in the official SDK
    (`SmsClient.PullSmsReplyStatus`).
    """
    return provider.manage(facts.REPLIES, wire.pull_params(sdk_app_id=provider.account.sdk_app_id), _replies_in)


def replies_of_number(
    provider: Adapter, number: int, *, since_s: int, until_s: int
) -> QueuedReplies | Refused | Broken:
    """Replies of one number between two epoch times, which stay in the queue.

    At most 7 days back and 100 of them. There is no next page: ask about a shorter time.

    Raises:
        BadInput: Times in the wrong order.
    """
    if since_s >= until_s:
        raise BadInput("since", since_s, "must be before the time until which is asked")
    params = wire.span_params(number, since_s=since_s, until_s=until_s, sdk_app_id=provider.account.sdk_app_id)
    return provider.manage(facts.REPLIES_OF, params, _replies_in)


def _replies_in(row: Row) -> QueuedReplies | Broken:
    found = held(row, "PullSmsReplyStatusSet", list)
    if isinstance(found, Broken):
        return found
    # Rows that cannot be read count as rows: a full page means that there may be more, whatever is
    # in it.
    return QueuedReplies(tuple(made(QueuedReply, each) for each in found if isinstance(each, dict)), len(found))


def count_sends(provider: Adapter, begin: datetime, end: datetime) -> SendCounts | Refused | Broken:
    """SendStatusStatistics.

    Args:
        provider: The account.
        begin: In the first hour, with its time zone.
        end: In the last hour, likewise; the same hour or a later one.

    Raises:
        BadInput: The hours are in the wrong order, or have no zone.
    """
    # The field of the answer has the action's own name, here and below.
    return provider.one(facts.SENDS, _hours(provider, begin, end), SendCounts, facts.SENDS)


def count_receipts(provider: Adapter, begin: datetime, end: datetime) -> ReceiptCounts | Refused | Broken:
    """CallbackStatusStatistics; the arguments are those of `count_sends`, at most 32 days apart.

    Raises:
        BadInput: The hours are in the wrong order or too far apart.
    """
    params = _hours(provider, begin, end)
    # Compared as times and not as the hours sent, so that summer time anywhere makes no difference.
    if end - begin > LONGEST:
        raise BadInput("to", params["EndTime"], f"must be at most {LONGEST.days} days after the begin")
    return provider.one(facts.RECEIPTS, params, ReceiptCounts, facts.RECEIPTS)


def describe_numbers(provider: Adapter, phones: Sequence[str]) -> tuple[NumberReading, ...] | Refused | Broken:
    """What the provider makes of numbers, in the order in which it answers.

    Args:
        provider: The account.
        phones: 1 to 200 numbers, in any spelling of digits with or without a `+`.

    Raises:
        BadInput: None, too many, or what cannot be a number.
    """
    if not 1 <= len(phones) <= facts.NUMBERS_PER_CALL:
        raise BadInput("number", len(phones), f"give 1 to {facts.NUMBERS_PER_CALL} numbers")
    for phone in phones:
        if not _WRITTEN.fullmatch(phone):
            raise BadInput("number", mask(phone), "must be digits, with or without a + before them")
    return provider.several(facts.NUMBERS, {"PhoneNumberSet": list(phones)}, NumberReading, "PhoneNumberInfoSet")


def report_conversion(provider: Adapter, serial: str, *, at_s: int) -> ConversionReport | Refused | Broken:
    """Report that the code of a message was typed in: the provider routes by it.

    It must have switched this on for the account (line 4069).

    Args:
        provider: The account.
        serial: The message's serial, as `smsline results` shows it.
        at_s: When the code was typed in, epoch seconds.

    Raises:
        BadInput: An empty serial, or a time that cannot be one.
    """
    params = {
        "SmsSdkAppId": provider.account.sdk_app_id,
        "SerialNo": filled("serial", serial),
        "ConversionTime": positive("at", at_s),
    }
    return provider.one(facts.CONVERSION, params, ConversionReport, "ReportConversionStatus")


def filled(field: str, value: str) -> str:
    """Text without blanks around it; `BadInput` when nothing is left of it."""
    if not (found := value.strip()):
        raise BadInput(field, value, "is empty")
    return found


def positive(field: str, value: int) -> int:
    """A whole number from 1 up, as ids and times are; else `BadInput`."""
    if isinstance(value, bool) or value < 1:
        raise BadInput(field, value, "must be a whole number from 1 up")
    return value


def _hours(provider: Adapter, begin: datetime, end: datetime) -> dict[str, object]:
    hours = []
    for field, at in (("from", begin), ("to", end)):
        if at.tzinfo is None:
            raise BadInput(field, at.isoformat(), "must have a time zone")
        # Converted and not just printed: the hour of a time in another zone is another hour there.
        hours.append(at.astimezone(ZONE).strftime("%Y%m%d%H"))
    first, last = hours
    # Same hour: the document (line 2965) asks for a later end, the official SDK's models for one
    # that is not earlier.
    if last < first:
        raise BadInput("to", last, f"is before the begin, {first}")
    # Fixed at 0 for now (Tencent SMS API document, lines 2967-2968); a question without them is
    # refused.
    return {"SmsSdkAppId": provider.account.sdk_app_id, "BeginTime": first, "EndTime": last, "Limit": 0, "Offset": 0}
