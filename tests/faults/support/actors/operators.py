"""Operators and the clock: pause, resume, cancel, mend, park.

Deadlines pass, and what was put off becomes due.
"""

from smsline.ledger import accounts, batch_queues, breaker, dead, steering, waits
from smsline.ledger.batch_queues import MAINLAND
from smsline.names import LANES
from tests.faults.support.actors.stage import ACCOUNTS, Stage
from tests.faults.support.hands import ACCOUNT
from worker.maintenance import lifecycle


class Operators:
    """All operators, and time."""

    def __init__(self, stage: Stage) -> None:
        self.stage = stage

    def control(self, pick: int, wanted: str) -> None:
        """Pause, resume or cancel a job."""
        stage, job = self.stage, self.stage.job(pick)
        answer = steering.control(stage.ledger, job.job, wanted)
        if not job.received:
            assert answer is None
        elif job.state != "cancelled" and job.job not in stage.model.closed:
            job.state = wanted
        stage.check()

    def overdue(self, pick: int) -> None:
        """A job's time is up."""
        stage, job = self.stage, self.stage.job(pick)
        if job.received:
            stage.ledger.redis.hset(stage.ledger.keys.job(job.job), "deadline_ms", 1)
            job.overdue = True
            stage.check()

    def sweep(self) -> None:
        """Workers end what waits of cancelled and overdue jobs."""
        stage = self.stage
        for member in sorted(stage.seen.due.get("expire", ())):
            job = stage.model.jobs[member]
            stage.make_due(stage.ledger.keys.expire, job.job)
            lifecycle.end_job(stage.engine, job.job)
            if job.state == "cancelled" or job.overdue:
                stage.model.end(job)
        stage.check()

    def mend(self, pick: int, *, drop: bool) -> None:
        """Send the dead letters of a job again, or drop them."""
        stage, job = self.stage, self.stage.job(pick)
        dead.settle(stage.ledger, "drop" if drop else "requeue", dead.DeadFilter(job=job.job))
        if drop:
            stage.model.drop(job)
        else:
            stage.by_person = True
            stage.model.requeue(job)
        stage.check()

    def park(self, account: str = ACCOUNT, subject: str = "") -> None:
        """An account is parked, or what of it has this name."""
        code = "FailedOperation.InsufficientBalanceInSmsPackage"
        accounts.park(self.stage.ledger, account, subject, code, probe_ms=60_000)
        self.stage.check()

    def unpark(self) -> None:
        """All works again."""
        for account in ACCOUNTS:
            for subject in ("", MAINLAND):
                accounts.unpark(self.stage.ledger, account, subject)
            breaker.restore(self.stage.ledger, account)
        self.stage.check()

    def hold(self, pick: int) -> None:
        """Nothing is taken off a batch queue for a while, because its hours are over."""
        found = sorted({queue for lane in LANES for queue in self.stage.seen.due.get(f"send:{lane}", ())})
        if found:
            queue = batch_queues.parse_queue(found[pick % len(found)])
            waits.hold(self.stage.ledger, queue, 60_000, firmly=pick % 2 == 0)
            self.stage.check()

    def pass_time(self) -> None:
        """Paces allow more, what was put off is due, holds end, and no number was called lately."""
        ledger = self.stage.ledger
        if gone := [*ledger.redis.keys(ledger.keys.hold("*")), *ledger.redis.keys(f"{ledger.keys.prefix}called:*")]:
            ledger.redis.delete(*gone)
        for job in self.stage.model.jobs:
            if ledger.redis.hdel(ledger.keys.job(job), "pace_tail"):
                ledger.redis.hset(ledger.keys.job(job), "pace_ms", 1)
        for member in ledger.redis.zrange(ledger.keys.later, 0, -1):
            self.stage.make_due(ledger.keys.later, member.decode())
        waits.move_due(ledger, ledger.keys.later, only_due=True)
        self.stage.check()
