"""Connections between two round trips: when the pool looks at them again."""

import os
import time
from dataclasses import dataclass, field
from typing import Any

import pytest

from smsline.ledger.connection import LOOK_S, WarmConnections


@dataclass
class Pool:
    """Gives out numbers as connections, and notes what comes back."""

    given: int = 0
    back: list[int] = field(default_factory=list)

    def get_connection(self) -> int:
        """The next one."""
        self.given += 1
        return self.given

    def release(self, one: int) -> None:
        """Have it back."""
        self.back.append(one)


def test_the_pool_looks_at_a_busy_connection_ten_times_a_second(monkeypatch: pytest.MonkeyPatch) -> None:
    """In between it is used as it is, however often; later, and in another process, it is not."""
    now_s, pool = [0.0], Pool()
    monkeypatch.setattr(time, "monotonic", lambda: now_s[0])
    warm = WarmConnections(pool)

    def used() -> Any:
        one, until_s = warm.take()
        warm.keep(one, until_s)
        return one

    assert [used(), used()] == [1, 1]
    now_s[0] += 0.9 * LOOK_S
    assert (used(), pool.back) == (1, [])
    now_s[0] += 0.2 * LOOK_S
    assert (used(), pool.back) == (2, [1])
    monkeypatch.setattr(os, "getpid", lambda: -1)
    assert (used(), pool.back) == (3, [1]), "a fork's child leaves its parent's socket alone"
