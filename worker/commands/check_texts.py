"""What `check` says of the texts that the settings know: their segments, and the character that makes them more."""

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
        found = segments(PLACE.sub("", text))
        yield TextCost(template, told(found), bool(found.culprits))
