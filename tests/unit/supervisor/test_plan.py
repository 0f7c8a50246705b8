"""Rules of what `up` and `run` start."""

import os
from pathlib import Path
from typing import Any

import pytest

from config.settings import Settings, load_settings
from smsline.names import LANES, QUEUES
from worker import listening
from worker.supervisor import plan as plan_module
from worker.supervisor.embedded_redis import Server
from worker.supervisor.plan import embeds_redis, groups, plan_run, plan_up, sandbox_account, wants_sandbox
from worker.supervisor.supervisor import CannotStart, pause_s

ACCOUNT = {"provider": "tencent", "secret_id": "i", "secret_key": "k", "sdk_app_id": "1", "timeout_s": 20}


def settings(**values: Any) -> Settings:
    return Settings.model_validate(values)


@pytest.mark.parametrize("procs", [1, 3])
def test_every_queue_is_served(procs: int) -> None:
    """Over all processes, every queue is consumed; otp is alone in its process."""
    otp, *bulk = groups(LANES, procs)

    assert otp.queues == ("smsline.otp",)
    assert [group.name for group in bulk] == [f"bulk{number}" for number in range(1, procs + 1)]
    assert {queue for group in (otp, *bulk) for queue in group.queues} == set(QUEUES)


@pytest.mark.parametrize(
    ("lanes", "expected"),
    [
        (["otp"], [("otp", ("smsline.otp", "smsline.receipts", "smsline.webhooks"))]),
        (["marketing"], [("bulk1", ("smsline.marketing", "smsline.receipts", "smsline.webhooks"))]),
        (
            ["marketing", "otp"],
            [("otp", ("smsline.otp",)), ("bulk1", ("smsline.marketing", "smsline.receipts", "smsline.webhooks"))],
        ),
    ],
)
def test_some_lanes(lanes: list[str], expected: list[tuple[str, tuple[str, ...]]]) -> None:
    """Whatever lanes a machine serves, it serves receipts: else it would never close a job."""
    assert [(group.name, group.queues) for group in groups(lanes, 1)] == expected


def test_run_starts_workers_only() -> None:
    """`run` starts no Redis and no sandbox; a worker gets its longest call's time to stop."""
    plan = plan_run(settings(accounts={"main": ACCOUNT}, worker_procs=2, redis_url="redis://r:1/2"))
    (stage,) = plan.stages

    assert plan.redis_url == "redis://r:1/2"
    assert [child.name.split("-")[0] for child in stage.children] == ["otp", "bulk1", "bulk2"]
    assert {child.stop_s for child in stage.children} == {30.0}


def test_names_tell_supervisors_apart() -> None:
    """Two supervisors on one machine give their workers different names, as Celery wants."""
    (stage,) = plan_run(settings()).stages

    assert len({child.name for child in stage.children}) == 2
    assert all("-p" in child.name for child in stage.children)


def test_up_in_order(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Redis is a gate before all others; the workers come last, and are the first to stop."""
    monkeypatch.setattr(plan_module, "find_server", lambda: Server(Path("redis-server"), (7, 0)))
    monkeypatch.setattr(plan_module, "claim", lambda *_: 3)
    plan = plan_up(settings(), data=tmp_path, redis_port=6399, sandbox=True, web_port=0)

    assert [[child.name.split("-")[0] for child in stage.children] for stage in plan.stages] == [
        ["redis"],
        ["sandbox"],
        ["web"],
        ["otp", "bulk1"],
    ]
    assert [stage.gate for stage in plan.stages] == [True, False, False, False]
    assert plan.redis_url == "redis://127.0.0.1:6399/0"
    web = plan.stages[-2].children[0]
    os.close(web.pass_fds[0])
    assert web.environ["SMSLINE_REDIS_URL"] == plan.redis_url
    worker = plan.stages[-1].children[0]
    assert worker.environ["SMSLINE_REDIS_URL"] == plan.redis_url
    assert worker.environ["SMSLINE_ACCOUNTS__SANDBOX__ENDPOINT"].startswith("http://127.0.0.1:")


def test_a_redis_of_ones_own(tmp_path: Path) -> None:
    """With SMSLINE_REDIS_URL set, no Redis is started."""
    plan = plan_up(settings(redis_url="redis://r:1/2"), data=tmp_path, sandbox=False)

    assert len(plan.stages) == 1
    assert plan.redis_url == "redis://r:1/2"


@pytest.mark.parametrize(
    ("redis_url", "port", "expected"),
    [
        (None, None, True),
        (None, 7000, True),
        ("redis://r:7000/0", None, False),
        ("redis://127.0.0.1:7000/0", None, False),
        ("redis://127.0.0.1:7000/0", 7000, True),
    ],
)
def test_embedded_or_not(redis_url: str | None, port: int | None, expected: bool) -> None:
    """A Redis is embedded unless the settings name one; the same one named twice is embedded."""
    assert embeds_redis(settings(**({"redis_url": redis_url} if redis_url else {})), port) is expected


def test_two_redis_named() -> None:
    """A port for the embedded Redis and another's URL are a contradiction, told without secrets."""
    with pytest.raises(CannotStart, match="leave one of them out") as caught:
        embeds_redis(settings(redis_url="redis://:pass-word@r:7000/0"), 7000)

    assert "pass-word" not in str(caught.value)


@pytest.mark.parametrize(
    ("asked", "setting", "accounts", "expected"),
    [
        (None, "auto", {}, True),
        (None, "auto", {"main": ACCOUNT}, False),
        (None, "on", {"main": ACCOUNT}, True),
        (None, "off", {}, False),
        (True, "off", {"main": ACCOUNT}, True),
        (False, "on", {}, False),
    ],
)
def test_sandbox_or_not(asked: bool | None, setting: str, accounts: dict[str, Any], expected: bool) -> None:
    """The command line decides about the sandbox, then the setting, then whether any account is."""
    assert wants_sandbox(settings(sandbox=setting, accounts=accounts), asked) is expected


def test_sandbox_account_is_valid(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The account that workers get for the sandbox passes the settings' own checks."""
    monkeypatch.chdir(tmp_path)
    account = load_settings(sandbox_account("http://127.0.0.1:8899")).accounts["sandbox"]

    assert (account.provider, account.sdk_app_id, account.sign) == ("tencent", "1400000000", "smsline")
    assert account.endpoint == "http://127.0.0.1:8899"


def test_pauses() -> None:
    """A child that keeps ending is started again after ever longer pauses, up to a bound."""
    assert [pause_s(failures) for failures in (1, 2, 3, 4)] == [0.25, 0.5, 1, 2]
    assert pause_s(50) == 15


def test_web_port_taken() -> None:
    """A port that something else listens on is told at once, with what to do."""
    with listening.bind("127.0.0.1", 0) as taken, pytest.raises(CannotStart, match="give --web-port another one"):
        plan_up(settings(redis_url="redis://r:1/2"), data=Path(), sandbox=False, web_port=taken.getsockname()[1])


def test_an_embedded_redis_with_a_password_from_a_file(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Its children read the file as `up` does.

    None of them has the password in its environment or arguments.
    """
    monkeypatch.setattr(plan_module, "find_server", lambda: Server(Path("redis-server"), (7, 0)))
    monkeypatch.setattr(plan_module, "claim", lambda *_: 3)
    plan = plan_up(settings(redis_url="redis://:s3cret@127.0.0.1:6399/0"), data=tmp_path, redis_port=6399, sandbox=True)

    children = [child for stage in plan.stages for child in stage.children]
    assert children[0].name == "redis"
    assert not any("s3cret" in text for child in children for text in (*child.command, *child.environ.values()))
    assert not any("SMSLINE_REDIS_URL" in child.environ for child in children)
