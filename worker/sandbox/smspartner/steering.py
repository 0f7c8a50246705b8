"""The `SmsPartnerFate` of a number at SMSPartner, by its last four digits.

README.md shows the same to people.
"""

from typing import Final

from msgspec import Struct


class SmsPartnerFate(Struct, frozen=True, kw_only=True):
    """All that happens to one message.

    Attributes:
        code: What the answer says of the number; 200 is acceptance.
        sent: Whether the message goes out, whatever the answer says.
        answered: Whether the answer mentions the number at all.
        valid: Whether the number passes the check; one that does not has the whole call refused.
        status: What a status call says once the report is there; `Waiting` for ever when it never
            comes.
    """

    code: int = 200
    sent: bool = True
    answered: bool = True
    valid: bool = True
    status: str = "Delivered"


WAITING: Final = "Waiting"
DELIVERED: Final = SmsPartnerFate()
STOP_CODE: Final = 14

# The last four digits of a number, as an integer, to what it meets; where the idea is the same, the
# digits are Tencent's.
SUFFIXES: Final[dict[int, SmsPartnerFate]] = {
    1: SmsPartnerFate(sent=False, valid=False),
    2: SmsPartnerFate(status="Not delivered"),
    3: SmsPartnerFate(status="KO"),
    5: SmsPartnerFate(code=500),
    6: SmsPartnerFate(status=WAITING),
    9: SmsPartnerFate(code=52, sent=False),
    10: SmsPartnerFate(code=STOP_CODE, sent=False),
    12: SmsPartnerFate(code=500, sent=False),
    13: SmsPartnerFate(answered=False),
    15: SmsPartnerFate(status="Lost in space"),
    16: SmsPartnerFate(status="delivered"),
    17: SmsPartnerFate(code=13, sent=False),
    18: SmsPartnerFate(code=777, sent=False),
    20: SmsPartnerFate(answered=False, sent=False),
}


def fate_of(number: int, *, steering: bool) -> SmsPartnerFate:
    """What happens to a number."""
    return SUFFIXES.get(number % 10000, DELIVERED) if steering else DELIVERED
