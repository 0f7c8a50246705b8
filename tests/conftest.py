"""Fixtures for all tests: a ledger on fakeredis and on a real Redis; both obey the same rules."""

import os
from collections.abc import Iterator

import fakeredis
import pytest
from hypothesis import HealthCheck, settings

from smsline.ledger.link import Ledger
from tests.support.clock import standing_still
from tests.support.redis_server import RedisServer

# A busy machine is slow at any moment; what a test says does not depend on the time
# that an example takes.
settings.register_profile("smsline", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("smsline")


@pytest.fixture(autouse=True)
def _clean_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    """No setting of the machine reaches a test."""
    for name in [name for name in os.environ if name.startswith("SMSLINE_")]:
        monkeypatch.delenv(name)


@pytest.fixture(scope="session")
def redis_server() -> Iterator[RedisServer]:
    """One real redis-server for the tests of a process."""
    with RedisServer() as server:
        yield server


@pytest.fixture(params=["fake", "real"])
def ledger(request: pytest.FixtureRequest) -> Iterator[Ledger]:
    """An empty ledger."""
    if request.param == "fake":
        faked = Ledger(fakeredis.FakeRedis(server=fakeredis.FakeServer()), "t")
        with standing_still(faked):
            yield faked
        return
    found = Ledger.at(request.getfixturevalue("redis_server").url, "t")
    found.redis.flushall()
    with standing_still(found):
        yield found
    found.redis.close()
