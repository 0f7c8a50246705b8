"""Texts for providers without templates: fill {1}, {2} … with a job's params."""

from collections.abc import Mapping, Sequence

from config.fields import PLACE
from worker.providers.base import Broken

# The account has no text for the template.
UNKNOWN = "text.Unknown"

# The text has places for more or fewer params than there are.
UNFIT = "text.Params"


def text_for(template: str, texts: Mapping[str, str]) -> str | Broken:
    """An account's text for a template, before it is filled."""
    # Names of environment variables come in capitals, so the texts are kept by lower-case ids.
    if (text := texts.get(template.lower())) is not None:
        return text
    detail = f"no text for the template {template}; add it to TEXTS of the account"
    return Broken(maybe_sent=False, code=UNKNOWN, detail=detail)


def filled(template: str, params: Sequence[str], texts: Mapping[str, str]) -> str | Broken:
    """An account's text for a template, with the params in place."""
    text = text_for(template, texts)
    if isinstance(text, Broken):
        return text
    message = fill(text, params)
    # The params, which may be secret, are not repeated.
    unfit = Broken(maybe_sent=False, code=UNFIT, detail="the text has places for more or fewer params")
    return unfit if message is None else message


def fill(text: str, params: Sequence[str]) -> str | None:
    """The text with its params in place; None when it has places for more or fewer.

    Args:
        text: As an account's settings have it; `config.fields.Texts` has checked its braces.
        params: The first is for `{1}`.
    """
    if max((int(number) for number in PLACE.findall(text)), default=0) != len(params):
        return None
    return PLACE.sub(lambda place: params[int(place[1]) - 1], text)
