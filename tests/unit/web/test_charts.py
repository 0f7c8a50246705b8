"""Charts of the last hours: what came when, and how high the highest point is."""

import json

from smsline.ledger.statistics import MINUTE_MS, Sample
from worker.web.charts import BUCKETS, HEIGHT, rates, since_ms

NOW_MS = 1_000_000 * MINUTE_MS + 30_000


def test_a_line_has_a_point_for_each_piece_of_time() -> None:
    """The busiest is at the top, quiet ones at the bottom; other states, older times are out."""
    samples = [
        Sample(NOW_MS - 150_000, {"r|main|otp|accepted": 30, "r|main|otp|delivered": 15, "r|main|otp|dead": 7}),
        Sample(since_ms(NOW_MS) - MINUTE_MS, {"r|main|otp|accepted": 99}),
    ]
    found = rates(samples, ("accepted", "delivered"), NOW_MS)

    accepted = [tuple(map(int, point.split(","))) for point in found.lines["accepted"].split()]
    assert (len(accepted), accepted[0], accepted[-1]) == (BUCKETS, (0, HEIGHT), (600, 4))
    assert found.lines["delivered"].endswith("600,42")
    assert (dict(found.totals), found.most) == ({"accepted": 30, "delivered": 15}, 30)
    figures = json.loads(found.figures)
    assert (figures["begin_s"] * 1000, figures["states"]["accepted"][-2:]) == (since_ms(NOW_MS), [0, 30])


def test_without_anything_the_lines_are_flat() -> None:
    """And nothing is divided by nothing."""
    found = rates([], ("accepted",), NOW_MS)
    assert set(found.lines["accepted"].split()) == {f"{at * 600 / (BUCKETS - 1):.0f},{HEIGHT}" for at in range(BUCKETS)}
    assert found.most == 0
