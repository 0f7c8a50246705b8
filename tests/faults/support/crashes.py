"""A Redis client and a provider that end their process, or lose an answer, at a chosen step.

They are for playing all of the steps.
"""

from collections.abc import Callable, Sequence
from typing import Any, Literal

import redis
from redis.exceptions import ConnectionError as RedisConnectionError

from smsline.ledger.link import Ledger, ScriptCall
from tests.faults.support.provider import CountingProvider
from worker.providers.base import Answer, Broken, Call, ReceiptPage, Refused

When = Literal["before", "after"]


class Killed(BaseException):
    """The process is gone: nothing of it runs any more, no handler either."""


class Meter:
    """Counts steps, round trips to Redis and calls of the provider, and strikes at one.

    Attributes:
        at: Which step, from 1; 0 for none.
        when: Before the other side has it, or after the other side has carried it out.
        strike: Raises what happens.
    """

    def __init__(self, at: int = 0, when: When = "before", strike: Callable[[], None] | None = None) -> None:
        self.at = at
        self.when = when
        self.strike = strike or killed
        self.seen = 0

    def through(self, step: Callable[[], Any]) -> Any:
        """Let a step through, or strike."""
        self.seen += 1
        mine = self.seen == self.at
        if mine and self.when == "before":
            self.strike()
        answer = step()
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


class MeteredLedger(Ledger):
    """A ledger all of whose round trips pass a meter.

    Those of its client, and those of its scripts, which need no client.
    """

    def __init__(self, client: MeteredRedis) -> None:
        super().__init__(client, "t")
        self._meter = client.meter

    def _answers(self, calls: Sequence[ScriptCall]) -> list[Any]:
        """Scripts that are run in one round trip."""
        answers: list[Any] = self._meter.through(lambda: super(MeteredLedger, self)._answers(calls))
        return answers


class MeteredProvider(CountingProvider):
    """A provider all of whose calls pass a meter."""

    def __init__(self, meter: Meter, limit: int) -> None:
        super().__init__(limit)
        self.meter = meter

    def send(self, call: Call) -> Answer:
        """One call."""
        answer: Answer = self.meter.through(lambda: super(MeteredProvider, self).send(call))
        return answer

    def pull(self) -> bytes | Broken:
        """Receipts, which have left the provider's queue when the process ends behind this."""
        page: bytes | Broken = self.meter.through(lambda: super(MeteredProvider, self).pull())
        return page

    def ask(self, number: int, *, since_s: int, until_s: int) -> ReceiptPage | Refused | Broken:
        """Receipts of one number."""
        page: ReceiptPage | Refused | Broken = self.meter.through(
            lambda: super(MeteredProvider, self).ask(number, since_s=since_s, until_s=until_s)
        )
        return page
