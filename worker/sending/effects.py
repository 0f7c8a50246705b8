"""Effects of a call beyond its recipients: closed buckets, parks, opt-outs, breakers, logs.

Two kinds, told apart by what happens when Redis breaks between them and the record of the outcome.
`before_record` holds what the returned recipients must meet. `after_record` can wait, or be lost
with a line in the log.
"""

import logging
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from redis.exceptions import RedisError

from smsline.codes import for_send
from smsline.ledger import accounts, breaker, buckets, suppression, waits
from smsline.ledger.batch_queues import ONLY, SIGNED, Claim, StartedCall, template_id
from smsline.ledger.breaker import BreakerEvent
from smsline.ledger.jobs import iso
from smsline.verdicts import Scope
from worker.engine import Engine
from worker.outcome import Outcome, Trouble
from worker.providers.base import Answer
from worker.receipts import opt_out

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Flight:
    """A call that is made.

    Attributes:
        claim: Whose recipients.
        begun: What is said, to whom, since when.
        action: The provider's action.
        provider: The provider's name.
        asked_s: When it was asked to begin, by the worker's monotonic clock.
        blocks: The blocks that its context names.
    """

    claim: Claim
    begun: StartedCall
    action: str
    provider: str
    asked_s: float
    blocks: tuple[int, ...]


# Calls of several recipients that a text is refused in a row, until its job is held. One
# number that a filter does not like spoils four of them at most on the way to its single
# call (200, 50, 12, 3).
TEXT_FAULTS: Final = 6

# For how long an account's calls must be over its provider's limit to be told to people.
TOLD_SHUT_S: Final = 60.0


def before_record(engine: Engine, flight: Flight, outcome: Outcome) -> None:
    """What must be true before recipients wait again.

    It is written again together with the record, until both are.

    Mostly there is nothing of it. Its order does not matter, and doing it twice does no harm.

    Raises:
        redis.exceptions.RedisError: Redis cannot be reached.
    """
    ledger, queue = engine.ledger, flight.claim.queue
    # The record puts recipients back into their batch queue, due at once. In another worker's hands
    # a moment later they must find the bucket shut, the park, the hold; else each of them costs one
    # more call to a provider that has just said no.
    if outcome.shut_s:
        buckets.shut(ledger, engine.settings.bucket_of(queue.account), flight.action, outcome.shut_s * 1000)
    if outcome.park:
        _park(engine, flight, outcome.park)
    if outcome.machine:
        # The provider refuses this machine: it leaves the account to others, and parks it
        # only when there are none.
        code, park_probe_s = outcome.machine.code, engine.settings.park_probe_s
        meaning = for_send(flight.provider, code).row.meaning
        if engine.presence.stop(queue.account, code, for_s=park_probe_s, meaning=meaning):
            _park(engine, flight, Trouble(Scope.ACCOUNT, code, outcome.machine.message))
            # From here on the park says when to try again; a person may lift it at once.
            engine.presence.probes(queue.account, for_s=0.0)
    if outcome.hold_s:
        waits.hold(ledger, queue, outcome.hold_s * 1000, firmly=True)
    # An opt-out is a person's word: it is not told twice, and losing it would text a person who
    # said no.
    if outcome.opted_out:
        leaving, said = set(outcome.opted_out), list[tuple[int, str]]()
        for group, each in zip(flight.begun.groups, outcome.entries, strict=True):
            number_at = dict(zip(group.positions, group.numbers, strict=True))
            said += [(number_at[r.position], r.code) for r in each.results if number_at[r.position] in leaving]
        suppression.add(ledger, opt_out.of_answers(flight.provider, queue.account, said))


def after_record(engine: Engine, flight: Flight, answer: Answer, outcome: Outcome) -> None:
    """What can wait: the end of a park or a stop, and words for people."""
    account = flight.claim.queue.account
    # Any word of the provider's shows that it takes calls of this machine.
    if not outcome.machine and not outcome.silent and not outcome.failed:
        engine.presence.go_on(account)
    try:
        if flight.begun.probing and outcome.worked and not outcome.park:
            _unpark(engine, flight)
        if outcome.shut_s >= TOLD_SHUT_S:
            until_ms = flight.begun.started_ms + int(outcome.shut_s * 1000)
            accounts.note_throttled(engine.ledger, account, until_ms)
        for code in outcome.unknown_codes:
            accounts.note_unknown(engine.ledger, account, code)
        _tell(engine, flight, answer, outcome)
    except RedisError as error:
        _lost(account, error)


def tell_breaker(engine: Engine, account: str, event: BreakerEvent, code: str) -> None:
    """Say what is new of the account's breaker."""
    try:
        engine.router.breakers.tell(account, event, code)
    except RedisError as error:
        _lost(account, error)


def park_part(engine: Engine, flight: Flight, event: BreakerEvent, code: str) -> None:
    """Park the one side, country or template whose calls alone fail.

    The good calls of others would otherwise keep it burning.
    """
    queue = flight.claim.queue
    subject = {"side": queue.side, "country": queue.nation, "template": queue.template}.get(event)
    if subject is None:
        return
    try:
        _park_subject(engine, flight, subject, Trouble(Scope.REGION, code, ""))
    except RedisError as error:
        _lost(queue.account, error)


def hold_refused(engine: Engine, flight: Flight, outcome: Outcome, refused: Sequence[str]) -> None:
    """Hold the job, the template or the account that a few refusals in a row have in common.

    They are refusals for what calls say.
    """
    own = flight.claim.queue.own
    subject = (own if refused.count(own) >= TEXT_FAULTS else None) if outcome.of_text else breaker.at_fault(refused)
    if subject is None:
        return
    try:
        _park_subject(engine, flight, subject, Trouble(Scope.REQUEST, outcome.fault, ""))
    except RedisError as error:
        _lost(flight.claim.queue.account, error)


def _lost(account: str, error: RedisError) -> None:
    log.warning(
        "account %s: what a call meant for it is lost (%s); what it came to is not", account, type(error).__name__
    )


def _park(engine: Engine, flight: Flight, trouble: Trouble) -> None:
    """Park what the trouble speaks of: an account, a side of it, a template, one job's messages."""
    queue = flight.claim.queue
    # Account and process have no subject: all of the account is meant.
    subject = {Scope.REGION: queue.side, Scope.TEMPLATE: queue.own, Scope.CONTENT: queue.own}.get(trouble.scope, "")
    if trouble.scope is Scope.TEMPLATE:
        # One job may have misspelt a variable, which must not stop the template's other jobs. When
        # a job with other params meets the same code, it is the template.
        alike = [
            park["template"]
            for park in accounts.parks(engine.ledger, queue.account)
            if park["code"] == trouble.code and park["template"].partition(ONLY)[0] == queue.template
        ]
        if any(known != queue.own for known in alike):
            subject = queue.template
    _park_subject(engine, flight, subject, trouble)


def _park_subject(engine: Engine, flight: Flight, subject: str, trouble: Trouble) -> None:
    queue, probe_s = flight.claim.queue, engine.settings.park_probe_s
    new = accounts.park(
        engine.ledger, queue.account, subject, trouble.code, probe_ms=probe_s * 1000, message=trouble.message
    )
    engine.router.breakers.forget()
    # One line for a park, however many calls in flight meet the same trouble.
    if new:
        log.error(
            "account %s%s is parked: %s; its recipients wait, a probe call goes out every %g s; see `smsline accounts`",
            queue.account,
            _named(subject),
            trouble.code,
            probe_s,
        )


def _unpark(engine: Engine, flight: Flight) -> None:
    """A probe went well: lift the parks it was under.

    Those of single jobs, too, when the template itself works again.
    """
    queue = flight.claim.queue
    held = {park["template"] for park in accounts.parks(engine.ledger, queue.account)}
    # A call that went well disproves every park that it was under.
    lifted = held & {"", *queue.subjects}
    if queue.template in lifted:
        lifted |= {subject for subject in held if subject.partition(ONLY)[0] == queue.template}
    for subject in sorted(lifted):
        if accounts.unpark(engine.ledger, queue.account, subject):
            log.warning("account %s works again%s", queue.account, _named(subject))


def _named(subject: str) -> str:
    scope = accounts.scope_of(subject)
    if scope == "account":
        return ""
    if scope == "region":
        return f" for {subject.removeprefix(SIGNED).replace('-', ' ')} numbers"
    return f" template {template_id(subject)}" + (" for one job's params" if scope == "job" else "")


def _tell(engine: Engine, flight: Flight, answer: Answer, outcome: Outcome) -> None:
    """One line per call for the log; trouble is remembered with the account."""
    queue = flight.claim.queue
    codes = sorted({code for each in outcome.entries for code in each.codes()})
    request = getattr(answer, "request_id", "")
    if codes:
        accounts.note_error(
            engine.ledger, queue.account, f"{', '.join(codes[:5])} at {iso(flight.begun.started_ms)} request {request}"
        )
    log.log(
        logging.WARNING if codes else logging.DEBUG,
        "attempt %x: account %s lane %s template %s numbers %d codes %s request %s",
        flight.claim.attempt,
        queue.account,
        queue.lane,
        queue.template_id,
        sum(len(group.numbers) for group in flight.begun.groups),
        ",".join(codes) or "ok",
        request,
    )
