"""Waiting for a token: how one is taken goes in; nothing left to wait, or milliseconds that are too long to wait here, comes out."""

from collections.abc import Callable


def await_token(
    take: Callable[[], float],
    *,
    most_ms: float,
    sleep: Callable[[float], object],
    monotonic_s: Callable[[], float],
    stopping: Callable[[], bool] = lambda: False,
) -> float:
    """Take a token as soon as there is one, waiting at most so long.

    Args:
        take: Tries; 0 when it was taken, else milliseconds until there will be one.
        most_ms: How long to wait in all.
        sleep: Waits so many seconds.
        monotonic_s: Clock for measuring.
        stopping: Whether to wait no more.

    Returns:
        0 when it was taken, else milliseconds until there will be one.
    """
    until_s = monotonic_s() + most_ms / 1000
    while wait_ms := take():
        if monotonic_s() + wait_ms / 1000 > until_s or stopping():
            return wait_ms
        sleep(wait_ms / 1000)
    return 0.0
