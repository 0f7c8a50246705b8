"""Rules of URLs of Redis and of brokers."""

import ssl
from typing import Any

import pytest

from config.celery import celery_options
from config.settings import Settings, SettingsError, load_settings
from smsline import Client
from smsline.errors import BadInput
from smsline.ledger.connection import connect
from smsline.urls import BROKER_SCHEMES, RedisPlace, celery_broker, read_url, secrets_of, shown

PASSWORDS = [
    "pa/ss",
    "p@ss",
    "#pass",
    "pa?ss",
    "pa ss",
    "100%",
    "a:b/c@d#e?f g%h",
    "s/",
    "x@y:1/0@z",
    "12/3",
    "a]b",
    "?k=v",
]


def place(url: str) -> tuple[Any, ...]:
    found = read_url(url)
    return found.hosts, found.master, found.db, found.user, found.password


@pytest.mark.parametrize(
    ("url", "expected"),
    [
        ("redis://h", ((("h", None),), "", 0, "", "")),
        ("redis://[::1]:6390/3\n", ((("::1", 6390),), "", 3, "", "")),
        ("rediss://me:a%2Fb%40c%23d%3F%25@h:1/2?db=4", ((("h", 1),), "", 4, "me", "a/b@c#d?%")),
        ("redis://:p:w+1@h/0", ((("h", None),), "", 0, "", "p:w+1")),
        ("sentinel://a/m", ((("a", None),), "m", 0, "", "")),
        ("sentinel://a:1,b.c:2/my-master/3", ((("a", 1), ("b.c", 2)), "my-master", 3, "", "")),
        ("sentinel://user:p%40ss@a/m/0", ((("a", None),), "m", 0, "user", "p@ss")),
    ],
)
def test_what_a_url_says(url: str, expected: tuple[Any, ...]) -> None:
    """Hosts with or without a port, what sentinels watch, a database, and credentials.

    They are as they were before encoding.
    """
    assert place(url) == expected


@pytest.mark.parametrize(
    "url", ["sentinel://", "sentinel://a", "sentinel:///m", "sentinel://a,/m", "sentinel://a/m/x", "sentinel://a b/m/0"]
)
def test_sentinels_that_cannot_be(url: str) -> None:
    """They are refused with the rule; a setting by its name."""
    with pytest.raises(SettingsError, match=r"SMSLINE_REDIS_URL: .*must"):
        load_settings({"SMSLINE_REDIS_URL": url})


@pytest.mark.parametrize("scheme", ["redis", "rediss", "sentinel", "amqp", "amqps"])
@pytest.mark.parametrize("password", PASSWORDS)
def test_a_password_as_it_is(scheme: str, password: str) -> None:
    """A password that was not percent-encoded is refused as that.

    No part of it is in any error, of service or client.
    """
    url = f"{scheme}://user:{password}@host.example:6379/0"
    name = "SMSLINE_BROKER_URL" if scheme.startswith("amqp") else "SMSLINE_REDIS_URL"
    with pytest.raises(SettingsError, match="its password is not percent-encoded") as service:
        load_settings({name: url})
    with pytest.raises(BadInput, match="its password is not percent-encoded") as client:
        Client(broker_url=url)
    told = [str(service.value), str(client.value), shown(url)]
    assert not any(word in text.split(": write")[0] for text in told for word in ("user", password, "host"))


@pytest.mark.parametrize(
    ("url", "expected"),
    [
        ("redis://:s3cret@h:1/0", "redis://:***@h:1/0"),
        ("rediss://me:s3cret@h/0?ssl_password=s3cret", "rediss://me:***@h/0"),
        ("redis://s3cret@h/0", "redis://***@h/0"),
        ("sentinel://:s3cret@a,b/m/0?sentinel_password=s3cret", "sentinel://:***@a,b/m/0"),
        ("redis://:s3cret", "redis://***"),
        ("s3cret", "***"),
        ("redis//:s3cret@h", "***"),
        ("localhost:6379", "localhost:6379"),
    ],
)
def test_what_is_shown(url: str, expected: str) -> None:
    """Everything but the password, and nothing of what cannot be told apart from one."""
    assert shown(url) == expected


@pytest.mark.parametrize(
    ("query", "rule"),
    [
        ("ssl_ca_cert=/x", "did you mean ssl_ca_certs"),
        ("s3cret", "has an option that is not known"),
        ("ssl_cert_reqs=s3cret", "ssl_cert_reqs must be one of none, cert_none"),
        ("socket_timeout=s3cret", "socket_timeout must be a number"),
    ],
)
def test_options_that_cannot_be(query: str, rule: str) -> None:
    """An option that is not known or not usable is refused without being repeated.

    It may be the rest of a password.
    """
    with pytest.raises(ValueError, match=rule) as caught:
        read_url(f"rediss://h/0?{query}")
    assert "s3cret" not in str(caught.value)
    with pytest.raises(ValueError, match="need TLS"):
        read_url("redis://h/0?ssl_cert_reqs=required")


@pytest.mark.parametrize("spelling", ["none", "CERT_NONE", "required", "CERT_REQUIRED", "optional", "CERT_OPTIONAL"])
def test_both_spellings_of_certificate_options(spelling: str) -> None:
    """redis-py's and Celery's words mean the same, to the ledger's connection and the broker's."""
    url = f"rediss://:pw@h/0?ssl_cert_reqs={spelling}&ssl_ca_certs=%2Fca.pem&ssl_certfile=/c.pem&ssl_keyfile=/k.pem"
    expected = getattr(ssl, "CERT_" + spelling.removeprefix("CERT_").upper())
    broker = celery_broker(url)
    held = connect(url).connection_pool.connection_kwargs

    assert broker["broker_use_ssl"]["ssl_cert_reqs"] == held["ssl_cert_reqs"] == expected
    assert broker["broker_use_ssl"]["ssl_ca_certs"] == held["ssl_ca_certs"] == "/ca.pem"
    assert broker["broker_url"] == "rediss://:pw@h/0"


@pytest.mark.parametrize(
    ("url", "expected"),
    [
        ("redis://h:1/0", None),
        ("rediss://h:1/0", {"ssl_cert_reqs": ssl.CERT_REQUIRED}),
        ("amqp://q", None),
        ("amqps://q", {"cert_reqs": ssl.CERT_REQUIRED, "server_hostname": "q"}),
        ("amqps://q?ssl_ca_certs=/ca", {"cert_reqs": ssl.CERT_REQUIRED, "server_hostname": "q", "ca_certs": "/ca"}),
    ],
)
def test_certificates_are_checked_unless_told_otherwise(url: str, expected: object) -> None:
    """By producer and worker alike."""
    client = Client(broker_url=url)
    assert celery_options(Settings(broker_url=url))["broker_use_ssl"] == expected
    assert celery_broker(url)["broker_use_ssl"] == expected
    client.close()


def test_kombu_gets_a_url_for_each_sentinel() -> None:
    """And is told what they watch, and the password that is theirs."""
    settings = Settings(redis_url="sentinel://:p%40ss@a:1,b/m/3?sentinel_username=guard&sentinel_password=s%2Fp+1")
    options = celery_options(settings)

    assert options["broker_url"] == "sentinel://:p%40ss@a:1/3;sentinel://:p%40ss@b:26379/3"
    assert options["broker_transport_options"]["master_name"] == "m"
    assert options["broker_transport_options"]["sentinel_kwargs"] == {"username": "guard", "password": "s/p+1"}
    assert {"p@ss", "p%40ss", "s/p+1"} <= set(settings.secrets)


def test_only_the_spelt_out_passwords_are_secrets() -> None:
    """As they are, as they are written, and as they are put together anew."""
    assert secrets_of("rediss://u:a%2fb@h/0?ssl_password=kp") == ("a/b", "kp", "a%2Fb", "a%2fb")
    assert secrets_of("not a url") == ()
    assert isinstance(read_url("amqp://u:p@q//", BROKER_SCHEMES), RedisPlace)
