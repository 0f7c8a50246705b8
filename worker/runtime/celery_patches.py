"""Corrections to Celery 5.7 and kombu 5.7, each with the fault it guards against."""

import functools
from collections.abc import Callable
from typing import Any, cast

from celery.worker.consumer import Consumer
from kombu.transport.redis import Channel
from redis.exceptions import ConnectionError as RedisConnectionError


def guard_closed_channels() -> None:
    """Make a closed channel raise the error of a lost connection, which Celery answers by connecting again.

    When Redis goes away while a worker holds messages that it has not acknowledged, kombu closes the channel, and may then use
    it once more: to give the messages back (`QoS.restore_unacked_once`), or to acknowledge one that a thread has just finished.
    `Channel._connparams` asks a connection that is gone for its host name, and the worker ends with

        Unrecoverable error: AttributeError("'NoneType' object has no attribute 'hostname'")

    (or `'client'`), because an AttributeError is not among the errors after which Celery connects again. It depends on timing:
    seen on Python 3.12 in five of five runs of up to ten restarts of Redis, not seen in 54 restarts on Python 3.11 with hiredis;
    with this guard in none of 39 restarts on 3.12. The same lines have failed the same way before:
    https://github.com/celery/kombu/issues/582.
    """
    faulty = cast("Callable[..., Any]", Channel._connparams)  # noqa: SLF001 - the fault is in there
    if hasattr(faulty, "__wrapped__"):
        return

    @functools.wraps(faulty)
    def guarded(channel: Any, *args: Any, **kwargs: Any) -> Any:  # noqa: ANN401 - kombu has no types
        if channel.connection is None or channel.connection.client is None:
            raise RedisConnectionError("the channel was closed, because the broker's connection was lost")
        return faulty(channel, *args, **kwargs)

    setattr(Channel, "_connparams", guarded)  # noqa: B010 - an assignment would not fit kombu's half-typed method


class QuietConsumer(Consumer):  # type: ignore[misc]  # Celery ships no types
    """A consumer that neither gossips nor mingles, however the worker is started.

    Gossip lets workers follow each other's events, and mingle exchanges clocks and revoked tasks at the start: four
    workers that do both keep ten broker connections each and use four times the network of four that do not, for
    nothing that the ledger would need. Celery knows this only as options of its command line.
    """

    def __init__(self, *args: Any, **kwargs: Any) -> None:  # noqa: ANN401 - whatever Celery passes
        super().__init__(*args, **{**kwargs, "without_gossip": True, "without_mingle": True})
