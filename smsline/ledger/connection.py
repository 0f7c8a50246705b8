"""Connections to the ledger's Redis that come back by themselves after a failover behind a name.

Behind a managed service's name the primary changes, but open connections stay with the old one,
which is a replica now and refuses every write. Nothing closes them. So the first refusal makes all
connections of the client open anew, by name, at their next command; and as a command that was
refused for that reason was not carried out, it is repeated, once.
"""

import os
import re
import time
from collections.abc import Sequence
from functools import cache
from typing import Any, Final

import redis
from hiredis import pack_command
from redis.backoff import NoBackoff
from redis.exceptions import ReadOnlyError, ResponseError
from redis.retry import Retry
from redis.sentinel import SentinelManagedConnection, SentinelManagedSSLConnection

from smsline.urls import RedisPlace, read_url, redis_client

# Far above what a script takes (some ms), below the pauses in which a person or a
# supervisor loses patience.
SOCKET_TIMEOUT_S: Final = 5.0

# How long a connection that was looked at is believed to stand.
LOOK_S: Final = 0.1

# Redis 6.2 quotes the refusal in the middle of a script's error, where
# redis-py does not look for it.
_DEMOTED: Final = re.compile(r"(?:^|-)(?:READONLY|UNBLOCKED)\b")


def is_demoted(error: BaseException) -> bool:
    """Whether a server refused a command because it is no primary (any more)."""
    return isinstance(error, ReadOnlyError) or (isinstance(error, ResponseError) and bool(_DEMOTED.search(str(error))))


class Generation:
    """Counts the failovers that the connections of one client have met."""

    def __init__(self) -> None:
        self.number = 0


class _RenewingConnection:
    """A connection that is opened anew when another one of its client has met a demoted server."""

    def __init__(self, *args: Any, generation: Generation, **kwargs: Any) -> None:  # noqa: ANN401 - as redis-py's
        self._generation = generation
        self._opened_in = generation.number
        super().__init__(*args, **kwargs)

    def send_packed_command(self, command: Any, check_health: bool = True) -> None:  # noqa: ANN401, FBT001, FBT002 - as redis-py's
        """Send, over a connection of this generation."""
        # Here and not in connect(): the pool gives out connections that are open, and never
        # asks them to open again.
        if self._opened_in != self._generation.number:
            self._opened_in = self._generation.number
            self.disconnect()  # type: ignore[attr-defined]  # of the connection that this is mixed into
        super().send_packed_command(command, check_health=check_health)  # type: ignore[misc]

    def read_response(self, *args: Any, **kwargs: Any) -> Any:  # noqa: ANN401 - as redis-py's
        """Read, and keep the connection: answers to a pipeline's other commands may follow."""
        try:
            return super().read_response(*args, **kwargs)  # type: ignore[misc]
        except ResponseError as error:
            if not is_demoted(error):
                raise
            self._generation.number += 1  # the other connections of this client lead to the same demoted server
            raise ReadOnlyError(str(error), status_code="READONLY") from error


class WarmConnections:
    """A pool's connections between two round trips, which the pool sees ten times a second.

    The pool looks at each connection that it gives out whether it still stands. That look gives
    Python's lock away, and with the rest takes a third of what a round trip costs a busy process. A
    connection that breaks within the tenth of a second is one that breaks under way.

    Args:
        pool: Whose.
    """

    def __init__(self, pool: Any) -> None:  # noqa: ANN401 - fakeredis and redis share no type
        self._pool = pool
        self._warm: list[tuple[Any, float]] = []
        self._pid = os.getpid()

    def take(self) -> tuple[Any, float]:
        """A connection, and until when it needs no further look, by the monotonic clock.

        Raises:
            redis.exceptions.RedisError: None could be opened.
        """
        if self._pid != os.getpid():
            # After a fork: what the parent left here are its own sockets.
            self._warm, self._pid = [], os.getpid()
        now_s = time.monotonic()
        while self._warm:
            try:
                connection, until_s = self._warm.pop()
            except IndexError:  # another thread was faster
                break
            if now_s < until_s:
                return connection, until_s
            self._pool.release(connection)
        return self._pool.get_connection(), now_s + LOOK_S

    def keep(self, connection: Any, until_s: float) -> None:  # noqa: ANN401 - as above
        """Have a connection back on which every answer has been read."""
        self._warm.append((connection, until_s))

    def drop(self, connection: Any) -> None:  # noqa: ANN401 - as above
        """Have a connection back whose answers may still come: they are not the next command's."""
        connection.disconnect()
        self._pool.release(connection)


@cache  # a class made anew for each client would be a leak of types in a process that connects often
def _kind(place_has_sentinels: bool, tls: bool) -> type[redis.Connection]:  # noqa: FBT001 - two facts of a place
    base = (
        (SentinelManagedSSLConnection if tls else SentinelManagedConnection)
        if place_has_sentinels
        else (redis.SSLConnection if tls else redis.Connection)
    )
    return type(f"Renewed{base.__name__}", (_RenewingConnection, base), {})


def connect(url: str, *, timeout_s: float = SOCKET_TIMEOUT_S) -> redis.Redis:
    """A client that never repeats a command which may have been carried out.

    Redis-py 8 would, up to ten times.

    Args:
        url: As `smsline.urls` describes.
        timeout_s: Longest wait for a connection, and for an answer.

    Raises:
        ValueError: The URL names no Redis; the message is the rule, without any part of the URL.
    """
    place: RedisPlace = read_url(url)
    found: redis.Redis = redis_client(
        redis,
        place,
        # READONLY is an answer: the command was not carried out, so once more, at the new master,
        # is safe. A broken connection is not: what was sent on it may have been done.
        retry=Retry(NoBackoff(), 1, supported_errors=(ReadOnlyError,)),
        socket_timeout=timeout_s,
        socket_connect_timeout=timeout_s,
        health_check_interval=15,
    )
    pool = found.connection_pool
    pool.connection_class = _kind(bool(place.master), place.tls is not None)
    pool.connection_kwargs["generation"] = Generation()
    return found


def round_trip(connection: Any, commands: Sequence[Sequence[Any]]) -> list[Any]:  # noqa: ANN401 - fakeredis and redis share no type
    """One round trip on the connection itself, as redis-py's pipeline does it.

    What that does besides (retries, metrics, callbacks by command) is 50 of the 130 microseconds of
    a round trip, and a message makes seven. An error of Redis stands in the place of its answer.

    Raises:
        redis.exceptions.RedisError: There was no answer, or not to all of them; more may still
        come.
    """
    answers = list[Any]()
    connection.send_packed_command([b"".join([pack_command(tuple(command)) for command in commands])])
    for _ in commands:
        try:
            answers.append(connection.read_response())
        except ResponseError as error:
            answers.append(error)
    return answers
