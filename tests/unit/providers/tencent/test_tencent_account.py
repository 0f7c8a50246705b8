"""What an account may be, and that its secrets stay in it."""

from dataclasses import replace
from typing import Any

import pytest

from tests.support.accounts import changed, refusal
from tests.unit.providers.tencent.harness import ACCOUNT, SECRET_ID, SECRETS, answering
from worker.providers.http import host_of
from worker.providers.tencent.facts import FACTS, SEND_EACH


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("secret_id", ""),
        ("secret_id", "AKID pasted"),
        ("secret_key", ""),
        ("secret_key", "with\nnewline"),
        ("secret_key", "schlüssel"),
        ("token", "two words"),
        ("region", ""),
        ("region", "广州"),
        ("sdk_app_id", ""),
        ("endpoint", ""),
        ("endpoint", "sms.tencentcloudapi.com"),
        ("endpoint", "ftp://sms.tencentcloudapi.com"),
        ("endpoint", "https://user:Hush8@sms.tencentcloudapi.com"),
        ("endpoint", "https://sms.tencentcloudapi.com/?a=Hush8"),
        ("endpoint", "https://sms.tencentcloudapi.com/#a"),
        ("endpoint", "http://[::1"),
        ("endpoint", "http://127.0.0.1:99999"),
        ("timeout_s", 0.0),
        ("timeout_s", float("nan")),
        ("limits", {"SendSms": 0.0}),
    ],
)
def test_useless_value_is_refused(field: str, value: Any) -> None:
    """What could never make a call is refused at once, naming the field and repeating no secret."""
    refused, rule = refusal(ACCOUNT, **{field: value})

    assert refused == field
    assert "Hush8" not in rule


def test_repr_hides_secrets() -> None:
    """Neither the account nor its provider shows a credential."""
    shown = repr(ACCOUNT) + repr(answering(200, b"").provider)

    assert "main" in shown
    assert not [secret for secret in (*SECRETS, SECRET_ID) if secret in shown]


@pytest.mark.parametrize(
    ("endpoint", "host"),
    [
        ("https://sms.tencentcloudapi.com", "sms.tencentcloudapi.com"),
        ("https://SMS.tencentcloudapi.com:443/", "sms.tencentcloudapi.com"),
        ("http://127.0.0.1:8899", "127.0.0.1:8899"),
        ("http://127.0.0.1:80/tencent", "127.0.0.1"),
        ("http://[::1]:8899", "[::1]:8899"),
    ],
)
def test_host_of_an_endpoint(endpoint: str, host: str) -> None:
    """The signed host has the port exactly where a client's Host header has it."""
    assert host == host_of(endpoint)


def test_documented_limits() -> None:
    """Each action has the documented rate unless the account says otherwise; no other changes."""
    own = replace(answering(200, b""), account=changed(ACCOUNT, limits={"SendSms": 500.0})).provider.limits

    assert FACTS.limits() == {
        SEND_EACH: 3000,
        "SendSms": 3000,
        "PullSmsSendStatus": 100,
        "PullSmsSendStatusByPhoneNumber": 20,
        "PullSmsReplyStatus": 100,
        "PullSmsReplyStatusByPhoneNumber": 20,
        "SendStatusStatistics": 10,
        "CallbackStatusStatistics": 10,
        "DescribePhoneNumberInfo": 1000,
        "ReportConversion": 1000,
        "AddSmsSign": 1,
        "DeleteSmsSign": 1,
        "DescribeSmsSignList": 20,
        "ModifySmsSign": 1,
        "AddSmsTemplate": 2,
        "DeleteSmsTemplate": 1,
        "DescribeSmsTemplateList": 20,
        "ModifySmsTemplate": 20,
    }
    assert own == {**FACTS.limits(), "SendSms": 500.0}
    assert all(limit.source for limit in FACTS.actions.values())
