"""Accounts: what could never make a call is refused when it is set, and no secret is repeated."""

from typing import Any

import pytest

from tests.support.accounts import changed, refusal
from tests.unit.providers.alibaba.harness import INTERNATIONAL, KEY_ID, KEY_SECRET, MAINLAND, answering
from worker.providers.alibaba.client import open_provider
from worker.providers.alibaba.facts import FACTS
from worker.providers.alibaba.international import InternationalProvider
from worker.providers.alibaba.mainland import MainlandProvider


def test_each_site_has_its_endpoint_and_provider() -> None:
    """The site chooses the API; an endpoint of one's own goes first."""
    assert MAINLAND.endpoint == "https://dysmsapi.aliyuncs.com"
    assert INTERNATIONAL.endpoint == "https://dysmsapi.ap-southeast-1.aliyuncs.com"
    assert changed(MAINLAND, endpoint="http://127.0.0.1:8899").endpoint == "http://127.0.0.1:8899"
    for account, kind in ((MAINLAND, MainlandProvider), (INTERNATIONAL, InternationalProvider)):
        provider = open_provider("main", account)
        assert isinstance(provider, kind)
        provider.close()


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("secret_id", ""),
        ("secret_id", "LTAI 1"),
        ("secret_id", "LTAI,1"),
        ("secret_key", "Hush8\nx"),
        ("secret_key", "Hüsh8"),
        ("site", "moon"),
        ("endpoint", "dysmsapi.aliyuncs.com"),
        ("endpoint", "ftp://dysmsapi.aliyuncs.com"),
        ("endpoint", "https://user:Hush8@dysmsapi.aliyuncs.com"),
        ("endpoint", "https://dysmsapi.aliyuncs.com/?a=b"),
        ("endpoint", "https://[::1"),
        ("timeout_s", 0.0),
        ("timeout_s", float("nan")),
        ("limits", {"SendSms": 0.0}),
    ],
)
def test_impossible_values(field: str, value: Any) -> None:
    """Each is refused by name; what may be secret is not shown."""
    refused, rule = refusal(MAINLAND, **{field: value})

    assert refused == field
    assert "Hush8" not in rule


def test_secrets_are_not_shown() -> None:
    """Neither the account nor its provider prints the key."""
    shown = repr(MAINLAND) + repr(answering(200, b"").mainland())

    assert KEY_SECRET not in shown
    assert KEY_ID not in shown


def test_limits() -> None:
    """Documented unless set; every action has its source."""
    provider = answering(200, b"").mainland(changed(MAINLAND, limits={"SendSms": 7.0}))

    assert provider.limits == {**FACTS.limits("mainland"), "SendSms": 7.0}
    assert FACTS.limits("international") == {
        "SendMessageToGlobe": 2000,
        "SendMessageWithTemplate": 100,
        "QueryMessage": 300,
    }
    assert all(limit.source for limit in FACTS.actions.values())
