"""Alibaba's named params, or a whole text, made of a job's template and params.

A `Broken` says that they cannot be made.

Templates of Alibaba Cloud have named variables, and a job's params are a list: so each param is
written `name=value`.
"""

import re
from collections.abc import Mapping, Sequence
from typing import Final

import msgspec

from worker.providers.base import Broken, Content
from worker.providers.texts import UNFIT, fill, text_for

# A param is not of the form name=value, or two have the same name.
UNNAMED: Final = "params.Unnamed"

RULE: Final = "every param of an Alibaba template must be written name=value, each name once"

# DOTALL: the value may hold line breaks, and further = signs.
_NAMED: Final = re.compile(r"([A-Za-z][A-Za-z0-9_]*)=(.*)", re.DOTALL)


def named(params: Sequence[str]) -> dict[str, str] | None:
    """The params by name; None when one has no name, or two have the same."""
    found = [match for match in map(_NAMED.fullmatch, params) if match]
    # A name that comes twice makes the mapping shorter than the list, as does a param without one.
    by_name = {match[1]: match[2] for match in found}
    return by_name if len(by_name) == len(params) else None


def template_param(params: Sequence[str]) -> str | Broken:
    """The JSON of TemplateParam; empty when there are no params. Values are always text, as the provider demands."""
    by_name = named(params)
    if by_name is None:
        return Broken(maybe_sent=False, code=UNNAMED, detail=RULE)
    return msgspec.json.encode(by_name).decode() if by_name else ""


def text_of(texts: Mapping[str, str], content: Content) -> str | Broken:
    """The whole text to send.

    Args:
        texts: Template id, lower case, to text with {1}, {2} … for the params.
        content: Template and params; a param `name=value` puts in its value, any other itself.
    """
    text = text_for(content.template, texts)
    if isinstance(text, Broken):
        return text
    filled = fill(text, [match[2] if (match := _NAMED.fullmatch(param)) else param for param in content.params])
    if filled is None:
        # The params, which may be secret, are not repeated.
        return Broken(maybe_sent=False, code=UNFIT, detail="the text has places for more or fewer params")
    return filled
