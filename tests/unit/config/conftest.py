"""Settings are read in an empty folder and an empty environment, whatever the machine's own."""

from collections.abc import Callable

import pytest

from config.settings import Settings, SettingsError, load_settings


@pytest.fixture(autouse=True)
def empty_folder(tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path_factory.mktemp("empty"))


@pytest.fixture
def account() -> dict[str, str]:
    """The environment of one complete account called main."""
    return {
        "SMSLINE_ACCOUNTS__MAIN__PROVIDER": "tencent",
        "SMSLINE_ACCOUNTS__MAIN__SECRET_ID": "AKID-of-main",
        "SMSLINE_ACCOUNTS__MAIN__SECRET_KEY": "key-of-main",
        "SMSLINE_ACCOUNTS__MAIN__SDK_APP_ID": "1400000000",
    }


@pytest.fixture
def french() -> dict[str, str]:
    """The environment of one complete account at SMSPartner called french."""
    return {
        "SMSLINE_ACCOUNTS__FRENCH__PROVIDER": "smspartner",
        "SMSLINE_ACCOUNTS__FRENCH__SECRET_KEY": "key-of-french",
        "SMSLINE_ACCOUNTS__FRENCH__TEXTS__HELLO": "Hello {1}",
    }


@pytest.fixture
def singapore() -> dict[str, str]:
    """The environment of one complete account at Alibaba's international site called singapore."""
    return {
        "SMSLINE_ACCOUNTS__SINGAPORE__PROVIDER": "alibaba",
        "SMSLINE_ACCOUNTS__SINGAPORE__SITE": "international",
        "SMSLINE_ACCOUNTS__SINGAPORE__SECRET_ID": "LTAI-of-singapore",
        "SMSLINE_ACCOUNTS__SINGAPORE__SECRET_KEY": "key-of-singapore",
    }


@pytest.fixture
def load() -> Callable[..., Settings]:
    """`load(account, LEASE_S="5")`: settings from these variables alone."""

    def read(environ: dict[str, str] | None = None, **values: str) -> Settings:
        return load_settings({**(environ or {}), **{f"SMSLINE_{name}": value for name, value in values.items()}})

    return read


@pytest.fixture
def refused(load: Callable[..., Settings]) -> Callable[..., tuple[str, ...]]:
    """`refused(LEASE_S="-1")`: the problems these variables are refused for."""

    def read(environ: dict[str, str] | None = None, **values: str) -> tuple[str, ...]:
        with pytest.raises(SettingsError) as caught:
            load(environ, **values)
        return caught.value.problems

    return read
