"""Rules of `smsline users`, `keys` and `audit`, on a real admin over a ledger of fakeredis."""

import io
import json
import sys
from collections.abc import Callable

import fakeredis
import pytest

from smsline.admin import Admin
from smsline.cli import main
from smsline.cli.options import Connect
from smsline.ledger import api_keys, users
from smsline.ledger.audit import Actor
from smsline.ledger.link import Ledger
from smsline.passwords import fits

PASSWORD = "correct horse battery"
Command = Callable[..., tuple[int, str, str]]


@pytest.fixture
def ledger() -> Ledger:
    """An empty one."""
    return Ledger(fakeredis.FakeRedis(server=fakeredis.FakeServer()), "t")


@pytest.fixture
def command(ledger: Ledger, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> Command:
    """`command("users", "list", stdin=…)`: exit code, standard output, standard error."""

    def run(*argv: str, stdin: str = "") -> tuple[int, str, str]:
        monkeypatch.setattr(sys, "stdin", io.StringIO(stdin))
        admin = Admin(ledger=ledger).acting(Actor("op", "cli", "host"))
        code = main(argv, connect=Connect(lambda: pytest.fail("no client is needed"), lambda: admin))
        return code, *capsys.readouterr()

    return run


def test_a_user(command: Command, ledger: Ledger) -> None:
    """The password comes from a prompt or stdin, never the command line, and is kept as a hash."""
    code, out, _ = command("users", "add", "anna", "--role", "operate", "--password-stdin", stdin=f"{PASSWORD}\n")
    user = users.get(ledger, "anna")
    assert (code, out) == (0, "anna may sign in as operate\n")
    assert user
    assert fits(PASSWORD, user.password)

    assert command("users", "add", "anna", "--role", "read", "--no-password")[0] == 1
    assert command("users", "set", "anna", "--role", "admin")[0] == 0
    (listed,) = json.loads(command("users", "list", "--json")[1])
    assert (listed["user"], listed["role"]) == ("anna", "admin")
    assert command("users", "remove", "anna")[0] == 0
    assert command("users", "list")[1].startswith("no users")
    assert command("users", "remove", "anna")[0] == 1


@pytest.mark.parametrize(
    ("argv", "stdin", "told"),
    [
        (["add", "anna", "--role", "root"], "", "role: 'root': must be one of read, operate, admin"),
        (["add", "an na", "--role", "read"], "", "name: 'an na': must be 1 to 64 letters"),
        (
            ["add", "anna", "--role", "read", "--password-stdin"],
            "short\n",
            "password: '5 characters': must have 10 to 256",
        ),
        (["set", "anna"], "", "give --role, --password or both"),
        (["add", "anna", "--role", "read"], f"{PASSWORD}\n{PASSWORD}\n", "no terminal to ask for the password on"),
    ],
)
def test_refused_users(command: Command, argv: list[str], stdin: str, told: str) -> None:
    """Bad input ends with 2 and names the rule; a password is never repeated."""
    code, out, err = command("users", *argv, stdin=stdin)
    assert (code, out) == (2, "")
    assert told in err
    assert "short\n" not in err


def test_a_key(command: Command, ledger: Ledger) -> None:
    """Printed once, alone on stdout; only its digest is kept; revoked it is listed, of no use."""
    may = (
        "--scope",
        "send",
        "--scope",
        "read",
        "--lanes",
        "otp",
        "--templates",
        "1234,5678",
        "--per-s",
        "9",
        "--expires",
        "90d",
    )
    code, out, err = command("keys", "create", "shop", *may)
    token = out.strip()
    assert (code, token.startswith("sl_live_"), "cannot be shown again" in err) == (0, True, True)
    assert token.encode() not in b"".join(ledger.redis.hgetall(ledger.keys.api_keys))
    key = api_keys.find(ledger, api_keys.digest(token))
    assert key
    assert (key.scopes, key.lanes, key.templates, key.per_s) == (("send", "read"), ("otp",), ("1234", "5678"), 9)
    assert key.expires_ms - key.created_ms == 90 * 86_400_000

    assert command("keys", "revoke", "shop")[0] == 0
    assert api_keys.find(ledger, api_keys.digest(token)) is None
    (listed,) = json.loads(command("keys", "list", "--json")[1])
    assert (listed["name"], bool(listed["revoked_at"])) == ("shop", True)
    assert token not in json.dumps(listed)


@pytest.mark.parametrize(
    "argv",
    [
        ["--scope", "all"],
        ["--scope", "send", "--lanes", "fast"],
        ["--scope", "send", "--expires", "soon"],
        ["--scope", ""],
    ],
)
def test_refused_keys(command: Command, argv: list[str]) -> None:
    """An unknown scope or lane, and a span that is none, are bad input."""
    assert command("keys", "create", "shop", *argv)[0] == 2


def test_an_expired_key(ledger: Ledger) -> None:
    """It opens nothing any more."""
    token = api_keys.create(ledger, "short", scopes=["read"], expires_s=0.001)
    record = json.loads(ledger.redis.hget(ledger.keys.api_keys, api_keys.digest(token)))
    ledger.redis.hset(ledger.keys.api_keys, api_keys.digest(token), json.dumps({**record, "expires_ms": 1}))
    assert api_keys.find(ledger, api_keys.digest(token)) is None


def test_the_trail(command: Command) -> None:
    """Every act of the command line stands there: who, from where, on what, how many.

    Filtered by who and what.
    """
    command("suppress", "add", "+8613711112222")
    command("keys", "create", "shop", "--scope", "read")
    found = json.loads(command("audit", "--json")[1])
    assert [(act["act"], act["who"], act["how"], act["where"]) for act in found] == [
        ("key.create", "op", "cli", "host"),
        ("suppression.add", "op", "cli", "host"),
    ]
    assert found[1]["count"] == 1
    assert [act["act"] for act in json.loads(command("audit", "--act", "suppression", "--json")[1])] == [
        "suppression.add"
    ]
    assert command("audit", "--who", "nobody")[1] == "nothing fits\n"
    assert "key.create" in command("audit", "--limit", "1")[1]
