"""Routes in the settings."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from config.fields import TemplateAt
from config.settings import Settings, SettingsError

Load = Callable[..., Settings]

BOTH = {
    f"SMSLINE_ACCOUNTS__{name}__{field}": value
    for name in ("A", "B")
    for field, value in {"PROVIDER": "tencent", "SECRET_ID": "id", "SECRET_KEY": "key", "SDK_APP_ID": name}.items()
}


@pytest.mark.parametrize("accounts", ["a:70,b:30", "a : 70 , b:30"])
def test_a_route_in_the_environment(load: Load, accounts: str) -> None:
    """Accounts with weights, prefixes, lanes, fallbacks."""
    given = {"PREFIXES": "+33,41", "LANES": "otp,notify", "ACCOUNTS": accounts}
    (route,) = load(BOTH | {f"SMSLINE_ROUTES__EU__{name}": value for name, value in given.items()}).routes.values()
    assert (route.prefixes, route.lanes) == (("33", "41"), ("otp", "notify"))
    assert (route.accounts, route.fallback) == ({"a": 70, "b": 30}, ())


def test_a_route_in_a_file(load: Load) -> None:
    """Weights are a table there, or a list where all are alike."""
    text = (
        '[routes.eu]\naccounts = { a = 70 }\nfallback = ["b"]\n[routes.us]\nprefixes = ["1"]\naccounts = ["a", "b"]\n'
    )
    Path("smsline.toml").write_text(text, encoding="utf-8")
    routes = load(BOTH).routes
    assert (routes["eu"].accounts, routes["eu"].fallback) == ({"a": 70}, ("b",))
    assert routes["us"].accounts == {"a": 1, "b": 1}


@pytest.mark.parametrize(
    ("given", "words"),
    [
        ({"ACCOUNTS": "a,c"}, "names the account 'c', which is not configured"),
        ({"ACCOUNTS": "a", "FALLBACK": "a"}, "names the account 'a' twice"),
        ({"ACCOUNTS": "a,a"}, "names 'a' twice"),
        ({"ACCOUNTS": ""}, "must name at least one account"),
        ({"PREFIXES": "33"}, "is required"),
        ({"ACCOUNTS": "a:0"}, "must be greater than or equal to 1"),
        ({"ACCOUNTS": "a", "LANES": "bulk"}, "must be 'otp', 'notify' or 'marketing'"),
        ({"ACCOUNTS": "a", "FALBACK": "b"}, "did you mean SMSLINE_ROUTES__EU__FALLBACK?"),
    ],
)
def test_an_impossible_route_is_refused_by_name(load: Load, given: dict[str, str], words: str) -> None:
    """With the rule that it breaks."""
    with pytest.raises(SettingsError) as refused:
        load({**BOTH, **{f"SMSLINE_ROUTES__EU__{name}": value for name, value in given.items()}})
    assert words in str(refused.value)
    assert "SMSLINE_ROUTES__EU__" in str(refused.value)


@pytest.mark.parametrize(
    ("written", "expected"),
    [
        ("SMS_9", TemplateAt("SMS_9")),
        ("SMS_9()", TemplateAt("SMS_9")),
        (" SMS_9( code,minutes ) ", TemplateAt("SMS_9", ("code", "minutes"))),
    ],
)
def test_a_template_in_the_place_of_a_job_s(load: Load, written: str, expected: TemplateAt) -> None:
    """Its id, and the names of its params where they have any.

    The job's id is compared without regard to case.
    """
    settings = load(BOTH | {"SMSLINE_ACCOUNTS__A__TEMPLATES__WELCOME": written})
    assert settings.accounts["a"].templates == {"welcome": expected}


@pytest.mark.parametrize("written", ["SMS 9", "SMS_9(code", "SMS_9(co de)", "SMS_9(code,code)", ""])
def test_an_impossible_template_is_refused(load: Load, written: str) -> None:
    """It would be found out with the first call otherwise."""
    with pytest.raises(SettingsError, match="SMSLINE_ACCOUNTS__A__TEMPLATES__WELCOME"):
        load(BOTH | {"SMSLINE_ACCOUNTS__A__TEMPLATES__WELCOME": written})


def test_what_failover_may_be_set_to(load: Load) -> None:
    """Off, or after so many failures; times in seconds."""
    settings: Any = load(FAILOVER_FAILURES="0", FAILOVER_COOLDOWN_S="5")
    assert (settings.failover_failures, settings.failover_cooldown_s, settings.failover_return_s) == (0, 5, 300)
    assert settings.unsure_reroute is False
