"""Codes that people typed in: ReportConversion tells the provider, which routes by it."""

from dataclasses import dataclass

from worker.providers import reading
from worker.providers.base import Broken, Refused
from worker.providers.tencent.api import Api
from worker.providers.tencent.checks import filled, positive
from worker.providers.tencent.facts import CONVERSION


@dataclass(frozen=True, slots=True)
class ConversionReport:
    """The provider's word on a report (Tencent SMS API document, line 4842).

    Attributes:
        ok: Whether it took the report.
        code: Its word.
        message: What it says besides.
    """

    ok: bool
    code: str
    message: str


def report(api: Api, serial: str, *, at_s: int) -> ConversionReport | Refused | Broken:
    """Report that the code of a message was typed in. The provider must have switched this on for the account (line 4069).

    Args:
        api: The account.
        serial: The message's serial, as `smsline results` shows it.
        at_s: When the code was typed in, epoch seconds.

    Raises:
        BadInput: An empty serial, or a time that cannot be one.
    """
    params = {
        "SmsSdkAppId": api.sdk_app_id,
        "SerialNo": filled("serial", serial),
        "ConversionTime": positive("at", at_s),
    }
    row = api.row(CONVERSION, params, "ReportConversionStatus")
    if not isinstance(row, dict):
        return row
    code = reading.word(row.get("Code"))
    return ConversionReport(code.lower() == "ok", code, api.clean(reading.text(row.get("Message"))))
