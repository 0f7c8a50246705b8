"""What producers call: jobs go in, their ids, states and results come out; durable when a call returns, an error when it was not taken."""

import logging
from collections.abc import Callable, Iterable, Iterator
from contextlib import suppress
from typing import Unpack

from redis.exceptions import RedisError

from smsline.control import JobControl
from smsline.errors import BadInput
from smsline.job import CampaignOptions, JobOptions, JobSpec, Recipient, Rejected, check_ref, new_job_id
from smsline.ledger import accounts, due, inbox, jobs
from smsline.ledger.link import Ledger
from smsline.names import DEFAULT_NAMESPACE, lane_queue
from smsline.nudge import Nudger
from smsline.numbers import parse_number
from smsline.parts import Tally, nothing_good, parts

log = logging.getLogger(__name__)


def _nudges(lane: str) -> str:
    """Under which name the nudges of a lane are counted."""
    return f"{lane_queue(lane)}:nudges"


class Client(JobControl):
    """A producer's way in, and what became of its jobs. Thread-safe; keep one per process.

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
        super().__init__(broker_url, redis_url, namespace=namespace, region=region, ledger=ledger)
        self._nudger = Nudger(self._broker_url)

    def send(self, *, to: str, template: str, ref: str = "", **job: Unpack[JobOptions]) -> str:
        """Enqueue a message to one number.

        Args:
            to: The number, `+8613711112222`.
            template: The provider's template id.
            ref: Your own name for it, given back in the results.
            **job: See `JobOptions`; the lane is `notify` unless given.

        Returns:
            The job's id, once the job is safe in the ledger.

        Raises:
            BadInput: A value breaks its rule; nothing was taken.
            Unavailable: Redis or the broker cannot be reached; nothing was taken.
        """
        spec = JobSpec.checked({"template": template, **job})
        number = parse_number(to, region=self.region)
        part = inbox.Part([number], None, [check_ref(ref)] if ref else None)
        job_id = new_job_id()
        with self._reachable():
            self._check_account(spec.account)
            self._nudger.ready()
            taken = inbox.submit_part(self._ledger, job_id, spec, part, parts=1, nudges=_nudges(spec.lane))
        self._nudge(taken, spec.lane)
        return taken.job

    def campaign(
        self,
        *,
        to: Iterable[str | Recipient],
        template: str,
        on_rejected: Callable[[Rejected], None] | None = None,
        on_progress: Callable[[int], None] | None = None,
        at: float | None = None,
        **job: Unpack[CampaignOptions],
    ) -> str:
        """Enqueue a message to many numbers. Rows are read one part at a time, so a million of them never sit in memory.

        Bad rows are left out and told to `on_rejected`; the good ones go out, once all have been handed over.

        Args:
            to: Numbers, or `Recipient` rows with their own params and ref.
            template: The provider's template id.
            on_rejected: Called for each bad row; without it they are counted in a warning.
            on_progress: Called with the number of rows read so far, after each part.
            at: Epoch seconds before which nothing is sent.
            **job: See `CampaignOptions`; the lane is `marketing` unless given.

        Returns:
            The job's id, once the whole job is safe in the ledger.

        Raises:
            BadInput: A value breaks its rule, or no row was good; nothing was taken.
            Conflict: The job was cancelled while its rows were handed over.
            Unavailable: Redis or the broker cannot be reached. What was handed over before stays as an incomplete job: with the same
                `key` the call continues it, and it can be cancelled.
        """
        if isinstance(to, str | bytes):
            raise BadInput("to", "text", "must be a list of numbers; use send() for one")
        spec = JobSpec.checked({"lane": "marketing", "template": template, "start_s": at, **job})
        tally = Tally()
        job_id = self._upload(spec, parts(to, tally, region=self.region, on_rejected=on_rejected), tally, on_progress)
        if tally.bad and on_rejected is None:
            log.warning(
                "job %s: %d of %d rows were refused; the first: %s", job_id, tally.bad, tally.rows, tally.first_bad
            )
        return job_id

    def _upload(
        self, spec: JobSpec, source: Iterator[inbox.Part], tally: Tally, on_progress: Callable[[int], None] | None
    ) -> str:
        """Write the parts as they come; the last one says how many there were."""
        part = next(source, None)
        if part is None:
            raise nothing_good(tally)
        job_id, part_no = self._owner(spec.key) or new_job_id(), 0
        with self._reachable():
            self._check_account(spec.account)
            self._nudger.ready()
            while part is not None:
                following = next(source, None)
                last = following is None
                taken = inbox.submit_part(
                    self._ledger,
                    job_id,
                    spec,
                    part,
                    part_no=part_no,
                    parts=part_no + 1 if last else None,
                    nudges=_nudges(spec.lane) if last else "",
                )
                if taken.existed:
                    return taken.job
                if on_progress:
                    on_progress(tally.rows)
                part, part_no = following, part_no + 1
        self._nudge(taken, spec.lane)
        return job_id

    def _nudge(self, taken: inbox.Submitted, lane: str) -> None:
        """Have a worker look into the lane's inbox, unless so many are about to that one more would find it empty."""
        if taken.nudge and not self._nudger.nudge(taken.job, lane, (_nudges(lane), taken.nudge)):
            with suppress(RedisError):  # it ends by itself, and the scheduler finds the job
                due.awake(self._ledger, _nudges(lane), taken.nudge)

    def _owner(self, key: str) -> str | None:
        """The incomplete job that was begun under this key, which is continued."""
        if not key:
            return None
        with self._reachable():
            job = inbox.job_under(self._ledger, key)
            status = jobs.read_status(self._ledger, job) if job else None
        return status["job"] if status and not status["complete"] else None

    def _check_account(self, account: str) -> None:
        known = {name for name, provider in accounts.registered(self._ledger).items() if provider} if account else set()
        if known and account not in known:
            raise BadInput("account", account, f"is not configured; there is {', '.join(sorted(known))}")

    def close(self) -> None:
        """Close the connections."""
        super().close()
        self._nudger.close()
