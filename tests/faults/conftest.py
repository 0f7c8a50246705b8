"""Fixtures of the fault tests."""

import logging
from collections.abc import Iterator
from pathlib import Path

import pytest

from smsline.ledger.link import Ledger
from tests.faults.support.desk import Desk
from tests.faults.support.service import Service, service_on
from tests.support.clock import standing_still
from tests.support.redis_server import RedisServer
from tests.support.scene import Scene, make_scene
from worker.sandbox.background import Background
from worker.sandbox.flags import Flags


@pytest.fixture(autouse=True)
def _quiet() -> Iterator[None]:
    """Thousands of lost claims are not worth a line each."""
    logging.disable(logging.CRITICAL)
    yield
    logging.disable(logging.NOTSET)


@pytest.fixture
def service(redis_server: RedisServer, tmp_path: Path) -> Iterator[Service]:
    """A service whose Redis stays up."""
    with service_on(redis_server.port, tmp_path) as made:
        yield made


@pytest.fixture
def scene(redis_server: RedisServer) -> Iterator[Scene]:
    """A worker's hands on an empty Redis, with one account whose provider does as it is told."""
    ledger = Ledger.at(redis_server.url, "t")
    ledger.redis.flushall()
    with standing_still(ledger):
        yield make_scene(ledger)
    ledger.redis.close()


@pytest.fixture
def desk(redis_server: RedisServer, monkeypatch: pytest.MonkeyPatch) -> Iterator[Desk]:
    """A worker's hands on an empty Redis, and the sandbox."""
    ledger = Ledger.at(redis_server.url, "t")
    ledger.redis.flushall()
    with Background(Flags(steering=False)) as sandbox:
        made = Desk(ledger, redis_server.url, sandbox, monkeypatch)
        yield made
        made.close()
    ledger.redis.close()
