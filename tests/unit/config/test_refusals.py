"""Rules of refusing settings: every problem at once, with name, value and rule, secrets hidden."""

from collections.abc import Callable

import pytest

from config.settings import SettingsError, load_settings

Refused = Callable[..., tuple[str, ...]]


@pytest.mark.parametrize(
    ("name", "meant"),
    [
        ("REDIS_ULR", "SMSLINE_REDIS_URL"),
        ("LEASE", "SMSLINE_LEASE_S"),
        ("LINGER_MS__OPT", "SMSLINE_LINGER_MS__OTP"),
        ("LINGER_MS_OTP", "SMSLINE_LINGER_MS__OTP"),
        ("ACCOUNT__MAIN__REGION", "SMSLINE_ACCOUNTS__MAIN__REGION"),
        ("ACCOUNTS__MAIN__SECRETKEY", "SMSLINE_ACCOUNTS__MAIN__SECRET_KEY"),
        ("ACCOUNTS_MAIN_SDK_APP_ID", "SMSLINE_ACCOUNTS__MAIN__SDK_APP_ID"),
    ],
)
def test_misspelt_name(refused: Refused, account: dict[str, str], name: str, meant: str) -> None:
    """A misspelt name is refused with the one that was meant.

    Its value, which may be a secret, is not repeated.
    """
    assert refused(account, **{name: "V4lue"}) == (f"SMSLINE_{name}: no such setting; did you mean {meant}?",)


@pytest.mark.parametrize("name", ["BOGUS", "A____B", "", "__", "_SECRETS_DIR", "LEASE_S__OTP__X"])
def test_unknown_name(refused: Refused, name: str) -> None:
    """A name that resembles nothing is refused too."""
    (problem,) = refused(**{name: "1"})

    assert f"SMSLINE_{name}: " in problem


@pytest.mark.parametrize(
    ("name", "value", "rule"),
    [
        (
            "REDIS_URL",
            "localhost:6379",
            "must be a URL that begins with redis:// or rediss:// or sentinel:// and names a host",
        ),
        ("REDIS_URL", "amqp://q", "must be a URL that begins with redis://"),
        ("REDIS_URL", "redis://h:99999", "its port must be a number from 1 to 65535"),
        ("REDIS_URL", "redis://h:1/db", "must end in the number of a Redis database"),
        ("BROKER_URL", "memory://", "must be a URL that begins with"),
        ("NAMESPACE", "my line", "must be 1 to 32 of a-z"),
        ("REGION_DEFAULT", "China", "must be the two capital letters of a country"),
        ("REGION_DEFAULT", "UK", "did you mean GB?"),
        ("LEASE_S", "-1", "must be greater than or equal to 1"),
        ("LEASE_S", "nan", "must be"),
        ("LEASE_S", "soon", "must be a valid number"),
        ("RETRY_MAX", "-1", "must be greater than or equal to 0"),
        ("RETRY_MAX__OTP", "1.5", "must be a valid integer"),
        ("LINGER_MS", "-5", "must be greater than or equal to 0"),
        ("RECEIPT_DEADLINE_S", "0", "must be greater than 0"),
        ("RECEIPT_DEADLINE_S", "inf", "must be a finite number"),
        ("UNSURE_PROBES_S", "30,5", "must ascend"),
        ("UNSURE_PROBES_S", "5,5", "must ascend"),
        ("UNSURE_PROBES_S", "0,5", "must be greater than 0"),
        ("RECEIPT_PROBES_S", ",", "must hold at least one"),
        ("OTP_RESERVE", "1", "must be less than 1"),
        ("WORKER_THREADS", "0", "must be greater than or equal to 1"),
        ("LOG_LEVEL", "loud", "must be 'debug', 'info', 'warning' or 'error'"),
        ("SANDBOX", "maybe", "must be 'auto', 'on' or 'off'"),
        ("CODES_FILE", "/nowhere/codes.tsv", "must be the path of a file that exists"),
        ("ACCOUNTS", "main", "must be a table of settings"),
        ("ACCOUNTS__MAIN", "tencent", "must be a table of settings"),
        ("ACCOUNTS__PROVIDER", "tencent", "between accounts and provider stands the account's name"),
    ],
)
def test_impossible_value(refused: Refused, name: str, value: str, rule: str) -> None:
    """An impossible value is refused with its name, itself and the rule it breaks."""
    (problem,) = refused(**{name: value})

    assert problem.startswith(f"SMSLINE_{name}: {value!r}: ")
    assert rule in problem


@pytest.mark.parametrize(
    ("name", "value", "rule"),
    [
        ("PROVIDER", "tencet", "must be 'tencent'"),
        ("SDK_APP_ID", "", "is required by the provider tencent"),
        ("REGION", "", "is required by the provider tencent"),
        ("SIGNING", "MD5", "must be 'TC3-HMAC-SHA256', 'HmacSHA256' or 'HmacSHA1'"),
        ("LIMITS__ADDSMSSING", "1", "did you mean AddSmsSign?"),
        ("GAMME", "1", "means nothing to the provider tencent"),
        ("TEXTS__HELLO", "Hello", "means nothing to the provider tencent"),
        ("CALLBACK_URL", "sms.example.com", "must be a URL that begins with http:// or https://"),
        ("CALLBACK_URL", "https://sms.example.com", "means nothing to the provider tencent"),
        ("ENDPOINT", "sms.tencentcloudapi.com", "must be a URL that begins with http:// or https://"),
        ("TIMEOUT_S", "0", "must be greater than 0"),
        ("TIMEOUT_S", "60", "must be shorter than lease_s, which is 60"),
        ("TIMEOUT_S", "90", "must be shorter than lease_s, which is 60"),
        ("PREFIXES", "86,CN", "must be country prefixes of 1 to 7 digits"),
        ("LIMITS__SENDSMS", "0", "must be greater than 0"),
        ("LIMITS__SENDMSS", "9", "the provider has no action 'sendmss'; did you mean SendSms?"),
        ("LIMITS__ABC", "9", "the provider has no action 'abc'; it has SendSms,"),
    ],
)
def test_impossible_account(refused: Refused, account: dict[str, str], name: str, value: str, rule: str) -> None:
    """So is an impossible value of an account."""
    full = f"SMSLINE_ACCOUNTS__MAIN__{name}"
    (problem,) = refused(account | {full: value})

    assert problem.startswith(f"{full}: ")
    assert rule in problem


def test_incomplete_account(refused: Refused, account: dict[str, str]) -> None:
    """An account without one of its credentials is refused by the variable that is missing."""
    del account["SMSLINE_ACCOUNTS__MAIN__SECRET_KEY"]

    assert refused(account) == ("SMSLINE_ACCOUNTS__MAIN__SECRET_KEY: is required",)


def test_incomplete_account_of_each_provider(refused: Refused) -> None:
    """Which settings an account needs depends on its provider, and the error says so."""
    assert refused(ACCOUNTS__A__PROVIDER="tencent") == (
        "SMSLINE_ACCOUNTS__A__SECRET_ID: is required by the provider tencent",
        "SMSLINE_ACCOUNTS__A__SECRET_KEY: is required",
        "SMSLINE_ACCOUNTS__A__SDK_APP_ID: is required by the provider tencent",
    )
    url = {"ACCOUNTS__A__CALLBACK_URL": "https://sms.example.com", "ACCOUNTS__A__TEXTS__1": "Hi"}
    assert refused(ACCOUNTS__A__PROVIDER="smspartner", ACCOUNTS__A__SECRET_KEY="key", **url) == (
        "SMSLINE_ACCOUNTS__A__CALLBACK_URL: 'https://sms.example.com': needs CALLBACK_SECRET too: without one no callback is taken",
    )
    assert refused(ACCOUNTS__A__PROVIDER="smspartner") == (
        "SMSLINE_ACCOUNTS__A__SECRET_KEY: is required",
        "SMSLINE_ACCOUNTS__A__TEXTS: is required by the provider smspartner",
    )


def test_signing_is_tencent_s(refused: Refused, french: dict[str, str]) -> None:
    """The signature algorithm can be chosen for Tencent alone."""
    (problem,) = refused(french | {"SMSLINE_ACCOUNTS__FRENCH__SIGNING": "HmacSHA1"})

    assert "means nothing to the provider smspartner" in problem


@pytest.mark.parametrize("name", ["SECRET_ID", "SDK_APP_ID", "REGION"])
def test_setting_of_another_provider(refused: Refused, french: dict[str, str], name: str) -> None:
    """A setting that means nothing to the account's provider is refused.

    The person who set it expects something of it.
    """
    (problem,) = refused(french | {f"SMSLINE_ACCOUNTS__FRENCH__{name}": "V4lue"})

    assert problem.startswith(f"SMSLINE_ACCOUNTS__FRENCH__{name}: ")
    assert "means nothing to the provider smspartner" in problem


@pytest.mark.parametrize(
    ("site", "name", "value", "rule"),
    [
        ("", "SITE", "", "must be 'mainland' or 'international'"),
        ("moon", "SITE", "moon", "must be 'mainland' or 'international'"),
        ("mainland", "TEXTS__HELLO", "Hello", "means nothing to alibaba's site mainland"),
        ("mainland", "REGION", "cn-hangzhou", "means nothing to the provider alibaba"),
        ("mainland", "LIMITS__QUERYMESSAGE", "9", "the provider has no action 'querymessage'"),
        ("international", "LIMITS__SENDSMS", "9", "it has SendMessageToGlobe"),
        ("international", "SECRET_ID", "", "is required by the provider alibaba"),
    ],
)
def test_impossible_account_of_a_site(
    refused: Refused, singapore: dict[str, str], *, site: str, name: str, value: str, rule: str
) -> None:
    """What means nothing to the account's site is refused too."""
    environ = singapore | {"SMSLINE_ACCOUNTS__SINGAPORE__SITE": site}
    (problem,) = refused(environ | {f"SMSLINE_ACCOUNTS__SINGAPORE__{name}": value})

    assert problem.startswith(f"SMSLINE_ACCOUNTS__SINGAPORE__{name}: ")
    assert rule in problem


def test_account_without_its_site(refused: Refused, singapore: dict[str, str]) -> None:
    """The site cannot be guessed."""
    del singapore["SMSLINE_ACCOUNTS__SINGAPORE__SITE"]

    assert refused(singapore) == ("SMSLINE_ACCOUNTS__SINGAPORE__SITE: is required by the provider alibaba",)


@pytest.mark.parametrize(
    ("template", "text", "rule"),
    [
        ("WELCOME", "", "must not be empty"),
        ("WELCOME", "Hello {name}", "must hold {1} to {20} where the params go, and no other braces"),
        ("WELCOME", "Hello {0}", "no other braces"),
        ("WELCOME", "Hello {21}", "no other braces"),
        ("WELCOME", "Hello \x1b[31m", "has a control character (U+001B)"),
        ("WELCOME", "Hello {1", "no other braces"),
        ("WELCOME", "Hello 1}", "no other braces"),
        ("WEL COME", "Hello", "must be a template id"),
    ],
)
def test_impossible_text(refused: Refused, french: dict[str, str], template: str, text: str, rule: str) -> None:
    """A text that could not be filled in is refused, without being repeated."""
    (problem,) = refused(french | {f"SMSLINE_ACCOUNTS__FRENCH__TEXTS__{template}": text})

    assert problem.startswith("SMSLINE_ACCOUNTS__FRENCH__TEXTS__WEL")
    assert rule in problem
    assert "Hello" not in problem


def test_empty_secret(refused: Refused, account: dict[str, str]) -> None:
    """An empty credential is refused, as when it was to come from a variable that is not there."""
    (problem,) = refused(account | {"SMSLINE_ACCOUNTS__MAIN__SECRET_KEY": ""})

    assert problem == "SMSLINE_ACCOUNTS__MAIN__SECRET_KEY: (hidden): must not be empty"


def test_account_name(refused: Refused) -> None:
    """A name that could not be written in an environment variable is refused."""
    environ = {
        f"SMSLINE_ACCOUNTS__-BAD-__{field}": "x" for field in ("SECRET_ID", "SECRET_KEY", "SDK_APP_ID", "REGION")
    }
    problems = refused(environ, **{"ACCOUNTS__-BAD-__PROVIDER": "tencent"})

    assert any("must be 1 to 32 of a-z" in problem for problem in problems)


def test_every_problem_at_once(refused: Refused, account: dict[str, str]) -> None:
    """Unknown names, impossible values and contradictions are told in one go, a line each."""
    environ = account | {"SMSLINE_ACCOUNTS__MAIN__TIMEOUT_S": "90", "SMSLINE_ACCOUNTS__MAIN__SIGNATURE": "x"}
    problems = refused(environ, LINGER_MS="-5", REDIS_ULR="redis://r", ACCOUNTS__B__PROVIDER="tencent")

    assert [problem.split(":", 1)[0] for problem in problems] == [
        "SMSLINE_ACCOUNTS__B__SECRET_ID",
        "SMSLINE_ACCOUNTS__B__SECRET_KEY",
        "SMSLINE_ACCOUNTS__B__SDK_APP_ID",
        "SMSLINE_ACCOUNTS__MAIN__SIGNATURE",
        "SMSLINE_LINGER_MS",
        "SMSLINE_REDIS_ULR",
        "SMSLINE_ACCOUNTS__MAIN__TIMEOUT_S",
    ]


def test_secrets_are_hidden() -> None:
    """No credential or password gets into the error, whatever else is wrong."""
    environ = {
        "SMSLINE_ACCOUNTS__MAIN__SECRET_KYE": "s3cret",
        "SMSLINE_ACCOUNTS__MAIN__SECRET_ID__X": "s3cret",
        "SMSLINE_REDIS_URL": "http://user:s3cret@host",
        "SMSLINE_BROKER_URL": "redis://:s3cret@host:99999",
        "SMSLINE_SECRET_KEY": "s3cret",
    }
    with pytest.raises(SettingsError) as caught:
        load_settings(environ)

    assert "s3cret" not in str(caught.value)
    assert "'http://user:***@host'" in str(caught.value)


def test_message() -> None:
    """The error reads as one text: how many problems, then a line for each."""
    with pytest.raises(SettingsError) as caught:
        load_settings({"SMSLINE_LEASE_S": "0", "SMSLINE_NAMESPACE": "!"})

    first, *lines = str(caught.value).splitlines()
    assert first == "the settings cannot be used (2 problems):"
    assert [line.strip() for line in lines] == list(caught.value.problems)


@pytest.mark.parametrize(
    ("name", "value", "told"),
    [
        ("SMSLINE_WEB__TRUSTED_PROXY_ADDRESSES", "10.0.0.1,everywhere", "must be addresses or networks"),
        ("SMSLINE_WEB__TRUSTED_PROXY_ROLE", "root", "'read', 'operate' or 'admin'"),
        ("SMSLINE_WEB__SESION_HOURS", "3", "did you mean SMSLINE_WEB__SESSION_HOURS?"),
    ],
)
def test_web(name: str, value: str, told: str) -> None:
    """The web process' settings are held to their rules as all others are."""
    with pytest.raises(SettingsError) as caught:
        load_settings({name: value})

    assert told in caught.value.problems[0]
