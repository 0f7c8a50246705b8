"""Rules of reading settings from an environment."""

from collections.abc import Callable
from typing import Any

import pytest

from config.accounts import Account
from config.settings import _SECRET_NAMES, Settings
from smsline.names import DEFAULT_URL, LANES

Load = Callable[..., Settings]


def test_nothing_set(load: Load) -> None:
    """With nothing set the service talks to the Redis that `up` starts, and has no account."""
    settings = load()

    assert settings.redis_url == DEFAULT_URL
    assert settings.broker_url == DEFAULT_URL
    assert settings.accounts == {}
    assert settings == Settings()


def test_broker_is_the_ledgers_redis_unless_set(load: Load) -> None:
    """The broker is the ledger's Redis; another one, RabbitMQ too, is set by itself."""
    assert load(REDIS_URL="redis://r:1/2").broker_url == "redis://r:1/2"
    assert load(REDIS_URL="redis://r:1/2", BROKER_URL="amqp://u:p@q//").broker_url == "amqp://u:p@q//"


def test_made_by_hand_reads_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    """`Settings(…)` is what its arguments say, whatever the environment."""
    monkeypatch.setenv("SMSLINE_LEASE_S", "7")
    monkeypatch.setenv("LEASE_S", "7")

    assert Settings().lease_s == 60
    assert Settings.model_validate({"linger_ms": 3}).linger_ms["marketing"] == 3


def test_account(load: Load, account: dict[str, str]) -> None:
    """An account's name is lower case, its id stays text, the provider's parts are filled in."""
    main = load(account).accounts["main"]

    assert main.sdk_app_id == "1400000000"
    assert main.secret_key.get_secret_value() == "key-of-main"
    assert main.endpoint == "https://sms.tencentcloudapi.com"
    assert main.region == "ap-guangzhou"
    assert (main.sign, main.timeout_s, main.limits, main.prefixes) == ("", 10, {}, ())


@pytest.mark.parametrize("spelling", ["SENDSMS", "SendSms", "sendsms"])
def test_actions_in_any_case(load: Load, account: dict[str, str], spelling: str) -> None:
    """An action's limit may be spelt in any case; it comes out as the provider spells it."""
    settings = load(account | {f"SMSLINE_ACCOUNTS__MAIN__LIMITS__{spelling}": "300"})

    assert settings.accounts["main"].limits == {"SendSms": 300.0}


@pytest.mark.parametrize("spelling", ["BULK_SEND", "bulk-send", "BULKSEND"])
def test_actions_without_dashes(load: Load, french: dict[str, str], spelling: str) -> None:
    """An action with a dash in its name can be limited by a variable, whose name has none."""
    settings = load(french | {f"SMSLINE_ACCOUNTS__FRENCH__LIMITS__{spelling}": "3"})

    assert settings.accounts["french"].limits == {"bulk-send": 3.0}


def test_account_with_texts(load: Load, french: dict[str, str]) -> None:
    """An account at SMSPartner has a key, texts by lower-case template id, and options.

    It has no ids and no region.
    """
    environ = french | {"SMSLINE_ACCOUNTS__FRENCH__GAMME": "2", "SMSLINE_ACCOUNTS__FRENCH__STOP_SMS": "true"}
    account = load(environ).accounts["french"]

    assert account.endpoint == "https://api.smspartner.fr"
    assert account.texts == {"hello": "Hello {1}"}
    assert (account.gamme, account.stop_sms, account.unicode) == (2, True, False)
    assert (account.secret_id.get_secret_value(), account.sdk_app_id, account.region) == ("", "", "")


@pytest.mark.parametrize(
    ("site", "endpoint"),
    [
        ("mainland", "https://dysmsapi.aliyuncs.com"),
        ("international", "https://dysmsapi.ap-southeast-1.aliyuncs.com"),
    ],
)
def test_account_of_a_site(load: Load, singapore: dict[str, str], site: str, endpoint: str) -> None:
    """At Alibaba the site chooses the endpoint, unless one is given."""
    environ = singapore | {"SMSLINE_ACCOUNTS__SINGAPORE__SITE": site}
    account = load(environ).accounts["singapore"]

    assert (account.site, account.endpoint, account.region, account.sdk_app_id) == (site, endpoint, "", "")
    assert load(environ, ACCOUNTS__SINGAPORE__ENDPOINT="http://h").accounts["singapore"].endpoint == "http://h"


def test_an_international_site_takes_texts(load: Load, singapore: dict[str, str]) -> None:
    """For numbers outside the mainland."""
    environ = singapore | {"SMSLINE_ACCOUNTS__SINGAPORE__TEXTS__HELLO": "Hello {1}"}

    assert load(environ).accounts["singapore"].texts == {"hello": "Hello {1}"}


def test_prefixes(load: Load, account: dict[str, str]) -> None:
    """Country prefixes are given in a row, with or without plus sign."""
    assert load(account | {"SMSLINE_ACCOUNTS__MAIN__PREFIXES": "+86, 852"}).accounts["main"].prefixes == ("86", "852")


def test_accounts_of_one_key_share_their_buckets(load: Load, account: dict[str, str], french: dict[str, str]) -> None:
    """Providers count calls by key: the bucket is that of the first by name.

    A key of another provider's is another key.
    """
    second = {name.replace("MAIN", "AGAIN"): value for name, value in account.items()}
    third = {name.replace("MAIN", "OTHER"): value for name, value in account.items()}
    second["SMSLINE_ACCOUNTS__AGAIN__SDK_APP_ID"] = third["SMSLINE_ACCOUNTS__OTHER__SDK_APP_ID"] = "1400000001"
    third["SMSLINE_ACCOUNTS__OTHER__SECRET_ID"] = "AKID-of-other"

    settings = load(account | second | third | french)

    names = ("main", "again", "other", "french", "gone")
    assert [settings.bucket_of(name) for name in names] == ["again", "again", "other", "french", "gone"]


def test_a_token_and_its_secrecy(load: Load, account: dict[str, str]) -> None:
    """A temporary key has one; it is a secret like the key."""
    settings = load(account | {"SMSLINE_ACCOUNTS__MAIN__TOKEN": "token-of-main"})

    assert settings.accounts["main"].token.get_secret_value() == "token-of-main"
    assert "token-of-main" in settings.secrets
    assert "token-of-main" not in repr(settings)


def test_accounts_in_order_of_preference(load: Load, account: dict[str, str]) -> None:
    """Accounts come in the order in which they are to be tried: by priority, then by name."""
    environ = {
        variable.replace("MAIN", name): value for name in ("C", "B", "A", "LAST") for variable, value in account.items()
    }
    environ |= {"SMSLINE_ACCOUNTS__C__PRIORITY": "-1", "SMSLINE_ACCOUNTS__LAST__PRIORITY": "5"}

    assert list(load(environ).accounts) == ["c", "a", "b", "last"]


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        ({}, (5, 12, 12)),
        ({"RETRY_MAX": "4"}, (4, 4, 4)),
        ({"RETRY_MAX__OTP": "2"}, (2, 12, 12)),
        ({"RETRY_MAX": "4", "RETRY_MAX__OTP": "2"}, (2, 4, 4)),
    ],
)
def test_per_lane(load: Load, given: dict[str, str], expected: tuple[int, ...]) -> None:
    """One number is for all lanes; a lane's own refines it; lanes not named keep their default."""
    assert tuple(load(**given).retry_max[lane] for lane in LANES) == expected


def test_times_have_the_documented_defaults(load: Load) -> None:
    """The defaults that operators rely on."""
    settings = load()

    assert [settings.linger_ms[lane] for lane in LANES] == [0, 50, 500]
    assert [settings.first_poll_s[lane] for lane in LANES] == [2, 5, 5]
    assert [settings.unsure_horizon_s[lane] for lane in LANES] == [10, 3600, 3600]
    assert list(settings.unsure_probes_s) == [5, 30, 120, 600, 3600]
    assert list(settings.receipt_probes_s) == [600, 3600, 21600, 86400]
    assert (settings.receipt_deadline_s, settings.lease_s, settings.park_probe_s) == (259200, 60, 60)
    assert (settings.retention_days, settings.otp_reserve) == (7, 0.2)


def test_probes_in_a_row(load: Load) -> None:
    """Probe times are numbers separated by commas."""
    assert load(UNSURE_PROBES_S="0.5, 2,30").unsure_probes_s == (0.5, 2.0, 30.0)


@pytest.mark.parametrize(("lease_s", "timeout_s"), [("60", 10.0), ("10.5", 10.0), ("10", 5.0), ("2", 1.0)])
def test_unset_timeout_ends_before_the_lease(
    load: Load, account: dict[str, str], lease_s: str, timeout_s: float
) -> None:
    """A timeout that was not set gives way to a short lease: LEASE_S alone can be changed."""
    assert load(account, LEASE_S=lease_s).accounts["main"].timeout_s == timeout_s


def test_empty_is_not_set(load: Load, account: dict[str, str]) -> None:
    """An empty variable counts as not set; within an account it is a value."""
    settings = load(account | {"SMSLINE_ACCOUNTS__MAIN__SIGN": ""}, BROKER_URL="", LEASE_S="")

    assert settings.broker_url == DEFAULT_URL
    assert settings.lease_s == 60
    assert settings.accounts["main"].sign == ""


def test_other_variables_are_not_ours(load: Load) -> None:
    """Only names that begin with SMSLINE_ are looked at, and SMSLINE_CONFIG is no setting."""
    assert load({"SMS_LINE": "x", "SMS_LINE_TEAM": "x", "_SMSLINE_READY": "x", "SMSLINE_CONFIG": ""}) == Settings()


def test_secrets_do_not_show(load: Load, account: dict[str, str]) -> None:
    """No way of printing settings shows a credential or a password."""
    settings = load(account, REDIS_URL="redis://:pass-of-redis@r:1/2", BROKER_URL="amqp://u:pass%20of%20broker@q")
    shown = f"{settings} {settings!r} {settings.accounts}"

    assert not [secret for secret in settings.secrets if secret in shown]
    assert {"key-of-main", "AKID-of-main", "pass-of-redis", "pass of broker", "pass%20of%20broker"} == set(
        settings.secrets
    )


def test_frozen() -> None:
    """Settings do not change under a running process."""
    settings: Any = Settings()

    with pytest.raises(ValueError, match="frozen"):
        settings.lease_s = 5


def test_no_such_lane() -> None:
    """A lane that does not exist has no value, not another attribute's."""
    with pytest.raises(KeyError):
        Settings().linger_ms["model_config"]


def test_every_secret_makes_its_file_one_to_keep() -> None:
    """A setting that is a secret is known as one.

    So `check` tells of a file that holds it and others can read.
    """
    fields = [*Account.model_fields.items(), *type(Settings().web).model_fields.items()]
    secret = {name for name, field in fields if "SecretStr" in str(field.annotation)}
    assert {"callback_secret", "metrics_token"} <= secret <= _SECRET_NAMES
