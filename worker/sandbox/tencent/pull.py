"""Receipts pulled from an app's queue, or from one number's history, at most 100 at a time."""

import time
from collections.abc import Mapping
from itertools import islice
from typing import Any, Final

from worker.sandbox.numbers import normalise, parts_of
from worker.sandbox.sandbox import Sandbox
from worker.sandbox.state import SandboxReceipt
from worker.sandbox.tencent.result import TencentResult
from worker.sandbox.tencent.signature import SKEW_S
from worker.sandbox.wire import WireRefusal

# Most rows of a pull (Tencent SMS API document, line 2675).
PULL_LIMIT: Final = 100

# How far back one number's receipts are kept (Tencent SMS API document, line 2812).
HISTORY_S: Final = 7 * 86400


def pull(sandbox: Sandbox, params: Mapping[str, Any]) -> TencentResult | WireRefusal:
    """PullSmsSendStatus: the app's next receipts, each given once."""
    if refusal := check_limit(params):
        return refusal
    receipts = sandbox.world.take(params["SmsSdkAppId"], params["Limit"])
    return _receipt_rows(receipts, sandbox)


def pull_by_number(sandbox: Sandbox, params: Mapping[str, Any]) -> TencentResult | WireRefusal:
    """PullSmsSendStatusByPhoneNumber: newest receipts of a number; nothing leaves the queue."""
    asked = asked_about(params, now_s=int(time.time()))
    if isinstance(asked, WireRefusal):
        return asked
    number, end_s = asked
    found = sandbox.world.about(params["SmsSdkAppId"], number, begin_s=params["BeginTime"], end_s=end_s)
    return _receipt_rows(list(islice(found, params["Limit"])), sandbox)


def asked_about(params: Mapping[str, Any], *, now_s: int) -> tuple[int, int] | WireRefusal:
    """The number asked about and the end of its window, epoch seconds; or why it is refused."""
    if refusal := check_limit(params) or check_window(params, now_s=now_s):
        return refusal
    number = normalise(params["PhoneNumber"])
    return BAD_NUMBER if number is None else (number, params.get("EndTime", now_s))


def check_window(params: Mapping[str, Any], *, now_s: int) -> WireRefusal | None:
    """Why a window of time is refused, or None.

    It may begin seven days back at most, with the clocks' tolerance on top: a client that asks for
    exactly seven days is a moment late when it arrives.
    """
    begin_s, end_s = params["BeginTime"], params.get("EndTime", now_s)
    if params["Offset"] != 0:
        return WireRefusal("InvalidParameter", "`Offset` is fixed at 0.")
    if begin_s < now_s - HISTORY_S - SKEW_S:
        return WireRefusal("InvalidParameterValue.BeginTimeVerifyFail", "`BeginTime` is more than 7 days back.")
    # The real service names the beginning here and the end below; codes are the document's.
    if end_s < begin_s:
        return WireRefusal("InvalidParameterValue.InvalidStartTime", "`BeginTime` is later than `EndTime`.")
    if end_s - begin_s > HISTORY_S + SKEW_S:
        return WireRefusal("InvalidParameterValue.EndTimeVerifyFail", "The window is longer than 7 days.")
    return None


BAD_NUMBER: Final = WireRefusal("InvalidParameterValue.IncorrectPhoneNumber", "The phone number is not E.164.")


def check_limit(params: Mapping[str, Any]) -> WireRefusal | None:
    """Why a page's size is refused, or None."""
    if 1 <= params["Limit"] <= PULL_LIMIT:
        return None
    return WireRefusal("InvalidParameter", f"`Limit` is 1 to {PULL_LIMIT}.")


def _receipt_rows(receipts: list[SandboxReceipt], sandbox: Sandbox) -> TencentResult:
    rows = []
    for receipt in receipts:
        calling_code, subscriber = parts_of(receipt.number)
        rows.append(
            {
                "UserReceiveTime": receipt.received_s,
                "CountryCode": calling_code,
                "SubscriberNumber": subscriber,
                "PhoneNumber": f"+{receipt.number}",
                "SerialNo": receipt.serial,
                "ReportStatus": "SUCCESS" if receipt.delivered else "FAIL",
                "Description": receipt.code,
                # Empty until the provider activates it for an account (document, line 4840).
                "SessionContext": receipt.context if sandbox.flags.echo_context else "",
            }
        )
    return TencentResult({"PullSmsSendStatusSet": rows})
