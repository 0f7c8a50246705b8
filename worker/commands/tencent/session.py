"""What Tencent's commands share: options, an account's `Api`, and an answer's value."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from typing import Annotated, TypeVar

import typer

from worker.commands import session
from worker.commands.session import AccountName, day
from worker.providers.base import Broken, Refused
from worker.providers.egress import egress_of
from worker.providers.http import HttpxPort
from worker.providers.tencent.api import Api
from worker.providers.tencent.caller import TencentCaller
from worker.providers.tencent.checks import IDS_AT_ONCE

__all__ = ["AccountName", "Global", "Yes", "account", "all_pages", "day", "known"]

T = TypeVar("T")

PROVIDER = "tencent"

Global = Annotated[bool, typer.Option("--global", help="For global numbers; without it, for mainland numbers.")]
Yes = Annotated[bool, typer.Option("--yes", "-y", help="Do not ask.")]


@contextmanager
def account(name: str) -> Iterator[Api]:
    """The actions of an account as configured, each under its bucket, until the block ends.

    Args:
        name: The account's name; empty for the only Tencent account there is.

    Raises:
        BadInput: The settings cannot be used, or do not tell which account.
        Unavailable: Redis cannot be reached: without its buckets no call is made.
    """
    settings = session.read_settings()
    name, held = session.chosen(settings, PROVIDER, name)
    # One connection: a command makes its calls one after the other.
    caller = TencentCaller(held, port=HttpxPort(held.endpoint, pool_size=1, egress=egress_of(held)))
    try:
        with session.open_gate(settings, name, caller.limits) as gate:
            yield Api(caller, gate)
    finally:
        caller.close()


def known(answer: T | Refused | Broken) -> T:
    """The answer, if it is one; see `worker.commands.session.known`."""
    return session.known(answer, PROVIDER)


def all_pages(page: Callable[[int], Sequence[T] | Refused | Broken]) -> Iterable[T]:
    """Every row of a list, a page of the most rows after the other; `page` is given the offset."""
    offset = 0
    # By rows that came and not by the limit: the provider may give fewer than it was asked for.
    while rows := known(page(offset)):
        yield from rows
        offset += len(rows)
        if len(rows) < IDS_AT_ONCE:
            return
