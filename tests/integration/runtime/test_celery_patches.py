"""Rules of our channel over kombu's."""

import json
import logging
from collections.abc import Iterator
from typing import Any

import pytest
import redis
from kombu.connection import Connection
from kombu.transport import redis as transport

from tests.support.redis_server import RedisServer
from worker.runtime import celery_patches
from worker.runtime.celery_patches import LastingChannel, correct_kombu, message_dropped


@pytest.fixture(autouse=True)
def corrected() -> None:
    correct_kombu()


@pytest.fixture
def channel(redis_server: RedisServer) -> Iterator[Any]:
    with Connection(f"redis://127.0.0.1:{redis_server.port}/3") as connection:
        opened = connection.channel()
        opened.client.flushdb()
        yield opened


def closed(channel: Any, *, by: str) -> Any:
    """The channel as kombu leaves one whose connection was lost.

    It has no transport, or one without a connection.
    """
    made = object.__new__(channel)
    made.connection = None if by == "transport" else type("Transport", (), {"client": None})()
    made._pool = made._async_pool = None
    return made


@pytest.mark.parametrize("by", ["transport", "connection"])
def test_a_closed_channel_is_a_lost_connection(by: str) -> None:
    """Kombu's own answers with an AttributeError, which ends a worker.

    If that is mended, the guard can go.
    """
    lost = Connection("redis://").connection_errors
    for pool in ("pool", "async_pool"):
        with pytest.raises(AttributeError, match=r"'NoneType' object has no attribute '(client|hostname)'") as caught:
            getattr(closed(transport.Channel, by=by), pool)
        assert not isinstance(caught.value, lost)
        with pytest.raises(lost, match="the channel was closed"):
            getattr(closed(transport.Transport.Channel, by=by), pool)


def test_corrected_once() -> None:
    """Correcting twice is correcting once, for Sentinel's transport too."""
    for carrier in (transport.Transport, transport.SentinelTransport):
        channel: Any = carrier.Channel
        correct_kombu()
        assert carrier.Channel is channel
        assert channel.__mro__[1] is LastingChannel
        kind: Any = channel.connection_class
        assert issubclass(kind, celery_patches._Leaving)


REFUSING = {
    "no primary any more": ("REPLICAOF 127.0.0.1 1", "REPLICAOF NO ONE"),
    "takes no writes": ("CONFIG SET min-replicas-to-write 1", "CONFIG SET min-replicas-to-write 0"),
}


@pytest.mark.parametrize("why", REFUSING)
def test_a_broker_that_refuses_is_a_lost_connection(
    channel: Any, redis_server: RedisServer, why: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Celery connects again when its Redis has become a replica, or takes no writes for a time.

    Kombu alone would end the worker.
    """
    monkeypatch.setattr(celery_patches, "REFUSED_PAUSE_S", 0)
    with redis.Redis(port=redis_server.port) as admin:
        admin.execute_command(*REFUSING[why][0].split())
        try:
            with channel.conn_or_acquire() as client, pytest.raises(redis.ConnectionError, match=why) as caught:
                client.brpop("q", 1)
            assert isinstance(caught.value, Connection("redis://").connection_errors)
        finally:
            admin.execute_command(*REFUSING[why][1].split())


def test_a_channel_keeps_its_client_as_long_as_its_pool(channel: Any) -> None:
    """Each command over the same one; after a lost connection, over one of the new pool.

    One that is given is used.
    """
    with channel.conn_or_acquire() as first, channel.conn_or_acquire() as second:
        assert first is second
    channel._disconnect_pools()
    with channel.conn_or_acquire() as anew, channel.conn_or_acquire(second) as given:
        assert anew is not first
        assert anew.connection_pool is channel.pool
        assert given is second


def envelope(**changed: object) -> dict[str, object]:
    properties = {
        "delivery_tag": "1",
        "delivery_info": {"exchange": "", "routing_key": "q"},
        "body_encoding": "base64",
    }
    return {"body": "e30=", "headers": {}, "content-type": "application/json", "properties": properties, **changed}


INFO = {"exchange": "", "routing_key": "q"}
UNREADABLE: dict[str, bytes] = {
    "its 5 bytes are not JSON": b"hello",
    "its 2 bytes are not JSON": b"\xff\xfe",
    "its 200000 bytes are not JSON": b"[" * 200_000,
    "it is a JSON list and no object": b"[1]",
    "it is a JSON NoneType and no object": b"null",
    "it has no properties with a delivery_tag": json.dumps(envelope(properties=[])).encode(),
    "its headers are no object": json.dumps(envelope(headers=[1])).encode(),
    "it cannot be decoded (Error)": json.dumps(envelope(body="a")).encode(),
    "it cannot be decoded (AttributeError)": json.dumps(
        envelope(properties={"delivery_tag": "1", "delivery_info": INFO, "body_encoding": "rot13"})
    ).encode(),
    "its delivery_info names no queue": json.dumps(
        envelope(properties={"delivery_tag": "1", "delivery_info": {}})
    ).encode(),
    "it cannot be decoded (TypeError)": json.dumps(
        envelope(properties={"delivery_tag": "1", "delivery_info": 7})
    ).encode(),
}


def test_an_unreadable_message_is_dropped_and_told(channel: Any, caplog: pytest.LogCaptureFixture) -> None:
    """What kombu cannot decode is dropped with its queue and what is wrong with it.

    The next message is delivered.
    """
    told: list[str] = []

    def tell(why: str, **_: object) -> None:
        told.append(why)

    message_dropped.connect(tell)
    got: list[str] = []
    channel.basic_consume("q", no_ack=True, callback=lambda message: got.append(message.delivery_tag), consumer_tag="c")
    with channel.conn_or_acquire() as client, caplog.at_level(logging.ERROR):
        for text in [*UNREADABLE.values(), json.dumps(envelope()).encode()]:
            client.lpush("q", text)
        while not got:
            channel.connection.drain_events(channel.connection.client, timeout=5)

    assert got == ["1"]
    assert told == [f"a message in q: {problem}" for problem in UNREADABLE]
    assert all(problem in caplog.text for problem in UNREADABLE)
