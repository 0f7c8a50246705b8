"""The `Fate` of a number at SMSPartner, by its last four digits.

README.md shows the same to people.
"""

from typing import Final

from msgspec import Struct


class Fate(Struct, frozen=True, kw_only=True):
    """All that happens to one message.

    Attributes:
        code: What the answer says of the number; 200 is acceptance.
        sent: Whether the message goes out, whatever the answer says.
        answered: Whether the answer mentions the number at all.
        valid: Whether the number passes the check; one that does not has the whole call refused.
        status: What a status call says once the report is there; `Waiting` for ever when it never comes.
    """

    code: int = 200
    sent: bool = True
    answered: bool = True
    valid: bool = True
    status: str = "Delivered"


WAITING: Final = "Waiting"
DELIVERED: Final = Fate()
STOP_CODE: Final = 14

SUFFIXES: Final[dict[int, Fate]] = {
    1: Fate(sent=False, valid=False),
    2: Fate(status="Not delivered"),
    3: Fate(status="KO"),
    5: Fate(code=500),
    6: Fate(status=WAITING),
    9: Fate(code=52, sent=False),
    10: Fate(code=STOP_CODE, sent=False),
    12: Fate(code=500, sent=False),
    13: Fate(answered=False),
    15: Fate(status="Lost in space"),
    16: Fate(status="delivered"),
    17: Fate(code=13, sent=False),
    18: Fate(code=777, sent=False),
    20: Fate(answered=False, sent=False),
}
"""The last four digits of a number, as an integer, to what it meets; where the idea is the same, the digits are Tencent's."""


def fate_of(number: int, *, steering: bool) -> Fate:
    """What happens to a number."""
    return SUFFIXES.get(number % 10000, DELIVERED) if steering else DELIVERED
