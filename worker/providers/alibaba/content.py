"""Alibaba's named params: a job has each as `name=value`, as templates have named variables."""

import re
from collections.abc import Sequence
from typing import Final

import msgspec

from worker.providers.base import Broken

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
    """The JSON of TemplateParam, its values always text; empty when there are no params."""
    by_name = named(params)
    if by_name is None:
        return Broken(maybe_sent=False, code=UNNAMED, detail=RULE)
    return msgspec.json.encode(by_name).decode() if by_name else ""


def values(params: Sequence[str]) -> list[str]:
    """What goes into the places of a text: the value of a param `name=value`, else all of it."""
    return [match[2] if (match := _NAMED.fullmatch(param)) else param for param in params]
