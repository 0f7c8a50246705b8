"""Corrections to Celery 5.7 and kombu 5.7, each with the fault it guards against.

Both are changed where they offer it: a transport's channel and a channel's connections are class
attributes, a consumer is a setting, and what is overridden has a public name
(docs/decisions/0040-kombus-channel-is-ours.md).
"""

import functools
import logging
import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from time import sleep
from typing import Any, Final

from celery.utils.dispatch import Signal
from celery.worker.consumer import Consumer
from kombu.transport.redis import SentinelTransport, Transport
from kombu.utils.encoding import bytes_to_str
from kombu.utils.json import loads
from redis.exceptions import ConnectionError as RedisConnectionError
from redis.exceptions import ResponseError

from smsline.ledger.connection import is_demoted
from smsline.ledger.refusals import explain

log = logging.getLogger(__name__)

REFUSED_PAUSE_S: Final = 1.0
"""Until a Redis that takes no writes is connected to again."""

# Refusals of every write that pass without a change here: memory or disk full, too few replicas.
_PASSING: Final = frozenset({"OOM", "MISCONF", "NOREPLICAS", "MASTERDOWN"})

message_dropped: Final = Signal(name="message_dropped", providing_args={"message_id", "why"})
"""Sent when a message is dropped that no task can be given; neither argument says what it held."""


def correct_kombu() -> None:
    """Give kombu's transports for Redis and Sentinel a channel that lasts; twice is once."""
    for carrier in (Transport, SentinelTransport):
        channel = carrier.Channel
        if issubclass(channel, LastingChannel):
            continue
        ours: dict[str, object] = {}
        for name in ("connection_class", "connection_class_ssl"):
            connection = getattr(channel, name)
            ours[name] = type(f"Leaving{connection.__name__}", (_Leaving, connection), {})
        lasting: Any = type(f"Lasting{channel.__name__}", (LastingChannel, channel), ours)
        carrier.Channel = lasting


class LastingChannel:
    """Mixed into kombu's channels: none of what comes or goes ends the worker."""

    # The client that commands go over, and is kept as long as its pool.
    kept_client: Any = None

    @property
    def pool(self) -> Any:  # noqa: ANN401 - kombu has no types
        """Connections for commands; a closed channel has none."""
        self.raise_if_closed()
        return super().pool  # type: ignore[misc]  # of the channel that this is mixed into

    @property
    def async_pool(self) -> Any:  # noqa: ANN401 - as above
        """Connections that wait for messages; a closed channel has none."""
        self.raise_if_closed()
        return super().async_pool  # type: ignore[misc]  # as above

    def raise_if_closed(self) -> None:
        """Tell a closed channel as what it is: a lost connection; Celery then connects again.

        When Redis goes away while a worker holds messages that it has not acknowledged, kombu
        closes the channel, and may then use it once more: to give the messages back
        (`QoS.restore_unacked_once`), or to acknowledge one that a thread has just finished. A pool
        is made of the connection that is gone, and the worker ends with

            Unrecoverable error: AttributeError("'NoneType' object has no attribute 'hostname'")

        (or `'client'`), because an AttributeError is not among the errors after which Celery
        connects again. It depends on timing: seen on Python 3.12 in five of five runs of up to ten
        restarts of Redis, not seen in 54 restarts on Python 3.11 with hiredis; with this guard in
        none of 39 restarts on 3.12. The same lines have failed the same way before:
        https://github.com/celery/kombu/issues/582.
        """
        connection: Any = getattr(self, "connection", None)
        if connection is None or connection.client is None:
            raise RedisConnectionError("the channel was closed, because the broker's connection was lost")

    @contextmanager
    def conn_or_acquire(self, client: Any = None) -> Iterator[Any]:  # noqa: ANN401 - as above
        """A client for commands: the one given, or the one that is kept.

        kombu makes a new one for every command. Each is 75 microseconds of building tables of how
        answers are read, and a message needs two: one when it has come, and one when it is
        acknowledged. A client holds nothing but its pool.
        """
        if client is None:
            # After a lost connection a channel may have another pool.
            if self.kept_client is None or self.kept_client.connection_pool is not self.pool:
                with super().conn_or_acquire() as made:  # type: ignore[misc]  # as above
                    self.kept_client = made
            client = self.kept_client
        yield client

    @functools.cached_property
    def client(self) -> Any:  # noqa: ANN401 - as above
        """The client that waits for messages; what it pops and cannot be one is dropped.

        kombu decodes what it pops from a queue in the worker's event loop. Text that is not JSON,
        or JSON without `properties`, pushed by hand or by a foreign client, raises there, and the
        worker ends, and with its message gone so does the next one that is started and finds
        another. What cannot be read carries no job that could be submitted again, so nothing is
        kept but the fact: its queue and what is wrong with it (`message_dropped`).
        """
        client = super().client  # type: ignore[misc]  # as above
        parse = client.parse_response

        def parse_readable(connection: Any, command: str, **options: Any) -> Any:  # noqa: ANN401 - as redis-py's
            """The answer to a command; a message that cannot be read counts as none."""
            answer = parse(connection, command, **options)
            # To the other commands of this client, and to a wait that came to its end.
            if command != "BRPOP" or not answer:
                return answer
            key, text = answer
            if not (problem := self.problem_of(text)):
                return answer
            # The key of a priority is the queue's name, a separator and the priority.
            queue = bytes_to_str(key).split(self.sep)[0]  # type: ignore[attr-defined]  # as above
            log.error("a message in %s was dropped: %s; its producer does not speak Celery", queue, problem)
            message_dropped.send(None, message_id="-", why=f"a message in {queue}: {problem}")
            return None

        client.parse_response = parse_readable
        return client

    def problem_of(self, text: bytes | str) -> str:
        """Why kombu could not make a message of this, or nothing."""
        # Whatever it is that breaks kombu's reading breaks it here first.
        try:
            held = loads(bytes_to_str(text))
        except Exception:  # noqa: BLE001 - numbers too long and nesting too deep raise what they like
            return f"its {len(text)} bytes are not JSON"
        if not isinstance(held, dict):
            return f"it is a JSON {type(held).__name__} and no object"
        properties = held.get("properties")
        if not isinstance(properties, dict) or not isinstance(properties.get("delivery_tag"), str | int):
            return "it has no properties with a delivery_tag"
        if not isinstance(held.get("headers") or {}, dict):
            return "its headers are no object"
        try:
            place = self.Message(held, channel=self).delivery_info  # type: ignore[attr-defined]  # as above
            # By these the message is given back when its worker ends.
            return "" if {"exchange", "routing_key"} <= set(place) else "its delivery_info names no queue"
        except Exception as error:  # noqa: BLE001 - as above
            return f"it cannot be decoded ({type(error).__name__})"


class _Leaving:
    """Mixed into redis-py's connections: a Redis that refuses writes is a lost connection.

    That is a former primary, or one whose memory or disk is full, say. To kombu the refusal is an
    error of one command: the worker stays with a replica for ever, or ends. With a full disk every
    process of the service ended, was started again, and ended.
    """

    def read_response(self, *args: Any, **kwargs: Any) -> Any:  # noqa: ANN401 - as redis-py's
        """Read; a refusal that concerns every write closes the connection."""
        try:
            return super().read_response(*args, **kwargs)  # type: ignore[misc]  # of the connection that this is mixed into
        except ResponseError as error:
            refusal = explain(error)
            if is_demoted(error):
                why = "is no primary any more"
            elif refusal.code in _PASSING:
                # Connecting goes well, so that Celery would be back here at once, again and again.
                sleep(REFUSED_PAUSE_S)
                why = f"takes no writes ({refusal})"
            else:
                raise
            self.disconnect()  # type: ignore[attr-defined]
            raise RedisConnectionError(f"the broker's Redis {why}; connecting again") from error


class QuietConsumer(Consumer):  # type: ignore[misc]  # Celery ships no types
    """A consumer that neither gossips nor mingles, however the worker is started.

    Gossip lets workers follow each other's events, and mingle exchanges clocks and revoked tasks at
    the start: four workers that do both keep ten broker connections each and use four times the
    network of four that do not, for nothing that the ledger would need. Celery knows this only as
    options of its command line.
    """

    def __init__(self, *args: Any, **kwargs: Any) -> None:  # noqa: ANN401 - whatever Celery passes
        super().__init__(*args, **{**kwargs, "without_gossip": True, "without_mingle": True})

    def create_task_handler(self, *args: Any, **kwargs: Any) -> Callable[[Any], None]:  # noqa: ANN401 - whatever Celery passes
        """Celery's handler of a message.

        One whose headers break it is rejected, and the worker goes on.
        """
        handle = super().create_task_handler(*args, **kwargs)

        def guarded(message: Any) -> None:  # noqa: ANN401 - kombu has no types
            """Handle a message; reject one that breaks Celery's handler, and log the kind."""
            try:
                handle(message)
            except Exception as error:
                # These are Celery's to handle: it connects again, or starts the process anew. Among
                # them kombu counts KeyError, which a header that is missing raises too.
                lost = isinstance(error, (*self.connection_errors, MemoryError))
                if lost and not isinstance(error, KeyError):
                    raise
                log.error("a message was rejected, because its headers break Celery (%s)", type(error).__name__)  # noqa: TRY400 - it may be quoted
                tell_dropped(message, "its headers break Celery")
                message.reject_log_error(log, self.connection_errors)

        return guarded

    def on_unknown_message(self, body: Any, message: Any) -> None:  # noqa: ANN401 - kombu has no types
        """A message without a task."""
        tell_dropped(message, "it names no task")
        super().on_unknown_message(body, message)

    def on_unknown_task(self, body: Any, message: Any, exc: Exception) -> None:  # noqa: ANN401
        """A message with a task that is none of ours."""
        tell_dropped(message, "its task is none of smsline's")
        super().on_unknown_task(body, message, exc)

    def on_invalid_task(self, body: Any, message: Any, exc: Exception) -> None:  # noqa: ANN401
        """A message whose content type, expiry or id Celery refuses."""
        tell_dropped(message, f"Celery refuses it ({type(exc).__name__})")
        super().on_invalid_task(body, message, exc)

    def on_decode_error(self, message: Any, exc: Exception) -> None:  # noqa: ANN401
        """A message whose body cannot be read."""
        tell_dropped(message, f"its body cannot be read ({type(exc).__name__})")
        super().on_decode_error(message, exc)


def tell_dropped(message: Any, why: str) -> None:  # noqa: ANN401 - kombu has no types
    """Say that a message is dropped (`message_dropped`), by its id if that can be read."""
    headers, place = message.headers, message.delivery_info
    told = headers.get("id") if isinstance(headers, dict) else None
    # Anything may stand there; what is no id is not repeated.
    readable = isinstance(told, str) and re.fullmatch(r"[\w.:-]{1,100}", told, re.ASCII)
    message_dropped.send(
        None, message_id=told if readable else "-", why=f"a message in {place.get('routing_key')}: {why}"
    )
