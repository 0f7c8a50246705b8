"""Rules of the guard around kombu's closed channels."""

from types import SimpleNamespace
from typing import Any

import pytest
import redis
from kombu.connection import Connection
from kombu.transport import redis as transport

from tests.support.redis_server import RedisServer
from worker.runtime import celery_patches
from worker.runtime.celery_patches import guard_closed_channels, keep_clients, leave_refusing_servers


@pytest.fixture(autouse=True)
def guarded() -> None:
    guard_closed_channels()


Channel: Any = transport.Channel

CLOSED = [SimpleNamespace(connection=None), SimpleNamespace(connection=SimpleNamespace(client=None))]


@pytest.mark.parametrize("channel", CLOSED)
def test_the_fault(channel: Any) -> None:
    """Kombu itself answers with an AttributeError, which ends a worker; if this fails, the guard can go."""
    with pytest.raises(AttributeError, match=r"'NoneType' object has no attribute '(client|hostname)'") as caught:
        Channel._connparams.__wrapped__(channel)

    assert not isinstance(caught.value, Connection("redis://").connection_errors)


@pytest.mark.parametrize("channel", CLOSED)
def test_a_lost_connection_instead(channel: Any) -> None:
    """With the guard it is a lost connection, after which Celery connects again."""
    lost = Connection("redis://").connection_errors

    with pytest.raises(lost, match="the channel was closed"):
        Channel._connparams(channel)


def test_once() -> None:
    """Guarding twice is guarding once."""
    before = Channel._connparams
    guard_closed_channels()

    assert Channel._connparams is before


def test_an_open_channel_is_left_alone() -> None:
    """A channel with a connection gets the parameters kombu makes of it."""
    client = Connection("redis://:word@127.0.0.1:6391/3")
    channel = SimpleNamespace(
        connection=SimpleNamespace(client=client, default_port=6379),
        connection_class=Channel.connection_class,
        **dict.fromkeys(("max_connections", "socket_timeout", "socket_connect_timeout", "socket_keepalive")),
        **dict.fromkeys(("socket_keepalive_options", "health_check_interval", "retry_on_timeout", "client_name")),
        _process_credential_provider=lambda *_: None,
        _prepare_virtual_host=int,
    )
    made = Channel._connparams(channel)

    assert (made["host"], made["port"], made["db"], made["password"]) == ("127.0.0.1", 6391, 3, "word")


REFUSING = {
    "no primary any more": ("REPLICAOF 127.0.0.1 1", "REPLICAOF NO ONE"),
    "takes no writes": ("CONFIG SET min-replicas-to-write 1", "CONFIG SET min-replicas-to-write 0"),
}


@pytest.mark.parametrize("why", REFUSING)
def test_a_broker_that_refuses_is_a_lost_connection(
    redis_server: RedisServer, why: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Celery connects again when its Redis has become a replica, or takes no writes for a time; kombu alone would end the worker."""
    leave_refusing_servers()
    monkeypatch.setattr(celery_patches, "REFUSED_PAUSE_S", 0)
    pool = redis.ConnectionPool(connection_class=Channel.connection_class, port=redis_server.port)
    with redis.Redis(connection_pool=pool) as client, redis.Redis(port=redis_server.port) as admin:
        admin.execute_command(*REFUSING[why][0].split())
        try:
            with pytest.raises(redis.ConnectionError, match=why) as caught:
                client.brpop("q", 1)
            assert isinstance(caught.value, Connection("redis://").connection_errors)
        finally:
            admin.execute_command(*REFUSING[why][1].split())


def test_a_channel_keeps_its_client_as_long_as_its_pool() -> None:
    """Each command over the same one; after a lost connection, over one of the new pool."""
    keep_clients()
    channel = SimpleNamespace(pool=redis.ConnectionPool(), Client=redis.Redis)
    first = Channel._create_client(channel)
    assert Channel._create_client(channel) is first
    channel.pool = redis.ConnectionPool()
    assert Channel._create_client(channel).connection_pool is channel.pool
