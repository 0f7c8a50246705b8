"""A call's outcome goes in; what it means beyond its recipients comes out: closed buckets, parks, suppressions, words for people."""

import logging
from dataclasses import dataclass

from smsline.ledger import accounts, buckets, suppression
from smsline.ledger.batch_queues import Claim, StartedCall, template_id
from smsline.verdicts import Scope
from worker.engine import Engine
from worker.outcome import Outcome, Trouble
from worker.providers.base import Answer

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
    """

    claim: Claim
    begun: StartedCall
    action: str
    provider: str
    asked_s: float


def act(engine: Engine, flight: Flight, outcome: Outcome) -> None:
    """Close a bucket, park or lift a park, suppress who has opted out, count what no table knows."""
    ledger, account = engine.ledger, flight.claim.queue.account
    if outcome.shut_s:
        buckets.shut(ledger, engine.settings.bucket_of(account), flight.action, outcome.shut_s * 1000)
    if outcome.park:
        _park(engine, flight, outcome.park)
    elif flight.begun.probing and outcome.worked:
        _unpark(engine, flight)
    if engine.roads.several:
        engine.standings.note(account, outcome.failed)
    if outcome.opted_out:
        suppression.add(ledger, outcome.opted_out)
    for code in outcome.unknown_codes:
        accounts.note_unknown(ledger, account, code)


def _park(engine: Engine, flight: Flight, trouble: Trouble) -> None:
    queue, probe_s = flight.claim.queue, engine.settings.park_probe_s
    template = queue.template if trouble.scope is Scope.TEMPLATE else ""
    new = accounts.park(
        engine.ledger, queue.account, template, trouble.code, probe_ms=probe_s * 1000, message=trouble.message
    )
    engine.standings.forget()
    if new:
        log.error(
            "account %s%s is parked: %s; its recipients wait, a probe call goes out every %g s; see `smsline accounts`",
            queue.account,
            f" template {template_id(template)}" if template else "",
            trouble.code,
            probe_s,
        )


def _unpark(engine: Engine, flight: Flight) -> None:
    queue = flight.claim.queue
    for template in ("", queue.template):
        if accounts.unpark(engine.ledger, queue.account, template):
            log.warning(
                "account %s works again%s", queue.account, f" with template {template_id(template)}" if template else ""
            )


def tell(engine: Engine, flight: Flight, answer: Answer, outcome: Outcome) -> None:
    """One line per call for the log; trouble is remembered with the account."""
    queue = flight.claim.queue
    codes = sorted({result.code for verdict in outcome.entries for result in verdict.results if result.code})
    request = getattr(answer, "request_id", "")
    if codes:
        accounts.note_error(
            engine.ledger, queue.account, f"{', '.join(codes[:5])} at {flight.begun.started_ms} request {request}"
        )
    log.log(
        logging.WARNING if codes else logging.DEBUG,
        "attempt %d: account %s lane %s template %s numbers %d codes %s request %s",
        flight.claim.attempt,
        queue.account,
        queue.lane,
        queue.template_id,
        sum(len(group.numbers) for group in flight.begun.groups),
        ",".join(codes) or "ok",
        request,
    )
