"""A reply as its words.

Case, width, accents, quotes, punctuation and pictures are what thumbs add, and say nothing.
"""

import re
import unicodedata
from typing import Final

# Letters of other scripts, which are written without blanks, are words of their own beside
# Latin ones: TD退订 is two.
_RUNS: Final = re.compile(r"[A-Z0-9]+|[^\sA-Z0-9]+")


def words_of(text: str) -> tuple[str, ...]:
    """The words of a text in capitals.

    Nothing but letters and digits of any script is left of it.
    """
    # NFKD spells wide letters narrow and takes accents off their letters; Korean syllables, which
    # it takes apart, are put together again by NFC.
    plain = unicodedata.normalize("NFKD", text.replace("\u2019", "'")).upper()
    # Marks are what is left of accents; those of Japanese kana are no accents:
    # without them ga is ka.
    bare = "".join(char for char in plain if unicodedata.category(char) != "Mn" or "\u3040" <= char <= "\u30ff")
    kept = "".join(char if char.isalnum() else " " for char in unicodedata.normalize("NFC", bare))
    return tuple(_RUNS.findall(kept))
