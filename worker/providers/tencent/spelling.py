"""Numbers as Tencent spells them, read as E.164 integers.

Answers are matched by number, and the provider may spell one otherwise than it was asked: mainland
numbers have four spellings (+86, 0086, 86, none), and a query for +86018845720123 is answered as
+8618845720123 (Tencent SMS API document, line 3945). `smsline.numbers` reads what people write and
needs a default country for it; here the digits decide, as an answer mixes countries.
"""

import re
from collections.abc import Container
from typing import Final

from worker.providers.reading import DECORATION, number_of

# Not +860…: that is a mainland number with the trunk zero that people dial at home, and has to be
# read more closely.
_PLAIN: Final = re.compile(r"\+(?!860)[1-9][0-9]{6,14}")
# Only mobiles are recognised without a +; a fixed line cannot be texted.
_MAINLAND_MOBILE: Final = re.compile(r"(?:86)?0?(1[3-9][0-9]{9})")


def spelled(text: str) -> tuple[int, ...]:
    """What a written number may mean, likeliest first; empty when it is no number.

    Eleven digits such as `13711112222` are a mainland mobile first and a North American number
    second, unless a `+` or `00` before them settles it.
    """
    if _PLAIN.fullmatch(text):
        return (int(text),)
    digits, number = DECORATION.sub("", text), number_of(text)
    international = digits.startswith(("+", "00"))
    digits = digits.removeprefix("+").removeprefix("00")
    meant = [] if number is None else [number]
    mobile = _MAINLAND_MOBILE.fullmatch(digits)
    # After + or 00 and another country code, eleven digits are what they say they are.
    if mobile and (digits.startswith("86") or not international):
        meant.insert(0, int("86" + mobile[1]))
    return tuple(dict.fromkeys(meant))


def asked(text: str, numbers: Container[int]) -> int | None:
    """Which of the numbers asked about is meant, or None."""
    return next((number for number in spelled(text) if number in numbers), None)


def received(phone_number: str, country_code: str, subscriber_number: str) -> int | None:
    """The number of a receipt, or None when none of its fields tells.

    Args:
        phone_number: PhoneNumber; with its `+` it needs no second opinion.
        country_code: CountryCode, with or without `+` or `00`.
        subscriber_number: SubscriberNumber, the digits after the country code.
    """
    if _PLAIN.fullmatch(phone_number):
        return int(phone_number)
    country = country_code.strip().removeprefix("+").removeprefix("00")
    joined = f"+{country}{subscriber_number}" if country and subscriber_number else ""
    # Without its + the whole number may lack the country code, so the two fields together say more.
    ordered = (phone_number, joined) if phone_number.strip().startswith("+") else (joined, phone_number)
    return next((number for text in ordered for number in spelled(text)), None)
