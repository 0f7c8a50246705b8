"""The `AlibabaFate` of a number on this wire, by its last four digits.

README.md shows the same table to people.
"""

from collections.abc import Sequence
from typing import Final

from msgspec import Struct

from worker.sandbox.sandbox import Sandbox
from worker.sandbox.steering import DELIVERED, SUFFIXES

_FAILED: Final = SUFFIXES[2]
_SILENT: Final = SUFFIXES[6]


class SiteTrouble(Struct, frozen=True):
    """A fault of the business as each site words it.

    Attributes:
        mainland: Code of the API of 2017-05-25.
        international: Code of the API of 2018-05-01.
        message: What the answer says besides.
    """

    mainland: str
    international: str
    message: str = ""


class AlibabaFate(Struct, frozen=True, kw_only=True):
    """All that happens to one message.

    Attributes:
        trouble: What a call with such a number is refused with, or None.
        sent: Whether the messages of the call go out, whatever the answer says.
        once: Only at the first try; afterwards the number is delivered.
        world: The fate's index in `worker.sandbox.steering.FATES`: delivered, failed, or without a
            receipt.
        receipt: The code beside the receipt's status.
    """

    trouble: SiteTrouble | None = None
    sent: bool = True
    once: bool = False
    world: int = DELIVERED
    receipt: str = "DELIVERED"


ILLEGAL_NUMBER: Final = SiteTrouble("isv.MOBILE_NUMBER_ILLEGAL", "MOBILE_NUMBER_ILLEGAL", "invalid mobile number")
_SYSTEM: Final = SiteTrouble("isp.SYSTEM_ERROR", "SYSTEM_ERROR", "system error")
_MINUTE: Final = SiteTrouble("isv.BUSINESS_LIMIT_CONTROL", "BUSINESS_LIMIT_CONTROL_MINUTE", "触发分钟级流控Permits:1")
_DAY: Final = SiteTrouble("isv.BUSINESS_LIMIT_CONTROL", "FREQUENCY_LIMIT_DAY", "触发天级流控Permits:10")
_CONTENT: Final = SiteTrouble("isv.SMS_CONTENT_ILLEGAL", "SMS_CONTENT_ILLEGAL", "illegal content")
_COUNTRY: Final = SiteTrouble("isv.NOT_SUPPORTED_COUNTRY", "NOT_SUPPORTED_COUNTRY", "country not supported")
_UNKNOWN: Final = SiteTrouble("isv.NOT_IN_ANY_TABLE", "NOT_IN_ANY_TABLE", "what no page documents")

PLAIN: Final = AlibabaFate()

# Last four digits of a number to its fate; every other number is delivered.
BY_SUFFIX: Final[dict[int, AlibabaFate]] = {
    1: AlibabaFate(trouble=ILLEGAL_NUMBER, sent=False),
    2: AlibabaFate(world=_FAILED, receipt="INVALID_NUM"),
    3: AlibabaFate(world=_FAILED, receipt="PHONE_NOT_AVAILABLE"),
    4: AlibabaFate(trouble=_MINUTE, sent=False, once=True),
    5: AlibabaFate(trouble=_SYSTEM),
    6: AlibabaFate(world=_SILENT, receipt=""),
    9: AlibabaFate(trouble=_CONTENT, sent=False),
    10: AlibabaFate(world=_FAILED, receipt="RECEIVER_BLACKLIST"),
    11: AlibabaFate(trouble=_DAY, sent=False),
    12: AlibabaFate(trouble=_SYSTEM, sent=False),
    14: AlibabaFate(world=_FAILED, receipt="IN_SMS_CONTENT"),
    15: AlibabaFate(world=_FAILED, receipt="ZZ_9999"),
    16: AlibabaFate(receipt="ZZ_0000"),
    17: AlibabaFate(trouble=_COUNTRY, sent=False),
    18: AlibabaFate(trouble=_UNKNOWN, sent=False),
}


def fates_of(sandbox: Sandbox, numbers: Sequence[int]) -> list[AlibabaFate]:
    """The fate of each number."""
    if not sandbox.flags.steering:
        return [PLAIN] * len(numbers)
    found = [BY_SUFFIX.get(number % 10_000, PLAIN) for number in numbers]
    return [
        PLAIN if fate.once and not sandbox.world.first_try(number) else fate
        for number, fate in zip(numbers, found, strict=True)
    ]
