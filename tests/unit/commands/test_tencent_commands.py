"""`smsline tencent …` against the sandbox: what is printed and done, and how commands end."""

import os
import re
from datetime import datetime
from pathlib import Path
from typing import Any

import fakeredis
import pytest

from smsline.ledger.link import Ledger
from tests.unit.commands.conftest import Run, account_at, account_of_sandbox
from tests.unit.providers.tencent.harness import CALL
from worker.commands import session
from worker.commands.tencent import run
from worker.commands.tencent.session import account, known
from worker.providers.tencent.client import open_provider
from worker.providers.tencent.questions import ZONE
from worker.providers.tencent.reviews import TEMPLATES, Draft, Kind
from worker.sandbox.background import Background


@pytest.mark.usefixtures("tencent")
def test_the_same_behind_the_worker(capsys: pytest.CaptureFixture[str]) -> None:
    """`python -m worker tencent` is the same commands, and ends alike."""
    assert run(["templates", "list", "--json"], prog_name="python -m worker tencent") == 0
    assert capsys.readouterr().out == "[]\n"
    assert run(["templates", "delete", "77"], prog_name="python -m worker tencent") == 1
    assert "FailedOperation.TemplateIdNotExist" in capsys.readouterr().err
    assert run([], prog_name="python -m worker tencent") == 0
    assert "Usage: python -m worker tencent" in capsys.readouterr().out


DRAFT = ("--name", "login", "--content", "Code {1}", "--remark", "sign-in")


def test_a_template_s_life(tencent: Run) -> None:
    """Handed in, listed, changed and deleted; the id stands alone on stdout."""
    added = tencent("templates", "add", *DRAFT, "--kind", "otp")
    template = added.out.strip()
    listed = tencent("templates", "list", "--json").json
    changed = tencent("templates", "modify", template, *DRAFT[:2], "--content", "New {1}", "--remark", "r", "--json")
    table = tencent("templates", "list", "--id", template)
    deleted = tencent("templates", "delete", template, "--json")

    assert (added.code, added.err) == (0, "handed in; it can be used when the review has approved it\n")
    assert [(one["id"], one["name"], one["review"]) for one in listed] == [(int(template), "login", "pending")]
    assert listed[0]["created_at"].endswith("Z")
    assert changed.json == {"id": int(template)}
    assert f"{template}  login  New {{1}}  mainland" in table.out
    assert deleted.json["id"] == int(template)
    assert tencent("templates", "list").out == "there are none\n"


def test_a_signature_s_life(tencent: Run, tmp_path: Path) -> None:
    """The same for signatures, whose proof is a file."""
    proof = tmp_path / "license.jpg"
    proof.write_bytes(b"image")
    files = ("--proof", str(proof), "--commission", str(proof))

    added = tencent("signatures", "add", "--name", "ACME", *files, "--document", "business-license", "--json").json
    sign = str(added["id"])
    again = tencent("signatures", "add", "--name", "ACME", *files)
    changed = tencent("signatures", "modify", sign, "--name", "ACME2", *files)
    listed = tencent("signatures", "list", "--id", sign, "--json").json

    assert (again.code, again.out) == (1, "")
    assert "InvalidParameterValue.SignExistAndUnapproved" in again.err
    assert changed.out == f"{sign}\n"
    assert [(one["name"], one["review"], one["international"]) for one in listed] == [("ACME2", "pending", False)]
    assert tencent("signatures", "delete", sign).out == f"deleted {sign}\n"


def test_lists_go_on_to_the_last_page(tencent: Run) -> None:
    """A list without ids fetches every page; mainland and global are apart."""
    tencent("templates", "add", "--name", "n", "--content", "x", "--remark", "r", "--global")
    with account("main") as api:
        for number in range(100):
            known(TEMPLATES.add(api, Draft(f"n{number}", "x", Kind.OTP, international=True, remark="r")))

    assert len(tencent("templates", "list", "--global", "--json").json) == 101
    assert tencent("templates", "list", "--json").json == []


@pytest.mark.parametrize(("typed", "code", "left"), [("n\n", 1, 1), ("y\n", 0, 0)])
def test_deleting_asks_on_a_terminal(tencent: Run, typed: str, code: int, left: int) -> None:
    """A person confirms; --yes, or no terminal, is enough for a script."""
    template = tencent("templates", "add", *DRAFT).out.strip()

    ran = tencent("templates", "delete", template, tty=True, stdin=typed)

    assert ran.code == code
    assert len(tencent("templates", "list", "--json").json) == left


def test_statistics_of_what_was_sent(tencent: Run, sandbox: Background) -> None:
    """Both commands count what went out in this hour; hours may be written in three ways."""
    provider = open_provider("main", account_of_sandbox(sandbox.url))
    provider.send(CALL)
    provider.close()
    now = datetime.now(ZONE)

    sends = tencent("statistics", "sends", "--from", now.strftime("%Y%m%d%H"), "--json").json
    receipts = tencent("statistics", "receipts", "--from", now.strftime("%Y-%m-%dT%H"), "--to", now.isoformat()).out

    assert sends == {"submitted": 2, "accepted": 2, "fee": 2}
    assert [line.split() for line in receipts.splitlines()][:4] == [
        ["count", "messages"],
        ["accepted", "2"],
        ["receipts", "2"],
        ["delivered", "2"],
    ]


def test_number(tencent: Run) -> None:
    """A number is shown as the provider reads it; one that cannot be read ends with 1."""
    good = tencent("number", "+86018845720123", "--json")
    bad = tencent("number", "+6591234567", "12345")

    assert (good.code, good.json[0]["phone"], good.json[0]["country"]) == (0, "+8618845720123", "CN")
    assert bad.code == 1
    assert "+6591234567" in bad.out
    assert bad.err == "some numbers cannot be read; they would be refused\n"


def test_convert(tencent: Run, sandbox: Background) -> None:
    """A report arrives with its time."""
    ran = tencent("convert", "5000:1", "--at", "2026-05-01T12:00:00Z", "--json")

    assert ran.json == {"serial": "5000:1", "at": "2026-05-01T12:00:00Z"}
    assert tencent("convert", "5000:2").out == "reported 5000:2\n"
    assert sandbox.stats()["conversions"] == 2


BAD: tuple[tuple[tuple[str, ...], str], ...] = (
    (("templates", "add", *DRAFT, "--kind", "x"), "--kind: 'x': must be otp, notification or marketing"),
    (("templates", "delete", "x"), "Invalid value for 'ID'"),
    (("templates", "remove", "1"), "No such command 'remove'"),
    (("signatures", "add", "--name", "A"), "Missing option '--proof'"),
    (("signatures", "add", "--name", "A", "--proof", "absent.jpg"), "file: 'absent.jpg': cannot be read"),
    (("statistics", "sends"), "Missing option '--from'"),
    (("statistics", "sends", "--from", "may"), "--from: 'may': must be an hour such as 2026-05-01T13"),
    (("statistics", "sends", "--from", "2026050112", "--to", "2026050111"), "is before the begin"),
    (("replies", "--number", "12"), "--number:"),
    (("replies", "--number", "+8613711112222", "--since", "8d"), "--since: '8d': must be an age"),
    (("number", "abc"), "must be digits"),
    (("convert", "5000:1", "--at", "noon"), "--at: 'noon': must be a time"),
    (("replies", "--account", "other"), "--account: 'other': must be an account of the provider tencent: main"),
)


@pytest.mark.parametrize(
    ("argv", "message"), BAD, ids=lambda value: " ".join(value) if isinstance(value, tuple) else ""
)
def test_bad_input(tencent: Run, argv: tuple[str, ...], message: str) -> None:
    """Exit code 2, nothing on stdout, and one line on stderr that says what is wrong."""
    ran = tencent(*argv)

    assert (ran.code, ran.out) == (2, "")
    assert message in ran.err
    assert ran.err.startswith("smsline: ")
    assert ran.err.count("\n") == 1


FAULTS: tuple[tuple[dict[str, Any], str], ...] = (
    ({"kind": "error", "code": "UnauthorizedOperation.RequestIpNotInWhitelist"}, "not on the application's allow-list"),
    ({"kind": "status", "status": 502}, "http.502: .*it may have been carried out all the same"),
    ({"kind": "status", "status": 429}, "http.429: .*nothing was carried out; see: smsline codes explain http.429"),
    ({"kind": "lost"}, "http.RemoteProtocolError: .*it may have been carried out"),
    ({"kind": "garbled"}, "http.NotJson: .*it may have been carried out"),
)


@pytest.mark.parametrize(("fault", "message"), FAULTS, ids=["refused", "502", "429", "lost", "garbled"])
@pytest.mark.parametrize("argv", [("templates", "list"), ("convert", "5"), ("replies",)], ids=" ".join)
def test_failures(
    tencent: Run, sandbox: Background, argv: tuple[str, ...], fault: dict[str, Any], message: str
) -> None:
    """Exit code 1, and one line on stderr: the code, its meaning, whether anything was done."""
    sandbox.control(faults=[fault])

    ran = tencent(*argv)

    assert ran.code == 1
    assert re.search(message, ran.err), ran.err
    assert ran.err.count("\n") == 1


def test_a_busy_bucket(tencent: Run, sandbox: Background, monkeypatch: pytest.MonkeyPatch) -> None:
    """Without a token no call is made; the line says so."""
    monkeypatch.setenv("SMSLINE_ACCOUNTS__MAIN__LIMITS__REPORTCONVERSION", "0.01")
    tencent("convert", "5000:1")

    ran = tencent("convert", "5000:2")

    assert ran.code == 1
    assert "limit.Busy: no call of ReportConversion is free for another" in ran.err
    assert sandbox.stats()["calls"] == {"ReportConversion": 1}


def test_no_redis_no_call(tencent: Run, sandbox: Background, monkeypatch: pytest.MonkeyPatch) -> None:
    """Without the buckets nothing is asked."""
    server = fakeredis.FakeServer()
    server.connected = False
    monkeypatch.setattr(session, "open_ledger", lambda _settings: Ledger(fakeredis.FakeRedis(server=server), "t"))

    ran = tencent("templates", "list")

    assert (ran.code, ran.err) == (
        1,
        "smsline: Redis cannot be reached, and without it no call is made: FakeRedis is emulating a connection error.\n",
    )
    assert sandbox.stats()["calls"] == {}


def test_accounts(tencent: Run, sandbox: Background, monkeypatch: pytest.MonkeyPatch) -> None:
    """With several accounts one must be named; with none, the line says what to set."""
    for name, value in account_at(sandbox.url).items():
        monkeypatch.setenv(f"SMSLINE_ACCOUNTS__SPARE__{name}", value)

    assert "--account: 'not given': say which one: main, spare" in tencent("templates", "list").err
    assert tencent("templates", "list", "--account", "spare").code == 0

    for name in account_at(""):
        monkeypatch.delenv(f"SMSLINE_ACCOUNTS__SPARE__{name}")
    monkeypatch.setenv("SMSLINE_ACCOUNTS__MAIN__REGOIN", "x")
    wrong = tencent("templates", "list")
    assert (wrong.code, wrong.err.count("\n")) == (2, 1)
    assert "REGOIN" in wrong.err


def test_no_account(tencent: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    """Without a Tencent account there is nothing to ask."""
    for name in [name for name in os.environ if name.startswith("SMSLINE_ACCOUNTS__")]:
        monkeypatch.delenv(name)

    ran = tencent("templates", "list")

    assert ran.code == 2
    assert "no account of the provider tencent is configured here" in ran.err


@pytest.mark.parametrize("signing", ["HmacSHA1", "HmacSHA256"])
def test_the_older_signatures(tencent: Run, monkeypatch: pytest.MonkeyPatch, signing: str) -> None:
    """With the setting `signing`, every command works as before, lists and numbers included."""
    monkeypatch.setenv("SMSLINE_ACCOUNTS__MAIN__SIGNING", signing)
    template = tencent("templates", "add", *DRAFT).out.strip()

    assert tencent("templates", "list", "--id", template, "--json").json[0]["content"] == "Code {1}"
    assert tencent("number", "+6591234567", "--json").json[0]["ok"] is True
    assert tencent("statistics", "sends", "--from", "2026050112", "--json").json["submitted"] == 0
