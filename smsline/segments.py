"""Segments of a text: what a message is billed by, and the character that doubles it.

GSM-7 takes 160 characters, then 153 a segment; one character that it lacks makes the whole text
UCS-2 with 70, then 67 UTF-16 units. In GSM-7 the signs of its extension (`€`, brackets) take two
places, in UCS-2 one. Mainland carriers bill all texts as UCS-2, with the signature in its brackets.
"""

import re
import unicodedata
from dataclasses import dataclass
from typing import Final, Literal

from smsline.counted import counted
from smsline.row_values import MAX_PARAMS, no_text

GSM7: Final = frozenset(
    "@£$¥èéùìòÇ\nØø\rÅåΔ_ΦΓΛΩΠΨΣΘΞÆæßÉ !\"#¤%&'()*+,-./0123456789:;<=>?¡ABCDEFGHIJKLMNOPQRSTUVWXYZÄÖÑÜ§¿"
    "abcdefghijklmnopqrstuvwxyzäöñüà"
)
EXTENSION: Final = frozenset("\f^{}\\[~]|€")

# Places in a text of one segment, and in each of several: those lose 6 of 140 bytes to the header
# that puts them together, which is 7 characters of 7 bits, or 3 of 16.
SIZES: Final = {"GSM-7": (160, 153), "UCS-2": (70, 67)}

# Where a param goes into a text: `{1}` is the first.
PLACE: Final = re.compile(r"\{([1-9][0-9]?)\}")


def rule_of_text(text: str) -> str:
    """Why a template's text will not do; empty when it will."""
    numbers = [int(number) for number in PLACE.findall(text)]
    # Any other brace is refused, because a misspelt place ({ 1}, {0}, ${code}) would reach a phone
    # as it is written.
    if max(numbers, default=1) > MAX_PARAMS or re.search(r"[{}]", PLACE.sub("", text)):
        return f"must hold {{1}} to {{{MAX_PARAMS}}} where the params go, and no other braces"
    return no_text(text)


@dataclass(frozen=True, slots=True)
class Segments:
    """How a text is cut.

    Attributes:
        count: Segments.
        encoding: `GSM-7` or `UCS-2`.
        places: Places that the text takes.
        culprits: The characters that GSM-7 lacks, in their order, each once.
    """

    count: int
    encoding: Literal["GSM-7", "UCS-2"]
    places: int
    culprits: tuple[str, ...]


def segments(text: str, *, mainland: bool = False, sign: str = "") -> Segments:
    """Count the segments of a text as it goes out.

    Args:
        text: The whole text, params filled in.
        mainland: Whether it goes to mainland China, where every text is UCS-2.
        sign: The signature that the provider puts before it, without brackets.

    Returns:
        The count, and why.
    """
    whole = f"【{sign}】{text}" if sign and mainland else text
    culprits = tuple(dict.fromkeys(letter for letter in whole if letter not in GSM7 and letter not in EXTENSION))
    if culprits or mainland:
        lengths, encoding = [2 if ord(letter) > 0xFFFF else 1 for letter in whole], "UCS-2"
    else:
        lengths, encoding = [2 if letter in EXTENSION else 1 for letter in whole], "GSM-7"
    alone, each = SIZES[encoding]
    places = sum(lengths)
    count, used = 1, 0
    # Not places divided by the size: a character of two places is not cut in half, so a segment
    # may end one place early.
    for length in lengths if places > alone else ():
        if used + length > each:
            count, used = count + 1, 0
        used += length
    return Segments(count, "UCS-2" if encoding == "UCS-2" else "GSM-7", places, () if mainland else culprits)


def told(found: Segments) -> str:
    """What was counted, in words.

    For example `2 segments of UCS-2 (82 places), because of 'ł' (U+0142 LATIN SMALL LETTER L WITH
    STROKE)`.
    """
    words = f"{counted(found.count, 'segment')} of {found.encoding} ({counted(found.places, 'place')})"
    if not found.culprits:
        return words
    more = f" and {len(found.culprits) - 5} more" if len(found.culprits) > 5 else ""
    return f"{words}, because of {', '.join(map(named, found.culprits[:5]))}{more}"


def named(letter: str) -> str:
    """A character as a person can find it.

    By its code point too: the usual culprits are a blank that does not break and a quote that
    curls, which look right.
    """
    # A mark that joins the letter before it, or has no width, would change what stands around it.
    is_seen = letter.isprintable() and not unicodedata.combining(letter)
    shown = f"'{letter}'" if is_seen else "a character that is not seen alone"
    return f"{shown} (U+{ord(letter):04X} {unicodedata.name(letter, '')})"
