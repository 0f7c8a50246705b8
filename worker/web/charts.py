"""Charts as SVG, made by the server: they need no script, and the content security policy forbids inline styles."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Final

from smsline.ledger.statistics import MINUTE_MS, Sample, by_labels

WIDTH: Final = 600
HEIGHT: Final = 80
BUCKET_MIN: Final = 5
BUCKETS: Final = 36
"""Three hours in pieces of five minutes: on a narrow screen a piece is still eight pixels wide."""


@dataclass(frozen=True, slots=True)
class Rates:
    """Recipients by state over the last hours.

    Attributes:
        lines: State -> the points of its line, as SVG wants them.
        totals: State -> recipients in all that time.
        most: Recipients a minute at the highest point of all lines.
        hours: How long that is.
    """

    lines: Mapping[str, str]
    totals: Mapping[str, int]
    most: float
    hours: int = BUCKETS * BUCKET_MIN // 60


def since_ms(now_ms: int) -> int:
    """Where the first bucket begins, epoch ms."""
    step_ms = BUCKET_MIN * MINUTE_MS
    return (now_ms // step_ms - BUCKETS + 1) * step_ms


def rates(samples: Iterable[Sample], states: Iterable[str], now_ms: int) -> Rates:
    """Lines of how many recipients came into each of the states.

    Args:
        samples: Minutes of the statistics.
        states: Which.
        now_ms: The present, epoch ms.
    """
    begin_ms, step_ms = since_ms(now_ms), BUCKET_MIN * MINUTE_MS
    heights = {state: [0] * BUCKETS for state in states}
    for sample in samples:
        bucket = (sample.start_ms - begin_ms) // step_ms
        for labels, grown in by_labels(sample.grown, "r"):
            if labels[-1] in heights and 0 <= bucket < BUCKETS:
                heights[labels[-1]][bucket] += grown
    most = max((max(line) for line in heights.values()), default=0)
    step = WIDTH / (BUCKETS - 1)
    lines = {
        state: " ".join(
            f"{at * step:.0f},{HEIGHT - height / most * (HEIGHT - 4) if most else HEIGHT:.0f}"
            for at, height in enumerate(line)
        )
        for state, line in heights.items()
    }
    return Rates(lines, {state: sum(line) for state, line in heights.items()}, most / BUCKET_MIN)
