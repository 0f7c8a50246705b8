"""Retries: when an event is tried again, and how long its endpoint is left alone."""

import random
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from smsline.ledger.webhooks_queue import TryResult

# Between a failed try of an event and the next: 5 s, 5 min, 30 min, 2 h, 5 h, 10 h, 10 h. After the
# last it is kept as a failure.
RETRIES_S: Final = (5, 300, 1_800, 7_200, 18_000, 36_000, 36_000)

JITTER: Final = 0.1
# An endpoint that has failed alone for so long is suspended.
PATIENCE_S: Final = 5 * 86_400

# Other events are tried after a failure, too, but not at once: 1 s, 2 s, 4 s … to this.
LONGEST_PAUSE_S: Final = 60.0

# The pause after an answer that asks to slow down and does not say for how long.
SLOW_S: Final = 30.0

LONGEST_ASKED_S: Final = 3_600.0
SLOWING: Final = (429, 502, 504)
GONE: Final = 410


@dataclass(frozen=True, slots=True)
class EndpointAnswer:
    """What came back from an endpoint.

    Attributes:
        status: HTTP's; 0 when none came.
        told: In words, for people.
        retry_after_s: For how long it asks to be left alone; None when it does not say.
        refused: The address may not be connected to.
    """

    status: int
    told: str
    retry_after_s: float | None = None
    refused: bool = False

    @property
    def good(self) -> bool:
        """Whether the event has been taken."""
        return 200 <= self.status < 300


def judge(answer: EndpointAnswer, *, tries: int, in_row: int, chance: Callable[[], float] = random.random) -> TryResult:
    """What an answer means.

    Args:
        answer: What came back.
        tries: How often the event was tried before.
        in_row: How many requests to the endpoint have failed since the last good one.
        chance: From 0 to 1, for the jitter.
    """
    if answer.good:
        return TryResult("ok", answer.told)
    if answer.status == GONE:
        return TryResult("gone", answer.told)
    # Endpoints that fail together, as when their host is down, must not all come back in one
    # second.
    spread = 1 + JITTER * (2 * chance() - 1)
    pause_s = min(LONGEST_PAUSE_S, 2.0 ** min(in_row, 10)) * spread
    if answer.status in SLOWING:
        pause_s = max(pause_s, SLOW_S)
    if answer.retry_after_s is not None:
        pause_s = max(pause_s, min(answer.retry_after_s, LONGEST_ASKED_S))
    # Never before the endpoint's own pause is over.
    again_ms = max(RETRIES_S[tries] * spread, pause_s) * 1000 if tries < len(RETRIES_S) else None
    return TryResult("refused" if answer.refused else "failed", answer.told, again_ms, pause_s * 1000)
