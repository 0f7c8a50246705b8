"""What the clients ask of the ledger, without I/O.

`Client` and `AsyncClient` carry the same talks.
"""

import logging
import math
import re
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from difflib import get_close_matches
from typing import Final, Literal

from redis.exceptions import RedisError

from smsline import windows
from smsline.countries import country_of
from smsline.environ import read_values
from smsline.errors import BadInput, Conflict, NotFound, Unavailable, Unconfirmed
from smsline.job import JobSpec, check_job_id, made_ms, new_job_id, rules_of
from smsline.ledger import hours, inbox, jobs, losses, steering
from smsline.ledger.inbox import Part, Submitted
from smsline.ledger.jobs import ResultReader, Status
from smsline.ledger.keys import Keys
from smsline.ledger.link import clock_ms
from smsline.ledger.refusals import explain, is_refusal
from smsline.ledger.talk import Talk, Unreached, ask
from smsline.names import DEFAULT_NAMESPACE, DEFAULT_URL, GONE_MS, NAME, NAME_RULE, lane_queue
from smsline.numbers import check_region, parse_number
from smsline.repeats import RowSums, mark, refuse_another_job, refuse_other_rows
from smsline.row_values import check_ref
from smsline.tracing import submitting
from smsline.urls import BROKER_SCHEMES, REDIS_SCHEMES, is_redis, read_url, shown
from smsline.wakeup import wake_up

log = logging.getLogger(__name__)

LOOK_AGAIN_S: Final = 60.0

# By how much a producer's clock, which a job's id tells, may be off from
# Redis', which a loss tells.
CLOCKS_MS: Final = 5_000

UNCONFIRMED_KEPT: Final = 100

# Where wake-ups go: onto a list in the ledger's Redis, onto one in another Redis, or nowhere.
Broker = Literal["ledger", "redis", "other"]


@dataclass(frozen=True, slots=True)
class Target:
    """Where a client's service is.

    Attributes:
        redis_url: The ledger's Redis.
        broker_url: Celery's broker.
        namespace: Of the ledger's keys.
        region: Country of numbers without a country code.
    """

    redis_url: str
    broker_url: str
    namespace: str
    region: str | None

    @classmethod
    def of(cls, broker_url: str | None, redis_url: str | None, namespace: str, region: str | None) -> "Target":
        """The target that a client's arguments mean.

        One URL stands for both when the broker is Redis.

        Raises:
            BadInput: A URL does not fit its form, the namespace is none that a service can have, or
                the region is no country.
        """
        redis_url = redis_url or (broker_url if broker_url and is_redis(broker_url) else DEFAULT_URL)
        broker_url = broker_url or redis_url
        for name, url, schemes in (("redis_url", redis_url, REDIS_SCHEMES), ("broker_url", broker_url, BROKER_SCHEMES)):
            try:
                read_url(url, schemes)
            except ValueError as error:
                raise BadInput(name, shown(url), str(error)) from None
        if not re.fullmatch(NAME, namespace):
            # No service can have it: what is handed over would wait for ever.
            raise BadInput("namespace", namespace, NAME_RULE)
        return cls(redis_url, broker_url, namespace, check_region(region))

    @property
    def broker(self) -> Broker:
        """Where wake-ups go."""
        if self.broker_url == self.redis_url:
            return "ledger"
        return "redis" if is_redis(self.broker_url) else "other"


_ARGUMENTS: Final = frozenset(
    {"SMSLINE_REDIS_URL", "SMSLINE_BROKER_URL", "SMSLINE_NAMESPACE", "SMSLINE_REGION_DEFAULT"}
)


def arguments_of(environ: Mapping[str, str]) -> dict[str, str | None]:
    """A client's arguments as the environment gives them.

    They are SMSLINE_REDIS_URL, SMSLINE_BROKER_URL, SMSLINE_NAMESPACE and SMSLINE_REGION_DEFAULT.

    Each may be in a file instead, as `smsline.environ` describes.

    Raises:
        BadInput: A value cannot be used.
    """
    values, problems = read_values(environ, is_ours=lambda name: name.removesuffix("_FILE") in _ARGUMENTS)
    if problems:
        raise problems[0]
    for name in values.keys() - _ARGUMENTS:
        # Only what is nearly one of ours: where a service runs too, its settings are there, which a
        # producer does not know.
        meant = get_close_matches(name, _ARGUMENTS, n=1, cutoff=0.9)
        # SMSLINE_REGION, SMSLINE_DEFAULT_REGION: our own words, some left out or in another order.
        words = set(name.split("_"))
        if meant := meant or [ours for ours in sorted(_ARGUMENTS, reverse=True) if words <= set(ours.split("_"))]:
            raise BadInput(name, "…", f"no such setting; did you mean {meant[0]}?")

    def given(name: str) -> str | None:
        return (values[name].text if name in values else "") or None

    return {
        "broker_url": given("SMSLINE_BROKER_URL"),
        "redis_url": given("SMSLINE_REDIS_URL"),
        "namespace": given("SMSLINE_NAMESPACE") or DEFAULT_NAMESPACE,
        "region": given("SMSLINE_REGION_DEFAULT"),
    }


@contextmanager
def reachable() -> Iterator[None]:
    """Errors of the connection as what they mean to a caller."""
    try:
        yield
    except RedisError as error:
        # An answer that says no (a wrong password, a full memory) and a connection that broke
        # need different people.
        cause = error.__cause__ if isinstance(error, Unreached) and error.__cause__ else error
        said = "says no" if is_refusal(cause) else "cannot be reached"
        raise Unavailable(f"the ledger's Redis {said} ({explain(cause)}); nothing was taken") from error


def checked_message(
    job: Mapping[str, object], *, to: str, ref: str, region: str | None
) -> tuple[JobSpec, Part, RowSums]:
    """A message to one number, checked without asking Redis.

    Raises:
        BadInput: A value breaks its rule.
    """
    spec, rules = JobSpec.checked(job), rules_of(job, region)
    number = parse_number(to, region=rules.region, allow_unassigned=rules.allow_unassigned)
    part, content = Part([number], None, [check_ref(ref)] if ref else None), RowSums()
    content.add(number, None, ref)
    return spec, part, content


def checked_campaign(job: Mapping[str, object], *, to: object, now_s: float | None = None) -> JobSpec:
    """A message to many numbers, checked without a look at them.

    Raises:
        BadInput: A value breaks its rule.
    """
    # A text is a sequence of texts: each digit would be judged as a number,
    # and all of them refused.
    if isinstance(to, str | bytes):
        raise BadInput("to", "text", "must be a list of numbers; use send() for one")
    return JobSpec.checked({"lane": "marketing", **job}, now_s=now_s)


def refuse_never_open(
    spec: JobSpec, numbers: Sequence[int], *, accounts: Mapping[str, str] | None = None, now_s: float | None = None
) -> None:
    """Refuse a job whose window opens for none of its numbers within the ttl.

    Args:
        spec: The job.
        numbers: Some of its numbers.
        accounts: The hours of each account that it may go through.
        now_s: The present, epoch seconds.

    Raises:
        BadInput: It would only wait until it ends; nothing was taken.
    """
    if spec.window:
        start_s, countries = max(spec.start_s, time.time() if now_s is None else now_s), set(map(country_of, numbers))
        windows.refuse_never_open(spec.window, countries, start_s=start_s, ttl_s=spec.ttl_s, accounts=accounts)


def _said(spec: JobSpec, content: RowSums) -> tuple[str, ...]:
    """What one message says to whom, without a text of it."""
    return spec.lane, spec.template, mark(spec.params), str(content)


class Calls:
    """The talks of one client.

    Args:
        keys: Names of the ledger's keys.
        region: Country of numbers without a country code.
        broker: Where wake-ups go.
    """

    def __init__(self, keys: Keys, region: str | None, broker: Broker) -> None:
        self.keys = keys
        self.region = region
        self.broker = broker
        self._looked_s: dict[str, float] = {}
        self._unconfirmed: dict[tuple[str, ...], str] = {}

    def send(self, job: Mapping[str, object], *, to: str, ref: str = "", job_id: str | None = None) -> Talk[Submitted]:
        """One message to one number; nothing is asked before all of it is checked.

        Raises:
            Conflict: The key or the id belongs to a job with other content.
        """
        asked, part, content = checked_message(job, to=to, ref=ref, region=self.region)
        yield from self.check_account(asked.account)
        # Looked up first only where the caller says that it repeats a call; otherwise that question
        # would cost every message a round trip.
        # A window too: a repetition must find its job, even when it comes too late to begin one.
        kept = None
        if job_id or asked.window:
            kept = yield from inbox.kept_job(self.keys, check_job_id(job_id) if job_id else "", asked.key)
        if kept is None:
            refuse_never_open(asked, part.numbers, accounts=(yield from self.hours_of(asked)))
            rows = str(content) if asked.key else ""
            earlier = self._unconfirmed.pop(_said(asked, content), "") if self._unconfirmed else ""
            if earlier and not (job_id or asked.key):
                log.warning(
                    "job %s may have been taken, and the same message is handed over anew as another job; where it is the same call "
                    "again, give it job_id=error.job",
                    earlier,
                )
            try:
                with submitting(asked) as spec:
                    taken = yield from self.submit(job_id or new_job_id(), spec, part, part_no=0, parts=1, rows=rows)
            except Unconfirmed as error:
                # Only the last few: who repeats a call does so at once.
                known = [*self._unconfirmed.items(), (_said(asked, content), error.job)]
                self._unconfirmed = dict(known[-UNCONFIRMED_KEPT:])
                raise
            # The ledger alone can say that a key is used; only then is it worth a second question.
            kept = (yield from inbox.kept_job(self.keys, taken.job)) if taken.existed else None
            if kept is None:
                return taken
        refuse_another_job(kept, asked)
        refuse_other_rows(kept, asked.key, content)
        return Submitted(kept.job, complete=True, existed=True)

    def submit(
        self, job: str, spec: JobSpec, part: Part | None, *, part_no: int, parts: int | None, rows: str = ""
    ) -> Talk[Submitted]:
        """One part of a job.

        The last one, which says how many there are, brings a wake-up and what all rows are.

        Its numbers are in no other part: `smsline.repeats.Known` has seen every row of this call,
        and what the job had before.
        """
        # With the last part alone: before it there is nothing that a worker may send, unless the
        # job streams, and then the scheduler finds it within 50 ms.
        wake = None
        if parts is not None and self.broker != "other":
            wake = wake_up(job, spec.lane, here=self.broker == "ledger")
        taken = yield from inbox.submission(
            self.keys, job, spec, part, part_no=part_no, parts=parts, wake=wake, rows=rows, distinct=True
        )
        if parts is not None and time.monotonic() - self._looked_s.get(spec.lane, -math.inf) > LOOK_AGAIN_S:
            yield from self._look_for_workers(taken.job, spec.lane)
        return taken

    def _look_for_workers(self, job: str, lane: str) -> Talk[None]:
        """Warn where no worker runs that serves the job's lane.

        Either all are down, or the namespace is misspelt on one side.

        It is asked after a client's first job in a lane, and then once a minute, so that it costs a
        long-lived client nothing.
        """
        self._looked_s[lane] = time.monotonic()
        with suppress(RedisError):  # the job is safe, whatever becomes of this question
            schedulers, told = yield from ask(("HGETALL", self.keys.schedulers), ("TIME",))
            running = {queue.decode() for queue, at_ms in schedulers.items() if int(at_ms) > clock_ms(told) - GONE_MS}
            if lane_queue(lane) not in running:
                log.warning(
                    "job %s waits: no worker that runs serves the lane %s in the namespace %s%s; start one, or mend SMSLINE_NAMESPACE",
                    *(job, lane, self.keys.prefix.strip("{}:")),
                    f" ({', '.join(sorted(running))} are served)" if running else "",
                )

    def check_account(self, account: str) -> Talk[None]:
        """Refuse an account that no worker has, once workers have told which they have."""
        if not account:
            return
        (found,) = yield from ask(("HGETALL", self.keys.accounts))
        # A worker that knows no provider registers an empty one; while no worker has told,
        # any account may be right.
        known = {name.decode() for name, provider in found.items() if provider}
        if known and account not in known:
            raise BadInput("account", account, f"is not configured; there is {', '.join(sorted(known))}")

    def hours_of(self, spec: JobSpec) -> Talk[dict[str, str]]:
        """The hours of the accounts that a job may go through, as far as they are for it.

        Its own window alone asks for them.
        """
        return (
            (yield from hours.of_accounts(self.keys, spec.account)) if spec.window and spec.lane == "marketing" else {}
        )

    def status(self, job: str) -> Talk[Status]:
        """How a job stands."""
        status = yield from jobs.status_of(self.keys, check_job_id(job))
        if status is None:
            raise (yield from self._no_such_job(job))
        return status

    def _no_such_job(self, job: str) -> Talk[NotFound]:
        """What to say of a job that Redis does not have.

        Whether it was handed over in a moment that Redis has lost.
        """
        for loss in (yield from losses.kept(self.keys)):
            if loss.from_ms - CLOCKS_MS <= made_ms(job) <= loss.to_ms + CLOCKS_MS:
                return NotFound(
                    f"no job {job}: it was handed over in a time that Redis has lost ({loss.span()}); "
                    "hand it over again, under its key where it had one"
                )
        return NotFound(f"no job {job}; `smsline jobs` lists those that are kept")

    def reader(self, job: str) -> Talk[ResultReader]:
        """An open reader of a job's results."""
        yield from self.status(job)
        reader = ResultReader(self.keys, job)
        yield from reader.open()
        return reader

    def wait(self, job: str, timeout_s: float | None, every_s: float) -> Talk[Status]:
        """Ask again and again until a job is closed."""
        # The monotonic clock: a wall clock that is set back would wait for ever.
        deadline_s = None if timeout_s is None else time.monotonic() + timeout_s
        while not (status := (yield from self.status(job)))["closed_at"]:
            if deadline_s is not None and time.monotonic() >= deadline_s:
                raise TimeoutError(f"job {job} is still {status['state']} after {timeout_s:g} s; it goes on")
            yield float(every_s)
        return status

    def steer(self, job: str, wanted: str) -> Talk[None]:
        """Pause, resume or cancel a job."""
        answer = yield from steering.steering(self.keys, check_job_id(job), wanted)
        if answer is None:
            raise (yield from self._no_such_job(job))
        if answer[1] != wanted:
            raise Conflict(f"job {job} is {answer[1]}: it can no longer become {wanted}")
