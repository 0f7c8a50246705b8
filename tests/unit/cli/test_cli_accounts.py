"""`smsline accounts`."""

import json
from typing import Any

import pytest

from smsline.health import AccountHealth, ParkInfo

PARK: dict[str, Any] = {
    "scope": "template",
    "template": "5678",
    "side": "",
    "own_sign": False,
    "code": "FailedOperation.TemplateIncorrectOrUnapproved",
    "meaning": "the template is not approved",
    "since": "2026-08-01T09:00:00Z",
}
WELL: dict[str, Any] = {
    "account": "main",
    "provider": "tencent",
    "state": "ok",
    "parked": [],
    "held": None,
    "throttled_until": None,
    "late_calls": None,
    "workers": ["one:1"],
    "refused": {},
    "waiting": 1200,
    "receipts": 99,
    "late_receipts": 1,
    "unmatched_receipts": 2,
    "last_error": "",
    "unknown_codes": {},
    "credit": None,
    "failover": None,
    "failed_over": {},
}
CREDIT = {"balance": "10225.119", "currency": "EUR", "messages": 269082, "at": "2026-08-01T09:00:00Z"}
ILL = {
    **WELL,
    "account": "backup",
    "state": "parked",
    "parked": [PARK],
    "unknown_codes": {"New.Code": 3},
    "credit": CREDIT,
    "failed_over": {"main:parked": 40},
}
HELD = {
    **WELL,
    "account": "fourth",
    "state": "held",
    "held": {
        "code": "http.502",
        "meaning": "the endpoint failed",
        "since": "2026-08-01T09:00:00Z",
        "next_probe": "2026-08-01T09:00:30Z",
        "returning": False,
    },
    "refused": {"one:1": "AuthFailure.SignatureExpire"},
}
LACKED = {**WELL, "account": "fifth", "state": "unserved", "workers": []}
SLOW = {
    **WELL,
    "account": "sixth",
    "state": "slow",
    "late_calls": {"calls": 2, "recipients": 201, "since": "2026-08-01T09:00:00Z"},
}
FAILING = {
    **WELL,
    "account": "third",
    "state": "failing",
    "failover": {
        "code": "http.ConnectError",
        "meaning": "no connection",
        "since": "2026-08-01T09:00:00Z",
        "until": "2026-08-01T09:01:00Z",
        "whole_again": "2026-08-01T09:06:00Z",
        "share": 0.05,
    },
}


@pytest.fixture
def accounts(fake: Any) -> Any:
    """One account in health, one parked, and one that traffic fails over from."""
    fake.answers |= {"accounts": [WELL, ILL, FAILING], "resume_account": 2}
    return fake


@pytest.mark.usefixtures("accounts")
def test_each_account_has_a_line(run: Any) -> None:
    """With its state and its receipts: due, applied, late, unmatched."""
    lines = [line.split() for line in run("accounts").out.splitlines()]

    assert ["main", "tencent", "ok", "1,200", "99", "1", "2"] in lines
    assert ["backup", "tencent", "parked", "1,200", "99", "1", "2"] in [line[:7] for line in lines]


@pytest.mark.usefixtures("accounts")
def test_credit_is_shown_where_it_is_known(run: Any) -> None:
    """Money as the provider writes it, and the messages that buys."""
    well, ill, _ = (line for line in run("accounts").out.splitlines() if " tencent " in line)

    assert "10225.119 EUR (269,082 messages)" in ill
    assert "EUR" not in well


@pytest.mark.usefixtures("accounts")
def test_what_a_person_must_see_to_is_said_in_full(run: Any) -> None:
    """Why it is parked and what ends that; unknown codes."""
    out = run("accounts").out

    assert "backup: parked since 2026-08-01T09:00:00Z (5678) by FailedOperation.TemplateIncorrectOrUnapproved" in out
    assert "the template is not approved; when mended: smsline accounts resume backup" in out
    assert "backup: unknown code New.Code came 3 times" in out
    assert "backup: 40 recipients went through main (parked)" in out
    assert "third: too many calls failed by http.ConnectError since 2026-08-01T09:00:00Z: no connection;" in out
    assert "5% goes through it now" in out


@pytest.mark.usefixtures("accounts")
def test_as_json_it_is_a_list(run: Any) -> None:
    """The client's word, whole."""
    assert json.loads(run("accounts", "--json").out) == [WELL, ILL, FAILING]


def test_no_account_is_said_in_words(run: Any, accounts: Any) -> None:
    """And is an empty list as JSON."""
    accounts.answers["accounts"] = []

    assert run("accounts").out == "no worker has registered an account yet\n"
    assert run("accounts", "--json").out == "[]\n"


def test_resume_says_how_much_it_lifted(run: Any, accounts: Any) -> None:
    """In words or as JSON."""
    assert run("accounts", "resume", "backup").out == "backup: goes on; 2 hindrances lifted\n"
    assert json.loads(run("accounts", "resume", "backup", "--json").out) == {"account": "backup", "resumed": 2}
    assert accounts.calls == [("resume_account", {"account": "backup"})] * 2


def test_these_tests_speak_of_the_client_s_fields() -> None:
    """What passes here passes there."""
    assert set(WELL) == set(AccountHealth.__annotations__)
    assert set(PARK) == set(ParkInfo.__annotations__)


def test_what_goes_on_by_itself_says_so(fake: Any, run: Any) -> None:
    """A held account with code and next probe; one refused, one without worker, one late."""
    fake.answers["accounts"] = [HELD, LACKED, SLOW, {**WELL, "throttled_until": "2026-08-02T00:00:00Z"}]
    out = run("accounts").out

    assert "fourth: held since 2026-08-01T09:00:00Z by http.502" in out
    assert "next probe 2026-08-01T09:00:30Z" in out
    assert "one:1 is refused by AuthFailure.SignatureExpire" in out
    assert "fifth: no running worker has this account" in out
    assert "main: its provider takes no calls for now (see its last error); tried again at 2026-08-02" in out
    assert "sixth: 2 calls with 201 recipients are under way for longer than usual" in out
