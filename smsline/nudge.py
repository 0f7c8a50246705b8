"""Nudges: a lane goes in, a Celery message that says "look into this inbox" goes out. Losing one costs a moment, never a job."""

import logging
from collections.abc import Sequence
from typing import Any, Final

from smsline.errors import Unavailable
from smsline.ledger.refusals import explain
from smsline.names import TASK_ACCEPT, lane_queue
from smsline.urls import celery_broker

BROKER_TIMEOUT_S: Final = 5.0

log = logging.getLogger(__name__)


class Nudger:
    """Publishes nudges over one pooled connection.

    Args:
        url: Where the workers listen.
    """

    def __init__(self, url: str) -> None:
        self._url = url
        self._app: Any = None

    def ready(self) -> None:
        """Make sure the broker answers before anything is written to the ledger.

        Raises:
            Unavailable: It does not.
        """
        try:
            with self._celery().pool.acquire(block=True, timeout=BROKER_TIMEOUT_S) as connection:
                if not connection.connected:
                    connection.ensure_connection(
                        max_retries=1, interval_start=0, interval_step=0, timeout=BROKER_TIMEOUT_S
                    )
        except Exception as error:
            raise Unavailable(
                f"the broker cannot be reached ({explain(error)}); nothing was taken, try again when SMSLINE_BROKER_URL answers"
            ) from error

    def nudge(self, job: str, lane: str, wake: Sequence[str] = ()) -> bool:
        """Ask a worker to look into the lane's inbox now; whether that was published.

        A failure is logged: the workers' scheduler finds the job by itself.

        Args:
            job: Who is waiting there.
            lane: Whose inbox.
            wake: What the worker is to strike out when it begins to look: the queue and the id of the wake-up.
        """
        kwargs = {"lane": lane, "job": job, "wake": list(wake)}
        try:
            self._celery().send_task(
                TASK_ACCEPT, kwargs=kwargs, queue=lane_queue(lane), ignore_result=True, retry=False
            )
        except Exception as error:  # noqa: BLE001 - the job is safe in the ledger; whatever went wrong must not look like a refusal
            log.warning(
                "job %s is taken, but its nudge failed (%s); it starts with the next look of the scheduler",
                job,
                type(error).__name__,
            )
            return False
        return True

    def close(self) -> None:
        """Close the broker connection."""
        if self._app is not None:
            self._app.close()
            self._app = None

    def _celery(self) -> Any:  # noqa: ANN401 - Celery ships no types
        if self._app is None:
            from celery import Celery  # noqa: PLC0415 - costs 0.3 s; commands that only read do without

            self._app = Celery("smsline-producer", set_as_current=False)
            self._app.conf.update(
                task_serializer="json",
                accept_content=["json"],
                task_ignore_result=True,
                broker_connection_timeout=BROKER_TIMEOUT_S,
                **celery_broker(self._url),
            )
        return self._app
