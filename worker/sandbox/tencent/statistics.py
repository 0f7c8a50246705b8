"""Statistics of what was sent here: submitted messages and their receipts, by the hour."""

import re
from collections import Counter
from collections.abc import Mapping
from datetime import datetime, timedelta, timezone
from typing import Any, Final

from worker.sandbox.book import HOUR_MS
from worker.sandbox.sandbox import Sandbox
from worker.sandbox.tencent.result import TencentResult
from worker.sandbox.wire import WireRefusal

# Whose hours they are: Beijing's.
ZONE: Final = timezone(timedelta(hours=8))

# Hours in one question about receipts (Tencent SMS API document, line 3100).
LONGEST_H: Final = 32 * 24

_HOUR: Final = re.compile(r"[0-9]{10}")
# The field that counts a carrier's code, of those that the sandbox knows.
_FIELDS: Final[Mapping[str, str]] = {
    "MK:0001": "InvalidNumberCount",
    "MK:0024": "ShutdownErrorCount",
    "SC:0001": "InternalErrorCount",
    "ZZ:9999": "InternalErrorCount",
}


def send_statistics(sandbox: Sandbox, params: Mapping[str, Any]) -> TencentResult | WireRefusal:
    """SendStatusStatistics: what an app submitted in some hours."""
    hours = read_hours(params)
    if isinstance(hours, WireRefusal):
        return hours
    counts = sandbox.book.counts(params["SmsSdkAppId"], *hours)
    return TencentResult(
        {
            "SendStatusStatistics": {
                "FeeCount": counts.fee,
                "RequestCount": counts.submitted,
                "RequestSuccessCount": counts.accepted,
            }
        }
    )


def receipt_statistics(sandbox: Sandbox, params: Mapping[str, Any]) -> TencentResult | WireRefusal:
    """CallbackStatusStatistics: the receipts so far of what an app submitted in some hours."""
    hours = read_hours(params)
    if isinstance(hours, WireRefusal):
        return hours
    first, last = hours
    if last - first > LONGEST_H:
        return WireRefusal(
            "InvalidParameterValue.EndTimeVerifyFail", "`EndTime` is more than 32 days after `BeginTime`."
        )
    app = params["SmsSdkAppId"]
    came = list(sandbox.world.came(app, begin_ms=first * HOUR_MS, end_ms=(last + 1) * HOUR_MS))
    # Only codes that steering can give; another one should stop the test that brings it.
    fields = Counter(_FIELDS[receipt.code] for receipt in came if not receipt.delivered)
    delivered = sum(receipt.delivered for receipt in came)
    names = ("InternalErrorCount", "InvalidNumberCount", "ShutdownErrorCount", "BlackListCount", "FrequencyLimitCount")
    return TencentResult(
        {
            "CallbackStatusStatistics": {
                "CallbackCount": len(came),
                "RequestSuccessCount": sandbox.book.counts(app, first, last).accepted,
                "CallbackFailCount": len(came) - delivered,
                "CallbackSuccessCount": delivered,
                **{name: fields[name] for name in names},
            }
        }
    )


def read_hours(params: Mapping[str, Any]) -> tuple[int, int] | WireRefusal:
    """The first and the last hour since the epoch, or why they are refused."""
    for name in ("Limit", "Offset"):
        if params[name] != 0:
            return WireRefusal(f"InvalidParameterValue.{name}VerifyFail", f"`{name}` is fixed at 0.")
    found = []
    for name in ("BeginTime", "EndTime"):
        try:
            # strptime alone would accept fewer digits, and read another hour.
            at = (
                datetime.strptime(params[name], "%Y%m%d%H").replace(tzinfo=ZONE)
                if _HOUR.fullmatch(params[name])
                else None
            )
        except ValueError:
            at = None
        if at is None:
            return WireRefusal(f"InvalidParameterValue.{name}VerifyFail", f"`{name}` is not of the form yyyymmddhh.")
        found.append(int(at.timestamp()) // 3600)
    first, last = found
    if last < first:
        return WireRefusal("InvalidParameterValue.EndTimeVerifyFail", "`EndTime` is before `BeginTime`.")
    return first, last
