"""Redis' answer is lost around a call: what its worker knows is written.

This holds whatever has become of the attempt meanwhile.
"""

from collections.abc import Sequence
from typing import Any

import pytest
from redis.exceptions import ConnectionError as RedisGone

from smsline.ledger import attempts, batch_queues, due
from smsline.ledger.link import Ledger
from tests.support.provider import FakeProvider, accept, never_left, refuse_items
from tests.support.scene import Scene
from tests.support.world import FIRST, some_numbers
from worker.maintenance import rescuer
from worker.providers.base import Answer, Call

NUMBER = "InvalidParameterValue.IncorrectPhoneNumber"


@pytest.mark.parametrize(("name", "carried_out"), [("begin", True), ("begin", False), ("take", True)])
def test_a_call_that_was_not_made_is_not_in_doubt(
    scene: Scene, monkeypatch: pytest.MonkeyPatch, name: str, *, carried_out: bool
) -> None:
    """The script ran, or not, and its answer never came.

    The worker knows that no call was made, and says so.
    """
    job = scene.submit(some_numbers(3))
    run = Ledger.run
    lost: list[str] = []

    def gone(self: Ledger, script: str, *args: Any) -> Any:
        if script == name and not lost:
            lost.append(script)
            if carried_out:
                run(self, script, *args)
            raise RedisGone("gone")
        return run(self, script, *args)

    scene.run()
    scene.advance(2)
    monkeypatch.setattr(Ledger, "run", gone)
    with pytest.raises(RedisGone):
        scene.run()
    assert scene.counts(job) == {"total": 3, "waiting": 3}
    scene.later(1)
    assert scene.counts(job) == {"total": 3, "accepted": 3}
    assert scene.texts() == dict.fromkeys(some_numbers(3), 1)
    assert {row["attempts"] for row in scene.results(job)} == {1}


def test_a_take_that_comes_late_takes_nothing(scene: Scene) -> None:
    """A Redis that stood still carries out what its worker has given up: no worker would call."""
    scene.submit(some_numbers(3))
    scene.run()
    scene.advance(2)
    (queue,) = [name.decode() for name in scene.ledger.redis.zrange(scene.ledger.keys.send("marketing"), 0, -1)]
    attempt, parsed = scene.engine.next_attempt(), batch_queues.parse_queue(queue)
    attempts.withdraw(scene.ledger, attempt, parsed, polls=scene.engine.polls("marketing"))
    how: Any = {"limit": 200, "linger_ms": 0, "lease_ms": 1000, "worker": "w"}
    assert batch_queues.take(scene.ledger, parsed, attempt, **how) is None
    scene.send_all()
    assert scene.texts() == dict.fromkeys(some_numbers(3), 1)


def meanwhile(scene: Scene, what: Any) -> None:
    """Let something happen during the first call; two of its numbers go out and one is refused."""
    answer = refuse_items({FIRST: NUMBER})

    def script(provider: FakeProvider, call: Call) -> Answer:
        found = answer(provider, call)
        what()
        return found

    scene.provider.script.append(script)


def rescued(scene: Scene) -> None:
    """The lease ends, and another worker marks the call as unsure."""
    for attempt in scene.ledger.redis.zrange(scene.ledger.keys.lease, 0, -1):
        scene.ledger.redis.zadd(scene.ledger.keys.lease, {attempt: 1})
    assert rescuer.rescue(scene.engine) == 1


def forgotten(scene: Scene, fields: Sequence[str] = ("state", "claimed")) -> None:
    """Redis has lost its last second: the call was never begun, as far as it knows."""
    redis, keys = scene.ledger.redis, scene.ledger.keys
    for name in redis.scan_iter(match=f"{keys.prefix}attempt:*"):
        redis.hset(name, *fields)
        redis.hdel(name, "started_ms")
    for name in redis.scan_iter(match=f"{keys.prefix}block:*"):
        redis.hset(name, "st", redis.hget(name, "st").replace(b"s", b"w"))
    for name in redis.scan_iter(match=f"{keys.prefix}job:*"):
        held = redis.hmget(name, "sending", "waiting")
        redis.hset(name, mapping={"sending": 0, "waiting": int(held[0] or 0) + int(held[1] or 0)})


def gone_altogether(scene: Scene) -> None:
    """It has forgotten the claim, too: the recipients wait in their batch queue again."""
    redis, keys = scene.ledger.redis, scene.ledger.keys
    forgotten(scene)
    for name in redis.scan_iter(match=f"{keys.prefix}attempt:*"):
        held = {key.decode(): value.decode() for key, value in redis.hgetall(name).items()}
        for entry in held["entries"].split():
            redis.zadd(keys.queue(held["queue"]), {entry: 1})
        redis.zadd(keys.send("marketing"), {held["queue"]: due.next_due(scene.ledger, [])[1] + 60_000})
        redis.delete(name)
    redis.delete(keys.lease)


@pytest.mark.parametrize("harm", [rescued, forgotten, gone_altogether])
def test_a_known_answer_is_written_whatever_became_of_its_attempt(scene: Scene, harm: Any) -> None:
    """Who was taken is accepted and never texted again, who was refused is dead.

    Both are known and not in doubt.
    """
    meanwhile(scene, lambda: harm(scene))
    job = scene.submit(some_numbers(3))
    scene.run()
    scene.advance(2)
    scene.run()
    assert scene.counts(job) == {"total": 3, "accepted": 2, "dead": 1}
    assert not scene.ledger.redis.exists(scene.ledger.keys.unsure("main"))
    scene.provider.deliver()
    for _ in range(4):
        scene.later(70)
    assert scene.counts(job) == {"total": 3, "delivered": 2, "dead": 1}
    assert scene.texts() == dict.fromkeys(some_numbers(3)[1:], 1)
    assert [row["attempts"] for row in scene.results(job)] == [1, 1, 1]


def test_a_late_answer_that_lets_recipients_try_again_does_so_once(scene: Scene) -> None:
    """The rescuer has marked them unsure; the worker knows that nothing was sent."""
    answer = never_left("http.PoolTimeout")

    def script(provider: FakeProvider, call: Call) -> Answer:
        rescued(scene)
        return answer(provider, call)

    scene.provider.script.append(script)
    scene.provider.usual = accept
    job = scene.submit(some_numbers(3))
    scene.send_all()
    for _ in range(3):
        scene.later(2)
    assert scene.counts(job) == {"total": 3, "accepted": 3}
    assert scene.texts() == dict.fromkeys(some_numbers(3), 1)
