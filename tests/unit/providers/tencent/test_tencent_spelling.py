"""Numbers in any of the provider's spellings."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from worker.providers.tencent.spelling import asked, received, spelled

MAINLAND = 8613711112222


@pytest.mark.parametrize(
    "text",
    [
        "+8613711112222",
        "8613711112222",
        "008613711112222",
        "13711112222",
        "013711112222",
        "+86013711112222",
        "+86 137-1111-2222",
        " +8613711112222 ",
        "+008613711112222",
    ],
)
def test_mainland_spellings(text: str) -> None:
    """A mainland number is the same in every spelling."""
    assert spelled(text)[0] == MAINLAND


@pytest.mark.parametrize(
    ("text", "numbers"),
    [
        ("+6591234567", (6591234567,)),
        ("006591234567", (6591234567,)),
        ("6591234567", (6591234567,)),
        ("+12025550123", (12025550123,)),
        ("+13711112222", (13711112222,)),
        ("0013711112222", (13711112222,)),
        ("+1 371 111 2222", (13711112222,)),
        ("13711112222", (8613711112222, 13711112222)),
        ("", ()),
        ("+", ()),
        ("0", ()),
        ("12345", ()),
        ("+1234567890123456", ()),
        ("anonymous", ()),
        ("+86\u0661\u0663\u0667\u0661\u0661\u0661\u0661\u0662\u0662\u0662\u0662", ()),
    ],
)
def test_what_a_text_may_mean(text: str, numbers: tuple[int, ...]) -> None:
    """A plus or 00 settles the country; eleven bare digits may be mainland or North American.

    The rest is no number.
    """
    assert numbers == spelled(text)


@pytest.mark.parametrize(
    ("text", "number"),
    [("13711112222", 8613711112222), ("12025550123", 12025550123), ("008613711112222", 8613711112222), ("+1", None)],
)
def test_asked_number_decides(text: str, number: int | None) -> None:
    """Of the meanings, the number that was asked about is the one."""
    assert number == asked(text, frozenset({8613711112222, 12025550123}))


def test_north_american_number_is_found_behind_a_mainland_one() -> None:
    """Bare digits that read as mainland first are matched to the call's North American number."""
    assert asked("13711112222", frozenset({13711112222})) == 13711112222


@pytest.mark.parametrize(
    ("fields", "number"),
    [
        (("+8613711112222", "86", "13711112222"), MAINLAND),
        (("+8613711112222", "", ""), MAINLAND),
        (("", "86", "13711112222"), MAINLAND),
        (("", "+86", "013711112222"), MAINLAND),
        (("", "0086", "13711112222"), MAINLAND),
        (("13711112222", "1", "3711112222"), 13711112222),
        (("13711112222", "", ""), MAINLAND),
        (("0086 13711112222", "", ""), MAINLAND),
        (("6591234567", "65", "91234567"), 6591234567),
        (("+6591234567", "86", "13711112222"), 6591234567),
        (("13711112222", "CN", "13711112222"), MAINLAND),
        (("", "86", ""), None),
        (("", "", "13711112222"), None),
        (("hidden", "", ""), None),
    ],
)
def test_number_of_a_receipt(fields: tuple[str, str, str], number: int | None) -> None:
    """PhoneNumber counts if it has its plus, then CountryCode and SubscriberNumber, then digits."""
    assert number == received(*fields)


@given(st.text(max_size=40))
def test_any_text_is_read(text: str) -> None:
    """No text raises, and what comes out are numbers of 7 to 15 digits, each once."""
    meant = spelled(text)

    assert len(set(meant)) == len(meant)
    assert all(7 <= len(str(number)) <= 15 for number in meant)
