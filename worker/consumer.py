"""Celery's consumer, without what a worker of wake-ups has no use for."""

from typing import Any

from celery.worker.consumer import Consumer


class QuietConsumer(Consumer):  # type: ignore[misc]  # Celery ships no types
    """A consumer that neither gossips nor mingles, however the worker is started.

    Gossip lets workers follow each other's events, and mingle exchanges clocks and revoked tasks at the start: four
    workers that do both keep ten broker connections each and use four times the network of four that do not, for
    nothing that the ledger would need. Celery knows this only as options of its command line.
    """

    def __init__(self, *args: Any, **kwargs: Any) -> None:  # noqa: ANN401 - whatever Celery passes
        super().__init__(*args, **{**kwargs, "without_gossip": True, "without_mingle": True})
