"""Provider calls, one story: take what is due, begin, call, decide, record, and then what else the answer means."""

import json
import logging
from collections.abc import Sequence
from typing import Final

from redis.exceptions import RedisError

from smsline.ledger import accepting, accounts, attempts, batch_queues
from smsline.ledger.batch_queues import (
    ALONE,
    OWN,
    BatchQueue,
    CallGroup,
    CallLimits,
    Claim,
    NotStarted,
    StartedCall,
    TakeOptions,
)
from smsline.ledger.buckets import Limit
from smsline.ledger.runs import Entry
from worker.engine import Engine
from worker.intake.batching import read_content
from worker.outcome import Outcome, Policy, decide
from worker.providers.base import Answer, BatchRule, Broken, Call, Provider
from worker.receipts import apply
from worker.routing import windows
from worker.routing.routes import region_named
from worker.routing.templates import each_worded, worded
from worker.sending import counting, effects, failover
from worker.sending.effects import Flight

SHORT_WAIT_MS: Final = 250.0
"""A wait for the rate limit that is slept with the claim in hand; a longer one goes back to the due set."""

RECORD_TRIES_S: Final = 30.0
UNKNOWN_ACCOUNT_WAIT_MS: Final = 60_000.0

log = logging.getLogger(__name__)


def send_slice(engine: Engine, lane: str, seconds: float = 1.0) -> int:
    """Make the calls that are due in a lane, for about so long; returns how many."""
    over, calls = engine.slice_ends(seconds), 0
    while not over():
        due_queue, next_ms = engine.due_queues[lane].next(engine.ledger)
        if due_queue is None:
            if next_ms > 0:
                engine.poke(next_ms)
            break
        calls += send_batch(engine, *due_queue)
    return calls


def send_batch(engine: Engine, queue: BatchQueue, entry: Entry | None = None) -> bool:
    """Make one call for a batch queue; False when there was nothing to send or it has to wait.

    Args:
        engine: The process' engine.
        queue: The batch queue.
        entry: The only one it seems to have, which then is taken and begun in one round trip.
    """
    provider = engine.providers.get(queue.account)
    if provider is None:
        return _park_stranger(engine, queue)
    if closed_s := windows.queue_closed_s(engine, queue):
        batch_queues.hold(engine.ledger, queue, closed_s * 1000)
        return False
    rule = rule_of(provider, queue)
    failing = engine.router.out(queue, engine.now_ms)
    if entry is None or failing:
        claim = _take(engine, queue, rule.limit)
        left = failover.fail_over(engine, claim, "failing") if claim and failing else claim
        return claim is not None and (left is None or _begin_and_call(engine, left, rule))
    asked_s, terms = engine.monotonic_s(), _terms(engine, queue.account, rule.action)
    how = _taking(engine, queue, rule.limit)
    claim, begun = batch_queues.take_and_begin(
        engine.ledger, queue, engine.next_attempt(), how=how, terms=terms, entry=entry
    )
    return claim is not None and _begin_and_call(engine, claim, rule, (asked_s, begun) if begun else None)


def _take(engine: Engine, queue: BatchQueue, limit: int) -> Claim | None:
    """The next recipients of a batch queue for one call; None when there are none, or it is not due."""
    return batch_queues.take(engine.ledger, queue, engine.next_attempt(), **_taking(engine, queue, limit))


def _taking(engine: Engine, queue: BatchQueue, limit: int) -> TakeOptions:
    return TakeOptions(
        limit=limit,
        linger_ms=engine.settings.linger_ms[queue.lane],
        lease_ms=engine.settings.lease_s * 1000,
        worker=engine.worker,
    )


def rule_of(provider: Provider, queue: BatchQueue) -> BatchRule:
    """How the batch queue's numbers are packed: by the provider's rule, or one by one where each must have its own call."""
    rule = provider.batch_rule(region_named(queue.region))
    if queue.params == ALONE or (queue.params == OWN and not rule.params_differ):
        return BatchRule(rule.action, 1)
    return rule.own or rule if queue.params == OWN else rule


def _park_stranger(engine: Engine, queue: BatchQueue) -> bool:
    """A batch queue of an account this service does not have (any more) waits, visibly, until it has; who has ended meanwhile leaves it."""
    message = "no worker is configured with this account; add it to the settings or cancel its jobs"
    accounts.park(
        engine.ledger, queue.account, "", "account.Unknown", probe_ms=UNKNOWN_ACCOUNT_WAIT_MS, message=message
    )
    accounts.put_off_probe(engine.ledger, queue.account, UNKNOWN_ACCOUNT_WAIT_MS)
    accounts.note_stranger(engine.ledger, queue.account)
    terms = CallLimits("", Limit(1.0), engine.settings.lease_s * 1000, UNKNOWN_ACCOUNT_WAIT_MS)
    while (claim := _take(engine, queue, accepting.BLOCK_SIZE)) is not None:
        why = batch_queues.begin(engine.ledger, claim, terms)
        if isinstance(why, NotStarted) and why.why == "parked":
            batch_queues.release(engine.ledger, claim, UNKNOWN_ACCOUNT_WAIT_MS)
            log.error("account %s is not configured: its recipients wait; %s", queue.account, message)
            break
    return False


def _begin_and_call(
    engine: Engine, claim: Claim, rule: BatchRule, early: tuple[float, StartedCall | NotStarted] | None = None
) -> bool:
    """Begin, waiting a little for the rate limit, and make the call; False when it is not to be made (now).

    Args:
        engine: The process' engine.
        claim: The recipients.
        rule: How they are packed.
        early: What beginning came to when it was done with the taking, and when that was asked for.
    """
    terms = _terms(engine, claim.queue.account, rule.action)
    while True:
        asked_s, begun = early or (engine.monotonic_s(), batch_queues.begin(engine.ledger, claim, terms))
        early = None
        if isinstance(begun, StartedCall):
            _call(
                engine,
                Flight(claim, begun, rule.action, engine.settings.accounts[claim.queue.account].provider, asked_s),
            )
            return True
        if begun.why != "wait" or begun.wait_ms > SHORT_WAIT_MS or engine.stopping.is_set():
            return _not_begun(engine, claim, begun)
        engine.sleep(begun.wait_ms / 1000)


def _not_begun(engine: Engine, claim: Claim, why: NotStarted) -> bool:
    """Give back what cannot be sent now; whom a parked account keeps waiting goes through another one that can serve them."""
    left = failover.fail_over(engine, claim, "parked") if why.why == "parked" else claim
    if left is not None:
        _give_back(engine, left, why)
    return left is not claim


def _terms(engine: Engine, account: str, action: str) -> CallLimits:
    settings = engine.settings
    return CallLimits(
        action=action,
        limit=engine.limit(account, action),
        lease_ms=settings.lease_s * 1000,
        park_probe_ms=settings.park_probe_s * 1000,
        caps=(settings.cap_30s, settings.cap_hour, settings.cap_day),
        bucket=settings.bucket_of(account),
    )


def _give_back(engine: Engine, claim: Claim, why: NotStarted) -> None:
    if why.why == "wait":
        batch_queues.release(engine.ledger, claim, why.wait_ms)
    elif why.why == "parked":
        batch_queues.release(engine.ledger, claim, max(1.0, why.wait_ms - engine.now_ms()))


def _call(engine: Engine, flight: Flight) -> None:
    """Make the call, decide what it came to, write that down, and only then see to what else it means."""
    queue, started_ms, groups = flight.claim.queue, flight.begun.started_ms, flight.begun.groups
    called_s = engine.monotonic_s()
    answer = _answer(engine, flight)
    took_s = engine.monotonic_s() - called_s
    policy = Policy(
        flight.provider,
        engine.settings.retry_max[queue.lane],
        now_s=started_ms / 1000,
        place=lambda number: engine.router.place(queue, number),
    )
    outcome = decide(answer, groups, policy)
    outcome.entries = failover.moved_on(engine, queue, groups, outcome.entries, now_ms=started_ms)
    counters = counting.of_call(queue.account, flight.action, answer, took_s=took_s, entries=outcome.entries)
    early = _record(engine, flight, outcome, counters)
    if early is None:
        log.warning(
            "attempt %d of account %s lost its lease; what became of it is left to the receipts",
            flight.claim.attempt,
            queue.account,
        )
    effects.after_record(engine, flight, answer, outcome)
    if early:
        apply.match_early(engine, queue.account, [number for group in groups for number in group.numbers])


def _answer(engine: Engine, flight: Flight) -> Answer:
    """What the provider says; no call is made by a process that was stopped or starved until its lease is as good as over."""
    request = _request(engine, flight)
    if isinstance(request, Broken):
        return request
    if engine.monotonic_s() - flight.asked_s > engine.settings.lease_s - request.timeout_s:
        return Broken(maybe_sent=False, code="worker.Late", detail="the lease ran out before the call")
    return engine.providers[flight.claim.queue.account].send(request)


def _request(engine: Engine, flight: Flight) -> Call | Broken:
    begun, queue = flight.begun, flight.claim.queue
    account = engine.settings.accounts[queue.account]
    own = [] if begun.params and queue.params != OWN else [params for group in begun.groups for params in _own(group)]
    params = own[0] if own else tuple(json.loads(begun.params or "[]"))
    content = worded(account, read_content(begun.content, params))
    own_params = each_worded(account, read_content(begun.content, params), own)
    if isinstance(content, Broken):
        return content
    if isinstance(own_params, Broken):
        return own_params
    return Call(
        numbers=[number for group in begun.groups for number in group.numbers],
        content=content,
        context=engine.context(flight.claim.attempt),
        timeout_s=account.timeout_s,
        own_params=own_params,
    )


def _own(group: CallGroup) -> list[tuple[str, ...]]:
    """The params that a group's numbers brought; nothing when they brought none."""
    brought = json.loads(group.own_params or "[]")
    return [tuple(brought[position] or ()) for position in group.positions] if brought else []


def _record(engine: Engine, flight: Flight, outcome: Outcome, counters: Sequence[tuple[str, int]]) -> bool | None:
    """Write the outcome, again and again while Redis is away: it is idempotent, and the only trace of what was sent."""
    claim, deadline, pause_s = flight.claim, engine.monotonic_s() + RECORD_TRIES_S, 0.05
    while True:
        try:
            effects.before_record(engine, flight, outcome)
            return attempts.record(
                engine.ledger,
                claim.attempt,
                claim.queue,
                outcome.entries,
                at_ms=flight.begun.started_ms,
                polls=engine.polls(claim.queue.lane),
                counters=counters,
            )
        except RedisError:
            if engine.monotonic_s() + pause_s > deadline:
                raise
            engine.pause(pause_s)
            pause_s = min(2.0, pause_s * 2)
