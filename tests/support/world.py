"""Short ways to put jobs into a ledger and move them, for tests that speak to it directly."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from smsline.job import JobSpec, new_job_id
from smsline.ledger import accepting, attempts, batch_queues, inbox
from smsline.ledger.accepting import Block, Timing
from smsline.ledger.attempts import PollSchedule
from smsline.ledger.batch_queues import BatchQueue, CallLimits, Claim, NotStarted, StartedCall
from smsline.ledger.buckets import Limit
from smsline.ledger.call_results import EntryResults, RecipientResult
from smsline.ledger.jobs import read_status
from smsline.ledger.link import Ledger
from smsline.states import State

QUEUE = BatchQueue("marketing", "main", "5678", "m", "s", "h0")
TERMS = CallLimits(action="SendSms", limit=Limit(1_000_000), lease_ms=60_000, park_probe_ms=60_000, bucket="main")
FIRST = 8613700000000


def some_numbers(count: int, start: int = FIRST) -> list[int]:
    """Distinct mainland numbers."""
    return list(range(start, start + count))


@dataclass
class World:
    """A ledger and the moves of one account on it."""

    ledger: Ledger
    queue: BatchQueue = QUEUE

    def submit(
        self, numbers: Sequence[int], *, job: str = "", part_no: int = 0, parts: int | None = 1, **spec: Any
    ) -> str:
        """Hand over a part of a job; returns the job's id."""
        job = job or new_job_id()
        checked = JobSpec.checked({"template": "5678", "lane": "marketing", **spec})
        inbox.submit_part(self.ledger, job, checked, inbox.Part(numbers), part_no=part_no, parts=parts)
        return job

    def accept(
        self, job: str, part_no: int = 0, *, shards: int = 0, timing: Timing | None = None
    ) -> accepting.AcceptCounts | None:
        """Accept a part of a job into the world's line."""
        part = inbox.read_part(self.ledger, job, part_no)
        assert part is not None
        cuts = [part.numbers[i : i + 200] for i in range(0, len(part.numbers), 200)]
        blocks = [Block(self.queue.text(), "{}", cut, params='["secret"]') for cut in cuts]
        return accepting.accept_part(
            self.ledger, job, part_no, lane=self.queue.lane, blocks=blocks, timing=timing or Timing(), shards=shards
        )

    def job(self, numbers: Sequence[int], **spec: Any) -> str:
        """A job that is accepted."""
        job = self.submit(numbers, **spec)
        self.accept(job)
        return job

    def take(self, limit: int = 200, lease_ms: float = 60_000) -> Claim | None:
        """Take the next recipients off the batch queue."""
        attempt = self.ledger.attempt_ids.take()
        return batch_queues.take(
            self.ledger, self.queue, attempt, limit=limit, linger_ms=0, lease_ms=lease_ms, worker="w"
        )

    def begin(self, limit: int = 200, terms: CallLimits = TERMS) -> tuple[Claim, StartedCall | NotStarted]:
        """Take and begin."""
        claim = self.take(limit)
        assert claim is not None
        return claim, batch_queues.begin(self.ledger, claim, terms)

    def record(self, claim: Claim, begun: StartedCall, state: State, **mark: object) -> bool | None:
        """Record one outcome for all of a call; accepted ones get a serial of their number."""
        verdicts = []
        for group in begun.groups:
            marks = [
                RecipientResult(position, state, serial=f"s:{number}" if state is State.ACCEPTED else "", **mark)  # type: ignore[arg-type]
                for position, number in zip(group.positions, group.numbers, strict=True)
            ]
            verdicts.append(EntryResults(group.entry, marks))
        recorded = attempts.record(
            self.ledger, claim.attempt, claim.queue, verdicts, at_ms=begun.started_ms, polls=PollSchedule()
        )
        return recorded and recorded.early

    def counts(self, job: str) -> dict[str, int]:
        """The job's counts that are not zero."""
        status = read_status(self.ledger, job)
        assert status is not None
        return {name: int(count) for name, count in status["counts"].items() if count}  # type: ignore[call-overload]
