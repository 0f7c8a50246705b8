"""Numbers: any usual spelling in, one integer out; what cannot be texted is refused in words; masks show no more than they may."""

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from smsline.errors import BadInput
from smsline.numbers import e164, is_mainland, mask, mask_in, pack, parse_number, unpack


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
        ("+8613711112222,+8613711113333", None, "+86137****3333", "is not a phone number"),
        ("+1" * 200, None, "+1+1+1****+1+1", "is not a phone number"),
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


@pytest.mark.parametrize(
    ("number", "mainland"), [(8613711112222, True), (85251234567, False), (886912345678, False), (33612345678, False)]
)
def test_mainland_is_country_code_86(number: int, *, mainland: bool) -> None:
    """Hong Kong and Taiwan have their own."""
    assert is_mainland(number) is mainland


@given(st.integers(10**6, 10**15 - 1))
def test_a_mask_hides_the_middle(number: int) -> None:
    """However long a number is, at most six characters of its beginning and four of its end are seen."""
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
    """Every run of seven digits and more, spaced ones too; shorter ones are codes and amounts."""
    text = "refused +86 137 1111 2222 and 8613711113333, code 40012, at 12:30"
    assert mask_in(text) == "refused +86137****2222 and 861371****3333, code 40012, at 12:30"


@given(st.lists(st.integers(0, 10**15 - 1), max_size=50))
def test_packing_keeps_numbers_and_order(numbers: list[int]) -> None:
    """Eight bytes each."""
    packed = pack(numbers)
    assert len(packed) == 8 * len(numbers)
    assert list(unpack(packed)) == numbers
