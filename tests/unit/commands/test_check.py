"""Rules of judging what `check` found out."""

import json
from pathlib import Path
from typing import Any

import pytest
import redis

from config.settings import Settings
from tests.support.redis_server import RedisServer
from worker.commands.check import (
    Grade,
    check_all,
    judge_accounts,
    judge_latency,
    judge_openness,
    judge_redis,
    judge_routes,
    judge_texts,
    show,
    show_json,
)
from worker.commands.check_ledger import judge_lanes

GOOD = {"redis_version": "7.2.4", "maxmemory_policy": "noeviction", "aof_enabled": 1, "used_memory_human": "1M"}
ACCOUNT = {"provider": "tencent", "secret_id": "AKID-1", "secret_key": "k3y-of-main", "sdk_app_id": "1400000000"}
LOCAL = "redis://127.0.0.1:6390/0"


def grades(url: str = LOCAL, **info: Any) -> dict[str, Grade]:
    return {finding.subject: finding.grade for finding in judge_redis(url, GOOD | info)}


def test_good_redis() -> None:
    """A Redis as it should be is ok in every respect."""
    assert set(grades().values()) == {Grade.OK}


@pytest.mark.parametrize(
    ("info", "subject", "grade"),
    [
        ({"redis_version": "6.0.16"}, "redis version", Grade.FAIL),
        ({"redis_version": "6.2.0"}, "redis version", Grade.OK),
        ({"redis_version": "10.0"}, "redis version", Grade.OK),
        ({"maxmemory_policy": "allkeys-lru"}, "redis memory", Grade.FAIL),
        ({"aof_enabled": 0}, "redis durability", Grade.WARN),
    ],
)
def test_unfit_redis(info: dict[str, Any], subject: str, grade: Grade) -> None:
    """Too old or evicting is a failure, no append-only file a risk; what is fit stays ok."""
    found = grades(**info)

    assert found.pop(subject) is grade
    assert set(found.values()) == {Grade.OK}


@pytest.mark.parametrize(
    ("url", "grade"),
    [
        ("redis://127.0.0.1:1/0", Grade.OK),
        ("redis://localhost:1/0", Grade.OK),
        ("redis://[::1]:1/0", Grade.OK),
        ("redis://10.0.0.1:1/0", Grade.WARN),
        ("redis://:word@10.0.0.1:1/0", Grade.WARN),
        ("rediss://:word@redis.example:1/0", Grade.OK),
    ],
)
def test_open_redis(url: str, grade: Grade) -> None:
    """Off this machine, a Redis without password or without TLS is a risk."""
    assert judge_openness(url).grade is grade


def test_latency() -> None:
    """A distant Redis is a risk."""
    assert judge_latency(0.2).grade is Grade.OK
    assert judge_latency(12.0).grade is Grade.WARN


def test_accounts() -> None:
    """No account, a shared SmsSdkAppId, and plain HTTP off this machine are risks.

    A sandbox on loopback is none.
    """
    both = {"a": ACCOUNT, "b": ACCOUNT}
    plain = {"a": ACCOUNT | {"endpoint": "http://sms.example"}}
    local = {"a": ACCOUNT | {"endpoint": "http://127.0.0.1:8899"}}

    def judged(accounts: dict[str, Any]) -> list[Grade]:
        return [finding.grade for finding in judge_accounts(Settings.model_validate({"accounts": accounts}))]

    assert judged({}) == [Grade.WARN]
    assert judged({"a": ACCOUNT}) == [Grade.OK]
    assert judged(both) == [Grade.WARN, Grade.WARN]
    assert judged(plain) == [Grade.WARN]
    assert judged(local) == [Grade.OK]


def judged(**accounts: Any) -> dict[str, Any]:
    """The finding of each account."""
    found = judge_accounts(Settings.model_validate({"accounts": accounts}))
    return {finding.subject.removeprefix("account "): finding for finding in found}


def test_two_apps_of_one_key_share_their_limits() -> None:
    """The provider counts by key and action.

    Which bucket it is is said of every account but the one that names it.
    """
    found = judged(
        a=ACCOUNT, b=ACCOUNT | {"sdk_app_id": "1400000002"}, c=ACCOUNT | {"secret_id": "AKID-other", "sdk_app_id": "3"}
    )

    assert "shared with the account a" in found["b"].detail
    assert not [name for name in ("a", "c") if "shared" in found[name].detail]


@pytest.mark.parametrize(
    ("endpoint", "region", "grade"),
    [
        ("https://sms.tencentcloudapi.com", "ap-guangzhou", Grade.OK),
        ("https://sms.tencentcloudapi.com", "ap-nanjing", Grade.OK),
        ("https://sms.tencentcloudapi.com", "ap-singapore", Grade.OK),
        ("https://sms.tencentcloudapi.com", "eu-frankfurt", Grade.WARN),
        ("https://sms.intl.tencentcloudapi.com", "ap-singapore", Grade.OK),
        ("https://sms.intl.tencentcloudapi.com", "ap-guangzhou", Grade.WARN),
        ("http://127.0.0.1:8899", "anywhere", Grade.OK),
    ],
)
def test_a_wrong_region_is_told_with_the_right_one(endpoint: str, region: str, grade: Grade) -> None:
    """The international site knows one region; another is refused in every call."""
    finding = judged(a=ACCOUNT | {"endpoint": endpoint, "region": region})["a"]

    assert finding.grade is grade
    assert grade is Grade.OK or "ap-singapore" in finding.advice


def test_accounts_without_an_app_id() -> None:
    """Two accounts at a provider without app ids share none: neither is warned of."""
    account = {"provider": "smspartner", "secret_key": "k3y-of-french", "texts": {"hello": "Hello"}}
    found = judge_accounts(Settings.model_validate({"accounts": {"a": account, "b": account}}))

    assert [finding.grade for finding in found] == [Grade.OK, Grade.OK]


def test_wrong_settings() -> None:
    """With wrong settings nothing else is looked at, and the command ends with 2."""
    findings = check_all({"SMSLINE_LEASE": "1", "SMSLINE_NAMESPACE": "!"})

    assert [finding.subject for finding in findings] == ["settings", "settings"]
    assert {finding.exit_code for finding in findings} == {2}


def test_nothing_there(capsys: pytest.CaptureFixture[str]) -> None:
    """Redis and a broker that do not answer are failures with what to do; no password is shown."""
    findings = check_all(
        {
            "SMSLINE_REDIS_URL": "redis://:pass-word@127.0.0.1:1/0",
            "SMSLINE_BROKER_URL": "amqp://user:word-pass@127.0.0.1:1//",
        }
    )
    show(findings)
    show_json(findings)
    printed = capsys.readouterr().out
    told = json.loads(printed[printed.index("[{") :])

    assert {each["subject"]: each["grade"] for each in told} == {
        "settings": "ok",
        "redis": "fail",
        "broker": "fail",
        "accounts": "warn",
    }
    assert all(each["advice"] for each in told if each["grade"] != "ok")
    # In a pipe nothing is folded: `check | grep` finds what to do on the line of what is wrong.
    assert all(f"{each['detail']}: {each['advice']}\n" in printed for each in told if each["advice"])
    assert max(finding.exit_code for finding in findings) == 1
    assert "pass-word" not in printed
    assert "word-pass" not in printed


def test_a_lane_without_a_worker() -> None:
    """It is told only while recipients wait in it."""
    waiting = {"otp": 1, "notify": 0, "marketing": 7}
    found = list(judge_lanes(waiting, {"smsline.marketing": 95_000, "smsline.otp": 60_000}, 100_000))
    assert [(subject, grade, told) for subject, grade, told, _ in found] == [
        ("lane otp", "warn", "1 recipient waits, and no worker looks after it")
    ]


def test_routes_are_shown_and_what_they_lack_is_told() -> None:
    """Shares in percent; an account of another provider must know what the template is there."""
    tencent = {"provider": "tencent", "secret_id": "i", "secret_key": "k"}
    french = {"provider": "smspartner", "secret_key": "k", "texts": {"welcome": "Hello"}}
    accounts = {"a": tencent | {"sdk_app_id": "1"}, "b": tencent | {"sdk_app_id": "2"}, "fr": french}
    routes = {
        "alike": {"accounts": {"a": 3, "b": 1}, "prefixes": "86", "lanes": "otp"},
        "mixed": {"accounts": "fr", "fallback": "a"},
    }
    alike, mixed = judge_routes(Settings.model_validate({"accounts": accounts, "routes": routes}))
    assert (alike.grade, alike.detail) == (Grade.OK, "+86, otp: a 75%, b 25%")
    assert mixed.grade is Grade.WARN
    assert mixed.detail.startswith("every number, every lane: fr 100%, then a; a takes the template ids")
    assert "[accounts.<name>.templates]" in mixed.advice


def test_texts_are_counted_and_what_doubles_them_is_named() -> None:
    """Where the settings hold them; params are not counted."""
    texts = {"promo": "Your code is {1} – thanks " + "a" * 70, "plain": "Your code is {1}"}  # noqa: RUF001
    account = {"provider": "smspartner", "secret_key": "k", "texts": texts}
    odd, plain = judge_texts(Settings.model_validate({"accounts": {"fr": account}}))
    assert (odd.subject, odd.grade) == ("text fr/promo", Grade.WARN)
    assert "2 segments of UCS-2" in odd.detail
    assert "U+2013 EN DASH" in odd.detail
    assert (plain.grade, plain.detail) == (Grade.OK, "1 segment of GSM-7 (13 places) without params")


def looked_at(url: str, **more: str) -> dict[str, tuple[str, str]]:
    """Grade and advice of each subject."""
    found = check_all({"SMSLINE_REDIS_URL": url, **more})
    return {finding.subject: (finding.grade.value, finding.advice) for finding in found}


def test_what_sending_needs_is_tried() -> None:
    """A server that answers pings may still take no write, no channel and no blocking read.

    Each is tried, and told.
    """
    with RedisServer() as server, redis.Redis.from_url(server.url) as admin:
        good = looked_at(server.url)
        assert {good[f"redis {what}"][0] for what in ("write by script", "channel", "blocking read")} == {"ok"}
        assert not admin.keys("*check*")

        admin.config_set("maxmemory", "1")
        assert "raise it" in looked_at(server.url)["redis write by script"][1]
        admin.config_set("maxmemory", "0")

        narrow = ["~*", "resetchannels", "+@all", "-@dangerous", "-brpop"]
        admin.acl_setuser("narrow", enabled=True, passwords=["+pw"], reset_channels=True, commands=[], categories=[])
        admin.execute_command("ACL", "SETUSER", "narrow", *narrow)
        url = server.url.replace("://", "://narrow:pw@")
        told = looked_at(url)
        assert told["redis write by script"][0] == "ok"
        assert told["redis version"][0] == "warn"
        assert {told["redis channel"][0], told["redis blocking read"][0]} == {"fail"}
        assert "ACL SETUSER" in told["redis channel"][1]

        wrong = looked_at(url.replace(":pw@", ":s3cret@"))
        assert wrong["redis"][0] == "fail"
        assert "are not those of this Redis" in wrong["redis"][1]

        admin.execute_command("REPLICAOF", "127.0.0.1", "1")
        assert "is a replica" in looked_at(server.url)["redis write by script"][1]


def test_keys_that_others_can_read(tmp_path: Path) -> None:
    """A file of keys that others can read is told, with how to close it.

    So is a smsline.toml with keys in it.
    """
    key = tmp_path / "key"
    key.write_text("redis://:pw@127.0.0.1:1/0")
    key.chmod(0o644)
    toml = tmp_path / "smsline.toml"
    toml.write_text("[web]\nmetrics_token = '0123456789abcdef'\n")
    toml.chmod(0o644)
    environ = {"SMSLINE_REDIS_URL_FILE": str(key), "SMSLINE_CONFIG": str(toml)}
    told = [finding for finding in check_all(environ) if finding.subject == "keys"]

    assert [finding.grade for finding in told] == [Grade.WARN, Grade.WARN]
    assert all("chmod 600" in finding.advice for finding in told)
    toml.write_text("lease_s = 30\n")
    key.chmod(0o600)
    assert not [finding for finding in check_all(environ) if finding.subject == "keys"]
