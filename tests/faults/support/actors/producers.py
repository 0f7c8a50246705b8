"""Producers: jobs in parts, in any order, again, or after the job is over."""

from collections.abc import Sequence

from smsline.errors import Conflict
from smsline.job import JobSpec, new_job_id
from smsline.ledger import inbox
from smsline.ledger.inbox import Part
from tests.faults.support.actors.stage import NUMBERS, Stage
from tests.faults.support.model import Job


def spec_of(job: Job) -> JobSpec:
    """The job as the ledger gets it."""
    return JobSpec.checked({"template": "5678", "lane": job.lane, "stream": job.stream, "pace": job.pace or None})


class Producers:
    """All producers of jobs.

    Attributes:
        read: Parts as a worker may have read them long ago, of jobs that were ready to be accepted.
    """

    def __init__(self, stage: Stage) -> None:
        self.stage = stage
        self.read: list[tuple[Job, int, Part]] = []

    def have_in_mind(self, lane: str, parts: Sequence[Sequence[int]], *, stream: bool, pace: float = 0.0) -> Job:
        """A job, nothing of which is submitted."""
        numbers = {i: [NUMBERS[n] for n in part] for i, part in enumerate(parts)}
        job = Job(new_job_id(), lane, numbers, stream, pace)
        self.stage.model.jobs[job.job] = job
        return job

    def submit_all(self, job: Job) -> None:
        """Every part, the last one says how many there are."""
        for part in job.parts:
            self.submit(job, part, declare=part == len(job.parts) - 1)

    def submit(self, job: Job, part: int | None, *, declare: bool) -> None:
        """A part arrives, or only the word how many there are."""
        if part is None and not job.received:
            return
        taken = self.stage.model.submit(job, part, declare=declare)
        body = None if part is None else Part(job.parts[part])
        parts = len(job.parts) if declare else None
        try:
            inbox.submit_part(self.stage.ledger, job.job, spec_of(job), body, part_no=part or 0, parts=parts)
        except Conflict:
            assert not taken
        else:
            assert taken
            # No worker reads parts of a job that waits for others of them.
            if job.stream or (job.declared and len(job.received) == len(job.parts)):
                bodies = [(each, inbox.read_part(self.stage.ledger, job.job, each)) for each in sorted(job.received)]
                self.read += [(job, each, found) for each, found in bodies if found]
        self.stage.check()
