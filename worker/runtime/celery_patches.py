"""Corrections to Celery 5.7 and kombu 5.7, each with the fault it guards against.

Why private parts of kombu are wrapped: docs/decisions/0040-three-private-parts-of-kombu.md.
"""

import functools
import logging
import re
from collections.abc import Callable
from time import sleep
from typing import Any, Final, cast

from celery.utils.dispatch import Signal
from celery.worker.consumer import Consumer
from kombu.transport import redis as transport
from kombu.transport.redis import Channel, Transport
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

# The only key of what stands in for a message that is not JSON.
_UNREADABLE: Final = "unreadable"


def correct_kombu() -> None:
    """Apply every correction of kombu's Redis transport; twice is once."""
    guard_closed_channels()
    set_unreadable_aside()
    leave_refusing_servers()
    keep_clients()


def guard_closed_channels() -> None:
    """Make a closed channel raise the error of a lost connection: Celery then connects again.

    When Redis goes away while a worker holds messages that it has not acknowledged, kombu closes
    the channel, and may then use it once more: to give the messages back
    (`QoS.restore_unacked_once`), or to acknowledge one that a thread has just finished.
    `Channel._connparams` asks a connection that is gone for its host name, and the worker ends with

        Unrecoverable error: AttributeError("'NoneType' object has no attribute 'hostname'")

    (or `'client'`), because an AttributeError is not among the errors after which Celery connects
    again. It depends on timing: seen on Python 3.12 in five of five runs of up to ten restarts of
    Redis, not seen in 54 restarts on Python 3.11 with hiredis; with this guard in none of 39
    restarts on 3.12. The same lines have failed the same way before:
    https://github.com/celery/kombu/issues/582.
    """
    faulty = cast("Callable[..., Any]", Channel._connparams)  # noqa: SLF001 - the fault is in there
    # Patched already: a process may make more than one Celery app.
    if hasattr(faulty, "__wrapped__"):
        return

    @functools.wraps(faulty)
    def guarded(channel: Any, *args: Any, **kwargs: Any) -> Any:  # noqa: ANN401 - kombu has no types
        """A closed channel as what it is: a lost connection, after which Celery connects again."""
        if channel.connection is None or channel.connection.client is None:
            raise RedisConnectionError("the channel was closed, because the broker's connection was lost")
        return faulty(channel, *args, **kwargs)

    setattr(Channel, "_connparams", guarded)  # noqa: B010 - an assignment would not fit kombu's half-typed method


def set_unreadable_aside() -> None:
    """Drop a message that is no message, with a line in the log, instead of ending the worker.

    kombu decodes what it pops from a queue in the worker's event loop. Text that is not JSON, or
    JSON without `properties`, pushed by hand or by a foreign client, raises there, and the worker
    ends, and with its message gone so does the next one that is started and finds another. What
    cannot be read carries no job that could be submitted again, so nothing is kept but the fact:
    its queue and what is wrong with it (`message_dropped`).
    """
    read: Callable[..., Any] = getattr(transport, "loads")  # noqa: B009 - kombu does not export it, nor type it
    deliver = cast("Callable[..., Any]", Transport._deliver)  # noqa: SLF001 - the fault is in there
    if hasattr(deliver, "__wrapped__"):
        return

    @functools.wraps(read)
    def tolerant(text: Any, *args: Any, **kwargs: Any) -> Any:  # noqa: ANN401 - kombu has no types
        """What the text holds; its length where it is not JSON, for the log."""
        try:
            return read(text, *args, **kwargs)
        except ValueError:
            return {_UNREADABLE: len(text)}

    @functools.wraps(deliver)
    def deliver_readable(self: Any, message: Any, queue: str) -> None:  # noqa: ANN401
        """Deliver what a Celery producer wrote, and drop anything else with a line in the log."""
        if problem := _malformed(message):
            log.error("a message in %s was dropped: %s; its producer does not speak Celery", queue, problem)
            message_dropped.send(None, message_id="-", why=f"a message in {queue}: {problem}")
            return
        try:
            deliver(self, message, queue)
        except (AttributeError, KeyError, TypeError, ValueError) as error:
            log.error("a message in %s was dropped: it cannot be decoded (%s)", queue, type(error).__name__)  # noqa: TRY400 - it may be quoted
            message_dropped.send(None, message_id="-", why=f"a message in {queue}: it cannot be decoded")

    # In kombu's module, whose functions look the name up there at each call.
    setattr(transport, "loads", tolerant)  # noqa: B010 - kombu has no types
    setattr(Transport, "_deliver", deliver_readable)  # noqa: B010 - kombu has no types


def _malformed(message: object) -> str:
    """Why kombu could not make a message of this, or nothing."""
    if not isinstance(message, dict):
        return f"it is a JSON {type(message).__name__} and no object"
    if list(message) == [_UNREADABLE]:
        return f"its {message[_UNREADABLE]} characters are not JSON"
    properties = message.get("properties")
    if not isinstance(properties, dict) or not isinstance(properties.get("delivery_tag"), str | int):
        return "it has no properties with a delivery_tag"
    if not isinstance(properties.get("delivery_info") or {}, dict) or not isinstance(
        message.get("headers") or {}, dict
    ):
        return "its headers or delivery_info are no objects"
    return "" if isinstance(message.get("body") or "", str) else "its body is not text"


def leave_refusing_servers() -> None:
    """Take a Redis that refuses writes for a lost connection: Celery then connects again.

    That is a former primary, or one whose memory or disk is full, say. To kombu the
    refusal is an error of one command: the worker stays with a replica for ever, or ends. With a
    full disk every process of the service ended, was started again, and ended.
    """
    for name in ("connection_class", "connection_class_ssl"):
        base = getattr(Channel, name)
        # None where redis-py is missing; a class of ours where this ran before.
        if base is not None and not issubclass(base, _Leaving):
            setattr(Channel, name, type(f"Leaving{base.__name__}", (_Leaving, base), {}))


def keep_clients() -> None:
    """Let a channel keep its client of redis-py, where kombu makes a new one for every command.

    Each is 75 microseconds of building tables of how answers are read, and a message needs two:
    one when it has come, and one when it is acknowledged. A client holds nothing but its pool.
    """
    make = cast("Callable[..., Any]", Channel._create_client)  # noqa: SLF001 - the cost is in there
    if hasattr(make, "__wrapped__"):
        return

    @functools.wraps(make)
    def kept(channel: Any, asynchronous: bool = False) -> Any:  # noqa: ANN401, FBT001, FBT002 - as kombu's
        """The channel's client, made anew where its pool is another one than before."""
        # Those that wait for messages have a connection of their own, and are made once anyway.
        if asynchronous:
            return make(channel, asynchronous)
        held = channel.__dict__.get("kept_client")
        # After a lost connection a channel may have another pool.
        if held is None or held.connection_pool is not channel.pool:
            held = channel.kept_client = make(channel)
        return held

    setattr(Channel, "_create_client", kept)  # noqa: B010 - as above


class _Leaving:
    """Mixed into redis-py's connections."""

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
            # These are Celery's to handle: it connects again, and starts the process anew.
            except (*self.connection_errors, MemoryError):
                raise
            except Exception as error:  # noqa: BLE001 - whatever a stranger's headers break
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
