"""Actions about a number or a message: DescribePhoneNumberInfo and ReportConversion."""

import time
from collections.abc import Mapping
from typing import Any, Final

from worker.sandbox.numbers import country_of, normalise
from worker.sandbox.sandbox import Sandbox
from worker.sandbox.tencent.result import TencentResult
from worker.sandbox.tencent.send import NUMBERS_LIMIT
from worker.sandbox.wire import WireRefusal


def describe_numbers(sandbox: Sandbox, params: Mapping[str, Any]) -> TencentResult | WireRefusal:
    """DescribePhoneNumberInfo: how up to 200 numbers are read, or as they came."""
    phones: list[str] = params["PhoneNumberSet"]
    if len(phones) > NUMBERS_LIMIT:
        return WireRefusal("LimitExceeded.PhoneNumberCountLimit", f"A call may name {NUMBERS_LIMIT} phone numbers.")
    if not phones:
        return WireRefusal("MissingParameter", "`PhoneNumberSet` is empty.")
    rows = []
    for phone in phones:
        number = normalise(phone)
        country = None if number is None else country_of(number)
        if number is None or country is None:
            values = ("FailedOperation.PhoneNumberParseFail", "parse phone number failed", "", "", phone, "DEF", "")
        else:
            subscriber, name = str(number)[len(country.calling_code) :], _NAMES.get(country.iso, country.iso)
            values = ("Ok", "Describe success", country.calling_code, subscriber, f"+{number}", country.iso, name)
        rows.append(dict(zip(_FIELDS, values, strict=True)))
    return TencentResult({"PhoneNumberInfoSet": sandbox.shuffled(rows)})


def report_conversion(sandbox: Sandbox, params: Mapping[str, Any]) -> TencentResult | WireRefusal:
    """ReportConversion: keep when the code of a message was typed in."""
    if not params["SerialNo"]:
        return WireRefusal("MissingParameter", "`SerialNo` is empty.")
    sandbox.book.conversions[params["SerialNo"]] = params.get("ConversionTime", int(time.time()))
    return TencentResult({"ReportConversionStatus": {"Code": "ok", "Message": "report success"}})


_FIELDS: Final = ("Code", "Message", "NationCode", "SubscriberNumber", "PhoneNumber", "IsoCode", "IsoName")


_NAMES: Final = {"CN": "China", "SG": "Singapore", "FR": "France", "US": "United States", "HK": "Hong Kong, China"}
