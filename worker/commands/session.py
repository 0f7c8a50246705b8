"""What commands that call a provider share: settings, account, gate, and errors in words."""

import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import Annotated, Final, TypeVar

import typer
from redis.exceptions import RedisError

from config.settings import Account, Settings, SettingsError, load_settings
from smsline.cli.errors import ending
from smsline.cli.output import cell, print_json, print_line, show, table
from smsline.codes import for_read, load_overrides, lookup
from smsline.errors import BadInput, SmslineError, Unavailable
from smsline.ledger.link import Ledger
from smsline.ledger.refusals import explain
from smsline.verdicts import Verdict
from worker.gate import CommandGate
from worker.providers.adapter import BUSY, Adapter
from worker.providers.base import Broken, Refused

T = TypeVar("T")
A = TypeVar("A", bound=Adapter)

AccountName = Annotated[
    str,
    typer.Option("--account", metavar="NAME", help="The account; default: the only one there is.", show_default=False),
]

_NOT_DONE: Final = "nothing was carried out"
_REPEAT: Final = "Look at what was given, and whether it was carried out all the same, before you repeat the command."
_PERHAPS: Final = "it may have been carried out all the same: look before you try again"


def run(app: typer.Typer, argv: Sequence[str], *, prog_name: str) -> int:
    """Run one command and end as `smsline` does: 0 done, 1 failed, 2 bad input; one line of error.

    Args:
        app: The commands.
        argv: Arguments behind the provider's name.
        prog_name: What help calls the program.
    """
    try:
        # Not standalone: typer would end the process itself, with endings of its own.
        code = app(args=list(argv) or ["--help"], prog_name=prog_name, standalone_mode=False)
    except Exception as error:
        # python -X dev: a developer wants the traceback.
        if sys.flags.dev_mode:
            raise
        code, line = ending(error)
        sys.stderr.write(f"smsline: {line}\n")
    return code if isinstance(code, int) else 0


def read_settings() -> Settings:
    """The service's settings.

    Raises:
        BadInput: They cannot be used.
    """
    try:
        settings = load_settings()
    except SettingsError as error:
        raise BadInput("settings", f"{len(error.problems)} wrong", "; ".join(error.problems)) from None
    # A person's own rows explain refusals here as they do in the workers.
    if settings.codes_file:
        load_overrides(settings.codes_file)
    return settings


def chosen(settings: Settings, provider: str, name: str) -> tuple[str, Account]:
    """The account that is meant: the named one, or the only one of the provider.

    Raises:
        BadInput: There is none, it is another provider's, or there are several.
    """
    there = {one: held for one, held in settings.accounts.items() if held.provider == provider}
    if not there:
        rule = f"no account of the provider {provider} is configured here; set SMSLINE_ACCOUNTS__<name>__PROVIDER and the rest"
        raise BadInput("--account", name or "not given", rule)
    if name and name not in there:
        raise BadInput("--account", name, f"must be an account of the provider {provider}: {', '.join(there)}")
    # Not the first one: a template that is added to the wrong account is found out days later.
    if not name and len(there) > 1:
        raise BadInput("--account", "not given", f"say which one: {', '.join(there)}")
    name = name or next(iter(there))
    return name, there[name]


@contextmanager
def open_account(kind: type[A], provider: str, name: str) -> Iterator[A]:
    """The adapter of an account as configured, until the block ends.

    Each of its calls is made under the action's bucket.

    Args:
        kind: The provider's adapter.
        provider: Whose accounts are meant.
        name: The account's name; empty for the only one that the provider has.

    Raises:
        BadInput: The settings cannot be used, or do not tell which account.
        Unavailable: Redis cannot be reached: without its buckets no call is made.
    """
    settings = read_settings()
    name, held = chosen(settings, provider, name)
    ledger = open_ledger(settings)
    # One connection: a command makes its calls one after the other.
    opened = kind(name, held, pool_size=1)
    opened.gate = CommandGate(ledger, settings.bucket_of(name), provider=provider, limits=opened.limits)
    try:
        yield opened
    except RedisError as error:
        raise Unavailable(f"Redis cannot be reached, and without it no call is made: {explain(error)}") from error
    finally:
        opened.close()
        ledger.close()


def open_ledger(settings: Settings) -> Ledger:
    """The ledger whose buckets the workers use."""
    return Ledger.at(settings.redis_url, settings.namespace)


def known(answer: T | Refused | Broken, provider: str, *, space: str = "") -> T:
    """The answer, if it is one.

    Args:
        answer: Of one call.
        provider: Whose it is.
        space: The namespace of the call's codes, where they are not those of all questions.

    Raises:
        SmslineError: The call was refused, or its outcome is unknown; in words of the code tables.
    """
    if isinstance(answer, Refused):
        # As of a question and not of a send: what is refused here has no recipient.
        row = (lookup(provider, space, answer.code) if space else for_read(provider, answer.code)).row
        # The tables speak to workers, which ask again by themselves.
        advice = _REPEAT if row.verdict is Verdict.RETRY else row.advice
        words = [f"{answer.code}: {row.meaning}", advice]
        words.append(f"The provider says: {answer.message}" if answer.message else "")
        # Not every provider numbers its answers.
        words.append(f"(request {answer.request_id})" if answer.request_id else "")
        raise SmslineError(" ".join(filter(None, words)))
    if isinstance(answer, Broken):
        what = _PERHAPS if answer.maybe_sent else _NOT_DONE
        # Busy is the one trouble that goes away by itself.
        hint = "try again in a moment" if answer.code == BUSY else f"see: smsline codes explain {answer.code}"
        raise SmslineError(f"{answer.code}: {answer.detail}; {what}; {hint}")
    return answer


def print_rows(rows: Sequence[Mapping[str, object]], none: str, *, as_json: bool) -> None:
    """Print rows of the same columns as a table, or as JSON.

    Args:
        rows: Column to value; a None stays empty.
        none: Said in place of a table without rows.
        as_json: Print a JSON list.
    """
    if as_json:
        print_json(list(rows))
    elif not rows:
        print_line(none)
    else:
        shown = table(*rows[0])
        for row in rows:
            # As text: an id is a name made of digits, and as a number it would get commas.
            shown.add_row(*("" if value is None else cell(str(value)) for value in row.values()))
        show(shown)


def day(at_s: int) -> str:
    """An epoch second for people, in UTC; empty for none."""
    return datetime.fromtimestamp(at_s, UTC).strftime("%Y-%m-%dT%H:%M:%SZ") if at_s else ""
