"""URLs that name sentinels."""

import pytest

from config.celery import celery_options
from config.settings import Settings, SettingsError, load_settings
from smsline.sentinel import Sentinels, broker_options, broker_url, parse_sentinels


@pytest.mark.parametrize(
    ("url", "expected"),
    [
        ("sentinel://a/m", Sentinels((("a", 26379),), "m", 0, "", "")),
        ("sentinel://a:1,b.c:2/my-master/3", Sentinels((("a", 1), ("b.c", 2)), "my-master", 3, "", "")),
        ("sentinel://:p%40ss@a/m/0", Sentinels((("a", 26379),), "m", 0, "", "p@ss")),
        ("sentinel://user:pw@a/m", Sentinels((("a", 26379),), "m", 0, "user", "pw")),
    ],
)
def test_what_a_url_says(url: str, expected: Sentinels) -> None:
    """Hosts with or without a port, the name they watch, a database, credentials of the servers."""
    assert parse_sentinels(url) == expected


@pytest.mark.parametrize(
    "url", ["sentinel://", "sentinel://a", "sentinel:///m", "sentinel://a,/m", "sentinel://a/m/x", "sentinel://a b/m/0"]
)
def test_what_cannot_be_is_refused(url: str) -> None:
    """With the rule; a setting by its name."""
    with pytest.raises(ValueError, match="must name sentinels"):
        parse_sentinels(url)
    with pytest.raises(SettingsError, match="SMSLINE_REDIS_URL"):
        load_settings({"SMSLINE_REDIS_URL": url})


def test_kombu_gets_a_url_for_each_sentinel() -> None:
    """And is told what they watch; other URLs stay as they are."""
    settings = Settings(redis_url="sentinel://:p%40ss@a:1,b/m/3")
    options = celery_options(settings)
    assert options["broker_url"] == "sentinel://:p%40ss@a:1/3;sentinel://:p%40ss@b:26379/3"
    assert options["broker_transport_options"]["master_name"] == "m"
    assert broker_url("redis://r/0") == "redis://r/0"
    assert broker_options("amqp://r//") == {}
    assert "p@ss" in settings.secrets
