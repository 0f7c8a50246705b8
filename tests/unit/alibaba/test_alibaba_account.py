"""Accounts: what could never make a call is refused when it is set, and no secret is repeated."""

from dataclasses import replace
from typing import Any

import pytest

from smsline.errors import BadInput
from tests.unit.alibaba.harness import INTERNATIONAL, KEY_SECRET, MAINLAND, answering
from worker.providers.alibaba import InternationalProvider, MainlandProvider, open_account
from worker.providers.alibaba.limits import ACTIONS, documented


def test_each_site_has_its_endpoint_and_provider() -> None:
    """The site chooses the API; an endpoint of one's own goes first."""
    assert MAINLAND.url == "https://dysmsapi.aliyuncs.com"
    assert INTERNATIONAL.url == "https://dysmsapi.ap-southeast-1.aliyuncs.com"
    assert replace(MAINLAND, endpoint="http://127.0.0.1:8899").url == "http://127.0.0.1:8899"
    for account, kind in ((MAINLAND, MainlandProvider), (INTERNATIONAL, InternationalProvider)):
        provider = open_account(account)
        assert isinstance(provider, kind)
        provider.close()


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("access_key_id", ""),
        ("access_key_id", "LTAI 1"),
        ("access_key_id", "LTAI,1"),
        ("access_key_secret", "Hush8\n"),
        ("access_key_secret", "Hüsh8"),
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
    with pytest.raises(BadInput) as caught:
        replace(MAINLAND, **{field: value})

    assert caught.value.field.startswith(field)
    assert "Hush8" not in str(caught.value)


def test_secrets_are_not_shown() -> None:
    """Neither the account nor its provider prints the key."""
    shown = repr(MAINLAND) + repr(answering(200, b"").mainland())

    assert KEY_SECRET not in shown
    assert MAINLAND.access_key_id not in shown


def test_limits() -> None:
    """Documented unless set; every action has its source."""
    provider = answering(200, b"").mainland(replace(MAINLAND, limits={"SendSms": 7.0}))

    assert provider.limits == {**documented("mainland"), "SendSms": 7.0}
    assert documented("international") == {
        "SendMessageToGlobe": 2000,
        "BatchSendMessageToGlobe": 1,
        "SendMessageWithTemplate": 100,
        "QueryMessage": 300,
    }
    assert all(limit.source for actions in ACTIONS.values() for limit in actions.values())
