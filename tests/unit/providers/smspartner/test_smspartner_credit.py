"""What is left on an account.

Asked at the start and every quarter of an hour, shown with the account's health.
"""

from collections.abc import Callable
from dataclasses import replace

import fakeredis
import httpx
import pytest

from config.settings import Settings
from smsline.admin import Admin
from smsline.ledger import accounts
from smsline.ledger.link import Ledger
from tests.support.accounts import changed
from tests.unit.providers.smspartner.harness import ACCOUNT, Line, answering, error
from worker.engine import Engine
from worker.maintenance import balance
from worker.providers.base import Balance, BalanceProvider, Broken, Refused

ME = {
    "success": True,
    "credits": {"creditSms": 120, "creditSmsECO": 300, "balance": "4.56", "currency": "EUR"},
}
CREDENTIALS = {"provider": "smspartner", "secret_key": "key", "texts": {"hello": "Hello"}}
Make = Callable[[Line], Engine]


@pytest.fixture
def make() -> Make:
    """An engine with one account, on an empty ledger."""

    def made(line: Line) -> Engine:
        ledger = Ledger(fakeredis.FakeRedis(server=fakeredis.FakeServer()), "t")
        settings = Settings.model_validate({"accounts": {"french": CREDENTIALS}})
        accounts.register(ledger, {"french": "smspartner"})
        return Engine(settings, ledger, {"french": line.provider})

    return made


def due_in_s(engine: Engine) -> float | None:
    """When the account is asked next."""
    score = engine.ledger.redis.zscore(engine.ledger.keys.credit, "french")
    return None if score is None else (score - engine.now_ms()) / 1000


def test_asked_at_the_start(make: Make) -> None:
    """The first worker that starts has the account asked at once; others change nothing."""
    engine = make(answering(200, ME))

    balance.begin(engine)
    first = engine.ledger.redis.zscore(engine.ledger.keys.credit, "french")
    balance.begin(engine)

    assert first <= engine.now_ms()
    assert first == engine.ledger.redis.zscore(engine.ledger.keys.credit, "french")


def test_shown_with_the_account(make: Make) -> None:
    """The provider's balance is part of the account's health, asked again every quarter hour."""
    engine = make(answering(200, ME))
    balance.begin(engine)
    assert Admin(ledger=engine.ledger).accounts()[0]["credit"] is None

    balance.look(engine, "french")

    (health,) = Admin(ledger=engine.ledger).accounts()
    assert health["credit"] is not None
    assert (health["credit"]["balance"], health["credit"]["currency"]) == ("4.56", "EUR")
    assert (health["credit"]["messages"], bool(health["credit"]["at"])) == (120, True)
    left_s = due_in_s(engine)
    assert left_s is not None
    assert 890 < left_s <= 901


def test_asked_once_a_time(make: Make) -> None:
    """A wake-up that comes twice asks once."""
    line = answering(200, ME)
    engine = make(line)
    balance.begin(engine)

    balance.look(engine, "french")
    balance.look(engine, "french")

    assert len(line.requests) == 1


@pytest.mark.parametrize("line", [answering(403, error(10)), answering(500, b""), Line(lambda _: httpx.Response(404))])
def test_trouble_is_told(make: Make, line: Line) -> None:
    """A refusal is the account's newest trouble.

    What was known before stays, and sending is not concerned.
    """
    engine = make(line)
    balance.begin(engine)

    balance.look(engine, "french")

    (health,) = Admin(ledger=engine.ledger).accounts()
    assert health["credit"] is None
    assert "from me" in health["last_error"]
    assert health["state"] == "ok"
    assert due_in_s(engine) is not None


def test_account_that_is_gone(make: Make) -> None:
    """An account that this service has no more, or that cannot be asked, leaves the schedule."""
    engine = make(answering(200, ME))
    balance.begin(engine)
    engine.providers = {}

    balance.look(engine, "french")

    assert due_in_s(engine) is None


def test_range_of_the_account() -> None:
    """The messages counted are those of the account's own range of service."""
    line = answering(200, ME)

    assert isinstance(line.provider, BalanceProvider)
    assert line.provider.balance() == Balance("4.56", "EUR", 120)
    assert replace(line, account=changed(ACCOUNT, gamme=2)).provider.balance() == Balance("4.56", "EUR", 300)
    assert answering(403, error(10)).provider.balance() == Refused("10", "non", "")
    assert isinstance(answering(500, b"").provider.balance(), Broken)
