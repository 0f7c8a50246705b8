"""Waiting for a condition with a deadline, instead of sleeping."""

import time
from collections.abc import Callable
from typing import Final, TypeVar

T = TypeVar("T")

LONG_S: Final = 120.0
"""Longest wait for what takes a moment on an idle machine.

A limit that only ends a test which fails says nothing of speed.
"""


def wait_until(
    condition: Callable[[], T], *, timeout_s: float = LONG_S, what: str = "the condition", every_s: float = 0.02
) -> T:
    """The condition's first true value.

    Raises:
        AssertionError: It was not true in time; the last value is named.
    """
    deadline = time.monotonic() + timeout_s
    while not (value := condition()):
        assert time.monotonic() < deadline, f"{what} did not come true within {timeout_s:g} s; last: {value!r}"
        time.sleep(every_s)
    return value
