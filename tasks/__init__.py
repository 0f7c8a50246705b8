"""Celery entry points, each one call into the engine.

A message is a wake-up: it may be lost, late or doubled without harm.
"""

from collections.abc import Sequence
from typing import Any

from smsline.ledger import due, steering
from smsline.names import TASK_ACCEPT, TASK_CLOSE, TASK_DRAIN, TASK_PROBE, TASK_SEND, TASK_SUBMIT, TASK_WEBHOOKS
from worker.app import app
from worker.intake import submit
from worker.maintenance import balance, lifecycle
from worker.receipts import drain, poll, pushed, questions, replies, resolve
from worker.sending import loop

Wake = Sequence[str]


def _awake(wake: Wake) -> None:
    """The wake-up has arrived, so another one may be published."""
    # First thing in a task, not at its end: what comes due while the task works would have
    # no wake-up of its own.
    if wake:
        due.awake(app.engine.ledger, wake[0], wake[1])


@app.task(name=TASK_SUBMIT, bind=True, keeps_message=True)
def submit_job(self: Any, payload: object = None, *more: object, **named: object) -> None:  # noqa: ANN401 - Celery's task
    """Take a job from a producer that does not import smsline.

    One that calls this with other arguments is refused.
    """
    # The signature takes any arguments: Celery would answer wrong ones with a TypeError in the
    # log, and the producer's message would be gone; read as no payload they are refused in words,
    # and the refusal is kept.
    job = submit.submit_payload(app.engine, None if more or named else payload, self.request.id)
    if job and (its_lane := steering.lane_of(app.engine.ledger, job)):
        # Sent from here, so that the job does not wait for the scheduler; for a third of a second
        # only, because the next submission may be another lane's.
        loop.work(app.engine, its_lane, 0.3, job=job)


@app.task(name=TASK_ACCEPT)
def accept_jobs(lane: str, job: str = "", wake: Wake = ()) -> None:
    """Accept the due jobs of a lane's inbox, the named one first, and make the due calls."""
    if job and wake:
        loop.work(app.engine, lane, job=job, wake=wake)
        return
    _awake(wake)
    loop.work(app.engine, lane, job=job)


@app.task(name=TASK_SEND)
def send_lane(lane: str, wake: Wake = ()) -> None:
    """Make the calls that are due in a lane, of jobs that came meanwhile too."""
    _awake(wake)
    loop.work(app.engine, lane)


@app.task(name=TASK_DRAIN)
def drain_account(account: str, what: str = "", wake: Wake = ()) -> None:
    """Pull an account's receipts or replies, read what was pushed to it, or ask it a question.

    A question is `account` and its name.
    """
    _awake(wake)
    if what == "pushed":
        pushed.read_pushed(app.engine, account)
    elif what == "replies":
        replies.pull_replies(app.engine, account)
    elif what == "question":
        questions.answer(app.engine, account)
    else:
        drain.drain(app.engine, account)


@app.task(name=TASK_PROBE)
def probe_silent(attempt: str = "", block: str = "", account: str = "", wake: Wake = ()) -> None:
    """Ask about an unsure attempt, a block's open receipts, or an account's credit."""
    _awake(wake)
    # Due members of three kinds share this task: each is one question to a
    # provider, under the same limit.
    if attempt:
        resolve.look(app.engine, int(attempt))
    if block:
        poll.poll_block(app.engine, block)
    if account:
        balance.look(app.engine, account)


@app.task(name=TASK_CLOSE)
def close_jobs(end: bool = False, job: str = "", wake: Wake = ()) -> None:  # noqa: ARG001, FBT001, FBT002 - a wire format; `job` is of older schedulers
    """End what waits of cancelled and overdue jobs, or remove jobs after their retention."""
    _awake(wake)
    if end:
        lifecycle.end_due(app.engine)
    else:
        lifecycle.close_due(app.engine)


@app.task(name=TASK_WEBHOOKS)
def deliver_webhooks(member: str, wake: Wake = ()) -> None:
    """Have events delivered, of the outbox or of one endpoint."""
    # In threads of its own, so this returns at once: an endpoint that hangs must not
    # hold a thread that sends.
    app.deliveries.start(member, lambda: _awake(wake))
