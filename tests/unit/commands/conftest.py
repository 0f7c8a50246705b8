"""`smsline tencent` and the sandbox it speaks to, for the tests of its commands."""

import io
import json
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import fakeredis
import pytest
from pydantic import SecretStr

from config.accounts import Account
from smsline.cli import main
from smsline.ledger.link import Ledger
from worker.commands import session
from worker.sandbox.background import Background
from worker.sandbox.flags import Flags

APP = "1400000000"
UNLIMITED = {"*": 0}


@dataclass(frozen=True)
class Ran:
    """What a command left behind."""

    code: int
    out: str
    err: str

    @property
    def json(self) -> Any:
        """Its one document."""
        return json.loads(self.out)


@pytest.fixture(scope="module")
def served() -> Iterator[Background]:
    """One sandbox for all."""
    with Background(Flags(limits=UNLIMITED)) as sandbox:
        yield sandbox


@pytest.fixture
def sandbox(served: Background) -> Background:
    """It, with nothing in it."""
    served.reset()
    return served


Run = Callable[..., Ran]


@pytest.fixture
def tencent(
    sandbox: Background, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> Run:
    """Runs `smsline tencent`, with an account `main` at the sandbox and buckets in memory."""
    monkeypatch.chdir(tmp_path)
    fake = fakeredis.FakeRedis(server=fakeredis.FakeServer())
    monkeypatch.setattr(session, "open_ledger", lambda _settings: Ledger(fake, "t"))
    for name, value in account_at(sandbox.url).items():
        monkeypatch.setenv(f"SMSLINE_ACCOUNTS__MAIN__{name}", value)
    # As many calls as a test makes; that commands wait for their tokens is tested by itself.
    for action in ("ADDSMSSIGN", "ADDSMSTEMPLATE", "DELETESMSTEMPLATE", "DELETESMSSIGN", "MODIFYSMSSIGN"):
        monkeypatch.setenv(f"SMSLINE_ACCOUNTS__MAIN__LIMITS__{action}", "1000")

    def runner(*argv: str, tty: bool = False, stdin: str = "") -> Ran:
        monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(stdin.encode())))
        monkeypatch.setattr(sys.stdin, "isatty", lambda: tty)
        code = main(["tencent", *argv])
        return Ran(code, *capsys.readouterr())

    return runner


def account_of_sandbox(url: str) -> Account:
    """The same as an account."""
    return Account(
        provider="tencent",
        secret_id=SecretStr("sandbox-id"),
        secret_key=SecretStr("sandbox-key"),
        sdk_app_id=APP,
        endpoint=url,
    )


def account_at(url: str) -> dict[str, str]:
    """The sandbox's account, as settings."""
    return {
        "PROVIDER": "tencent",
        "SECRET_ID": "sandbox-id",
        "SECRET_KEY": "sandbox-key",
        "SDK_APP_ID": APP,
        "ENDPOINT": url,
    }
