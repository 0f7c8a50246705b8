"""What can be asked and done about a job once it is handed over. `Client` and `Admin` share it."""

import os
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Self

from redis.exceptions import RedisError

from smsline.environ import read_values
from smsline.errors import BadInput, Conflict, NotFound, Unavailable
from smsline.job import check_job_id
from smsline.ledger import inbox, jobs
from smsline.ledger.jobs import Result, Status
from smsline.ledger.link import Ledger
from smsline.ledger.refusals import explain, is_refusal
from smsline.names import DEFAULT_NAMESPACE, DEFAULT_URL
from smsline.urls import BROKER_SCHEMES, REDIS_SCHEMES, is_redis, read_url, shown


class JobControl:
    """Follows jobs and steers them. Thread-safe; keep one per process.

    Args:
        broker_url: Celery's broker; the ledger's Redis when None.
        redis_url: The ledger's Redis; `redis://127.0.0.1:6390/0`, where `python -m worker up` keeps it, when None.
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
        redis_url = redis_url or (broker_url if broker_url and is_redis(broker_url) else DEFAULT_URL)
        self._broker_url = broker_url or redis_url
        self.region = region
        for name, url, schemes in (
            ("redis_url", redis_url, REDIS_SCHEMES),
            ("broker_url", self._broker_url, BROKER_SCHEMES),
        ):
            try:
                read_url(url, schemes)
            except ValueError as error:
                raise BadInput(name, shown(url), str(error)) from None
        self._ledger = ledger or Ledger.at(redis_url, namespace)

    @classmethod
    def from_env(cls, environ: Mapping[str, str] = os.environ) -> Self:
        """Made by SMSLINE_REDIS_URL, SMSLINE_BROKER_URL, SMSLINE_NAMESPACE and SMSLINE_REGION_DEFAULT.

        Each may be in a file instead, as `smsline.environ` describes.

        Raises:
            BadInput: A value cannot be used.
        """
        values, problems = read_values(environ)
        if problems:
            raise problems[0]
        broker, redis_url, namespace, region = (
            values[name].text.strip() if name in values else ""
            for name in ("SMSLINE_BROKER_URL", "SMSLINE_REDIS_URL", "SMSLINE_NAMESPACE", "SMSLINE_REGION_DEFAULT")
        )
        return cls(broker or None, redis_url or None, namespace=namespace or DEFAULT_NAMESPACE, region=region or None)

    def status(self, job: str) -> Status:
        """How a job stands.

        Raises:
            NotFound: There is no such job (any more).
            Unavailable: Redis cannot be reached.
        """
        with self._reachable():
            status = jobs.read_status(self._ledger, check_job_id(job))
        if status is None:
            raise NotFound(f"no job {job}; `smsline jobs` lists those that are kept")
        return status

    def results(self, job: str) -> Iterator[Result]:
        """What became of each recipient, in the order of the input, streamed.

        Raises:
            NotFound: There is no such job.
        """
        self.status(job)
        with self._reachable():
            yield from jobs.results(self._ledger, job)

    def wait(self, job: str, timeout_s: float | None = 30, *, every_s: float = 0.2) -> Status:
        """Wait until every recipient of a job has a final answer.

        Raises:
            TimeoutError: It is not closed in time; the job goes on.
        """
        deadline = None if timeout_s is None else time.monotonic() + timeout_s
        while not (status := self.status(job))["closed_at"]:
            if deadline is not None and time.monotonic() >= deadline:
                raise TimeoutError(f"job {job} is still {status['state']} after {timeout_s:g} s; it goes on")
            time.sleep(every_s)
        return status

    def pause(self, job: str) -> None:
        """Send nothing more of a job until it is resumed; calls in flight end normally.

        Raises:
            Conflict: The job is closed or cancelled.
        """
        self._control(job, "paused")

    def resume(self, job: str) -> None:
        """Go on with a paused job.

        Raises:
            Conflict: The job is closed or cancelled.
        """
        self._control(job, "open")

    def cancel(self, job: str) -> None:
        """Send nothing more of a job, ever; what is not sent yet ends as cancelled. An incomplete job takes no further rows.

        Raises:
            Conflict: The job is closed.
        """
        self._control(job, "cancelled")

    def _control(self, job: str, wanted: str) -> None:
        with self._reachable():
            answer = inbox.control(self._ledger, check_job_id(job), wanted)
        if answer is None:
            raise NotFound(f"no job {job}; `smsline jobs` lists those that are kept")
        if answer[1] != wanted:
            raise Conflict(f"job {job} is {answer[1]}: it can no longer become {wanted}")

    def close(self) -> None:
        """Close the connections."""
        self._ledger.close()

    @contextmanager
    def _reachable(self) -> Iterator[None]:
        try:
            yield
        except RedisError as error:
            said = "says no" if is_refusal(error) else "cannot be reached"
            raise Unavailable(f"the ledger's Redis {said} ({explain(error)})") from error
