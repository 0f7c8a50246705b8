"""Counts of sends and of receipts: SendStatusStatistics and CallbackStatusStatistics."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from smsline.errors import BadInput
from worker.providers import reading
from worker.providers.base import Broken, Refused
from worker.providers.tencent.api import Api
from worker.providers.tencent.checks import hour
from worker.providers.tencent.facts import RECEIPTS, SENDS

LONGEST: Final = timedelta(days=32)
"""Longest time in one question about receipts (Tencent SMS API document, line 3100)."""


@dataclass(frozen=True, slots=True)
class SendCounts:
    """Messages submitted in some hours (Tencent SMS API document, line 4869).

    Attributes:
        submitted: Messages handed over.
        accepted: Those of them that the provider took.
        fee: Billable parts of those.
    """

    submitted: int
    accepted: int
    fee: int


@dataclass(frozen=True, slots=True)
class ReceiptCounts:
    """Receipts of messages submitted in some hours (Tencent SMS API document, line 4707).

    Attributes:
        accepted: Messages that the provider took.
        receipts: Messages with a receipt.
        delivered: Receipts that say delivered.
        failed: Receipts that say failed; the following are its parts.
        carrier_error: A fault inside the carrier's network.
        bad_number: The number is not valid.
        unreachable: Out of service, switched off and the like.
        blocked: The number is blocked.
        too_many: The carrier's own limit was hit.
    """

    accepted: int
    receipts: int
    delivered: int
    failed: int
    carrier_error: int
    bad_number: int
    unreachable: int
    blocked: int
    too_many: int


def of_sends(api: Api, begin: datetime, end: datetime) -> SendCounts | Refused | Broken:
    """SendStatusStatistics.

    Args:
        api: The account.
        begin: In the first hour, with its time zone.
        end: In the last hour, with its time zone; the same hour or a later one.

    Raises:
        BadInput: The hours are in the wrong order, or have no zone.
    """
    row = api.row(SENDS, _params(api, begin, end), "SendStatusStatistics")
    if not isinstance(row, dict):
        return row
    names = ("RequestCount", "RequestSuccessCount", "FeeCount")
    return SendCounts(*(reading.whole(row.get(name)) for name in names))


def of_receipts(api: Api, begin: datetime, end: datetime) -> ReceiptCounts | Refused | Broken:
    """CallbackStatusStatistics; the arguments are those of `of_sends`, at most 32 days apart.

    Raises:
        BadInput: The hours are in the wrong order or too far apart.
    """
    params = _params(api, begin, end)
    # Compared as times and not as the hours sent, so that summer time anywhere makes no difference.
    if end - begin > LONGEST:
        raise BadInput("end", params["EndTime"], f"must be at most {LONGEST.days} days after the begin")
    row = api.row(RECEIPTS, params, "CallbackStatusStatistics")
    if not isinstance(row, dict):
        return row
    return ReceiptCounts(*(reading.whole(row.get(name)) for name in _RECEIPT_FIELDS))


# In the order of ReceiptCounts.
_RECEIPT_FIELDS: Final = (
    "RequestSuccessCount",
    "CallbackCount",
    "CallbackSuccessCount",
    "CallbackFailCount",
    "InternalErrorCount",
    "InvalidNumberCount",
    "ShutdownErrorCount",
    "BlackListCount",
    "FrequencyLimitCount",
)


def _params(api: Api, begin: datetime, end: datetime) -> dict[str, object]:
    first, last = hour("begin", begin), hour("end", end)
    # Same hour: the document (line 2965) asks for a later end, the official SDK's models for one
    # that is not earlier.
    if last < first:
        raise BadInput("end", last, f"is before the begin, {first}")
    # Fixed at 0 for now (Tencent SMS API document, lines 2967-2968); a question without them is
    # refused.
    return {"SmsSdkAppId": api.sdk_app_id, "BeginTime": first, "EndTime": last, "Limit": 0, "Offset": 0}
