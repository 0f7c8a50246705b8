"""Repeat a write while Redis is away, where only this process knows what is to be written."""

from collections.abc import Callable
from typing import Final, TypeVar

from redis.exceptions import RedisError

from worker.engine import Engine

# A restart of Redis, or a failover with Sentinel, takes less.
TRIES_S: Final = 30.0

Value = TypeVar("Value")


def until_redis_answers(engine: Engine, write: Callable[[], Value]) -> Value:
    """Write again and again while Redis is away, for half a minute.

    Raises:
        redis.exceptions.RedisError: It does not come back.
    """
    deadline, pause_s = engine.monotonic_s() + TRIES_S, 0.05
    while True:
        try:
            return write()
        except RedisError:
            if engine.monotonic_s() + pause_s > deadline:
                raise
            engine.pause(pause_s)
            pause_s = min(2.0, pause_s * 2)
