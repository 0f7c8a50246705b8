"""The `Fate` of a number, by its last four digits.

README.md shows the same table to people.
"""

from typing import Final

from msgspec import Struct


class Fate(Struct, frozen=True, kw_only=True):
    """All that happens to one message.

    Attributes:
        code: What the answer says of the number; `Ok` in any spelling is acceptance.
        sent: Whether the message goes out, whatever the answer says.
        answered: Whether the answer mentions the number at all.
        once: Only at the first try; afterwards the number is delivered.
        receipts: How many receipts come.
        early: The receipt can be pulled before the send is answered.
        delivered: The receipt's success flag.
        receipt_code: The carrier's code in the receipt.
    """

    code: str = "Ok"
    sent: bool = True
    answered: bool = True
    once: bool = False
    receipts: int = 1
    early: bool = False
    delivered: bool = True
    receipt_code: str = "DELIVRD"


# Index of the ordinary fate.
DELIVERED: Final = 0

_BY_SUFFIX: Final[dict[int, Fate]] = {
    1: Fate(code="InvalidParameterValue.IncorrectPhoneNumber", sent=False),
    2: Fate(delivered=False, receipt_code="MK:0001"),
    3: Fate(delivered=False, receipt_code="MK:0024"),
    4: Fate(code="LimitExceeded.PhoneNumberThirtySecondLimit", sent=False, once=True),
    5: Fate(code="InternalError.Timeout"),
    6: Fate(receipts=0),
    7: Fate(receipts=2),
    8: Fate(early=True),
    9: Fate(code="FailedOperation.ContainSensitiveWord", sent=False),
    10: Fate(code="FailedOperation.PhoneNumberInBlacklist", sent=False),
    11: Fate(code="LimitExceeded.PhoneNumberDailyLimit", sent=False),
    12: Fate(code="InternalError.Timeout", sent=False),
    13: Fate(answered=False),
    14: Fate(delivered=False, receipt_code="SC:0001"),
    15: Fate(delivered=False, receipt_code="ZZ:9999"),
    16: Fate(receipt_code="ZZ:0000"),
    17: Fate(code="UnsupportedOperation.UnsupportedRegion", sent=False),
    18: Fate(code="FailedOperation.NotInAnyTable", sent=False),
    19: Fate(code="OK"),
    20: Fate(answered=False, sent=False),
}

# 0 is the ordinary fate, so that `any(fates)` tells a send that needs a closer look.
# Every fate; a message stores its index, one byte.
FATES: Final[tuple[Fate, ...]] = (Fate(), *_BY_SUFFIX.values())

# The last four digits of a number, as an integer, to the index of its fate.
SUFFIXES: Final[dict[int, int]] = {suffix: index for index, suffix in enumerate(_BY_SUFFIX, start=1)}

# Index of the fate of what is no number.
INCORRECT: Final = SUFFIXES[1]
