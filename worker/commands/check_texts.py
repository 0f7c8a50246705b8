"""What `check` says of texts in the settings: segments, and characters that make them more."""

from collections.abc import Iterator, Mapping
from typing import NamedTuple

from config.fields import PLACE
from smsline.segments import segments, told


class TextCost(NamedTuple):
    """A template's text without its params.

    Attributes:
        template: Its id.
        words: Segments, alphabet and places.
        odd: Whether characters outside GSM-7 make it UCS-2, where half fits into a segment.
    """

    template: str
    words: str
    odd: bool


def cost_of_texts(texts: Mapping[str, str]) -> Iterator[TextCost]:
    """What each text takes before its params are filled in."""
    for template, text in texts.items():
        # Without params: how long they are is not known, and a text that is odd by itself is odd
        # with them.
        found = segments(PLACE.sub("", text))
        yield TextCost(template, told(found), bool(found.culprits))
