"""What the commands share: options; settings and an account's name in, its `Api` out; an answer in, its value or one error line out."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import Annotated, Final, TypeVar

import typer
from redis.exceptions import RedisError

from config.settings import Settings, SettingsError, load_settings
from smsline.codes import for_read, load_overrides
from smsline.errors import BadInput, SmslineError, Unavailable
from smsline.ledger.link import Ledger
from worker.providers.base import Broken, Refused
from worker.providers.tencent.api import BUSY, Api
from worker.providers.tencent.caller import Caller
from worker.providers.tencent.checks import IDS_AT_ONCE
from worker.providers.tencent.configured import account_of
from worker.providers.tencent.gate import PROVIDER, LedgerGate
from worker.providers.transport import HttpxPoster

T = TypeVar("T")

Account = Annotated[
    str,
    typer.Option("--account", metavar="NAME", help="The account; default: the only one there is.", show_default=False),
]
Global = Annotated[bool, typer.Option("--global", help="For global numbers; without it, for mainland numbers.")]
Yes = Annotated[bool, typer.Option("--yes", "-y", help="Do not ask.")]

_NOT_DONE: Final = "nothing was carried out"
_PERHAPS: Final = "it may have been carried out all the same: look before you try again"


def open_ledger(settings: Settings) -> Ledger:
    """The ledger whose buckets the workers use."""
    return Ledger.at(settings.redis_url, settings.namespace)


@contextmanager
def account(name: str) -> Iterator[Api]:
    """The actions of an account as configured, each under its bucket, until the block ends.

    Args:
        name: The account's name; empty for the only Tencent account there is.

    Raises:
        BadInput: The settings cannot be used, or do not tell which account.
        Unavailable: Redis cannot be reached: without its buckets no call is made.
    """
    settings = _settings()
    named = _chosen(settings, name)
    held = account_of(named, settings.accounts[named])
    caller = Caller(held, poster=HttpxPoster(held.endpoint, pool_size=1))
    ledger = open_ledger(settings)
    try:
        yield Api(caller, LedgerGate(ledger, named, limits=caller.limits))
    except RedisError as error:
        raise Unavailable(f"Redis cannot be reached, and without it no call is made: {type(error).__name__}") from error
    finally:
        caller.close()
        ledger.close()


def _settings() -> Settings:
    try:
        settings = load_settings()
    except SettingsError as error:
        raise BadInput("settings", f"{len(error.problems)} wrong", "; ".join(error.problems)) from None
    if settings.codes_file:
        load_overrides(settings.codes_file)
    return settings


def _chosen(settings: Settings, name: str) -> str:
    there = [one for one, held in settings.accounts.items() if held.provider == PROVIDER]
    if not there:
        rule = (
            "no account of the provider tencent is configured here; set SMSLINE_ACCOUNTS__<name>__PROVIDER and the rest"
        )
        raise BadInput("--account", name, rule)
    if name and name not in there:
        raise BadInput("--account", name, f"must be a Tencent account: {', '.join(there)}")
    if not name and len(there) > 1:
        raise BadInput("--account", name, f"say which one: {', '.join(there)}")
    return name or there[0]


def known(answer: T | Refused | Broken) -> T:
    """The answer, if it is one.

    Raises:
        SmslineError: The call was refused, or nobody knows what became of it; in words of the code tables.
    """
    if isinstance(answer, Refused):
        row = for_read(PROVIDER, answer.code).row
        advice = f" {row.advice}" if row.advice else ""
        said = f" The provider says: {answer.message}" if answer.message else ""
        raise SmslineError(f"{answer.code}: {row.meaning}{advice}{said} (request {answer.request_id or 'unknown'})")
    if isinstance(answer, Broken):
        what = _PERHAPS if answer.maybe_sent else _NOT_DONE
        hint = "try again in a moment" if answer.code == BUSY else f"see: smsline codes explain {answer.code}"
        raise SmslineError(f"{answer.code}: {answer.detail}; {what}; {hint}")
    return answer


def all_pages(page: Callable[[int], Sequence[T] | Refused | Broken]) -> Iterable[T]:
    """Every row of a list, a page of the most rows after the other; `page` is given the offset."""
    offset = 0
    while rows := known(page(offset)):
        yield from rows
        offset += len(rows)
        if len(rows) < IDS_AT_ONCE:
            return


def day(at_s: int) -> str:
    """An epoch second for people, in UTC; empty for none."""
    return datetime.fromtimestamp(at_s, UTC).strftime("%Y-%m-%dT%H:%M:%SZ") if at_s else ""
