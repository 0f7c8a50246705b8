"""One worker without Celery, in this thread.

The scheduler's wake-ups are worked off one by one, and time is skipped.
"""

import re
from collections import deque
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any, Final

import pytest
from redis.exceptions import RedisError

from config.settings import Settings
from smsline.ledger.link import Ledger
from smsline.names import LANES, QUEUES
from worker.engine import Engine
from worker.providers.base import Provider
from worker.runtime.scheduler import Scheduler

ACCOUNT: Final = "main"
STAND_IN: Final = "next"
PATIENCE: Final = 400
"""Looks of the scheduler after which a line that still has work will have it for ever."""


def quick_settings(*accounts: str, **given: Any) -> Settings:
    """Settings of accounts whose horizons and waits are over at once; one unless named."""
    account = {
        "provider": "tencent",
        "secret_id": "i",
        "secret_key": "k",
        "sdk_app_id": "1",
        "sign": "s",
        "timeout_s": 2,
    }
    values: dict[str, Any] = {
        "accounts": dict.fromkeys(accounts or (ACCOUNT,), account),
        "linger_ms": 0,
        "lease_s": 5,
        "first_poll_s": 0,
        "unsure_horizon_s": 0,
        "park_probe_s": 0.05,
    }
    return Settings(**{**values, **given})


@dataclass(slots=True)
class Hands:
    """One worker process without Celery: the real tasks work off what the scheduler publishes.

    Attributes:
        engine: The engine it works with.
        patch: Puts the engine in the place of the process' own.
        clock: The same ledger, by a connection of its own, on which time is skipped: whatever is
            put off, leased or waited for is due at the next look. None lets time pass by itself.
    """

    engine: Engine
    patch: pytest.MonkeyPatch
    clock: Ledger | None = None
    messages: deque[tuple[str, dict[str, Any]]] = field(default_factory=deque)

    def work(self, until: Callable[[], bool]) -> None:
        """Look and work until a condition holds.

        Raises:
            AssertionError: It never does.
        """
        for _ in range(PATIENCE):
            if until():
                return
            self.step()
        raise AssertionError(f"not done after {PATIENCE} looks; due: {self._due()}")

    def step(self) -> None:
        """One look of the scheduler, and every task that it publishes."""
        import tasks  # noqa: F401, PLC0415 - registers them
        from worker.app import app  # noqa: PLC0415 - importing it reads the settings of this process

        self.patch.setattr("worker.app.app._engine", self.engine)
        if self.clock:
            skip_time(self.clock)
        scheduler = Scheduler(self.engine, QUEUES, lambda task, _queue, kwargs: self.messages.append((task, kwargs)))
        with suppress(RedisError):  # as the scheduler itself does: look again
            scheduler.look()
        while self.messages:
            task, kwargs = self.messages.popleft()
            with suppress(RedisError):  # as Celery does: the task has failed
                app.tasks[task](**kwargs)

    def _due(self) -> dict[str, int]:
        ledger = self.engine.ledger
        return {key.decode(): int(ledger.redis.zcard(key)) for key in ledger.redis.keys("*due:*")}


def skip_time(ledger: Ledger) -> None:
    """Everything put off or leased is due now, no wake-up is under way, no bucket is closed."""
    keys = ledger.keys
    steady = (keys.later, keys.lease, keys.drain, keys.unsure_due, keys.probe)
    waits = (*steady, *map(keys.send, LANES), *map(keys.inbox, LANES))
    ledger.redis.eval(SKIP, len(waits), *waits)
    gone = [key for key in ledger.redis.keys(keys.prefix + "*") if WAITS.search(key)]
    if gone:
        ledger.redis.delete(*gone)


SKIP: Final = "for _, key in ipairs(KEYS) do for _, m in ipairs(redis.call('ZRANGE', key, 0, -1)) do redis.call('ZADD', key, 0, m) end end"
WAITS: Final = re.compile(rb":(wakes|bucket):")


def engine_of(ledger: Ledger, provider: Provider, **settings: Any) -> Engine:
    """An engine that does not wait while Redis is away."""
    return Engine(quick_settings(**settings), ledger, {ACCOUNT: provider}, pause=lambda _s: None)


def engine_of_two(ledger: Ledger, first: Provider, stand_in: Provider) -> Engine:
    """The same with a second account, after the first for every number, unsure calls included."""
    settings = quick_settings(ACCOUNT, STAND_IN, unsure_reroute=True)
    return Engine(settings, ledger, {ACCOUNT: first, STAND_IN: stand_in}, pause=lambda _s: None)
