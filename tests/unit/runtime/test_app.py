"""Rules of the Celery app."""

import os
import subprocess
import sys
from pathlib import Path

import pytest
from celery import Celery

from config.settings import Settings
from smsline.names import QUEUES
from tests.support.waiting import LONG_S
from worker.app import build_app
from worker.runtime.celery_patches import QuietConsumer
from worker.runtime.readiness import READY_FD, mark_ready

ROOT = Path(__file__).parents[3]


def python(*args: str, **environ: str) -> subprocess.CompletedProcess[str]:
    """Run this Python in the repository with these variables alone set for smsline."""
    rest = {name: value for name, value in os.environ.items() if not name.startswith("SMSLINE_")}
    return subprocess.run(  # noqa: PLW1510 - the code is what is looked at
        [sys.executable, *args], cwd=ROOT, env=rest | environ, capture_output=True, text=True, timeout=LONG_S
    )


@pytest.fixture(scope="module")
def app() -> Celery:
    """An app of its own."""
    return build_app(Settings(worker_threads=3, redis_url="redis://127.0.0.1:6391/3"))


def test_built_from_settings(app: Celery) -> None:
    """What the settings say is what the app is configured with."""
    assert app.conf.worker_concurrency == 3
    assert app.conf.broker_url == "redis://127.0.0.1:6391/3"
    assert tuple(app.amqp.queues) == QUEUES
    assert app.conf.include == ["tasks"]


@pytest.mark.parametrize("module", [["-c", "import worker.app"], ["-m", "celery", "-A", "worker.app", "worker"]])
def test_wrong_settings(module: list[str]) -> None:
    """With wrong settings the process ends with code 2 and says what is wrong, no traceback."""
    ended = python(*module, SMSLINE_REDIS_ULR="redis://127.0.0.1", SMSLINE_LEASE_S="-1")

    assert ended.returncode == 2
    assert "SMSLINE_REDIS_ULR: no such setting; did you mean SMSLINE_REDIS_URL?" in ended.stderr
    assert "SMSLINE_LEASE_S: '-1': must be" in ended.stderr
    assert "Traceback" not in ended.stderr


def test_no_gossip_no_mingle(app: Celery) -> None:
    """However it is started, a worker neither gossips nor mingles."""
    worker = app.WorkController(app=app, pool="solo")
    steps = {step.name: step for step in QuietConsumer(lambda: None, app=app, controller=worker).blueprint.order}

    assert app.conf.worker_consumer is QuietConsumer
    assert {name for name, step in steps.items() if name in ("Gossip", "Mingle") and step.enabled} == set()


def test_ready_mark(monkeypatch: pytest.MonkeyPatch) -> None:
    """A ready worker writes one mark and closes the pipe: its end differs from its readiness."""
    reading, writing = os.pipe()
    monkeypatch.setenv(READY_FD, str(writing))
    mark_ready()
    mark_ready()

    assert os.read(reading, 10) == b"\n"
    assert os.read(reading, 10) == b""
    os.close(reading)


def test_nobody_waits(monkeypatch: pytest.MonkeyPatch) -> None:
    """Without a pipe, as under `celery worker`, nothing is written anywhere."""
    monkeypatch.delenv(READY_FD, raising=False)
    mark_ready()
