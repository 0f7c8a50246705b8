"""Rules of `smsline webhooks`, on a real admin over a ledger of fakeredis."""

import json
from collections.abc import Callable

import fakeredis
import pytest

from smsline.admin import Admin
from smsline.cli import main, webhooks
from smsline.cli.options import Connect
from smsline.ledger import webhooks as endpoints
from smsline.ledger import webhooks_queue
from smsline.ledger.audit import Actor
from smsline.ledger.link import Ledger
from smsline.ledger.webhooks_queue import TryResult

Command = Callable[..., tuple[int, str, str]]
URL = "https://shop.example/hook/secret-path"


@pytest.fixture
def ledger() -> Ledger:
    """An empty one."""
    return Ledger(fakeredis.FakeRedis(server=fakeredis.FakeServer()), "t")


@pytest.fixture
def command(ledger: Ledger, capsys: pytest.CaptureFixture[str]) -> Command:
    """`command("list")`: exit code, standard output, standard error."""

    def run(*argv: str) -> tuple[int, str, str]:
        admin = Admin(ledger=ledger).acting(Actor("op", "cli", "host"))
        code = main(("webhooks", *argv), connect=Connect(lambda: pytest.fail("no client is needed"), lambda: admin))
        return code, *capsys.readouterr()

    return run


def test_an_endpoint(command: Command, ledger: Ledger) -> None:
    """The secret alone is on standard output, once.

    Neither list nor audit trail has it, nor the trail the URL's path.
    """
    code, secret, err = command("add", "shop", URL, "--events", "job.closed, recipients.final")
    assert (code, secret[:6], err) == (0, "whsec_", "keep it now: it cannot be shown again\n")
    (listed,) = json.loads(command("list", "--json")[1])
    assert (listed["name"], listed["events"], listed["state"]) == ("shop", ["job.closed", "recipients.final"], "active")
    assert secret.strip() not in command("list")[1]
    assert command("add", "shop", URL, "--events", "job.closed")[0] == 1
    assert command("add", "crm", URL, "--events", "job.open")[0] == 2
    assert command("remove", "shop")[1] == "shop removed\n"
    assert command("remove", "shop")[0] == 1
    assert command("list")[1] == "no webhooks\n"
    kept = str(ledger.redis.xrange(ledger.keys.audit))
    assert "secret-path" not in kept
    assert secret.strip() not in kept


def test_a_failure_is_shown_and_told_again(command: Command, ledger: Ledger, monkeypatch: pytest.MonkeyPatch) -> None:
    """What was answered, when it is tried next; and what to look at if no worker takes a trial."""
    monkeypatch.setattr(webhooks, "TEST_S", 0.0)
    command("add", "shop", URL, "--events", "job.closed")
    code, out, _ = command("test", "shop")
    assert (code, out) == (1, "no worker has tried shop within 0 s; does one serve smsline.webhooks?\n")
    endpoint, later = endpoints.find(ledger, "shop"), endpoints.send_test(ledger, "shop")
    taken = webhooks_queue.take(ledger, endpoint, lease_ms=1000)
    assert taken
    assert taken.id == later  # a person waits for it: it goes before what waited
    webhooks_queue.note(ledger, endpoint, taken.id, TryResult("failed", "HTTP 500", 5000, 1000), patience_ms=1e9)
    (failure,) = json.loads(command("failures", "--json")[1])
    assert (failure["type"], failure["tries"], failure["answer"]) == ("webhook.test", 1, "HTTP 500")
    assert failure["next_at"]
    assert "HTTP 500" in command("failures", "shop")[1]
    assert "failing" in command("list")[1]
    assert command("replay", "shop", "--since", "1h")[1] == "2 events are sent to shop again\n"
    assert command("replay", "shop", "--since", "soon")[0] == 2
    older = webhooks_queue.take(ledger, endpoint, lease_ms=1000)
    assert older
    webhooks_queue.note(ledger, endpoint, older.id, TryResult("ok", "HTTP 200", 0, 0), patience_ms=1e9)
    again = webhooks_queue.take(ledger, endpoint, lease_ms=1000)
    assert again
    assert (again.id, again.body, again.tries) == (taken.id, taken.body, 0)
