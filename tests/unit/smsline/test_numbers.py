"""Numbers: one integer for any usual spelling.

What cannot be texted is refused in words; masks show no more than they may.
"""

import re

import phonenumbers
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from smsline.errors import BadInput
from smsline.numbers import (
    check_region,
    e164,
    is_mainland,
    mask,
    mask_in,
    pack,
    parse_number,
    same_phone,
    spellings,
    unpack,
)


@pytest.mark.parametrize(
    ("raw", "region", "number"),
    [
        ("+8613711112222", None, 8613711112222),
        (" +86 137-1111-2222\n", None, 8613711112222),
        ("008613711112222", None, 8613711112222),
        ("13711112222", "CN", 8613711112222),
        ("+33 (0)6 12 34 56 78", None, 33612345678),
        ("06 12 34 56 78", "FR", 33612345678),
        ("+33612345678", "CN", 33612345678),
        ("+14155550100", None, 14155550100),
        ("+85251234567", None, 85251234567),
        ("+886912345678", None, 886912345678),
        ("001 65 9123 4567", "HK", 6591234567),
        ("0011 65 9123 4567", "AU", 6591234567),
        ("001 65 9123 4567", "TH", 6591234567),
        ("001 65 9123 4567", "KR", 6591234567),
        ("0044 7911 123456", "FR", 447911123456),
        ("＋８６ １３８–0013·8000", None, 8613800138000),  # noqa: RUF001 - as they are typed
        ("\u200e+44 (0)7911\u00a0123\ufeff456\u202c\r\n", None, 447911123456),
        ("(0171) 1234567", "DE", 491711234567),
        ("0171/1234567", "DE", 491711234567),
        ("49 30 123456", "DE", 4930123456),
        ("810 44 7911 123456", "RU", 447911123456),
        ("06 698 12345", "IT", 390669812345),
        ("०९८७६५४३२१०", "IN", 919876543210),
        ("(+1) [650] 253-0000", None, 16502530000),
        ("'07911 123456", "GB", 447911123456),
        ('="07911123456"', "GB", 447911123456),
        ("+52 1 55 1234 5678", None, 525512345678),
        ("011 15 1234-5678", "AR", 5491112345678),
    ],
)
def test_usual_spellings_are_read(raw: str, region: str | None, number: int) -> None:
    """With a country code anywhere, without one where a region is given."""
    assert parse_number(raw, region=region) == number


@pytest.mark.parametrize(
    ("raw", "region", "shown", "rule"),
    [
        ("", None, "", "is empty"),
        ("  ", None, "", "is empty"),
        ("hello", None, "he****", "is not a phone number"),
        ("13711112222", None, "137****22", "has no country code"),
        ("+86137111", None, "+86****11", "too few or too many digits"),
        ("+86137111122223", None, "+86137****2223", "is no mainland mobile number"),
        ("+861012345678", None, "+86101****5678", "is no mainland mobile number"),
        ("+3361234567", None, "+33****67", "too few or too many digits"),
        ("+8613711112222,+8613711113333", None, "+86137****3333", "a sign that is in no number (,)"),
        ("+1" * 200, None, "+1+1+1****+1+1", "is not a phone number"),
        ("001 65 9123 4567", None, "001 65****4567", "begins with 00"),
        ("00 65 9123 4567", "AU", "00 65 ****4567", "not dialled before a country code in AU"),
        ("+49 171 1234567 (mob)", None, "+49 17****mob)", "has letters"),
        ("call +49 171 1234567", None, "call +****4567", "has letters"),
        ("+49 171 1234567 x22", None, "+49 17**** x22", "has an extension"),
        ("+1 650 253 0000 ext. 22", None, "+1 650****. 22", "has an extension"),
        ("12345xx", "CN", "12****", "has letters"),
        ("1-800-FLOWERS", "US", "1-800-****WERS", "has letters"),
        ("0845 46 46", "GB", "084****46", "is a premium-rate number"),
        ("0900 123 4567", "GB", "0900 1****4567", "is a premium-rate number"),
        ("+449001234567", None, "+44900****4567", "is a premium-rate number"),
        ("07723 456789...", "GB", "07723 ****9...", "begins or ends with dots"),
        ("0300 46 46", "GB", "030****46", "is no valid number of its country (+44, GB)"),
        ("8.61371E+12", "CN", "8.6****12", "a spreadsheet has rounded"),
        ("+4915112345678.0", None, "+49151****78.0", "is a decimal number"),
        ("0.1712345678", "DE", "0.1712****5678", "is a decimal number"),
        ("-1234689", "AT", "-1****", "is a negative number, as a spreadsheet calculates"),
        ("2012-06-12", "DK", "201****12", "is written as a date"),
        ("21.06.2012", "HK", "21.****12", "is written as a date"),
        ("*31#13711112222", "CN", "*31#13****2222", "a sign that is in no number (*)"),
        ("\u202e22221111731", "CN", "\u202e22221****1731", "shows its digits in another order"),
        ("+49 30 123456/7", None, "+49 30****56/7", "has a slash near its end"),
        ("+49 30 123456(7)", None, "+49 30****6(7)", "ends in brackets"),
        ("9123 4567\n9123 4568", "SG", "9123 4****4568", "a line break"),
        ("+44 7911 123456 ☎", None, "+44 79****56 ☎", "a sign that is in no number (☎)"),
        ("++44 7911 123456", None, "++44 7****3456", "a sign that is in no number (+)"),
        ("+44 7911 123²456", None, "+44 79****²456", "a sign that is in no number (²)"),
        ("49 171 1234567", "DE", "49 171****4567", "is two numbers: with 49 as the country's code"),
        (8613711112222, None, "int", "must be text"),
        (None, None, "NoneType", "must be text"),
        (["+8613711112222"], None, "list", "must be text"),
    ],
)
def test_what_is_no_number_is_refused_in_words(raw: object, region: str | None, shown: str, rule: str) -> None:
    """The message names the field, shows the value masked, and says what would be right."""
    with pytest.raises(BadInput) as refusal:
        parse_number(raw, region=region, field="phone")
    assert refusal.value.field == "phone"
    assert refusal.value.value == shown
    assert rule in str(refusal.value)
    assert not re.search(r"\d{7}", str(refusal.value).replace("+8613711112222", ""))


def test_a_new_range_is_taken_when_the_caller_says_so() -> None:
    """Of the right length in a range that libphonenumber does not know yet."""
    with pytest.raises(BadInput, match="--allow-unassigned"):
        parse_number("+8615412345678")
    assert parse_number("+8615412345678", allow_unassigned=True) == 8615412345678


COUNTRIES = """CN HK TW MO JP KR SG MY TH VN PH ID IN AU NZ US CA MX BR AR CO CL PE GB IE FR DE ES IT PT NL BE CH AT SE PL RU KZ
TR ZA NG EG IL SA AE""".split()  # noqa: SIM905 - a line of words is read at a glance
NOISE = [
    " ",
    "-",
    ".",
    "(",
    ")",
    "/",
    "\u00a0",
    "\u200b",
    "\u2013",
    "x",
    "e",
    " ext ",
    "#",
    ",",
    "+",
    "0",
    "1",
    "00",
    "\n",
]


@st.composite
def _spellings(draw: st.DrawFn) -> tuple[str, str]:
    """A country's number with digits changed, its prefixes, noise anywhere; the caller's region."""
    country, region = draw(st.sampled_from(COUNTRIES)), draw(st.sampled_from(COUNTRIES))
    kind = draw(st.sampled_from([phonenumbers.PhoneNumberType.MOBILE, phonenumbers.PhoneNumberType.FIXED_LINE]))
    example = phonenumbers.example_number_for_type(country, kind)
    assert example is not None
    national = phonenumbers.national_significant_number(example)
    tail = draw(st.integers(0, 9999))
    national = f"{national[:-4]}{tail:04}"
    before = draw(
        st.sampled_from(
            ["", "0", "00", "001", "+", "+ ", "8~10", f"+{example.country_code}", f"00{example.country_code}"]
        )
    )
    text = before + national
    for _ in range(draw(st.integers(0, 3))):
        at = draw(st.integers(0, len(text)))
        text = text[:at] + draw(st.sampled_from(NOISE)) + text[at:]
    return text, region


@settings(max_examples=200, deadline=None)
@given(_spellings())
def test_a_spelling_never_becomes_another_number(spelling: tuple[str, str]) -> None:
    """What is taken is what libphonenumber reads from the plus and digits alone, and valid."""
    text, region = spelling
    try:
        number = parse_number(text, region=region)
    except BadInput:
        return
    alone = ("+" if "+" in text else "") + "".join(letter for letter in text if letter.isdigit())
    read = phonenumbers.parse(alone, region)
    assert phonenumbers.is_valid_number(read)
    assert phonenumbers.format_number(read, phonenumbers.PhoneNumberFormat.E164) == e164(number)


@pytest.mark.parametrize(("region", "hint"), [("UK", "GB"), ("cn", "CN"), ("CN\r", "CN"), ("XX", ""), (" ", "")])
def test_a_region_is_a_country(region: str, hint: str) -> None:
    """A slip is named where it is made, before it refuses every row."""
    with pytest.raises(BadInput, match=f"did you mean {hint}" if hint else "must be the two capital letters"):
        check_region(region)
    assert [check_region(each) for each in ("GB", "", None)] == ["GB", None, None]


def test_spellings_of_one_phone_are_one() -> None:
    """Argentina's 9 after the country code says that the phone is a mobile.

    The number behind it is the same.
    """
    assert same_phone(5491112345678) == same_phone(541112345678) == 541112345678
    assert set(spellings(541112345678)) == set(spellings(5491112345678)) == {541112345678, 5491112345678}
    assert spellings(8613711112222) == (8613711112222,)


@pytest.mark.parametrize(
    ("number", "mainland"), [(8613711112222, True), (85251234567, False), (886912345678, False), (33612345678, False)]
)
def test_mainland_is_country_code_86(number: int, *, mainland: bool) -> None:
    """Hong Kong and Taiwan have their own."""
    assert is_mainland(number) is mainland


@given(st.integers(10**6, 10**15 - 1))
def test_a_mask_hides_the_middle(number: int) -> None:
    """Of any number, at most six characters of its start and four of its end are seen."""
    shown = mask(number)
    assert "****" in shown
    assert e164(number) != shown
    begin, end = shown.split("****")
    assert e164(number).startswith(begin)
    assert e164(number).endswith(end)
    assert len(e164(number)) - len(begin) - len(end) >= 2


@given(st.text(max_size=30))
def test_anything_can_be_masked(text: str) -> None:
    """It may be whatever a person pasted; little of it is shown."""
    assert len(mask(text)) <= 14


def test_numbers_in_a_text_are_masked() -> None:
    """Every run of seven digits and more, spaced ones too; shorter ones are codes and amounts.

    Moments and ids of requests stay.
    """
    text = "refused +86 137 1111 2222 and 8613711113333, code 40012, at 12:30"
    assert mask_in(text) == "refused +86137****2222 and 861371****3333, code 40012, at 12:30"
    kept = "at 2026-11-29T10:32:51.773Z or 2026-11-29 10:32, request facf6318-5130-4980-9001-682222224064"
    assert mask_in(kept) == kept
    assert mask_in("2026-11-29, +45 2026-11-29T10:00") == "202****29, +45202****1-29T10:00"


@given(st.lists(st.integers(0, 10**15 - 1), max_size=50))
def test_packing_keeps_numbers_and_order(numbers: list[int]) -> None:
    """Eight bytes each."""
    packed = pack(numbers)
    assert len(packed) == 8 * len(numbers)
    assert list(unpack(packed)) == numbers
