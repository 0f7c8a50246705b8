"""What Tencent's commands share: options, an account, and an answer's value."""

from collections.abc import Callable, Iterable, Sequence
from contextlib import AbstractContextManager
from typing import Annotated, TypeVar

import typer

from worker.commands import session
from worker.commands.session import AccountName, day
from worker.providers.base import Broken, Refused
from worker.providers.tencent.client import TencentProvider
from worker.providers.tencent.reviews import IDS_AT_ONCE

__all__ = ["AccountName", "Global", "Yes", "account", "all_pages", "day", "known"]

T = TypeVar("T")

PROVIDER = "tencent"

Global = Annotated[bool, typer.Option("--global", help="For global numbers; without it, for mainland numbers.")]
Yes = Annotated[bool, typer.Option("--yes", "-y", help="Do not ask.")]


def account(name: str) -> AbstractContextManager[TencentProvider]:
    """An account; see `worker.commands.session.open_account`."""
    return session.open_account(TencentProvider, PROVIDER, name)


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
