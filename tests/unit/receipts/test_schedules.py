"""When what is asked about next: unsure calls by the lane's horizon, silent ones by their age."""

import pytest

from smsline.ledger.call_results import NO_DELAY
from smsline.states import State
from tests.support.provider import FakeProvider
from tests.support.scene import make_settings
from worker.engine import Engine
from worker.outcome import RESENT
from worker.receipts.poll import next_probe_ms
from worker.receipts.resolve import horizon_result, next_look_s

LOOKS = (5.0, 30.0, 120.0, 600.0, 3600.0)


@pytest.mark.parametrize(
    ("elapsed_s", "horizon_s", "expected"),
    [
        (0.0, 3600.0, 5.0),
        (5.0, 3600.0, 25.0),
        (29.9, 3600.0, 0.1),
        (600.0, 3600.0, 3000.0),
        (5.0, 10.0, 5.0),
        (9.0, 10.0, 1.0),
        (0.0, 3.0, 3.0),
        (10.0, 10.0, 0.0),
        (4000.0, 3600.0, 0.0),
    ],
)
def test_the_next_look_is_the_schedules_or_the_horizon(elapsed_s: float, horizon_s: float, expected: float) -> None:
    """Whichever comes first."""
    assert next_look_s(elapsed_s, LOOKS, horizon_s) == pytest.approx(expected)


@pytest.mark.parametrize(
    ("age_s", "expected_s"),
    [(0, 600), (599, 1), (600, 3000), (3600, 18_000), (86_400, 172_800), (259_199, 1), (259_200, 0), (999_999, 0)],
)
def test_the_next_question_is_the_schedules_or_the_deadline(age_s: float, expected_s: float) -> None:
    """At ten minutes, an hour, six hours, a day, and then at the end."""
    engine = Engine(make_settings(), None, {"main": FakeProvider()})  # type: ignore[arg-type]
    assert next_probe_ms(engine, age_s * 1000) == pytest.approx(expected_s * 1000)


@pytest.mark.parametrize(
    ("tries", "again", "state", "resent"),
    [
        (0, True, State.WAITING, True),
        (3, True, State.WAITING, True),
        (RESENT, True, State.UNKNOWN, False),
        (RESENT | 3, True, State.UNKNOWN, False),
        (0, False, State.UNKNOWN, False),
    ],
)
def test_at_the_horizon_a_recipient_is_sent_again_once_or_ends(
    tries: int, *, again: bool, state: State, resent: bool
) -> None:
    """Only where its lane says so, and never twice."""
    result = horizon_result(4, tries, again=again)
    assert (result.position, result.state, result.resent, result.code) == (4, state, resent, "unsure.Horizon")
    assert result.delay_ms == NO_DELAY
