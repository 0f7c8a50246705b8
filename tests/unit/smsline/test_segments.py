"""Segments: what a text costs, and why."""

import pytest

from smsline.segments import segments, told


@pytest.mark.parametrize(
    ("text", "count", "encoding", "places"),
    [
        ("", 1, "GSM-7", 0),
        ("a" * 160, 1, "GSM-7", 160),
        ("a" * 161, 2, "GSM-7", 161),
        ("a" * 306, 2, "GSM-7", 306),
        ("a" * 307, 3, "GSM-7", 307),
        ("€" * 80, 1, "GSM-7", 160),
        ("€" * 81, 2, "GSM-7", 162),
        # A sign of two places is not cut: 152 of the first segment's 153 are used.
        ("a" * 152 + "€" + "a" * 152, 3, "GSM-7", 306),
        ("王" * 70, 1, "UCS-2", 70),
        ("王" * 71, 2, "UCS-2", 71),
        ("王" * 134, 2, "UCS-2", 134),
        ("王" * 135, 3, "UCS-2", 135),
        ("a" * 70 + "’", 2, "UCS-2", 71),  # noqa: RUF001
        ("€" * 69 + "’", 1, "UCS-2", 70),  # noqa: RUF001
        ("😀" * 35, 1, "UCS-2", 70),
        ("😀" * 36, 2, "UCS-2", 72),
        ("a" * 66 + "😀" + "a" * 66, 3, "UCS-2", 134),
    ],
)
def test_a_text_is_cut_by_its_alphabet(text: str, count: int, encoding: str, places: int) -> None:
    """160 then 153 in GSM-7, 70 then 67 in UCS-2.

    A sign of the extension takes two places in GSM-7, one in UCS-2.
    """
    found = segments(text)
    assert (found.count, found.encoding, found.places) == (count, encoding, places)


def test_mainland_texts_are_billed_with_their_signature() -> None:
    """70 then 67, whatever the alphabet; the brackets count."""
    assert segments("a" * 64, mainland=True, sign="Shop").count == 1
    assert segments("a" * 65, mainland=True, sign="Shop").count == 2
    assert segments("a" * 65, sign="Shop").places == 65


def test_the_character_that_doubles_a_text_is_named() -> None:
    """With its name, for it is hardly seen."""
    assert told(segments("It’s " + "a" * 80)) == (  # noqa: RUF001
        "2 segments of UCS-2 (85 places), because of '’' (U+2019 RIGHT SINGLE QUOTATION MARK)"  # noqa: RUF001
    )
    assert told(segments("plain")) == "1 segment of GSM-7 (5 places)"
