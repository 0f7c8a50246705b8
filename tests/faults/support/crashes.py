"""A Redis client that ends its process, or loses an answer, at a chosen command; for playing every point where that may happen."""

from collections.abc import Callable
from typing import Any, Literal

import redis
from redis.exceptions import ConnectionError as RedisConnectionError

When = Literal["before", "after"]


class Killed(BaseException):
    """The process is gone: nothing of it runs any more, no handler either."""


class Meter:
    """Counts commands, and strikes at one of them.

    Attributes:
        at: Which command, from 1; 0 for none.
        when: Before Redis has it, or after Redis has carried it out.
        strike: Raises what happens.
    """

    def __init__(self, at: int = 0, when: When = "before", strike: Callable[[], None] | None = None) -> None:
        self.at = at
        self.when = when
        self.strike = strike or killed
        self.seen = 0

    def through(self, command: Callable[[], Any]) -> Any:
        """Let a command through, or strike."""
        self.seen += 1
        mine = self.seen == self.at
        if mine and self.when == "before":
            self.strike()
        answer = command()
        if mine and self.when == "after":
            self.strike()
        return answer


def killed() -> None:
    """End the process."""
    raise Killed


def answer_lost() -> None:
    """Break the connection."""
    raise RedisConnectionError("Connection closed by server.")


class MeteredRedis(redis.Redis):
    """A client all of whose round trips pass a meter; a pipeline is one."""

    meter = Meter()

    def execute_command(self, *args: Any, **options: Any) -> Any:
        """One command."""
        return self.meter.through(lambda: super(MeteredRedis, self).execute_command(*args, **options))  # type: ignore[no-untyped-call]

    def pipeline(self, *args: Any, **options: Any) -> Any:
        """A pipeline whose execution is one round trip."""
        pipe = super().pipeline(*args, **options)
        execute = pipe.execute
        pipe.execute = lambda *a, **o: self.meter.through(lambda: execute(*a, **o))  # type: ignore[method-assign]
        return pipe
