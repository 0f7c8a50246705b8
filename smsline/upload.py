"""A campaign on its way into the ledger.

The job is new, is continued, or is the repeat of one that was handed over before.
"""

from collections import deque
from dataclasses import replace
from typing import Self

from redis.exceptions import RedisError

from smsline.calls import Calls, refuse_never_open
from smsline.errors import Conflict, SmslineError, Unconfirmed
from smsline.job import JobSpec, Summary, check_job_id, new_job_id
from smsline.ledger import inbox
from smsline.ledger.inbox import Part, Submitted
from smsline.ledger.talk import Talk
from smsline.parts import Tally
from smsline.repeats import KeyedJob, KnownPhones, RowSums, another_campaign, refuse_another_job, refuse_other_rows


class Upload:
    """Parts are written as they come, and the last one says how many there were.

    A job that was broken off is continued by content: rows that it has are passed over, wherever
    they come, and nothing is written before all of them were met; until then the new parts wait in
    memory. A complete job is compared with the rows.

    Args:
        calls: The client's talks.
        spec: The job.
        job_id: Its id, which an earlier call may have used; None makes one, or takes the one under
            the spec's key.

    Attributes:
        known: For `parts`: the numbers that the job has, after `begin`.
        tally: For `parts`: counts the rows.
    """

    def __init__(self, calls: Calls, spec: JobSpec, job_id: str | None = None) -> None:
        repeatable = bool(spec.key or job_id)
        self.known = KnownPhones()
        self.tally = Tally(content=RowSums() if repeatable else None)
        self._calls, self._spec = calls, spec
        self._job = check_job_id(job_id) if job_id else ""
        self._repeatable = repeatable
        self._kept: KeyedJob | None = None
        self._waiting: deque[Part] = deque()
        self._part_no = self._doubled = self._added = 0
        self._ending = False

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: object, error: BaseException | None, trace: object) -> None:
        """What breaks the call off (Ctrl-C, a row's source) carries the id by which it goes on."""
        if error is None or isinstance(error, SmslineError) or not (self._part_no or self._ending):
            return
        ended = f"job {self._job} may have been taken as a whole; `smsline status {self._job}` tells"
        error.add_note(ended if self._ending else self._broken_off("the call was broken off"))

    def begin(self) -> Talk[None]:
        """Look for the job under the key or the id, before a row is read.

        Raises:
            Conflict: It is another job, or can no longer take what is missing.
        """
        yield from self._calls.check_account(self._spec.account)
        if self._repeatable:
            self._kept = yield from inbox.kept_job(self._calls.keys, self._job, self._spec.key)
        if self._kept is None:
            self._job = self._job or new_job_id()
            return
        refuse_another_job(self._kept, self._spec)
        self._job, self._part_no = self._kept.job, self._kept.parts
        if not self._kept.complete:
            yield from inbox.hold_numbers(self._calls.keys, self._job, self.known)

    def put(self, part: Part) -> Talk[None]:
        """Write the part before this one, if all was met that the job has.

        A repetition writes nothing.
        """
        if self._kept is not None and self._kept.complete:
            return
        # One part is always held back: the last one says how many there are, and which one is last
        # is known only when no other follows. All wait while a number of the old job was not met:
        # until then it may be another campaign.
        self._waiting.append(part)
        while not self.known.unmet and len(self._waiting) > 1:
            yield from self._write(self._waiting.popleft())

    def end(self) -> Talk[tuple[Submitted, Summary]]:
        """Write the last part, or compare the repetition with its job.

        Raises:
            Conflict: The rows are another campaign's.
        """
        if self._kept is not None and self._kept.complete:
            return self._said_again(self._kept)
        if self.known.unmet and self._kept:
            why = f"{self.known.unmet:,} of the {self._kept.total:,} numbers handed over before are not in it"
            raise another_campaign(self._kept.job, self._spec.key, why)
        while len(self._waiting) > 1:
            yield from self._write(self._waiting.popleft())
        # None: every row had been handed over, and only the word that there are no more was lost.
        part, self._ending = self._waiting.popleft() if self._waiting else None, True
        if part is not None:  # duplicates after the last number are in no part yet
            part = replace(part, doubled=self.tally.doubled - self._doubled)
        taken = yield from self._write(part, last=True)
        if self._kept is not None and self._kept.complete:
            return self._said_again(self._kept)
        return taken, self._summary()

    def _write(self, part: Part | None, *, last: bool = False) -> Talk[Submitted]:
        if self._kept is not None and self._kept.complete:
            return Submitted(self._job, complete=True, existed=True)
        # By the first thousand, and for a new job alone: a repetition finds its job at any hour.
        if not self._part_no and self._kept is None and part is not None:
            refuse_never_open(self._spec, part.numbers, accounts=(yield from self._calls.hours_of(self._spec)))
        parts, rows = (self._part_no + (part is not None), str(self.tally.content or "")) if last else (None, "")
        try:
            taken = yield from self._calls.submit(
                self._job, self._spec, part, part_no=self._part_no, parts=parts, rows=rows
            )
        except (RedisError, Unconfirmed) as error:
            if last and isinstance(error, Unconfirmed):
                raise  # the last part may have been written, and with it the whole job
            if not self._part_no and not isinstance(error, Unconfirmed):
                raise  # nothing was written: the caller is told that nothing was taken
            raise Unconfirmed(self._job, self._broken_off("Redis went away")) from error
        self._part_no += 1
        self._doubled += part.doubled if part is not None else 0
        self._added += len(part.numbers) if part is not None and taken.new else 0
        if taken.existed or (self._repeatable and taken.complete and not taken.new):
            # Another call took the key since `begin`, or went on with its job too and was first to
            # end it: perhaps without the rows of this one.
            kept = yield from inbox.kept_job(self._calls.keys, taken.job, "")
            if kept is None or not kept.complete:
                raise Conflict(
                    f"job {taken.job} is being handed over under the same key by another call; wait for its end"
                )
            refuse_another_job(kept, self._spec)
            self._kept, self._job = kept, taken.job
        return taken

    def _broken_off(self, why: str) -> str:
        # A job that streams has begun to send what it has; any other waits for its last
        # part, and sends nothing.
        goes = "what was handed over goes out" if self._spec.stream else "nothing of it goes out"
        return (
            f"job {self._job} is incomplete: {why} after {self._part_no} parts; {goes}. Repeat the call with this job_id "
            f"(smsline: --job-id {self._job}) or with its key to continue it, or `smsline cancel {self._job}`"
        )

    def _said_again(self, kept: KeyedJob) -> tuple[Submitted, Summary]:
        if self.tally.content is not None:
            refuse_other_rows(kept, self._spec.key, self.tally.content)
        return Submitted(kept.job, complete=True, existed=True), self._summary()

    def _summary(self) -> Summary:
        # Counted by what the ledger says of each part: of two calls that go on with one job,
        # each added its own alone.
        tally, added = self.tally, self._added
        repeated = self._kept is not None and self._kept.complete and not added
        return Summary(self._job, added, tally.good + tally.held - added, tally.doubled, tally.bad, repeated)
