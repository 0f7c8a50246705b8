"""`smsline smspartner …` against the sandbox: what each command prints, and how it ends."""

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, NamedTuple

import fakeredis
import pytest
from pydantic import SecretStr

from config.accounts import Account
from smsline.cli import main
from smsline.ledger import suppression
from smsline.ledger.link import Ledger
from worker.commands import session
from worker.commands.smspartner import run
from worker.providers.base import Call, Content, Sent
from worker.providers.smspartner.client import open_provider
from worker.sandbox.background import Background
from worker.sandbox.flags import Flags

STOPPED, FRENCH = 33612340010, 33612345678


class Ran(NamedTuple):
    """What a command left behind."""

    code: int
    out: str
    err: str


@pytest.fixture(scope="module")
def sandbox() -> Iterator[Background]:
    """One sandbox for all."""
    with Background(Flags(limits={"*": 0})) as sandbox:
        yield sandbox


@pytest.fixture
def ledger() -> Ledger:
    """An empty one."""
    return Ledger(fakeredis.FakeRedis(server=fakeredis.FakeServer()), "t")


@pytest.fixture
def smspartner(
    sandbox: Background,
    ledger: Ledger,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
) -> Callable[..., Ran]:
    """Runs `smsline smspartner` with an account `french` at the sandbox.

    It has messages: one went out, one met a STOP.
    """
    sandbox.reset()
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(session, "open_ledger", lambda _settings: ledger)
    account = {"PROVIDER": "smspartner", "SECRET_KEY": "sandbox-key", "ENDPOINT": sandbox.url, "TEXTS__HI": "Bonjour"}
    for name, value in account.items():
        monkeypatch.setenv(f"SMSLINE_ACCOUNTS__FRENCH__{name}", value)

    def runner(*argv: str) -> Ran:
        return Ran(main(["smspartner", *argv]), *capsys.readouterr())

    return runner


def sent(sandbox: Background) -> str:
    """The message id of a call to two numbers, one of which has answered STOP."""
    account = Account(
        provider="smspartner", secret_key=SecretStr("sandbox-key"), endpoint=sandbox.url, texts={"hi": "Bonjour"}
    )
    provider = open_provider("french", account)
    answer = provider.send(Call((FRENCH, STOPPED), Content("hi"), "sl:aaaaaa:1", 5.0))
    provider.close()
    assert isinstance(answer, Sent)
    return answer.request_id


def test_status_of_a_call_and_of_one_number(smspartner: Callable[..., Ran], sandbox: Background) -> None:
    """Every message of the call, or the one asked about."""
    message_id = sent(sandbox)

    every, one = smspartner("status", message_id), smspartner("status", message_id, "--number", f"+{FRENCH}", "--json")

    assert every.code == one.code == 0
    assert f"+{FRENCH}" in every.out
    assert f"+{FRENCH}" in one.out


def test_the_stop_list_becomes_suppressed(smspartner: Callable[..., Ran], sandbox: Background, ledger: Ledger) -> None:
    """Shown as it is; with --suppress its numbers are on the list, a second time none is new."""
    assert smspartner("stop-list").out == "no number answered STOP\n"
    sent(sandbox)

    shown, first, again = smspartner("stop-list"), *(smspartner("stop-list", "--suppress") for _ in range(2))

    assert f"+{STOPPED}" in shown.out
    assert "new on the suppression list: 1 of 1 number" in first.err
    assert "new on the suppression list: 0 of 1 number" in again.err
    (entry,) = suppression.listed(ledger)
    assert (entry.number, entry.scope) == (STOPPED, "marketing")


def test_cancel_is_refused_in_words(smspartner: Callable[..., Ran], sandbox: Background) -> None:
    """What went out cannot be taken back; the code's meaning is told.

    Nothing asks again where a command does not.
    """
    ran, unknown = smspartner("cancel", sent(sandbox)), smspartner("status", "307")

    assert ran.code == unknown.code == 1
    assert "4: The message or the number is not known yet. Look at what was given" in unknown.err
    assert "7: The message has been sent and cannot be cancelled." in ran.err
    assert "unknown" not in ran.err


def test_lookup_and_hlr(smspartner: Callable[..., Ran]) -> None:
    """The one says what a number is, the other begins a check that is paid for."""
    looked = smspartner("lookup", f"+{FRENCH}")
    checked = smspartner("hlr", f"+{FRENCH}", "--notify-url", "https://example.com/hlr", "--yes")

    assert looked.code == 0
    assert f"{FRENCH}" in looked.out
    assert checked.code == 0
    assert "1 number," in checked.out


@pytest.mark.parametrize(
    ("argv", "words"),
    [
        (("lookup", "123"), "number"),
        (("hlr", f"+{FRENCH}", "--yes", "--notify-url", "example.com/hlr"), "--notify-url: 'example.com/hlr': must be"),
        (("hlr", f"+{FRENCH}", "--notify-url", "https://example.com/hlr"), "--yes: 'not given': each number is billed"),
        (("status", "1", "--account", "other"), "must be an account of the provider smspartner: french"),
    ],
)
def test_bad_input(smspartner: Callable[..., Ran], argv: tuple[str, ...], words: str) -> None:
    """Refused before anything is asked."""
    ran = smspartner(*argv)

    assert ran.code == 2
    assert words in ran.err


@pytest.mark.usefixtures("smspartner")
def test_the_same_behind_the_worker(capsys: pytest.CaptureFixture[str]) -> None:
    """`python -m worker smspartner` is the same commands."""
    assert run(["stop-list", "--json"], prog_name="python -m worker smspartner") == 0
    assert capsys.readouterr().out == "[]\n"


@pytest.mark.parametrize("words", ["", "cancel", "status", "lookup", "hlr", "stop-list"])
def test_help_with_an_example(capsys: pytest.CaptureFixture[str], words: str) -> None:
    """Every command explains itself, without settings or Redis."""
    argv: list[Any] = ["smspartner", *filter(None, [words]), "--help"]

    assert main(argv) == 0
    assert "Example" in capsys.readouterr().out
