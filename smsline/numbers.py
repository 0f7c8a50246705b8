"""Phone numbers: read in any usual spelling, masked for logs, packed for the ledger.

Each is kept as the integer of its E.164 digits (`8613711112222`), which fits eight bytes and
compares in one step. A spelling is taken only if what is written is the number: cleaning removes
punctuation and invisible marks, never a letter, an extension or a second number.
"""

import re
import unicodedata
from collections.abc import Callable, Iterable, Sequence
from functools import cache
from struct import pack as _pack
from struct import unpack as _unpack
from typing import Final, NamedTuple

import phonenumbers
from phonenumbers import PhoneMetadata

from smsline.errors import BadInput

# Country code of mainland China.
MAINLAND: Final = "86"

_PLUS_DIGITS: Final = re.compile(r"\+[1-9][0-9]{6,14}")
_MAINLAND_TEXTABLE: Final = re.compile(r"\+861[0-9]{10}")
_MAINLAND_00: Final = re.compile(r"00861[3-9][0-9]{9}")

_DASHES: Final = "-‐‑‒–—―−－﹣ー"  # noqa: RUF001 - every dash that is typed between digits
_DOTS: Final = ".·•․。．"  # noqa: RUF001
_OPENING: Final = "([（［"  # noqa: RUF001
_CLOSING: Final = ")]）］"  # noqa: RUF001
_BETWEEN: Final = _DASHES + _DOTS + _OPENING + _CLOSING
_SLASHES: Final = "/／"  # noqa: RUF001
_PLUSES: Final = "+＋﹢"  # noqa: RUF001
_LINE_ENDS: Final = "\n\r\v\f\x85\u2028\u2029"
_AFTER_SLASH: Final = 5

# Characters of a spelling, blanks and marks included.
_LONGEST: Final = 64

_NO_NUMBER: Final = "is not a phone number; write it as +<country><number>"

# Right-to-left override: behind it a reader sees the last digit first.
_TURNED: Final = "\u202e"

# What is written beside a number, and the rule it breaks.
_NOT_ALONE: Final = (
    (re.compile(r"^\D*$"), _NO_NUMBER),
    (re.compile(_TURNED), "has a mark that shows its digits in another order (U+202E); type it anew"),
    (
        re.compile(r"(?i)\d\D*?(?:ext\w*|x|#|доб|分机|转|内線)[\s.:=]*\d{1,7}\s*$"),
        "has an extension, which cannot be texted; leave it out",
    ),
    (
        re.compile(r"^\d+(?:[.,]\d+)?[eE][+-]?\d+$"),
        "is a number that a spreadsheet has rounded, so that its last digits are lost; export the column as text",
    ),
    (re.compile(r"^\+?\d+[.,]\d{1,2}$|^[-−]?0[.,]\d+$"), "is a decimal number; export the column as text"),  # noqa: RUF001
    # A spreadsheet takes +86-137-1111-2222 for a sum.
    (re.compile(r"^[-−]\d+$"), "is a negative number, as a spreadsheet calculates; export the column as text"),  # noqa: RUF001
    (
        re.compile(r"^(?:(?:19|20)\d\d([-./])(?:0?[1-9]|1[0-2])\1\d\d?|[0-3]?\d([-./])[0-3]?\d\2(?:19|20)\d\d)$"),
        "is written as a date; is the column the right one?",
    ),
    (re.compile(r"^\s*\.\.|\.\.\s*$"), "begins or ends with dots, as a number that was cut off; write all of it"),
    (re.compile(r"\d\s*[)\]）］]$"), "ends in brackets; write one number alone"),  # noqa: RUF001
)

# A moment and the id of a request come first: they are what a person looks up, and no number is
# written like them. A day without its time may be one (2026-11-29 in Denmark).
_DIGIT_RUN: Final = re.compile(
    r"(?P<kept>\d{4}-\d\d-\d\d[T ]\d\d:\d\d|\b[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}\b)"
    r"|\+?\d[\d\s().-]{5,}\d"
)


def parse_number(raw: object, *, region: str | None = None, field: str = "to", allow_unassigned: bool = False) -> int:
    """Turn one number, in any usual spelling, into its E.164 integer.

    Args:
        raw: `+8613711112222`, or a national or spaced spelling when `region` is given.
        region: ISO 3166 country of numbers without a country code (`CN`, `FR`), or None.
        field: What the number is called in an error.
        allow_unassigned: Take numbers of the right length in ranges that libphonenumber does not
            know (yet).

    Returns:
        The digits of the E.164 form as an integer.

    Raises:
        BadInput: Not text, more than a number, no country, or no valid number of its country.
    """
    if not isinstance(raw, str):
        raise BadInput(field, type(raw).__name__, "must be text such as '+8613711112222'")
    # The bulk path: a list of E.164 numbers is judged by one or two expressions a number, without
    # libphonenumber's parser, which takes 100 microseconds.
    if usual_spelling()(raw) or (_PLUS_DIGITS.fullmatch(raw) and _is_whole(raw)):
        return int(raw)
    return _parse_slowly(raw, region, field=field, allow_unassigned=allow_unassigned)


def _parse_slowly(raw: str, region: str | None, *, field: str, allow_unassigned: bool) -> int:
    try:
        dialled = _dialled(raw, region)
        if _PLUS_DIGITS.fullmatch(dialled) and _is_whole(dialled):
            return int(dialled[1:])
        parsed = phonenumbers.parse(dialled, region)
    except ValueError as error:
        raise BadInput(field, mask(raw) if raw.strip() else "", str(error)) from None
    except phonenumbers.NumberParseException as error:
        raise BadInput(field, mask(raw), _rule_of(error, dialled, region)) from None
    digits = phonenumbers.format_number(parsed, phonenumbers.PhoneNumberFormat.E164)
    # The library takes a 00 that the region does not dial for two digits of the number itself.
    if dialled.startswith("00") and digits.endswith(dialled):
        raise BadInput(field, mask(raw), f"begins with 00, which is not dialled before a country code in {region}")
    if rule := _broken_rule(parsed, digits, allow_unassigned=allow_unassigned) or _other_reading(dialled, digits):
        raise BadInput(field, mask(raw), rule)
    return int(digits[1:])


def _broken_rule(parsed: phonenumbers.PhoneNumber, digits: str, *, allow_unassigned: bool) -> str:
    """Why a number that libphonenumber could read is not taken; empty when it is."""
    # Not is_possible_number: it is content with a local number, without its area code,
    # which reaches no phone.
    if phonenumbers.is_possible_number_with_reason(parsed) != phonenumbers.ValidationResult.IS_POSSIBLE:
        return "has too few or too many digits for its country"
    if digits.startswith("+86") and not _MAINLAND_TEXTABLE.fullmatch(digits):
        return "is no mainland mobile number: +86, then 11 digits that begin with 1"
    if not _PLUS_DIGITS.fullmatch(digits):
        return "is not an E.164 number of 7 to 15 digits"
    kind = phonenumbers.number_type(parsed)
    if kind == phonenumbers.PhoneNumberType.PREMIUM_RATE and not allow_unassigned:
        return "is a premium-rate number of its country, which no text reaches"
    if allow_unassigned or kind != phonenumbers.PhoneNumberType.UNKNOWN:
        return ""
    code = parsed.country_code or 0
    rule = f"is no valid number of its country (+{code}, {phonenumbers.region_code_for_country_code(code)})"
    return f"{rule}; numbers of a new range are taken with allow_unassigned (--allow-unassigned)"


def _other_reading(dialled: str, digits: str) -> str:
    """That digits without any prefix are two numbers; empty when they are one.

    In Germany 49 171 1234567 is +49 171 1234567 to its writer, and to libphonenumber a phone of
    Leer (04917).
    """
    code = digits[1 : len(digits) - len(dialled)]
    if digits == f"+{code}{dialled}" and code and dialled.startswith(code) and _is_whole(f"+{dialled}"):
        return f"is two numbers: with {code} as the country's code and with {code} as an area's; write + before the country's code"
    return ""


def _dialled(raw: str, region: str | None) -> str:
    """The plus and the digits of a spelling, with two old prefixes in today's form.

    Raises:
        ValueError: Something else is written there too; the rule it breaks.
    """
    # Before anything else: the patterns below look at every place of the text, and a cell
    # may hold a whole letter.
    if len(raw) > _LONGEST:
        raise ValueError(_NO_NUMBER)
    # Cf: zero-width blanks, marks of direction, the byte order mark; what copying from a page
    # or a chat brings along.
    text = "".join(letter for letter in raw if letter == _TURNED or unicodedata.category(letter) != "Cf").strip()
    if text.startswith('="') and text.endswith('"'):
        text = text[2:-1].strip()  # how a spreadsheet is made to keep leading zeros
    text = text.removeprefix("'").strip()  # the same, by its mark for text
    if not text:
        raise ValueError("is empty; give a number such as '+8613711112222'")
    for wrong, rule in _NOT_ALONE:
        if wrong.search(text):
            raise ValueError(rule)
    dialled = _digits_of(text)
    if region is None and _MAINLAND_00.fullmatch(dialled):
        return f"+{dialled[2:]}"  # a spelling that Tencent documents, and that has one reading only
    if dialled.startswith("+521") and len(dialled) == 14:
        return f"+52{dialled[4:]}"  # Mexico's mobile prefix, abolished in 2019: the same phone without it
    return dialled


def _digits_of(text: str) -> str:
    kept, slash_at = "", -1
    for letter in text:
        if letter.isdecimal():
            kept += str(unicodedata.decimal(letter))  # full-width digits, and those of other scripts
        elif letter in _PLUSES and not kept:
            kept = "+"
        elif letter in _SLASHES and slash_at < 0:
            slash_at = len(kept)
        # A line break parts two numbers in one cell: it is no blank.
        elif letter not in _BETWEEN and not (letter.isspace() and letter not in _LINE_ENDS):
            shown = "a line break" if letter.isspace() else letter if letter.isprintable() else f"U+{ord(letter):04X}"
            sign = f"has a sign that is in no number ({shown}); write one number alone"
            raise ValueError("has letters beside the number; write the number alone" if letter.isalpha() else sign)
    # 0171/1234567 has an area code before the slash; 123456/7 is two numbers, and neither
    # is the digits in a row.
    if slash_at >= 0 and len(kept) - slash_at < _AFTER_SLASH:
        raise ValueError("has a slash near its end, as two numbers in one cell have; write one number alone")
    if not kept.strip("+"):
        raise ValueError(_NO_NUMBER)
    return kept


def _rule_of(error: phonenumbers.NumberParseException, dialled: str, region: str | None) -> str:
    if error.error_type == phonenumbers.NumberParseException.INVALID_COUNTRY_CODE and region is None:
        if dialled.startswith("00"):
            return "begins with 00, which means another thing in each country; write + for it, or give a default region"
        if not dialled.startswith("+"):
            return "has no country code; write it as +<country><number> or give a default region"
    if error.error_type == phonenumbers.NumberParseException.INVALID_COUNTRY_CODE:
        return "has a country code that no country has"
    if error.error_type == phonenumbers.NumberParseException.NOT_A_NUMBER:
        return _NO_NUMBER
    return "has too few or too many digits for its country"


# From here: libphonenumber's own tables, as expressions that judge a number in 2 us. What they do
# not know for certain is left to the library, so that both never differ.
class _Country(NamedTuple):
    """What the numbers of a country code look like.

    Attributes:
        prefix: What libphonenumber would take off the beginning, or None.
        regions: For each region its leading digits, if it is told by them, and its numbers, in
            libphonenumber's order.
    """

    prefix: re.Pattern[str] | None
    regions: tuple[tuple[re.Pattern[str] | None, re.Pattern[str]], ...]


def _is_whole(digits: str) -> bool:
    """Whether `+` and digits are valid and libphonenumber would not change them; False: ask it."""
    for width in (2, 1, 3):  # no country code begins with another one
        country = _country(int(digits[1 : 1 + width]))
        if country is None:
            continue
        national = digits[1 + width :]
        if country.prefix is not None and country.prefix.match(national):
            return False
        for leading, valid in country.regions:
            if leading is None:
                if valid.fullmatch(national):
                    return not digits.startswith("+86") or bool(_MAINLAND_TEXTABLE.fullmatch(digits))
            elif leading.match(national):
                return bool(valid.fullmatch(national))
        return False
    return False


@cache
def _country(code: int) -> _Country | None:
    regions = phonenumbers.COUNTRY_CODE_TO_REGION_CODE.get(code, ())
    tables = [table for region in regions if (table := PhoneMetadata.metadata_for_region(region))]
    if not tables:  # none, or satellites and such ("001"): too rare for a path of their own
        return None
    prefix = tables[0].national_prefix_for_parsing
    return _Country(
        re.compile(prefix) if prefix else None,
        tuple(
            (re.compile(table.leading_digits) if table.leading_digits else None, _valid_in(table)) for table in tables
        ),
    )


def _valid_in(table: PhoneMetadata) -> re.Pattern[str]:
    """All numbers of a region but those of premium rate, as one expression.

    A kind's lengths looked ahead to, then its pattern.
    """
    general = table.general_desc
    kinds = (
        *(table.mobile, table.fixed_line, table.toll_free, table.shared_cost, table.personal_number),
        *(table.voip, table.uan, table.pager, table.voicemail),
    )
    premium, *patterns = (
        f"(?=(?:{'|'.join(f'.{{{length}}}' for length in kind.possible_length or general.possible_length)})\\Z)"
        f"(?:{kind.national_number_pattern})"
        # -1: the region has no numbers of the kind.
        if general and kind and kind.national_number_pattern and -1 not in kind.possible_length
        else ""
        for kind in (table.premium_rate, *kinds)
    )
    # The library asks for premium rate first, so that a number which two kinds
    # claim is one of these.
    dear = f"(?!(?:{premium})\\Z)" if premium else ""
    known = "|".join(filter(None, patterns))
    return re.compile(f"(?=(?:{general.national_number_pattern if general else ''})\\Z){dear}(?:{known})")


@cache
def usual_spelling() -> Callable[[str], object]:
    """Tells, by one expression, whether a text is a mainland mobile number in E.164.

    The row that campaigns are made of.
    """
    table = PhoneMetadata.metadata_for_region("CN")
    mobile = table.mobile.national_number_pattern if table and table.mobile else "(?!)"
    return re.compile(rf"\+86(?:{mobile})").fullmatch


# What people write for a country and ISO 3166 calls otherwise.
_REGION_SLIPS: Final = {"UK": "GB", "EN": "GB", "EL": "GR", "USA": "US", "PRC": "CN", "CHN": "CN"}


def check_region(region: object, field: str = "region") -> str | None:
    """The country of numbers without a country code, when it can be one.

    None and the empty text are none.

    Raises:
        BadInput: No country that libphonenumber knows, in capital letters.
    """
    if region is None or region == "":
        return None
    if isinstance(region, str) and region in phonenumbers.SUPPORTED_REGIONS:
        return region
    meant = region.strip().upper() if isinstance(region, str) else ""
    meant = _REGION_SLIPS.get(meant, meant)
    hint = f"; did you mean {meant}?" if meant in phonenumbers.SUPPORTED_REGIONS else ""
    raise BadInput(field, region, f"must be the two capital letters of a country (ISO 3166), such as CN or GB{hint}")


def same_phone(number: int) -> int:
    """One number for all spellings of one phone.

    What duplicates and the suppression list are told by.

    Argentina's mobiles are written with a 9 after the country code from abroad, and without it at
    home; the national number behind it is given out once, so both ring the same phone.
    """
    return number - 5_490_000_000_000 + 540_000_000_000 if 5_490_000_000_000 <= number < 5_500_000_000_000 else number


def spellings(number: int) -> tuple[int, ...]:
    """The number, and whatever else the same phone may be called by."""
    if same_phone(number) != number:
        return number, same_phone(number)
    return (number, number + 4_950_000_000_000) if 540_000_000_000 <= number < 550_000_000_000 else (number,)


def e164(number: int) -> str:
    """`+8613711112222` for the integer."""
    return f"+{number}"


def is_mainland(number: int) -> bool:
    """Whether the number is of mainland China (country code 86), which has a path of its own."""
    return str(number).startswith(MAINLAND)


def mask(number: int | str) -> str:
    """A number for logs and errors: `+86137****2222`; short ones keep two digits at most.

    Text that is no number at all is masked the same way: it may be anything a person pasted.
    """
    # Of six digits or ten something must stay hidden: the shorter a text is,
    # the less of it is shown.
    text = f"+{number}" if isinstance(number, int) else number.strip()
    if len(text) < 9:
        return text[:2] + "****" if len(text) > 2 else "****"
    return f"{text[:6]}****{text[-4:]}" if len(text) > 11 else f"{text[:3]}****{text[-2:]}"


def mask_in(text: str) -> str:
    """The text with every run of seven or more digits masked, except moments and ids of requests.

    For messages that came from outside.
    """
    return _DIGIT_RUN.sub(lambda found: found["kept"] or mask(found.group().replace(" ", "")), text)


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
