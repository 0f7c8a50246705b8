"""Rules of sending windows: hours of the day, by the clock of the recipient's country."""

import math
from datetime import datetime
from zoneinfo import ZoneInfo

import phonenumbers
import pytest
from pydantic import ValidationError

from config.accounts import Account
from smsline.countries import country_of
from smsline.job import JobSpec
from smsline.ledger.batch_queues import parse_queue
from smsline.windows import Window, closed_s, hours_of, parse_window, zones_of
from worker.routing.windows import NEVER_OPEN_S, queue_at, queue_closed_s

DAY = parse_window("08:00-22:00")
FRENCH = 33612345000


def at(text: str, zone: str) -> float:
    """A moment by the wall clock of a zone, epoch seconds."""
    return datetime.fromisoformat(text).replace(tzinfo=ZoneInfo(zone)).timestamp()


def opens(window: Window, country: str, now_s: float, zone: str) -> str:
    """When the window of a country is open next, by the wall clock of a zone."""
    moment = datetime.fromtimestamp(now_s, ZoneInfo(zone))
    later = datetime.fromtimestamp(now_s + closed_s(hours_of(window, country), now_s), moment.tzinfo)
    return later.strftime("%m-%d %H:%M:%S")


@pytest.mark.parametrize(
    ("clock", "wait_s"),
    [
        ("2030-05-01T08:00:00", 0),
        ("2030-05-01T21:59:59", 0),
        ("2030-05-01T07:59:59", 1),
        ("2030-05-01T22:00:00", 10 * 3600),
        ("2030-05-01T23:59:59", 8 * 3600 + 1),
        ("2030-05-01T00:00:00", 8 * 3600),
    ],
)
def test_opens_and_closes_on_the_second(clock: str, wait_s: float) -> None:
    """The first second of the window is in it, the last is not.

    After midnight it is this morning's opening that counts.
    """
    assert closed_s(hours_of(DAY, "SG"), at(clock, "Asia/Singapore")) == wait_s


def test_the_last_night_of_the_year_ends_in_the_next() -> None:
    """After the last closing of a month or year the opening is on the first of the next."""
    assert opens(DAY, "FR", at("2029-12-31T23:30", "Europe/Paris"), "Europe/Paris") == "01-01 08:00:00"


def test_all_of_mainland_china_lives_by_beijing() -> None:
    """One zone, although the table of zones names Urumqi too."""
    assert [zone.key for zone in zones_of("CN")] == ["Asia/Shanghai"]
    assert closed_s(hours_of(DAY, "CN"), at("2030-05-01T08:00", "Asia/Shanghai")) == 0
    assert closed_s(hours_of(DAY, "CN"), at("2030-05-01T07:00", "Asia/Shanghai")) == 3600


def test_hong_kong_macao_and_taiwan_have_clocks_of_their_own() -> None:
    """They are countries of their own in the table, as they are for providers."""
    assert [zone.key for land in ("HK", "MO", "TW") for zone in zones_of(land)] == [
        "Asia/Hong_Kong",
        "Asia/Macau",
        "Asia/Taipei",
    ]


def test_a_country_of_several_zones_is_open_when_all_of_them_are() -> None:
    """In the United States that is from 8 in Hawaii to 22 in New York.

    No number is texted at night, wherever the number's owner is.
    """
    new_york, honolulu = "America/New_York", "Pacific/Honolulu"
    assert opens(DAY, "US", at("2030-01-15T09:00", new_york), honolulu) == "01-15 08:00:00"
    assert closed_s(hours_of(DAY, "US"), at("2030-01-15T08:00", honolulu)) == 0
    assert closed_s(hours_of(DAY, "US"), at("2030-01-15T21:59", new_york)) == 0
    assert opens(DAY, "US", at("2030-01-15T22:00", new_york), honolulu) == "01-16 08:00:00"


@pytest.mark.parametrize("country", ["AU", "BR", "CA", "ID", "KZ", "MX", "PF", "RU", "US"])
@pytest.mark.parametrize("month", [1, 7])
def test_the_moment_found_is_open_in_every_zone_and_a_second_before_is_not(country: str, month: int) -> None:
    """From any hour of a day, the wait ends at the first second within the window everywhere."""
    for hour in range(24):
        now_s = datetime(2030, month, 15, hour, 17, 31, tzinfo=ZoneInfo("UTC")).timestamp()
        wait_s = closed_s(hours_of(DAY, country), now_s)
        assert all(is_open(zone, now_s + wait_s) for zone in zones_of(country))
        assert wait_s == 0 or not all(is_open(zone, now_s + wait_s - 1) for zone in zones_of(country))
        assert wait_s < 86_400


def is_open(zone: ZoneInfo, at_s: float) -> bool:
    """Whether it is between 8 and 22 there."""
    return 8 <= datetime.fromtimestamp(at_s, zone).hour < 22


def test_a_window_shorter_than_the_zones_are_apart_is_never_open() -> None:
    """No hour is between 10 and 12 in all of Russia; that is told, not sought for ever."""
    assert closed_s(hours_of(parse_window("10:00-12:00"), "RU"), at("2030-05-01T11:00", "Europe/Moscow")) == math.inf
    assert math.isfinite(closed_s(hours_of(DAY, "RU"), at("2030-05-01T11:00", "Europe/Moscow")))


def test_the_day_the_clock_is_put_forward() -> None:
    """The night is an hour shorter: from 22:00 to 08:00 are nine hours.

    An opening in the hour that is left out is not missed.
    """
    night_s = at("2030-03-30T22:00", "Europe/Paris")
    assert closed_s(hours_of(DAY, "FR"), night_s) == 9 * 3600
    early = parse_window("02:30-22:00")
    assert opens(early, "FR", at("2030-03-31T01:59", "Europe/Paris"), "Europe/Paris") == "03-31 03:30:00"


def test_the_day_the_clock_is_put_back() -> None:
    """The night is an hour longer; a window in the hour that comes twice opens at its first time.

    It stays open.
    """
    assert closed_s(hours_of(DAY, "FR"), at("2030-10-26T22:00", "Europe/Paris")) == 11 * 3600
    early = parse_window("02:30-22:00")
    first = datetime(2030, 10, 27, 2, 30, tzinfo=ZoneInfo("Europe/Paris"))
    second = first.replace(minute=10, fold=1)
    assert closed_s(hours_of(early, "FR"), first.timestamp() - 60) == 60
    assert closed_s(hours_of(early, "FR"), first.timestamp()) == 0
    assert closed_s(hours_of(early, "FR"), second.timestamp()) == 0


@pytest.mark.parametrize(
    ("number", "country"),
    [
        (8613711112222, "CN"),
        (85251234567, "HK"),
        (33612345678, "FR"),
        (12125550100, "US"),
        (16475550100, "CA"),
        (18765550100, "JM"),
        (77011234567, "KZ"),
        (79161234567, "RU"),
        (447700900123, "GB"),
        (38344123456, "XK"),
    ],
)
def test_a_number_tells_its_country(number: int, country: str) -> None:
    """Also where several countries share a calling code."""
    assert country_of(number) == country


def test_an_unassigned_number_still_has_a_country() -> None:
    """It would be texted at any hour otherwise; the first country of its code stands for it."""
    assert country_of(19995550100) == "US"
    assert country_of(33000000000) == "FR"


def test_a_number_of_no_country_has_no_night() -> None:
    """Satellite phones and world-wide services go by no clock."""
    assert country_of(87077123456) == ""
    assert closed_s(hours_of(DAY, ""), at("2030-05-01T03:00", "UTC")) == 0


def test_every_country_of_the_numbering_plans_has_a_clock() -> None:
    """No country's numbers are texted at night because a table left it out."""
    assert [country for country in phonenumbers.SUPPORTED_REGIONS if not zones_of(country)] == []


def account(window: str) -> Account:
    """An account with this window."""
    return Account(provider="tencent", secret_id="i", secret_key="k", sdk_app_id="1", window=window)  # type: ignore[arg-type]


@pytest.mark.parametrize("window", ["", "08:00-22:00", "00:00-23:59", "09:30-09:31"])
def test_windows_that_are_taken(window: str) -> None:
    """Two times of a day, the earlier first; nothing is any hour."""
    assert account(window).window == window


@pytest.mark.parametrize(
    "window",
    [
        "22:00-08:00",
        "08:00-08:00",
        "8:00-22:00",
        "08:00-24:00",
        "08:60-22:00",
        "08:00",
        "08:00\u201322:00",
        "always",
        "08:00-22:00 Europe/Paris UTC",
        "08:00-22:00 ../../etc/passwd",
    ],
)
def test_windows_that_are_refused(window: str) -> None:
    """A night, nothing, a time that no clock shows, or words: the settings are refused.

    The error has an example of what is taken.
    """
    with pytest.raises(ValidationError, match="must be two times of a day, the earlier first, such as 08:00-22:00"):
        account(window)


@pytest.mark.parametrize("zone", ["Europe", "Mars/Olympus", "/etc/localtime"])
def test_zones_that_are_none(zone: str) -> None:
    """A folder, a place without a clock, a path: refused by name, before a message waits for it."""
    with pytest.raises(ValueError, match=f"names no time zone: {zone}"):
        parse_window(f"08:00-22:00 {zone}")


def test_a_window_of_a_place() -> None:
    """The clock of a named zone counts for every country, and for numbers of none."""
    paris = parse_window("08:00-22:00 Europe/Paris")
    now_s = at("2030-05-01T07:00", "Europe/Paris")
    assert [closed_s(hours_of(paris, country), now_s) for country in ("CN", "US", "")] == [3600] * 3


def test_a_zone_that_only_another_machine_knows(caplog: pytest.LogCaptureFixture) -> None:
    """Its job is set aside; what another worker queued of it waits, told; the rest goes on."""
    with pytest.raises(ValueError, match="names no time zone: Mars/Olympus"):
        JobSpec.from_json('{"template":"1","window":"09:00-20:00 Mars/Olympus"}')
    queue = parse_queue("marketing|main|1|g@09:00-20:00@Mars/Olympus|s|0")
    main = account("08:00-22:00")
    assert queue_at(queue, main, "other", FRENCH).region == "gFR@09:00-20:00@Mars/Olympus"
    assert queue_closed_s({"main": main}, queue, lambda: 0) == NEVER_OPEN_S
    assert "names no time zone: Mars/Olympus" in caplog.text
