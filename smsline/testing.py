"""For producers' tests: collectors take the clients' places.

Jobs are checked as the real ones check them, kept, and sent nowhere.

With pytest there are fixtures, `smsline_collector` and `smsline_async_collector`; see
docs/python.md.
"""

from collections.abc import AsyncIterable, AsyncIterator, Callable, Iterable, Iterator, Sequence
from contextlib import suppress
from typing import Self, Unpack

import phonenumbers

from smsline.calls import checked_campaign, refuse_never_open
from smsline.collected import Collected
from smsline.countries import country_of
from smsline.errors import BadInput, Conflict, NotFound, Unavailable
from smsline.job import (
    CampaignOptions,
    JobOptions,
    JobSpec,
    Recipient,
    Rejected,
    Summary,
    check_job_id,
    new_job_id,
    rules_of,
)
from smsline.ledger.jobs import Counts, Result, Status, iso
from smsline.ledger.replies import KeptReply
from smsline.numbers import e164, parse_number
from smsline.parts import Tally, nothing_good, parts
from smsline.questions import NumberInfo
from smsline.repeats import KeyedJob, RowSums, mark, refuse_another_job, refuse_other_rows
from smsline.row_values import check_ref
from smsline.states import COUNTED, FINAL, State

__all__ = ["AsyncCollector", "Collected", "Collector"]


# A subclass of neither client: those open a ledger, and a method that is forgotten here must fail,
# not reach Redis. A test compares the signatures.
class Collector:
    """Has the methods of `Client` that producers call.

    Args:
        region: Country of numbers without a country code.
        clock_s: Epoch seconds, for `created_at`.
        unavailable: While True, taking a job raises `Unavailable`, as when Redis is down.
    """

    def __init__(
        self, *, region: str | None = None, clock_s: Callable[[], float] = lambda: 1.0, unavailable: bool = False
    ) -> None:
        self.jobs: list[Collected] = []
        self.unavailable = unavailable
        self.region = region
        self.conversions: list[str] = []
        self.kept_replies: list[KeptReply] = []
        self._clock_s = clock_s

    def send(
        self, *, to: str, template: str, ref: str = "", job_id: str | None = None, **job: Unpack[JobOptions]
    ) -> str:
        """As `Client.send`.

        Raises:
            BadInput: A value breaks its rule.
            Conflict: The key belongs to a job with another payload.
            Unavailable: `unavailable` is set.
        """
        spec, rules = JobSpec.checked({"template": template, **job}, now_s=self._clock_s()), rules_of(job, self.region)
        number = parse_number(to, region=rules.region, allow_unassigned=rules.allow_unassigned)
        content = RowSums()
        content.add(number, None, check_ref(ref))
        kept, repeated = self._keep(spec, job_id, content, [number])
        if not repeated:
            self._add(kept, number, None, ref)
        return kept.id

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
        """As `Client.campaign`.

        Raises:
            BadInput: A value breaks its rule, or no row is good.
            Conflict: The key belongs to a job with another payload.
            Unavailable: `unavailable` is set.
        """
        spec = checked_campaign({"template": template, "start_s": at, **job}, to=to, now_s=self._clock_s())
        content = RowSums()
        tally, rules = Tally(content=content), rules_of(job, self.region)
        # All parts before anything is kept: an input that breaks off half-way leaves no
        # half of a job in a test.
        found = list(parts(to, tally, rules=rules, on_rejected=on_rejected, on_duplicate=on_duplicate))
        if not found:
            raise nothing_good(tally)
        kept, repeated = self._keep(spec, job_id, content, found[0].numbers)
        for part in [] if repeated else found:
            for i, number in enumerate(part.numbers):
                self._add(kept, number, part.params[i] if part.params else None, part.refs[i] if part.refs else "")
        if on_progress:
            on_progress(tally.rows)
        if on_summary:
            added, held = (0, tally.good) if repeated else (tally.good, 0)
            on_summary(Summary(kept.id, added, held, tally.doubled, tally.bad, repeated))
        return kept.id

    def _keep(
        self, spec: JobSpec, job_id: str | None, content: RowSums, numbers: Sequence[int]
    ) -> tuple[Collected, bool]:
        if self.unavailable:
            raise Unavailable("the ledger's Redis cannot be reached; nothing was taken")
        # By the real comparison: a test that repeats a key with other rows must fail as
        # it would in production.
        for known in self.jobs:
            if known.id == job_id or (spec.key and known.spec.key == spec.key):
                before = KeyedJob(known.id, known.spec, params=mark(known.spec.params), rows=known.rows)
                refuse_another_job(before, spec)
                refuse_other_rows(before, spec.key, content)
                return known, True
        refuse_never_open(spec, numbers, now_s=self._clock_s())
        name, created_ms = check_job_id(job_id) if job_id else new_job_id(), int(self._clock_s() * 1000)
        self.jobs.append(Collected(name, spec, created_ms=created_ms, rows=str(content)))
        return self.jobs[-1], False

    def _add(self, kept: Collected, number: int, params: Sequence[str] | None, ref: str) -> None:
        kept.numbers.append(number)
        kept.params.append(kept.spec.params if params is None else tuple(params))
        kept.refs.append(ref)
        kept.states.append(State.WAITING)

    def finish(self, job: str, state: State | str = State.DELIVERED, *, phone: str = "") -> None:
        """Pretend that a job's waiting recipients (or one of them) ended in a state.

        Raises:
            NotFound: There is no such job.
        """
        kept, only = self.job(job), parse_number(phone, region=self.region) if phone else None
        for i, number in enumerate(kept.numbers):
            if kept.states[i] not in FINAL and only in {None, number}:
                kept.states[i] = State(state)

    def job(self, job: str) -> Collected:
        """A job by its id.

        Raises:
            NotFound: There is no such job.
        """
        for kept in self.jobs:
            if kept.id == job:
                return kept
        raise NotFound(f"no job {job}")

    def status(self, job: str) -> Status:
        """As `Client.status`."""
        kept = self.job(job)
        # All counts, zeros as well, as the real client has them: a test must not meet a key that is
        # missing in production.
        counts = dict.fromkeys(COUNTED, 0)
        counts["total"] = len(kept.states)
        for state in kept.states:
            counts[state.value] += 1
        closed_ms = kept.created_ms if kept.closed else 0
        return Status(
            job=job,
            state="closed" if kept.closed and kept.control != "cancelled" else kept.control,
            lane=kept.lane,
            counts=Counts(**counts),  # type: ignore[typeddict-item]
            calls=0,
            fee=0,
            created_at=iso(kept.created_ms) or "",
            closed_at=iso(closed_ms),
            complete=True,
            doubled=0,
            template=kept.template,
            account=kept.spec.account,
        )

    def results(self, job: str) -> Iterator[Result]:
        """As `Client.results`."""
        kept = self.job(job)
        for number, ref, state in zip(kept.numbers, kept.refs, kept.states, strict=True):
            yield Result(
                phone=e164(number),
                ref=ref,
                state=state.value,
                code="",
                provider="",
                serial="",
                attempts=0,
                accepted_at=None,
                final_at=iso(kept.created_ms) if state in FINAL else None,
                fee=0,
                country=country_of(number),
                message="",
            )

    def wait(self, job: str, timeout_s: float | None = 30, *, every_s: float = 0.2) -> Status:  # noqa: ARG002 - the signature is Client's
        """As `Client.wait`, without waiting.

        Raises:
            TimeoutError: The job is not closed; call `finish` first.
        """
        # At once, whatever the timeout: nothing works on the job while the test waits.
        if not self.job(job).closed:
            raise TimeoutError(f"job {job} is still open; call finish() first")
        return self.status(job)

    def pause(self, job: str) -> None:
        """As `Client.pause`."""
        self._control(job, "paused")

    def resume(self, job: str) -> None:
        """As `Client.resume`."""
        self._control(job, "open")

    def cancel(self, job: str) -> None:
        """As `Client.cancel`."""
        self._control(job, "cancelled")
        self.finish(job, State.CANCELLED)

    def _control(self, job: str, wanted: str) -> None:
        kept = self.job(job)
        if kept.control == "cancelled" or kept.closed:
            raise Conflict(f"job {job} is closed: it can no longer become {wanted}")
        kept.control = wanted

    def converted(self, job_or_serial: str, *, at: float | None = None, account: str = "") -> int:  # noqa: ARG002 - as `Client`'s
        """As `Client.converted`, for a job; kept in `conversions`."""
        sent = len(self.job(job_or_serial).numbers)
        self.conversions.append(job_or_serial)
        return sent

    def number_info(self, phones: Sequence[str], *, account: str = "", timeout_s: float = 10.0) -> list[NumberInfo]:  # noqa: ARG002
        """As `Client.number_info`, by the tables of this package in place of a provider."""
        found = []
        for phone in phones:
            info = NumberInfo(
                phone=phone,
                ok=False,
                code="unread",
                message="",
                calling_code="",
                subscriber="",
                country="",
                country_name="",
            )
            with suppress(BadInput):
                number = parse_number(f"+{phone.removeprefix('+')}")
                calling_code = str(phonenumbers.parse(e164(number)).country_code)
                info |= {"phone": e164(number), "ok": True, "code": "Ok", "country": country_of(number)}
                info |= {"calling_code": calling_code, "subscriber": str(number).removeprefix(calling_code)}
            found.append(info)
        return found

    def replies(self, since_s: float = 0) -> Iterator[KeptReply]:  # noqa: ARG002 - as `Client`'s
        """As `Client.replies`: what the test has put into `kept_replies`."""
        yield from self.kept_replies

    def close(self) -> None:
        """Nothing to close."""

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


class AsyncCollector:
    """Takes the place of `AsyncClient`.

    Its jobs are those of a `Collector`, where a test looks at them and finishes them.

    Args:
        collector: Keeps the jobs; None makes one.
    """

    def __init__(self, collector: Collector | None = None) -> None:
        self.collector = collector or Collector()

    @property
    def jobs(self) -> list[Collected]:
        """The jobs, as they were handed over."""
        return self.collector.jobs

    async def send(
        self, *, to: str, template: str, ref: str = "", job_id: str | None = None, **job: Unpack[JobOptions]
    ) -> str:
        """As `Collector.send`."""
        return self.collector.send(to=to, template=template, ref=ref, job_id=job_id, **job)

    async def campaign(
        self,
        *,
        to: Iterable[str | Recipient] | AsyncIterable[str | Recipient],
        template: str,
        on_rejected: Callable[[Rejected], None] | None = None,
        on_duplicate: Callable[[Rejected], None] | None = None,
        on_progress: Callable[[int], None] | None = None,
        on_summary: Callable[[Summary], None] | None = None,
        at: float | None = None,
        job_id: str | None = None,
        **job: Unpack[CampaignOptions],
    ) -> str:
        """As `Collector.campaign`."""
        rows = [row async for row in to] if isinstance(to, AsyncIterable) else to
        return self.collector.campaign(
            to=rows,
            template=template,
            on_rejected=on_rejected,
            on_duplicate=on_duplicate,
            on_progress=on_progress,
            on_summary=on_summary,
            at=at,
            job_id=job_id,
            **job,
        )

    async def status(self, job: str) -> Status:
        """As `Collector.status`."""
        return self.collector.status(job)

    async def results(self, job: str) -> AsyncIterator[Result]:
        """As `Collector.results`."""
        for row in self.collector.results(job):
            yield row

    async def wait(self, job: str, timeout_s: float | None = 30, *, every_s: float = 0.2) -> Status:
        """As `Collector.wait`."""
        return self.collector.wait(job, timeout_s, every_s=every_s)

    async def pause(self, job: str) -> None:
        """As `Collector.pause`."""
        self.collector.pause(job)

    async def resume(self, job: str) -> None:
        """As `Collector.resume`."""
        self.collector.resume(job)

    async def cancel(self, job: str) -> None:
        """As `Collector.cancel`."""
        self.collector.cancel(job)

    async def converted(self, job_or_serial: str, *, at: float | None = None, account: str = "") -> int:
        """As `Collector.converted`."""
        return self.collector.converted(job_or_serial, at=at, account=account)

    async def number_info(
        self, phones: Sequence[str], *, account: str = "", timeout_s: float = 10.0
    ) -> list[NumberInfo]:
        """As `Collector.number_info`."""
        return self.collector.number_info(phones, account=account, timeout_s=timeout_s)

    async def replies(self, since_s: float = 0) -> AsyncIterator[KeptReply]:
        """As `Collector.replies`."""
        for reply in self.collector.replies(since_s):
            yield reply

    async def close(self) -> None:
        """Nothing to close."""

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.close()
