"""`Client`, what producers call.

It hands jobs over, durable when a call returns, and follows them.
"""

import logging
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import suppress
from typing import Unpack

from redis.exceptions import RedisError

from smsline import questions
from smsline.calls import checked_campaign
from smsline.control import JobControl
from smsline.job import CampaignOptions, JobOptions, Recipient, Rejected, Summary, rules_of
from smsline.ledger.connection import connect
from smsline.ledger.inbox import Submitted
from smsline.ledger.link import Ledger
from smsline.ledger.replies import KeptReply, ReplyReader
from smsline.ledger.talk import ask, carry
from smsline.names import DEFAULT_NAMESPACE
from smsline.parts import CutOptions, Tally, nothing_good, parts
from smsline.questions import NumberInfo
from smsline.tracing import submitting
from smsline.upload import Upload

log = logging.getLogger(__name__)


class Client(JobControl):
    """A producer's way in, and what became of its jobs. Thread-safe; keep one per process.

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
        super().__init__(broker_url, redis_url, namespace=namespace, region=region, ledger=ledger)
        self._broker = connect(self._target.broker_url) if self._target.broker == "redis" else None

    def send(
        self, *, to: str, template: str, ref: str = "", job_id: str | None = None, **job: Unpack[JobOptions]
    ) -> str:
        """Enqueue a message to one number.

        Args:
            to: The number, `+8613711112222`.
            template: The provider's template id.
            ref: Your own name for it, given back in the results.
            job_id: The id of an earlier, `Unconfirmed` call that this one repeats; None makes a new
                job.
            **job: See `JobOptions`; the lane is `notify` unless given.

        Returns:
            The job's id, once the job is safe in the ledger.

        Raises:
            BadInput: A value breaks its rule; nothing was taken.
            Conflict: The key or the id belongs to a job with other content.
            Unavailable: Redis cannot be reached; nothing was taken.
            Unconfirmed: Redis did not answer; the job may have been taken.
        """
        taken = self._carry(self._calls.send({"template": template, **job}, to=to, ref=ref, job_id=job_id))
        self._wake(taken)
        return taken.job

    def campaign(
        self,
        *,
        to: Iterable[str | Recipient],
        template: str,
        on_rejected: Callable[[Rejected], None] | None = None,
        on_duplicate: Callable[[Rejected], None] | None = None,
        on_progress: Callable[[int], None] | None = None,
        on_summary: Callable[[Summary], None] | None = None,
        at: float | None = None,
        job_id: str | None = None,
        **job: Unpack[CampaignOptions],
    ) -> str:
        """Enqueue a message to many numbers.

        Rows are read one part at a time; what stays in memory is 40 bytes a number of a large
        call, 110 of one under a quarter of a million.

        Args:
            to: Numbers, or `Recipient` rows with their own params and ref.
            template: The provider's template id.
            on_rejected: Called for each bad row, which is left out; else a warning counts them.
            on_duplicate: Called for each row that repeats another one.
            on_progress: Called with the number of rows read so far, after each part.
            on_summary: Called at the end with what became of the rows.
            at: Epoch seconds before which nothing is sent.
            job_id: Of an `Unconfirmed` call that this one continues, with the same rows in any
                order and more if need be; its `key` does so too. None makes a new job.
            **job: See `CampaignOptions`; the lane is `marketing` unless given.

        Returns:
            The job's id, once the whole job is safe in the ledger.

        Raises:
            BadInput: A value breaks its rule, or no row was good; nothing was taken.
            Conflict: The job was cancelled while its rows were handed over, or has other content.
            Unavailable: Redis cannot be reached; nothing was taken.
            Unconfirmed: Redis went away, or gave no answer; go on with the job, or cancel it.
        """
        spec = checked_campaign({"template": template, "start_s": at, **job}, to=to)
        with submitting(spec) as traced, Upload(self._calls, traced, job_id) as upload:
            tally, rules = upload.tally, rules_of(job, self.region)
            how = CutOptions(rules=rules, known=upload.known, on_rejected=on_rejected, on_duplicate=on_duplicate)
            self._carry(upload.begin())
            for part in parts(to, tally, **how):
                self._carry(upload.put(part))
                if on_progress:
                    on_progress(tally.rows)
            if not tally.good + tally.held:
                raise nothing_good(tally)
            taken, summary = self._carry(upload.end())
        if on_progress:
            on_progress(tally.rows)
        if on_summary:
            on_summary(summary)
        self._wake(taken)
        # Single messages are not noted: an audit trail of one-time passwords
        # would hold nothing else.
        self._note("campaign.submit", {"job": taken.job, "template": spec.template, "lane": spec.lane}, summary.added)
        # A caller that listens has heard of each bad row; one that does not must
        # not lose them in silence.
        warn_of_bad(taken.job, tally if on_rejected is None else Tally())
        return taken.job

    def converted(self, job_or_serial: str, *, at: float | None = None, account: str = "") -> int:
        """Tell the provider that the code of a message was typed in (Tencent's ReportConversion).

        It judges its routes by that.

        It is left in the ledger; a worker tells it, for a day if the provider is away, and once
        however often this is called.

        Args:
            job_or_serial: The job's id, or a message's serial as the results have it.
            at: When, epoch seconds; None for now.
            account: The serial's account, where several can be asked and it is of another lane
                than otp, or older than four days.

        Returns:
            Of how many messages it will be told.

        Raises:
            BadInput: A value breaks its rule, or the job is a campaign of more than 1,000.
            NotFound: No message of it was taken by a provider that can be told.
            Unavailable: Redis cannot be reached.
        """
        return self._carry(questions.converted(self._calls.keys, job_or_serial, at=at, account=account))

    def number_info(self, phones: Sequence[str], *, account: str = "", timeout_s: float = 10.0) -> list[NumberInfo]:
        """How the provider reads numbers (Tencent's DescribePhoneNumberInfo), in any order.

        A worker asks it.

        Args:
            phones: 1 to 200, digits with or without a `+`: an odd spelling may be what is asked
                about.
            account: Whose provider is asked, where several can be.
            timeout_s: Longest wait.

        Raises:
            BadInput: A value breaks its rule, or which account is meant must be said.
            NotFound: No account can be asked.
            SmslineError: The provider refused, with its code.
            TimeoutError: No worker answered in time.
            Unavailable: Redis cannot be reached.
        """
        return self._carry(questions.number_info(self._calls.keys, phones, account, timeout_s))

    def replies(self, since_s: float = 0) -> Iterator[KeptReply]:
        """Replies since then (epoch seconds), oldest first, and what was done about them.

        Raises:
            Unavailable: Redis cannot be reached.
        """
        reader = ReplyReader(self._calls.keys, since_s * 1000)
        while (page := self._carry(reader.page())) is not None:
            yield from page

    def close(self) -> None:
        """Close the connections."""
        super().close()
        if self._broker is not None:
            self._broker.close()

    def _wake(self, taken: Submitted) -> None:
        """Push a wake-up to a broker that is another Redis.

        The scheduler finds the job without it.
        """
        wake = taken.wake
        if wake is None or self._broker is None:
            return
        try:
            carry(self._broker, ask(("LPUSH", wake.queue, wake.message)))
        except RedisError as error:
            # The job is safe, so this is no error of the call: the caller
            # would send the same again.
            warn_of_wake(taken.job, error)
            with suppress(RedisError):  # it is forgotten by itself within a second
                carry(self._ledger.redis, ask(("ZREM", self._ledger.keys.wakes(wake.counted), wake.id)))


def warn_of_wake(job: str, error: Exception) -> None:
    """A job is taken, but no worker was told."""
    log.warning(
        "job %s is taken, but its wake-up could not be published (%s); the workers' scheduler finds it",
        job,
        type(error).__name__,
    )


def warn_of_bad(job: str, tally: Tally) -> None:
    """Rows were left out, and the caller does not ask for them."""
    if tally.bad:
        log.warning("job %s: %d of %d rows were refused; the first: %s", job, tally.bad, tally.rows, tally.first_bad)
