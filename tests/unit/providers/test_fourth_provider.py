"""A provider is one folder and one line.

An invented one is added as docs/adding-a-provider.md says, and everything knows it.
"""

import json
import re
import threading
from collections.abc import Iterator
from dataclasses import replace
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from config import providers
from config.settings import SettingsError, load_settings
from smsline.codes import calls, for_receipt, for_send, for_taken, store, wait_s
from smsline.codes.lookup import forget
from smsline.codes.parse import SCOPES
from smsline.verdicts import Scope, Verdict
from tests.unit.providers.acme import facts
from tests.unit.providers.acme.client import AcmeProvider
from worker.commands.check import Grade, judge_accounts
from worker.providers.base import Call, Content, MessageRef, Provider, QueryProvider, Receipt, Refused, Sent
from worker.providers.registry import open_providers

ROOT = Path(__file__).parents[3]
NUMBER = 4915112345678


@pytest.fixture(autouse=True)
def line(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """The one line, and a process that has not read it when the test is over."""
    monkeypatch.setitem(providers.PROVIDERS, "acme", "tests.unit.providers.acme")
    providers.facts_of.cache_clear()
    yield
    store._brought.clear()
    for cached in (store.namespaces, store.shipped, store.table, calls._space, for_taken, providers.facts_of):
        cached.cache_clear()
    forget()


class _Acme(BaseHTTPRequestHandler):
    """Acme's server: a number with 9 at the end has unsubscribed."""

    def do_POST(self) -> None:
        asked = json.loads(self.rfile.read(int(self.headers["content-length"])))
        gone = asked["to"].endswith("9")
        self._answer(
            {"state": "UNSUBSCRIBED", "why": asked["text"]} if gone else {"state": "QUEUED", "id": "m1", "parts": 1}
        )

    def do_GET(self) -> None:
        self._answer({"state": "PHONE_OFF", "at": 1_790_000_000})

    def _answer(self, row: dict[str, object]) -> None:
        body = json.dumps(row).encode()
        self.send_response(200)
        self.send_header("content-length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        """Say nothing."""


@pytest.fixture
def server() -> Iterator[str]:
    """Where Acme listens."""
    with ThreadingHTTPServer(("127.0.0.1", 0), _Acme) as server:
        threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01}).start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()


def environ(endpoint: str = "https://api.acme.example") -> dict[str, str]:
    """An account of it."""
    return {
        "SMSLINE_ACCOUNTS__BERLIN__PROVIDER": "acme",
        "SMSLINE_ACCOUNTS__BERLIN__SECRET_KEY": "k3y-of-berlin",
        "SMSLINE_ACCOUNTS__BERLIN__ENDPOINT": endpoint,
        "SMSLINE_ACCOUNTS__BERLIN__TEXTS__LOGIN": "Your code is {1}.",
        "SMSLINE_ACCOUNTS__BERLIN__LIMITS__MESSAGESSTATUS": "3",
    }


def test_its_settings_are_checked_as_its_facts_say() -> None:
    """Its needs are asked for, foreign settings refused, its actions and endpoint known."""
    account = load_settings(environ()).accounts["berlin"]
    assert (account.endpoint, account.limits) == ("https://api.acme.example", {"messages/status": 3.0})

    needless = {"SMSLINE_ACCOUNTS__BERLIN__SDK_APP_ID": "1"}
    without_texts = {name: value for name, value in environ().items() if "TEXTS" not in name}
    for wrong, words in (
        (environ() | needless, "means nothing to the provider acme"),
        (without_texts, "is required by the provider acme"),
        (environ() | {"SMSLINE_ACCOUNTS__BERLIN__PROVIDER": "acmee"}, "or 'acme'"),
    ):
        with pytest.raises(SettingsError, match=words):
            load_settings(wrong)


def test_check_knows_it() -> None:
    """An account of it is ok."""
    assert [finding.grade for finding in judge_accounts(load_settings(environ()))] == [Grade.OK]


def test_its_codes_are_known() -> None:
    """Exact ones and families, in its own time zone, and its opt-outs with what they stop."""
    known = providers.facts_of("acme")

    assert for_taken("acme").row.code == "QUEUED"
    assert for_send("acme", "BUSY_2").row.verdict is Verdict.THROTTLE
    assert (for_receipt("acme", "PHONE_OFF").row.verdict, for_receipt("acme", "PHONE_OFF").row.delay_s) == (
        Verdict.RETRY,
        7200,
    )
    assert known.opt_out("UNSUBSCRIBED") == "marketing"
    assert known.opt_out("NIGHT") is None
    night = for_send("acme", "NIGHT").row
    assert night.scope is Scope.TEMPLATE
    # 19:00 in Berlin; without a time zone database it is 18:00 there.
    assert wait_s(night, now_s=1_790_010_000) in {13 * 3600 + 60, 14 * 3600 + 60}


@pytest.mark.parametrize(
    ("row", "words"),
    [
        ("send\tQUEUED\tok\taccount", "QUEUED: scope: 'account'"),
        ("sent\tQUEUED\tok\trequest", "namespace: 'sent' must be one of send, read, receipt, manage"),
        ("receipt\tQUEUED\tok\trequest", "a row of the namespace send must have the verdict ok"),
    ],
)
def test_a_table_that_cannot_be_used_is_told_at_the_start(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, row: str, words: str
) -> None:
    """Found out when an answer is recorded, it would cost that answer."""
    table = tmp_path / "codes.tsv"
    table.write_text(f"namespace\tcode\tverdict\tscope\tmeaning\n{row}\tinvented\n", encoding="utf-8")
    monkeypatch.setattr(facts, "FACTS", replace(facts.FACTS, codes=table))

    with pytest.raises(SettingsError, match=words):
        load_settings(environ())


def test_it_sends_and_is_asked(server: str) -> None:
    """An account's adapter is opened from the settings; its answers are the engine's values."""
    provider: Provider = open_providers(load_settings(environ(server)))["berlin"]
    assert isinstance(provider, AcmeProvider)
    assert isinstance(provider, QueryProvider)
    call = Call((NUMBER,), Content("login", ("482913",)), "sl:aaaaaa:1", 5.0)

    sent = provider.send(call)
    refused = provider.send(Call((NUMBER + 1,), call.content, call.context, 5.0))
    page = provider.query([MessageRef("m1", NUMBER, 1_789_999_000)])
    provider.close()

    assert isinstance(sent, Sent)
    assert (sent.items[0].ok, sent.items[0].serial, sent.items[0].fee) == (True, "m1", 1)
    assert refused == Refused("UNSUBSCRIBED", "****", "")
    assert page.receipts == (Receipt(NUMBER, "m1", False, "PHONE_OFF", 1_790_000_000, ""),)  # type: ignore[union-attr]


def test_the_page_tells_the_scopes_of_each_verdict() -> None:
    """As the table of codes is held against them."""
    page = (ROOT / "docs" / "adding-a-provider.md").read_text(encoding="utf-8")
    lines = re.findall(r"^  \| (`\w+`.*?) \| (.*) \|$", page, re.MULTILINE)
    told = {
        verdict: set(re.findall(r"`(\w+)`", scopes)) for names, scopes in lines for verdict in re.findall(r"\w+", names)
    }

    assert told == {verdict.value: {scope.value for scope in scopes} for verdict, scopes in SCOPES.items()}


def test_nothing_else_names_it() -> None:
    """The folder and the line are the whole of it."""
    parts = [path for folder in ("config", "smsline", "worker", "tasks") for path in (ROOT / folder).rglob("*.py")]

    assert [path.name for path in parts if "acme" in path.read_text(encoding="utf-8")] == []


def test_no_adapter_imports_another() -> None:
    """What they share stands in worker/providers itself.

    A new folder is looked at without being named anywhere.
    """
    folders = [path.parent for path in (ROOT / "worker" / "providers").glob("*/facts.py")]
    assert len(folders) >= 3
    for folder in folders:
        others = {f"worker.providers.{other.name}" for other in folders if other != folder}
        for file in folder.glob("*.py"):
            text = file.read_text(encoding="utf-8")
            assert not [other for other in others if other in text], file
