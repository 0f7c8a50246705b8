"""`/callbacks/<account>/<secret>/…`: pages are stored before the answer.

Who does not know the secret finds nothing.
"""

import json
from collections.abc import Callable, Mapping
from typing import Any

import pytest
from redis.exceptions import ConnectionError as GoneError
from starlette.testclient import TestClient

from smsline.ledger import pages
from smsline.ledger.link import Ledger

SECRET, NEXT = "s3cret-s3cret-s3cret", "n3xt-n3xt-n3xt-n3xt"
ROW = {"mobile": "13711112222", "nationcode": "86", "report_status": "SUCCESS", "errmsg": "DELIVRD", "sid": "5000:1"}
KEYS = {"secret_id": "id", "secret_key": "key"}
ACCOUNTS = {
    "main": {"provider": "tencent", "sdk_app_id": "1400", "callback_secret": f"{SECRET},{NEXT}", **KEYS},
    "ali": {"provider": "alibaba", "site": "mainland", "callback_secret": SECRET, **KEYS},
    "french": {"provider": "smspartner", "secret_key": "key", "texts": {"1": "x"}, "callback_secret": SECRET},
    "deaf": {"provider": "tencent", "sdk_app_id": "1401", **KEYS},
}

Site = Callable[..., TestClient]


@pytest.fixture
def pushing(site: Site) -> TestClient:
    """A provider in front of the web process; it sends no cookie and no origin."""
    made = site(accounts=ACCOUNTS, loopback=False, peer="203.0.113.9")
    made.headers.pop("sec-fetch-site", None)
    return made


@pytest.mark.parametrize(
    ("account", "kind", "body", "answer"),
    [
        ("main", "status", [ROW], {"result": 0, "errmsg": "OK"}),
        ("main", "reply", {"mobile": "1", "text": "TD"}, {"result": 0, "errmsg": "OK"}),
        ("ali", "status", [{"phone_number": "1"}], {"code": 0, "msg": "接收成功"}),
        ("ali", "reply", [{"phone_number": "1"}], {"code": 0, "msg": "接收成功"}),
        ("french", "reply", {"type": "stop"}, {"success": True}),
    ],
)
def test_a_push_is_stored_raw_and_answered_in_its_providers_form(
    pushing: TestClient, web_ledger: Ledger, *, account: str, kind: str, body: object, answer: Mapping[str, Any]
) -> None:
    """What a worker finds is what came, byte by byte."""
    raw = json.dumps(body, ensure_ascii=False).encode()
    got = pushing.post(f"/callbacks/{account}/{SECRET}/{kind}", content=raw)
    assert (got.status_code, got.json()) == (200, answer)
    (page,) = pages.pushed(web_ledger, account)
    assert (page.kind, page.raw) == (kind, raw)
    assert web_ledger.redis.zscore(web_ledger.keys.pushed_due, account)


def test_forms_and_query_strings_are_taken_where_the_provider_sends_them(
    pushing: TestClient, web_ledger: Ledger
) -> None:
    """SMSPartner's stop comes as either."""
    fields = {"type": "stop", "phone_number": "0612345678"}
    assert pushing.post(f"/callbacks/french/{SECRET}/reply", data=fields).status_code == 200
    assert pushing.get(f"/callbacks/french/{SECRET}/reply", params=fields).status_code == 200
    assert [json.loads(page.raw) for page in pages.pushed(web_ledger, "french")] == [fields, fields]
    assert pushing.get(f"/callbacks/main/{SECRET}/reply", params=fields).status_code == 400


def test_two_secrets_hold_while_one_is_changed_and_any_other_finds_nothing(
    pushing: TestClient, web_ledger: Ledger
) -> None:
    """A wrong secret, a missing account and one that takes no callbacks are answered alike."""
    assert pushing.post(f"/callbacks/main/{NEXT}/status", json=[ROW]).status_code == 200
    answers = [
        pushing.post(f"/callbacks/{account}/{secret}/status", json=[ROW])
        for account, secret in [("main", SECRET[:-1] + "x"), ("nobody", SECRET), ("deaf", SECRET), ("main", "é")]
    ]
    assert {answer.status_code for answer in answers} == {404}
    assert len({answer.text for answer in answers}) == 1
    assert len(pages.pushed(web_ledger, "main")) == 1


def test_what_is_no_push_or_too_large_is_not_stored(pushing: TestClient, web_ledger: Ledger) -> None:
    """Text, a number, too many rows, too many bytes."""
    path = f"/callbacks/main/{SECRET}/status"
    assert [pushing.post(path, content=body).status_code for body in (b"", b"7", b"<xml/>")] == [400] * 3
    assert pushing.post(path, json=[{}] * 1_001).status_code == 413
    assert pushing.post(path, content=b"[" + b" " * (1 << 20) + b"]").status_code == 413
    assert not pages.pushed(web_ledger, "main")


def test_while_redis_is_away_the_provider_is_told_to_come_again(
    pushing: TestClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Nothing is said to be taken that is not stored."""

    def gone(*_: object) -> None:
        raise GoneError

    monkeypatch.setattr(pages, "push", gone)
    answer = pushing.post(f"/callbacks/main/{SECRET}/status", json=[ROW])
    assert (answer.status_code, "retry-after" in answer.headers) == (503, True)
