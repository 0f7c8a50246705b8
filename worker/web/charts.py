"""Charts as SVG, made by the server: they need no script.

With it, `static/chart.js` draws the same figures with axes.
"""

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Final

from smsline.ledger.statistics import MINUTE_MS, Sample, by_labels

WIDTH: Final = 600
HEIGHT: Final = 80
# Three hours of minutes: as many as a narrow screen can show, and the newest is never older than
# the one before this.
BUCKETS: Final = 180


@dataclass(frozen=True, slots=True)
class SendRates:
    """Recipients by state over the last hours.

    Attributes:
        lines: State -> the points of its line, as SVG wants them.
        figures: The same for the script: JSON of when it begins, how long a piece is, and
            recipients a minute by state.
        totals: State -> recipients in all that time.
        most: Recipients a minute at the highest point of all lines.
        hours: How long that is.
    """

    lines: Mapping[str, str]
    figures: str
    totals: Mapping[str, int]
    most: float
    hours: int = BUCKETS // 60


def since_ms(now_ms: int) -> int:
    """Where the first bucket begins, epoch ms."""
    # The last one is the minute before the one that has just ended: that may not be written down
    # yet, and would look like a fall.
    return (now_ms // MINUTE_MS - BUCKETS - 1) * MINUTE_MS


def rates(samples: Iterable[Sample], states: Iterable[str], now_ms: int) -> SendRates:
    """Lines of how many recipients came into each of the states.

    Args:
        samples: Minutes of the statistics.
        states: Which.
        now_ms: The present, epoch ms.
    """
    begin_ms = since_ms(now_ms)
    heights = {state: [0] * BUCKETS for state in states}
    for sample in samples:
        bucket = (sample.start_ms - begin_ms) // MINUTE_MS
        for labels, grown in by_labels(sample.grown, "r"):
            if labels[-1] in heights and 0 <= bucket < BUCKETS:
                heights[labels[-1]][bucket] += grown
    # One scale for all lines, or a hundred failures would look like a million deliveries.
    most = max((max(line) for line in heights.values()), default=0)
    step = WIDTH / (BUCKETS - 1)
    lines = {
        state: " ".join(
            f"{at * step:.0f},{HEIGHT - height / most * (HEIGHT - 4) if most else HEIGHT:.0f}"
            for at, height in enumerate(line)
        )
        for state, line in heights.items()
    }
    figures = json.dumps(
        {"begin_s": begin_ms // 1000, "step_s": MINUTE_MS // 1000, "states": heights}, separators=(",", ":")
    )
    return SendRates(lines, figures, {state: sum(line) for state, line in heights.items()}, float(most))
