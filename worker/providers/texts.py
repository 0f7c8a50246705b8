"""Texts for providers without templates: fill {1}, {2} … with a job's params."""

from collections.abc import Sequence

from config.fields import PLACE

# The account has no text for the template.
UNKNOWN = "text.Unknown"

# The text has places for more or fewer params than there are.
UNFIT = "text.Params"


def fill(text: str, params: Sequence[str]) -> str | None:
    """The text with its params in place; None when it has places for more or fewer.

    Args:
        text: As an account's settings have it; `config.fields.Texts` has checked its braces.
        params: The first is for `{1}`.
    """
    if max((int(number) for number in PLACE.findall(text)), default=0) != len(params):
        return None
    return PLACE.sub(lambda place: params[int(place[1]) - 1], text)
