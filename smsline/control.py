"""What can be asked and done about a job once it is handed over. `Client` and `Admin` share it."""

import logging
import os
from collections.abc import Iterator, Mapping
from copy import copy
from typing import Any, Self, TypeVar

from redis.exceptions import RedisError

from smsline.calls import Calls, Target, arguments_of, reachable
from smsline.ledger.audit import About, Actor, note
from smsline.ledger.jobs import Result, Status
from smsline.ledger.link import Ledger
from smsline.ledger.talk import Talk, carry
from smsline.names import DEFAULT_NAMESPACE

T = TypeVar("T")

log = logging.getLogger(__name__)


class JobControl:
    """Follows jobs and steers them. Thread-safe; keep one per process.

    Args:
        broker_url: Celery's broker; the ledger's Redis when None.
        redis_url: The ledger's Redis; `redis://127.0.0.1:6390/0`, where `python -m worker up` keeps
            it, when None.
        namespace: Must be the service's.
        region: ISO 3166 country of numbers without a country code; None refuses them.
        ledger: An open ledger to use, in place of the URLs and the namespace.
    """

    def __init__(
        self,
        broker_url: str | None = None,
        redis_url: str | None = None,
        *,
        namespace: str = DEFAULT_NAMESPACE,
        region: str | None = None,
        ledger: Ledger | None = None,
    ) -> None:
        self._target = Target.of(broker_url, redis_url, namespace, region)
        self._ledger = ledger or Ledger.at(self._target.redis_url, namespace)
        self.region = region
        self._calls = Calls(self._ledger.keys, region, self._target.broker)

    @classmethod
    def from_env(cls, environ: Mapping[str, str] = os.environ) -> Self:
        """Made by the environment: where the ledger and the broker are, and how numbers are read.

        These are SMSLINE_REDIS_URL, SMSLINE_BROKER_URL, SMSLINE_NAMESPACE and
        SMSLINE_REGION_DEFAULT; each may be in a file instead, as `smsline.environ` describes.

        Raises:
            BadInput: A value cannot be used.
        """
        given: Any = arguments_of(environ)
        return cls(**given)

    actor: Actor | None = None
    """Who acts through this object, for the audit trail.

    A producer's own program is not written down.
    """

    def acting(self, actor: Actor) -> Self:
        """The same, on the same connections, in a person's name, which is in the audit trail."""
        # A copy, because one web process serves many people over one set of connections.
        other = copy(self)
        other.actor = actor
        return other

    def status(self, job: str) -> Status:
        """How a job stands.

        Raises:
            NotFound: There is no such job (any more).
            Unavailable: Redis cannot be reached.
        """
        return self._carry(self._calls.status(job))

    def results(self, job: str) -> Iterator[Result]:
        """What became of each recipient, in the order of the input, streamed.

        Raises:
            NotFound: There is no such job.
            Unavailable: Redis cannot be reached.
        """
        for page in self._carry(self._calls.reader(job)).pages():
            yield from (row for _, _, row in self._carry(page))

    def wait(self, job: str, timeout_s: float | None = 30, *, every_s: float = 0.2) -> Status:
        """Wait until every recipient of a job has a final answer.

        Raises:
            NotFound: There is no such job.
            TimeoutError: It is not closed in time; the job goes on.
            Unavailable: Redis cannot be reached.
        """
        return self._carry(self._calls.wait(job, timeout_s, every_s))

    def pause(self, job: str) -> None:
        """Send nothing more of a job until it is resumed; calls in flight end normally.

        Raises:
            NotFound: There is no such job.
            Conflict: The job is closed or cancelled.
            Unavailable: Redis cannot be reached; nothing was done.
            Unconfirmed: Redis did not answer; it may be paused. Calling it again does no harm.
        """
        self._steer(job, "paused", "job.pause")

    def resume(self, job: str) -> None:
        """Go on with a paused job. Raises as `pause` does."""
        self._steer(job, "open", "job.resume")

    def cancel(self, job: str) -> None:
        """Send nothing more of a job, ever; what is not sent yet ends as cancelled.

        An incomplete job takes no further rows.

        Raises as `pause` does.
        """
        self._steer(job, "cancelled", "job.cancel")

    def _steer(self, job: str, wanted: str, act: str) -> None:
        # Counted before: afterwards they are cancelled, and the audit trail would say none. Asked
        # for only where it is kept.
        waiting = self.status(job)["counts"]["waiting"] if self.actor else None
        self._carry(self._calls.steer(job, wanted))
        self._note(act, {"job": job}, waiting)

    def _note(self, act: str, about: About, count: int | None = None) -> None:
        """Write down what was done.

        It is done by now, so a trail that cannot be written is no failure of the act.
        """
        try:
            note(self._ledger, self.actor, act, about, count=count)
        except RedisError as error:
            log.warning("%s was done, but could not be written to the audit trail (%s)", act, type(error).__name__)

    def now_s(self) -> float:
        """The present by Redis' clock, which decides what is past, in epoch seconds."""
        with reachable():
            return self._ledger.now_ms() / 1000

    def close(self) -> None:
        """Close the connections."""
        self._ledger.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def _carry(self, talk: Talk[T]) -> T:
        with reachable():
            return carry(self._ledger.redis, talk)
