"""The Redis server itself, apart from the ledger: whether it answers, what it allows and uses."""

import statistics
import time
from collections.abc import Iterator, Mapping
from secrets import token_hex
from typing import Any, Final

import redis

from smsline.ledger.connection import connect
from smsline.ledger.link import Ledger

# Gone by itself where the command that deletes it is the one that is refused.
_WRITE: Final = "return redis.call('set', KEYS[1], ARGV[1], 'PX', 5000)"
_PINGS: Final = 20


def answers(url: str) -> bool:
    """Whether a Redis answers at a URL, over a connection of its own."""
    client = connect(url, timeout_s=1)
    try:
        return bool(client.ping())
    except redis.RedisError:
        return False
    finally:
        client.close()


def ping(ledger: Ledger) -> None:
    """Ask for a sign of life.

    Raises:
        redis.exceptions.RedisError: There is none.
    """
    ledger.redis.ping()


def round_trip_ms(client: redis.Redis) -> float:
    """The median of some round trips.

    Raises:
        redis.exceptions.RedisError: Redis cannot be reached, or refuses this user.
    """
    took_ms = []
    for _ in range(_PINGS):
        began_s = time.perf_counter()
        client.ping()
        took_ms.append((time.perf_counter() - began_s) * 1000)
    # The first ping opens the connection, and one slow answer says nothing.
    return statistics.median(took_ms)


def info(client: redis.Redis) -> Mapping[str, Any]:
    """What the server tells of itself.

    Raises:
        redis.exceptions.ResponseError: It may not be asked, as at some hosts.
    """
    found: Mapping[str, Any] = client.info()
    return found


def memory_bytes(ledger: Ledger) -> tuple[float, float] | None:
    """How much memory the server uses, and may use (0: all there is).

    None where it may not be asked.
    """
    try:
        found = ledger.redis.info("memory")
    except redis.ResponseError:  # hosted Redis may not allow the command
        return None
    return float(found.get("used_memory", 0)), float(found.get("maxmemory", 0))


def eviction(ledger: Ledger) -> str:
    """By which policy the server deletes keys when its memory is full.

    Empty where it does not, or may not be asked.
    """
    try:
        policy = str(ledger.redis.info("memory").get("maxmemory_policy", ""))
    except redis.ResponseError:  # as above
        return ""
    return "" if policy == "noeviction" else policy


def trials(client: redis.Redis, prefix: str) -> Iterator[tuple[str, redis.RedisError | None]]:
    """Try what sending needs, each with the keys and channels it uses.

    A ping is answered where nothing can be written.

    Args:
        client: Of the Redis.
        prefix: What the ledger's keys begin with.

    Yields:
        What was tried, and the error it met.
    """
    key, queue = f"{prefix}check:{token_hex(4)}", "smsline.check"
    # kombu names its channels by the number of the database, and an ACL may
    # allow some of them only.
    channel = f"/{client.connection_pool.connection_kwargs.get('db') or 0}.smsline.check"

    def write() -> None:
        client.eval(_WRITE, 1, key, "1")
        client.delete(key)

    def publish() -> None:
        with client.pubsub() as listening:  # type: ignore[no-untyped-call]
            listening.subscribe(channel)
            client.publish(channel, "1")

    def blocking_read() -> None:
        client.lpush(queue, "1")
        # Celery waits for messages with it; a proxy before Redis may not let it through.
        client.brpop([queue], timeout=1)

    for what, attempt in (("write by script", write), ("channel", publish), ("blocking read", blocking_read)):
        try:
            attempt()
        except redis.RedisError as error:
            yield what, error
        else:
            yield what, None
