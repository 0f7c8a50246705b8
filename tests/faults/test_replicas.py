"""Calls are made only when a replica knows of them, where that is asked for.

One that is promoted makes none of them again.
"""

from collections.abc import Iterator
from pathlib import Path

import pytest
import redis
from redis.exceptions import ConnectionError as RedisGone

from smsline.ledger import waits
from smsline.ledger.link import Ledger
from tests.support.redis_server import RedisServer
from tests.support.scene import Scene, make_scene
from tests.support.waiting import wait_until
from tests.support.world import some_numbers


@pytest.fixture
def pair(tmp_path: Path) -> Iterator[tuple[RedisServer, RedisServer]]:
    """A primary, and a replica that has all it has."""
    folders = [tmp_path / name for name in ("primary", "replica")]
    for folder in folders:
        folder.mkdir()
    with RedisServer(folders[0]) as primary, RedisServer(folders[1]) as replica:
        with redis.Redis(port=primary.port) as asked, redis.Redis(port=replica.port) as follower:
            asked.config_set("repl-diskless-sync-delay", 0)
            follower.replicaof("127.0.0.1", primary.port)
            # WAIT speaks of the writes of its own connection: without one it is
            # content with any replica.
            wait_until(lambda: asked.set("a", 1) and asked.wait(1, 100) == 1, what="the replica following")
        yield primary, replica


def scene_on(server: RedisServer) -> Scene:
    """A line that asks for one replica."""
    return make_scene(Ledger.at(server.url, "t"), redis_replicas=1)


def test_no_number_is_texted_twice_when_a_replica_without_the_last_moments_is_promoted(
    pair: tuple[RedisServer, RedisServer],
) -> None:
    """What was sent before is known to it.

    What would have been sent since waits, and goes out after the change, once.
    """
    primary, replica = pair
    line = scene_on(primary)
    sent, waits = line.submit(some_numbers(250)), line.submit(some_numbers(150, 8613800000000))
    line.run()
    assert line.counts(sent) == {"total": 250, "accepted": 250}
    replica.stall()
    with redis.Redis(port=primary.port) as asked:
        asked.client_kill_filter(_type="replica")
    more = line.submit(some_numbers(100, 8613900000000))
    line.tick()
    line.tick()
    assert line.counts(more) == {"total": 100, "waiting": 100}
    primary.kill()
    replica.go_on()
    with redis.Redis(port=replica.port) as promoted:
        promoted.replicaof("NO", "ONE")
    provider, line = line.provider, make_scene(Ledger.at(replica.url, "t"), {"main": line.provider})
    for job in (sent, waits):
        line.close_all(job)
    assert max(provider.texts().values()) == 1
    assert len(provider.texts()) == 400


def test_recipients_of_a_call_that_was_not_made_lose_no_try(pair: tuple[RedisServer, RedisServer]) -> None:
    """They wait while no replica follows, in doubt never, and go out when one does again."""
    primary, replica = pair
    line = scene_on(primary)
    replica.stall()
    job = line.submit(some_numbers(3))
    line.tick()
    line.tick()
    assert (line.counts(job), line.provider.calls) == ({"total": 3, "waiting": 3}, [])
    replica.go_on()
    line.later(1.5)
    assert line.counts(job) == {"total": 3, "accepted": 3}
    assert {row["attempts"] for row in line.results(job)} == {1}


def test_a_redis_that_goes_between_begin_and_the_call_puts_no_recipient_in_doubt(
    ledger: Ledger, monkeypatch: pytest.MonkeyPatch
) -> None:
    """No call was made: that is written down, whichever command did not reach Redis."""

    def gone(*_: object, **__: object) -> None:
        raise RedisGone("gone")

    scene = make_scene(ledger, redis_replicas=1)
    job = scene.submit(some_numbers(3))
    scene.run()
    for owner, lost in ((Ledger, "instance"), (Ledger, "replicated"), (waits, "hold")):
        scene.advance(2)
        with monkeypatch.context() as patched:
            patched.setattr(Ledger, "replicated", lambda *_, **__: False)
            patched.setattr(owner, lost, gone)
            with pytest.raises(RedisGone):
                scene.send_some("marketing")
        assert (scene.counts(job), scene.provider.calls) == ({"total": 3, "waiting": 3}, [])
