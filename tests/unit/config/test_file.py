"""Rules of reading settings from `smsline.toml`."""

from pathlib import Path

import certifi
import pytest

from config.accounts import Account
from config.providers import PROVIDERS, facts_of
from config.routes import RouteSettings
from config.settings import Settings, SettingsError, load_settings
from config.web import WebhookSettings, WebSettings

SAMPLE = Path(__file__).parents[3] / "config" / "smsline.sample.toml"

FILE = """
lease_s = 30
linger_ms = 20
retry_max = { otp = 1 }
unsure_probes_s = [1, 2.5]

[accounts.Main]
provider = "tencent"
secret_id = "AKID-of-file"
secret_key = "key-of-file"
sdk_app_id = 1400000000

[accounts.Main.limits]
SendSms = 300
"""


def written(path: Path, text: str) -> dict[str, str]:
    path.write_text(text, encoding="utf-8")
    return {"SMSLINE_CONFIG": str(path)}


def test_named_file(tmp_path: Path) -> None:
    """SMSLINE_CONFIG names the file.

    Numbers, lists and tables are TOML's own, account names become lower case.
    """
    settings = load_settings(written(tmp_path / "any.toml", FILE))

    assert settings.lease_s == 30
    assert settings.linger_ms["notify"] == 20
    assert (settings.retry_max["otp"], settings.retry_max["notify"]) == (1, 12)
    assert list(settings.unsure_probes_s) == [1, 2.5]
    assert settings.accounts["main"].sdk_app_id == "1400000000"
    assert settings.accounts["main"].limits == {"SendSms": 300}


def test_file_in_this_folder() -> None:
    """Without SMSLINE_CONFIG, ./smsline.toml is read when it is there."""
    Path("smsline.toml").write_text("lease_s = 30", encoding="utf-8")

    assert load_settings({}).lease_s == 30


def test_environment_wins(tmp_path: Path) -> None:
    """A variable replaces the file's value, and nothing beside it."""
    environ = written(tmp_path / "any.toml", FILE) | {
        "SMSLINE_LINGER_MS__OTP": "7",
        "SMSLINE_ACCOUNTS__MAIN__SECRET_KEY": "key-of-environment",
    }
    settings = load_settings(environ)

    assert (settings.linger_ms["otp"], settings.linger_ms["notify"]) == (7, 20)
    assert settings.accounts["main"].secret_key.get_secret_value() == "key-of-environment"
    assert settings.accounts["main"].secret_id.get_secret_value() == "AKID-of-file"


@pytest.mark.parametrize(
    ("line", "problem"),
    [
        ("lease = 30", "lease in {}: no such setting; did you mean lease_s?"),
        ("linger_ms.opt = 3", "linger_ms.opt in {}: no such setting; did you mean linger_ms.otp?"),
        ("lease_s = 0", "lease_s in {}: '0': must be greater than or equal to 1"),
        ("lease_s = [3]", "lease_s in {}: '[3]': must be a valid number"),
        ("accounts.main.secret_key = ''", "accounts.main.secret_key in {}: (hidden): must not be empty"),
    ],
)
def test_refused_by_place(tmp_path: Path, line: str, problem: str) -> None:
    """A problem in the file is told with the key and the file."""
    path = tmp_path / "any.toml"
    with pytest.raises(SettingsError) as caught:
        load_settings(written(path, line))

    assert any(told.startswith(problem.format(path)) for told in caught.value.problems)


@pytest.mark.parametrize("content", [b"lease_s = ", b"\xff\xfe", b"[a]\n[a]"])
def test_not_toml(tmp_path: Path, content: bytes) -> None:
    """A file that is not TOML is refused by its path."""
    path = tmp_path / "any.toml"
    path.write_bytes(content)

    with pytest.raises(SettingsError, match="is not TOML"):
        load_settings({"SMSLINE_CONFIG": str(path)})


def test_no_file(tmp_path: Path) -> None:
    """A file that is named must be there."""
    with pytest.raises(SettingsError, match="cannot be read: No such file"):
        load_settings({"SMSLINE_CONFIG": str(tmp_path / "none.toml")})


def test_sample_is_loaded_as_it_is() -> None:
    """The sample file changes nothing until a line of it is switched on."""
    assert load_settings({"SMSLINE_CONFIG": str(SAMPLE)}) == Settings()


def test_sample_switched_on(tmp_path: Path) -> None:
    """Every line of the sample is valid when it is switched on, and shows the default."""
    codes = tmp_path / "codes.tsv"
    codes.touch()
    switched_on = (
        sample()
        .replace('"codes.tsv"', f'"{codes}"')
        .replace('"words.tsv"', f'"{codes}"')
        .replace('"ca.pem"', f'"{certifi.where()}"')
    )
    settings = load_settings(written(tmp_path / "all.toml", switched_on))

    expected = Settings(region_default="CN", codes_file=codes, words_file=codes).model_dump(
        exclude={"accounts", "routes"}
    )
    assert settings.model_dump(exclude={"accounts", "routes"}) == expected
    assert settings.routes["europe"].named() == ("french", "main", "singapore")
    assert settings.accounts["main"].timeout_s == Account.model_fields["timeout_s"].default
    assert settings.accounts["main"].endpoint == facts_of("tencent").endpoint


def test_sample_is_complete() -> None:
    """Every setting stands in the sample, the account's and each action's too.

    Tables stand there as headers.
    """
    names = {line.partition("=")[0].strip(' "') for line in sample().splitlines()}

    groups = {*WebSettings.model_fields, *WebhookSettings.model_fields}
    assert {*Settings.model_fields, *RouteSettings.model_fields, *groups} - {
        "accounts",
        "routes",
        "web",
        "webhooks",
    } <= names
    assert set(Account.model_fields) - {"limits", "texts", "templates"} <= names
    # A provider with a table of codes of its own is documented in its own folder.
    own = [facts_of(name) for name in PROVIDERS if facts_of(name).codes is None]
    assert {action for facts in own for action in facts.actions} <= names


def sample() -> str:
    """The sample with every setting switched on."""
    lines = SAMPLE.read_text(encoding="utf-8").splitlines()
    return "\n".join(line[1:] for line in lines if line.startswith("#") and line[1:2] not in ("", " "))
