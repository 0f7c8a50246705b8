"""A job's template, signature and params as an account has them.

A `Broken` says that the account has none in their place.
"""

from collections.abc import Sequence
from dataclasses import replace
from typing import Final

from config.accounts import Account
from config.fields import TemplateAt
from config.providers import facts_of
from worker.providers.base import Broken, Content
from worker.providers.texts import UNFIT, UNKNOWN
from worker.routing.routes import own_template

Params = tuple[str, ...]

NOTHING: Final = Broken(maybe_sent=False, code=UNKNOWN, detail="the account's settings have nothing for this template")
UNEVEN: Final = Broken(maybe_sent=False, code=UNFIT, detail="the account's template has more or fewer params")


def worded(account: Account, content: Content) -> Content | Broken:
    """The content as the account sends it; a job that brings a signature keeps it."""
    own = own_template(account, content.template)
    if own is None:
        return NOTHING
    params = arranged(account, own, content.params)
    if params is None:
        return UNEVEN
    return replace(content, template=own.id, params=params, sign=content.sign or account.sign)


def each_worded(account: Account, content: Content, own_params: Sequence[Params]) -> list[Params] | Broken:
    """The params that each number brings, as the account sends them."""
    own = own_template(account, content.template)
    if own is None:
        return NOTHING
    found = [arranged(account, own, params) for params in own_params]
    arranged_all = [params for params in found if params is not None]
    return arranged_all if len(arranged_all) == len(found) else UNEVEN


def arranged(account: Account, own: TemplateAt, params: Params) -> Params | None:
    """Params in the order and the form that the account's template wants.

    None when they are more or fewer.

    Params are told apart by their names when all are written `name=value` with the template's
    names, and else by their order.
    """
    if not own.params:
        return params
    if len(params) != len(own.params):
        return None
    # By name only where all names are the template's: a value may contain an = by chance.
    named = dict(param.split("=", 1) for param in params if "=" in param)
    values = [named[name] for name in own.params] if set(named) == set(own.params) else params
    if not facts_of(account.provider).named_params:
        return tuple(values)
    return tuple(f"{name}={value}" for name, value in zip(own.params, values, strict=True))
