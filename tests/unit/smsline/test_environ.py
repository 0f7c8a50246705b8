"""Rules of reading settings from variables, from files in their place, and a secrets folder."""

from pathlib import Path

import pytest

from config.settings import SettingsError, load_settings
from smsline import Client
from smsline.calls import arguments_of
from smsline.environ import open_to_others
from smsline.errors import BadInput

ACCOUNT = {
    "SMSLINE_ACCOUNTS__MAIN__PROVIDER": "tencent",
    "SMSLINE_ACCOUNTS__MAIN__SECRET_ID": "AKID",
    "SMSLINE_ACCOUNTS__MAIN__SDK_APP_ID": "1400000000",
}


def secret(path: Path, text: str) -> str:
    path.write_text(text, encoding="utf-8")
    return str(path)


def test_a_file_in_place_of_a_variable(tmp_path: Path) -> None:
    """`…_FILE` names a file that holds the value, without the line end that editors add.

    Service and client read it.
    """
    environ = ACCOUNT | {
        "SMSLINE_ACCOUNTS__MAIN__SECRET_KEY_FILE": secret(tmp_path / "key", "s3cret\n"),
        "SMSLINE_REDIS_URL_FILE": secret(tmp_path / "url", "\ufeffredis://:pw@h:1/2\r\n"),
        "SMSLINE_BROKER_URL_FILE": "",
    }
    settings = load_settings(environ)

    assert settings.accounts["main"].secret_key.get_secret_value() == "s3cret"
    assert settings.redis_url == settings.broker_url == "redis://:pw@h:1/2"
    with Client.from_env(environ)._ledger.redis as redis:
        assert redis.connection_pool.connection_kwargs["host"] == "h"


def test_a_folder_of_secrets(tmp_path: Path) -> None:
    """Files called as the variables, in any case, are read.

    The variable wins, and what else lies there is not ours.
    """
    secret(tmp_path / "SMSLINE_ACCOUNTS__MAIN__SECRET_KEY", "of-folder\n")
    secret(tmp_path / "smsline_lease_s", "30")
    secret(tmp_path / "smsline_namespace", "of-folder")
    secret(tmp_path / "database_password", "x")
    (tmp_path / "..data").mkdir()
    settings = load_settings(ACCOUNT | {"SMSLINE_SECRETS_DIR": str(tmp_path), "SMSLINE_NAMESPACE": "of-variable"})

    assert settings.accounts["main"].secret_key.get_secret_value() == "of-folder"
    assert (settings.lease_s, settings.namespace) == (30, "of-variable")


def test_codes_file_is_a_setting_and_no_file_of_one(tmp_path: Path) -> None:
    """A setting whose own name ends in `_file` stays what it is, and so does a template's."""
    codes = secret(tmp_path / "codes.tsv", "")
    account = {"PROVIDER": "smspartner", "SECRET_KEY": "k", "TEXTS__A_FILE": "a text"}
    environ = {f"SMSLINE_ACCOUNTS__FR__{name}": value for name, value in account.items()}
    settings = load_settings(environ | {"SMSLINE_CODES_FILE": codes})

    assert settings.codes_file == Path(codes)
    assert settings.accounts["fr"].texts == {"a_file": "a text"}


def test_files_that_cannot_be_used(tmp_path: Path) -> None:
    """Each is told by its variable and path, never by its content; both at once are a mistake."""
    latin = tmp_path / "latin"
    latin.write_bytes(b"s\xe9cret")
    environ = {
        "SMSLINE_REDIS_URL_FILE": str(tmp_path / "none"),
        "SMSLINE_BROKER_URL_FILE": str(latin),
        "SMSLINE_NAMESPACE_FILE": secret(tmp_path / "name", "a"),
        "SMSLINE_NAMESPACE": "b",
        "SMSLINE_SECRETS_DIR": str(tmp_path / "nowhere"),
    }
    with pytest.raises(SettingsError) as caught:
        load_settings(environ)
    assert [problem.partition(":")[0] for problem in sorted(caught.value.problems)] == [
        "SMSLINE_BROKER_URL_FILE",
        "SMSLINE_NAMESPACE_FILE",
        "SMSLINE_REDIS_URL_FILE",
        "SMSLINE_SECRETS_DIR",
    ]
    with pytest.raises(SettingsError, match=r"SMSLINE_CODE_FILE: .* cannot be read"):
        load_settings({"SMSLINE_CODE_FILE": str(tmp_path / "none")})
    with pytest.raises(BadInput, match="cannot be read: No such file"):
        Client.from_env({"SMSLINE_REDIS_URL_FILE": str(tmp_path / "none")})
    with pytest.raises(SettingsError) as caught:
        load_settings({"SMSLINE_LEASE_S_FILE": secret(tmp_path / "lease", "s3cret")})
    rule = "must be a valid number; this is not a number; it counts seconds: write the number alone"
    assert caught.value.problems == (f"SMSLINE_LEASE_S_FILE: (hidden): {rule}",)


AROUND = ("{}\r", "{}\r\n", " {}\t", "\u00a0{}\u3000", "\ufeff{}", "{} \u200b")


def test_what_stands_around_a_value_is_no_part_of_it(tmp_path: Path) -> None:
    """Line ends of Windows, blanks and unseen marks are taken off of every kind of setting.

    Variables, files and TOML alike, for service and client.
    """
    values = {"REGION_DEFAULT": "CN", "UNSURE_REROUTE": "true", "LOG_LEVEL": "info", "LEASE_S": "9", "SANDBOX": "off"}
    values |= {"CODES_FILE": secret(tmp_path / "codes", ""), "UNSURE_PROBES_S": "5,30", "NAMESPACE": "shop"}
    wanted = load_settings({f"SMSLINE_{name}": value for name, value in values.items()})
    for around in AROUND:
        environ = {f"SMSLINE_{name}": around.format(value) for name, value in values.items()}
        assert load_settings(environ) == wanted
        assert arguments_of(environ)["region"] == "CN"
        toml = secret(tmp_path / "x.toml", 'log_level = "debug "')
        assert load_settings({"SMSLINE_CONFIG": around.format(toml)}).log_level == "debug"
    for environ in ({"SMSLINE_NAMESPACE": '"shop"'}, {"SMSLINE_NAMESPACE_FILE": secret(tmp_path / "n", "'shop'\n")}):
        with pytest.raises(SettingsError, match="has quotes around it"):
            load_settings(environ)
        with pytest.raises(BadInput, match="has quotes around it"):
            Client.from_env(environ)


@pytest.mark.parametrize(
    "name",
    [
        "\ufeffSMSLINE_NAMESPACE",
        "smsline_namespace",
        "SMS_LINE_NAMESPACE",
        "smsline.namespace",
        "SMLSINE_NAMESPACE",
        "SMSLINENAMESPACE",
        "SMSLINES_NAMESPACE",
    ],
)
def test_a_name_that_is_nearly_ours_is_refused(name: str) -> None:
    """A mark, another case or divider would leave the setting unread, without a word."""
    with pytest.raises(SettingsError, match="is not read under this name; did you mean SMSLINE_NAMESPACE"):
        load_settings({name: "shop"})
    with pytest.raises(BadInput, match="is not read under this name"):
        Client.from_env({name: "shop"})
    # What is no setting of a producer's may be the application's own.
    Client.from_env({"smsline_enabled": "1", "SMS_LINE_SERVICE_HOST": "10.0.0.1"}).close()


def test_a_setting_in_two_cases_is_refused(tmp_path: Path) -> None:
    """One of two values would be lost, and two accounts be made one."""
    tables = "[accounts.Main]\nsign = 'A'\n[accounts.main]\nsign = 'B'"
    for environ in (
        {"SMSLINE_LEASE_S": "9", "SMSLINE_Lease_S": "8"},
        {"SMSLINE_CONFIG": secret(tmp_path / "a.toml", tables)},
        {"SMSLINE_CONFIG": secret(tmp_path / "b.toml", "lease_s = 9\nLEASE_S = 8")},
    ):
        with pytest.raises(SettingsError, match="in another case; write one of them"):
            load_settings(environ)


def test_a_switch_is_no_number(tmp_path: Path) -> None:
    """TOML has true and false, which Python takes for 1 and 0."""
    for text in ("lease_s = true", "worker_threads = true", "[retry_max]\notp = false", "[accounts.a]\ngamme = true"):
        with pytest.raises(SettingsError, match="must not be true or false"):
            load_settings({"SMSLINE_CONFIG": secret(tmp_path / "a.toml", text)})
    assert load_settings({"SMSLINE_CONFIG": secret(tmp_path / "b.toml", "unsure_reroute = true")}).unsure_reroute


def test_a_misspelt_setting_of_a_producer_is_refused() -> None:
    """It would hand over to another Redis, or into a namespace that no worker serves.

    A service's own settings are passed over.
    """
    with pytest.raises(BadInput, match="no such setting; did you mean SMSLINE_REDIS_URL") as caught:
        Client.from_env({"SMSLINE_REDIS_ULR": "redis://:s3cret@h:1/2"})
    assert "s3cret" not in str(caught.value)
    Client.from_env(ACCOUNT | {"SMSLINE_REDIS_REPLICAS": "1", "SMSLINE_LEASE_S": "60"}).close()
    for namespace in ("{x}", "a b", "Prod", ""):
        with pytest.raises(BadInput, match=r"namespace: .*must be 1 to 32"):
            Client("redis://h:1/2", namespace=namespace)
    with pytest.raises(BadInput, match="did you mean SMSLINE_REGION_DEFAULT"):
        Client.from_env({"SMSLINE_DEFAULT_REGION": "GB"})


KUBERNETES = {
    "SMSLINE_SERVICE_HOST": "10.0.0.1",
    "SMSLINE_SERVICE_PORT": "8390",
    "SMSLINE_SERVICE_PORT_HTTP": "8390",
    "SMSLINE_PORT": "tcp://10.0.0.1:8390",
    "SMSLINE_PORT_8390_TCP": "tcp://10.0.0.1:8390",
    "SMSLINE_PORT_8390_TCP_PROTO": "tcp",
    "SMSLINE_PORT_8390_TCP_PORT": "8390",
    "SMSLINE_PORT_8390_TCP_ADDR": "10.0.0.1",
    "SMSLINE_REDIS_SERVICE_HOST": "10.0.0.2",
    "SMSLINE_REDIS_SERVICE_PORT_REDIS": "6379",
    "SMSLINE_REDIS_PORT": "tcp://10.0.0.2:6379",
    "SMSLINE_REDIS_PORT_6379_TCP_ADDR": "10.0.0.2",
    "SMSLINE_WEB_V2_PORT_53_UDP": "udp://10.0.0.3:53",
}


def test_service_links_of_kubernetes() -> None:
    """What Kubernetes sets in every pod for services called smsline… is no setting.

    A misspelt setting still is one.
    """
    assert load_settings(KUBERNETES) == load_settings({})
    with pytest.raises(SettingsError, match="SMSLINE_REDIS_PORT: no such setting"):
        load_settings({"SMSLINE_REDIS_PORT": "6379"})


def test_a_file_of_keys_that_others_can_read(tmp_path: Path) -> None:
    """It is told with the way to close it; one of its owner's alone is not."""
    path = Path(secret(tmp_path / "key", "s3cret"))
    path.chmod(0o644)
    assert "can be read by others (mode 0644); chmod 600" in open_to_others(path)
    path.chmod(0o600)
    assert open_to_others(path) == ""
