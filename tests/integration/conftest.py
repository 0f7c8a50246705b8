"""Fixtures of tests on a ledger.

After each of them the ledger is wound up, and nothing may be left behind in Redis.
"""

from collections.abc import Iterator

import fakeredis
import pytest

from smsline.ledger.link import Ledger
from tests.support.scene import Scene, make_scene
from tests.support.winding_up import wind_up


@pytest.fixture
def scene(ledger: Ledger) -> Scene:
    """A line with one account, `main`, that accepts everything."""
    return make_scene(ledger)


@pytest.fixture(autouse=True)
def _nothing_stays(request: pytest.FixtureRequest) -> Iterator[None]:
    """When all jobs are closed and their retention is over, only permanent keys are left.

    Nothing of a job is in them. Counted on the real Redis: what stays is the same on both, since
    both run the same scripts, and winding up took the fake one two fifths of a test's time.
    """
    ledger = request.getfixturevalue("ledger") if "ledger" in request.fixturenames else None
    yield
    if ledger is not None and not isinstance(ledger.redis, fakeredis.FakeRedis):
        wind_up(ledger)
