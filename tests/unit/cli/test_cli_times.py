"""Times a person types."""

import re
import time
from datetime import UTC, datetime

import pytest

from smsline.cli.times import example_at, parse_at, said
from smsline.errors import BadInput

NOW_S = datetime(2030, 1, 1, tzinfo=UTC).timestamp()


@pytest.mark.parametrize(
    ("text", "seconds"),
    [("+90s", 90), ("+10m", 600), ("+1h30m", 5400), ("+2d", 172_800), ("+1.5h", 5400), (" +0s ", 0), ("+0.5s", 1)],
)
def test_a_plus_counts_from_now(text: str, seconds: float) -> None:
    """Seconds, minutes, hours, days, or several of them."""
    assert parse_at(text, now_s=NOW_S) == NOW_S + seconds


@pytest.mark.parametrize(
    "text", ["2030-01-01T08:00+08:00", "2030-01-01T00:00Z", "2030-01-01 00:00:00+00:00", "20300101T000000Z"]
)
def test_iso_with_an_offset_is_that_moment(text: str) -> None:
    """Whatever the offset."""
    assert parse_at(text, now_s=NOW_S) == NOW_S


def test_iso_without_an_offset_is_local_time(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nine in the morning is nine where the command is run."""
    monkeypatch.setenv("TZ", "Asia/Shanghai")
    time.tzset()
    try:
        at_s = parse_at("2030-01-02T09:00", now_s=NOW_S)
    finally:
        monkeypatch.undo()
        time.tzset()

    assert datetime.fromtimestamp(at_s, UTC) == datetime(2030, 1, 2, 1, tzinfo=UTC)


@pytest.mark.parametrize("text", ["", "soon", "+", "+10", "10m", "+10x", "+m", "9999-99-99", "+1h soon", "0001-01-01"])
def test_anything_else_is_refused(text: str) -> None:
    """With what would have been right."""
    with pytest.raises(BadInput):
        parse_at(text, now_s=NOW_S)


def test_the_past_is_refused() -> None:
    """A slip in the date must not send a campaign at once."""
    with pytest.raises(BadInput, match="is in the past"):
        parse_at("2029-12-31T00:00Z", now_s=NOW_S)


@pytest.mark.parametrize(
    ("text", "told"),
    [
        (
            "2030-03-31T02:30",
            "does not exist, as clocks are put forward; write 2030-03-31T01:30:00+01:00 or 2030-03-31T03:30:00+02:00",
        ),
        (
            "2030-10-27T02:30",
            "is there twice, as clocks are put back; write 2030-10-27T02:30:00+02:00 or 2030-10-27T02:30:00+01:00",
        ),
    ],
)
def test_a_local_time_that_is_no_one_moment_is_refused(text: str, told: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """With both choices, which are taken."""
    monkeypatch.setenv("TZ", "Europe/Berlin")
    time.tzset()
    try:
        with pytest.raises(BadInput, match=re.escape(told)):
            parse_at(text, now_s=NOW_S)
        first, second = re.findall(r"2030\S+", told)
        near_s = datetime.fromisoformat(text).timestamp() - 86_400
        assert 0 < parse_at(second, now_s=near_s) - parse_at(first, now_s=near_s) <= 3600
        assert said(parse_at(first, now_s=near_s)).startswith(first)
        with pytest.raises(BadInput, match="must be within 90 days, by 2029-04-01 00:00 UTC"):
            parse_at(first, now_s=NOW_S - 365 * 86_400)
    finally:
        monkeypatch.undo()
        time.tzset()


def test_the_example_in_the_help_can_be_typed() -> None:
    """It is never past, and within the 90 days of a start."""
    assert 0 < parse_at(example_at(), now_s=time.time()) - time.time() < 3 * 86_400
