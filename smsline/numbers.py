"""Phone numbers: any spelling in, E.164 digits as an integer out; masked for logs; packed for the ledger.

Inside smsline a number is the integer of its E.164 digits (`8613711112222`), which fits eight bytes and compares in one step.
"""

import re
from collections.abc import Iterable, Sequence
from struct import pack as _pack
from struct import unpack as _unpack
from typing import Final

import phonenumbers

from smsline.errors import BadInput

MAINLAND: Final = "86"
"""Country code of mainland China."""

_PLUS_DIGITS: Final = re.compile(r"\+[1-9][0-9]{6,14}")
_MAINLAND_MOBILE: Final = re.compile(r"\+861[3-9][0-9]{9}")
_MAINLAND_TEXTABLE: Final = re.compile(r"\+861[0-9]{10}")

_DIGIT_RUN: Final = re.compile(r"\+?\d[\d\s().-]{5,}\d")


def parse_number(raw: object, *, region: str | None = None, field: str = "to") -> int:
    """Turn one number, in any usual spelling, into its E.164 integer.

    Args:
        raw: `+8613711112222`, or a national or spaced spelling when `region` is given.
        region: ISO 3166 country of numbers without a country code (`CN`, `FR`), or None.
        field: What the number is called in an error.

    Returns:
        The digits of the E.164 form as an integer.

    Raises:
        BadInput: Not text, no digits, no country, or impossible for its country.
    """
    if not isinstance(raw, str):
        raise BadInput(field, type(raw).__name__, "must be text such as '+8613711112222'")
    if _MAINLAND_MOBILE.fullmatch(raw):
        return int(raw[1:])
    return _parse_slowly(raw.strip(), region, field)


def _parse_slowly(text: str, region: str | None, field: str) -> int:
    if not text:
        raise BadInput(field, text, "is empty; give a number such as '+8613711112222'")
    # The international prefix of most countries, and a spelling of +86 that Tencent documents.
    spelt = f"+{text[2:]}" if text.startswith("00") else text
    try:
        parsed = phonenumbers.parse(spelt, region)
    except phonenumbers.NumberParseException as error:
        raise BadInput(field, mask(text), _rule_of(error, region)) from None
    # Not is_possible_number: it is content with a local number, without its area code, which nobody can be reached by.
    if phonenumbers.is_possible_number_with_reason(parsed) != phonenumbers.ValidationResult.IS_POSSIBLE:
        raise BadInput(field, mask(text), "has too few or too many digits for its country")
    digits = phonenumbers.format_number(parsed, phonenumbers.PhoneNumberFormat.E164)
    if digits.startswith("+86") and not _MAINLAND_TEXTABLE.fullmatch(digits):
        raise BadInput(field, mask(text), "is no mainland mobile number: +86, then 11 digits that begin with 1")
    if _PLUS_DIGITS.fullmatch(digits):
        return int(digits[1:])
    raise BadInput(field, mask(text), "is not an E.164 number of 7 to 15 digits")


def _rule_of(error: phonenumbers.NumberParseException, region: str | None) -> str:
    if error.error_type == phonenumbers.NumberParseException.INVALID_COUNTRY_CODE and region is None:
        return "has no country code; write it as +<country><number> or give a default region"
    return "is not a phone number; write it as +<country><number>"


def e164(number: int) -> str:
    """`+8613711112222` for the integer."""
    return f"+{number}"


def is_mainland(number: int) -> bool:
    """Whether the number belongs to mainland China (country code 86), which providers send by another path."""
    return str(number).startswith(MAINLAND)


def mask(number: int | str) -> str:
    """A number for logs and errors: `+86137****2222`; short ones keep two digits at most.

    Text that is no number at all is masked the same way: it may be anything a person pasted.
    """
    text = f"+{number}" if isinstance(number, int) else number.strip()
    if len(text) < 9:
        return text[:2] + "****" if len(text) > 2 else "****"
    return f"{text[:6]}****{text[-4:]}" if len(text) > 11 else f"{text[:3]}****{text[-2:]}"


def mask_in(text: str) -> str:
    """The text with every run of seven or more digits masked; for messages that came from outside."""
    return _DIGIT_RUN.sub(lambda found: mask(found.group().replace(" ", "")), text)


def pack(numbers: Iterable[int]) -> bytes:
    """Numbers as eight bytes each, big-endian, in their order."""
    values = list(numbers)
    return _pack(f">{len(values)}Q", *values)


def unpack(packed: bytes) -> Sequence[int]:
    """The inverse of `pack`.

    Raises:
        struct.error: The length is not a multiple of eight.
    """
    return _unpack(f">{len(packed) // 8}Q", packed)
