"""`wait_s`: how long a code asks to wait, at any time of day."""

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfoNotFoundError

import pytest
from hypothesis import given
from hypothesis import strategies as st

from smsline.codes import lookup, rows, wait_s, windows
from smsline.codes.windows import RECHECK_S, SETTLE_S, UNNAMED_S


def at(text: str) -> float:
    """Epoch seconds of a UTC time."""
    return datetime.fromisoformat(text).replace(tzinfo=UTC).timestamp()


def waits(provider: str, code: str, now: str, *, namespace: str = "api", message: str = "") -> float | None:
    """Seconds that the code of this namespace asks for."""
    return wait_s(lookup(provider, namespace, code).row, now_s=at(now), message=message)


def test_a_fixed_time_is_a_fixed_time() -> None:
    """Whatever the hour."""
    assert waits("tencent", "LimitExceeded.PhoneNumberThirtySecondLimit", "2026-11-20T12:00:00") == 30
    assert waits("tencent", "LimitExceeded.PhoneNumberOneHourLimit", "2026-11-20T12:00:00") == 3600


def test_a_code_without_a_time_leaves_it_to_the_engine() -> None:
    """The engine's backoff holds."""
    assert waits("tencent", "http.ConnectError", "2026-11-20T12:00:00") is None


@pytest.mark.parametrize(
    ("now", "hours"),
    [
        ("2026-11-20T14:30:00", 9.5),  # 22:30 in Beijing: the next morning
        ("2026-11-20T16:30:00", 7.5),  # 00:30 in Beijing: this morning
        ("2026-11-20T23:00:00", 1.0),  # 07:00 in Beijing
        ("2026-11-21T01:00:00", 23.0),  # 09:00 in Beijing: a clock that runs differently; tomorrow
    ],
)
def test_marketing_waits_for_eight_in_beijing(now: str, hours: float) -> None:
    """The provider's time zone counts, not this machine's."""
    assert waits("tencent", "FailedOperation.MarketingSendTimeConstraint", now) == hours * 3600 + SETTLE_S


def test_a_daily_cap_for_a_number_waits_for_the_next_morning() -> None:
    """Not for one minute past midnight, when the message is of no use."""
    assert waits("tencent", "LimitExceeded.PhoneNumberDailyLimit", "2026-11-20T04:00:00") == 20 * 3600 + SETTLE_S


@pytest.mark.parametrize("code", ["LimitExceeded.AppDailyLimit", "LimitExceeded.AppMainlandChinaDailyLimit"])
def test_a_cap_that_a_person_can_raise_is_asked_about_again(code: str) -> None:
    """After ten minutes at the latest, and sooner when midnight is near."""
    row = lookup("tencent", "api", code).row

    assert wait_s(row, now_s=at("2026-11-20T04:00:00")) == RECHECK_S
    assert wait_s(row, now_s=at("2026-11-20T15:58:00")) == 120 + SETTLE_S


def test_a_cap_for_a_country_waits_for_midnight() -> None:
    """One number's wait costs no other recipient anything."""
    assert waits("tencent", "LimitExceeded.AppCountryOrRegionDailyLimit", "2026-11-20T04:00:00") == 12 * 3600 + SETTLE_S


def test_a_monthly_cap_ends_with_the_month() -> None:
    """Also at the end of the year; until then it is asked about every ten minutes."""
    row = lookup("alibaba", "api", "ALERT_LIMIT_MONTH").row

    assert wait_s(row, now_s=at("2026-12-31T15:55:00")) == 300 + SETTLE_S
    assert wait_s(row, now_s=at("2026-12-10T00:00:00")) == RECHECK_S


@pytest.mark.parametrize(
    ("now", "hours"),
    [
        ("2026-11-22T10:00:00", 21.0),  # Sunday 11:00 in Paris: Monday 08:00
        ("2026-11-21T10:00:00", 45.0),  # Saturday: not Sunday but Monday
        ("2026-11-25T10:00:00", 21.0),  # a holiday in the week: the next day
        ("2026-07-14T10:00:00", 20.0),  # in summer time
    ],
)
def test_sundays_and_holidays_in_france(now: str, hours: float) -> None:
    """A holiday is not known beforehand; the answer says it again the next day."""
    assert waits("smspartner", "23", now, namespace="send") == hours * 3600 + SETTLE_S


@pytest.mark.parametrize(
    ("message", "seconds"),
    [
        ("触发分钟级流控Permits:1", 60),
        ("触发小时级流控Permits:5", 3600),
        ("触发天级流控Permits:10", 20 * 3600 + SETTLE_S),
        ("minute limit reached", 60),
        ("Hour limit reached", 3600),
        ("day limit reached", 20 * 3600 + SETTLE_S),
        ("", UNNAMED_S),
        ("something else", UNNAMED_S),
    ],
)
def test_the_answer_names_the_window(message: str, seconds: int) -> None:
    """One code of Alibaba's stands for three caps, and its text says which."""
    assert waits("alibaba", "isv.BUSINESS_LIMIT_CONTROL", "2026-11-20T04:00:00", message=message) == seconds


def test_without_a_time_zone_database_paris_is_an_hour_late_at_most(monkeypatch: pytest.MonkeyPatch) -> None:
    """The harmless side: a message never leaves before the window opens."""

    def no_data(name: str) -> None:
        raise ZoneInfoNotFoundError(name)

    row = lookup("smspartner", "send", "22").row
    now = at("2026-07-14T21:00:00")
    right = wait_s(row, now_s=now)
    windows._zone_of.cache_clear()
    monkeypatch.setattr(windows, "ZoneInfo", no_data)
    late = wait_s(row, now_s=now)
    windows._zone_of.cache_clear()

    assert (right, late) == (9 * 3600 + SETTLE_S, 10 * 3600 + SETTLE_S)


def test_without_a_time_zone_database_an_unknown_zone_is_utc(monkeypatch: pytest.MonkeyPatch) -> None:
    """A provider that was added later still gets a wait instead of an error."""

    def no_data(name: str) -> None:
        raise ZoneInfoNotFoundError(name)

    windows._zone_of.cache_clear()
    monkeypatch.setattr(windows, "ZoneInfo", no_data)
    zone = windows._zone_of("Europe/Berlin", 0)
    windows._zone_of.cache_clear()

    assert zone.utcoffset(None) == timedelta(0)


WAITING = [row for row in rows() if row.until_window]


@given(st.sampled_from(WAITING), st.integers(1_600_000_000, 2_000_000_000), st.text(max_size=20))
def test_a_window_is_never_past_and_never_over_a_month(row: object, now_s: int, message: str) -> None:
    """At any second of any day."""
    assert isinstance(row, type(WAITING[0]))
    seconds = wait_s(row, now_s=now_s, message=message)

    assert seconds is not None
    assert SETTLE_S <= seconds <= 32 * 86_400
