"""Provider calls, one story: take what is due, begin, call, decide, record, apply the effects."""

import json
import logging
from collections.abc import Sequence
from typing import Final

from redis.exceptions import RedisError

from smsline.ledger import attempts, batch_queues, waits
from smsline.ledger.attempts import RecordFindings
from smsline.ledger.batch_queues import (
    OWN,
    BatchQueue,
    CallLimits,
    Claim,
    NotStarted,
    StartedCall,
    TakeOptions,
)
from smsline.ledger.runs import Entry
from worker.engine import Engine
from worker.intake.batching import read_content
from worker.outcome import Outcome, Policy, decide
from worker.providers.base import Answer, BatchRule, Broken, Call, Provider
from worker.receipts import apply
from worker.routing import windows
from worker.routing.routes import region_named
from worker.routing.templates import each_worded, worded
from worker.sending import counting, effects, failover, unserved
from worker.sending.effects import Flight
from worker.traces import CallSpan
from worker.until_redis import until_redis_answers

SHORT_WAIT_MS: Final = 250.0
"""A wait for the rate limit that is slept with the claim in hand; a longer one goes back to the due
set."""

# Until a replica must have confirmed; one in the same place takes a millisecond.
REPLICAS_MS: Final = 250

# Before a batch queue is looked at again whose call was not made for that.
REPLICAS_PAUSE_MS: Final = 1_000

TOKEN_S: Final = 0.5
"""For how long a token of the rate limit is good. A process that is starved between the token and
the call gives it up: else what it held back would leave together with the next second's calls."""

IN_DOUBT: Final = 5
"""Most recipients of a call after one of the account that failed: so many may end in doubt."""

log = logging.getLogger(__name__)


def send_slice(engine: Engine, lane: str, seconds: float = 1.0) -> int:
    """Make the calls that are due in a lane, for about so long; returns how many."""
    over, calls = engine.slice_ends(seconds), 0
    while not over():
        due_queue, next_ms = engine.due_queues[lane].next(
            engine.ledger, lambda account: engine.takes(account, lane), engine.router.put_off
        )
        if due_queue is None:
            if next_ms > 0:
                engine.look_again(next_ms)
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
    # Some process must keep recipients whose account no process has; where another one has it,
    # they are left to that.
    if provider is None:
        if engine.takes(queue.account):
            unserved.park(engine, queue)
        else:
            engine.presence.lacks(queue.account, f"lane {queue.lane}")
        return False
    # Before anything is taken: a claim that cannot be sent would only hold its recipients up.
    if _waits_for_its_hours(engine, queue):
        return False
    engine.contexts.look()
    with engine.in_flight.entered(queue.account, queue.lane) as slot:
        if slot is None or engine.presence.sits_out(queue.account):
            return False
        flight = _begin(engine, queue, rule_of(provider, queue), entry)
        if not isinstance(flight, Flight):
            return flight
        prepared = _prepare(engine, flight)
        if prepared is None:
            return True
        request, span = prepared
        # A machine that the provider refuses finds out with one call whether it still does.
        engine.presence.probes(queue.account, for_s=engine.settings.park_probe_s)
        called_s = engine.monotonic_s()
        # No call, but an answer like any other: the decision and the record are the same.
        if isinstance(request, Broken):
            answer: Answer = request
        else:
            engine.in_flight.call(slot, sum(len(group.numbers) for group in flight.begun.groups))
            answer = provider.send(request)
        took_s = engine.monotonic_s() - called_s
        outcome = _decide(engine, flight, answer)
        engine.in_flight.answered(slot, failed=bool(outcome.failed))
        counters = counting.of_call(queue.account, flight.action, answer, took_s=took_s, entries=outcome.entries)
        # Its recipients count as under way until the breaker knows of the call: it may
        # make the next ones small.
        _write(engine, flight, outcome, counters)
    effects.after_record(engine, flight, answer, outcome)
    # Last: what a tracer breaks must not take a known answer along.
    engine.traces.end_call(span, outcome.failed, outcome.entries)
    return True


def _waits_for_its_hours(engine: Engine, queue: BatchQueue) -> bool:
    closed_s = windows.queue_closed_s(engine.settings.accounts, queue, engine.now_ms)
    if closed_s == windows.NEVER_OPEN_S:
        # No call will find that its jobs have ended: it would be looked at, and told of, for ever.
        waits.drop_ended(engine.ledger, queue)
    if closed_s:
        waits.hold(engine.ledger, queue, closed_s * 1000)
    return bool(closed_s)


def _prepare(engine: Engine, flight: Flight) -> tuple[Call | Broken, CallSpan | None] | None:
    """The request and its span; None for a call that is taken back, as it must not be made now.

    Raises:
        redis.exceptions.RedisError: Redis cannot be reached; the call is taken back.
    """
    queue, attempt = flight.claim.queue, flight.claim.attempt
    try:
        request = _request(engine, flight)
        # Before the last look at the clock: it asks Redis, and a call must not be late for that.
        span = engine.traces.begin_call(queue, flight.action, flight.begun.groups)
        why_not = _why_not(engine, flight)
    except RedisError:
        # No call was made: without that word its recipients would be in doubt, and end as unknown.
        _withdraw(engine, queue, attempt)
        raise
    if why_not:
        log.warning("account %s: %s, so that it is not made; its recipients wait", queue.account, why_not)
        _withdraw(engine, queue, attempt)
        return None
    return request, span


def _why_not(engine: Engine, flight: Flight) -> str:
    """Why a call that has begun must not be made all the same, in words; empty when it may."""
    settings, queue = engine.settings, flight.claim.queue
    replicas = settings.redis_replicas
    if replicas and not engine.ledger.replicated(replicas, timeout_ms=REPLICAS_MS):
        waits.hold(engine.ledger, queue, REPLICAS_PAUSE_MS)
        return "too few replicas of Redis know of a call"
    asked_ago_s = engine.monotonic_s() - flight.asked_s
    # And so that the call ends before its lease: a rescuer would take it for lost.
    late_s = min(TOKEN_S, settings.lease_s - settings.accounts[queue.account].timeout_s)
    return f"a call was {asked_ago_s:.1f} s late" if asked_ago_s > late_s else ""


def _begin(engine: Engine, queue: BatchQueue, rule: BatchRule, entry: Entry | None) -> Flight | bool:
    """Take recipients and begin their call.

    Returns:
        The call to make; else whether something was done all the same, as when recipients went to
        another account.
    """
    settings, in_doubt = engine.settings, engine.in_flight.suspect(queue.account)
    options = TakeOptions(
        # While a call is stuck the next one only finds out whether the provider answers at all.
        limit=1 if in_doubt else rule.limit,
        linger_ms=settings.linger_ms[queue.lane],
        lease_ms=engine.lease_ms,
        worker=engine.worker,
    )
    limits = CallLimits(
        action=rule.action,
        limit=engine.limit(queue.account, rule.action),
        lease_ms=engine.lease_ms,
        park_probe_ms=settings.park_probe_s * 1000,
        bucket=settings.bucket_of(queue.account),
        caps=(settings.cap_30s, settings.cap_hour, settings.cap_day),
        in_doubt=IN_DOUBT,
    )
    used = [engine.next_attempt()]
    try:
        failing = engine.router.out(queue, engine.now_ms)
        if entry is None or failing:
            claim = batch_queues.take(engine.ledger, queue, used[-1], **options)
            if claim is not None and failing:
                claim = failover.fail_over(engine, claim, "failing")
                if claim is None:
                    return True
            return claim is not None and _begin_claim(engine, claim, (limits, options), used)
        asked_s = engine.monotonic_s()
        claim, begun = batch_queues.take_and_begin(
            engine.ledger, queue, used[-1], how=options, terms=limits, entry=entry
        )
        return claim is not None and _begin_claim(engine, claim, (limits, options), used, begun=begun, asked_s=asked_s)
    except RedisError:
        # Whether the attempt was begun is not known, but that no call was made is: without that
        # word its recipients would be in doubt, and end as unknown.
        for attempt in used:
            _withdraw(engine, queue, attempt)
        raise


def _begin_claim(
    engine: Engine,
    claim: Claim | None,
    terms: tuple[CallLimits, TakeOptions],
    used: list[int],
    *,
    begun: StartedCall | NotStarted | None = None,
    asked_s: float = 0.0,
) -> Flight | bool:
    """Begin a claim, waiting a little for the rate limit.

    Args:
        engine: The process' engine.
        claim: What was taken.
        terms: What holds for the call, and how recipients are taken.
        used: Ids of the attempts so far; a further one is added where fewer recipients are taken.
        begun: What beginning came to when it was done with the taking.
        asked_s: When that was asked for, by the monotonic clock.
    """
    limits, options = terms
    while claim is not None:
        if begun is None:
            asked_s = engine.monotonic_s()
            begun = batch_queues.begin(engine.ledger, claim, limits)
        if isinstance(begun, StartedCall):
            provider = engine.settings.accounts[claim.queue.account].provider
            blocks = engine.contexts.blocks_of(claim.queue, begun)
            return Flight(claim, begun, limits.action, provider, asked_s, blocks)
        if begun.why == "small":
            # The account is in doubt, or held and due for a probe: a call for fewer recipients
            # finds out.
            batch_queues.release(engine.ledger, claim)
            used.append(engine.next_attempt())
            options["limit"] = begun.most
            claim = batch_queues.take(engine.ledger, claim.queue, used[-1], **options)
        elif begun.why == "apart":
            failover.part(engine, claim)
            return True
        elif begun.why == "wait" and begun.wait_ms <= SHORT_WAIT_MS and not engine.stopping.is_set():
            engine.sleep(begun.wait_ms / 1000)
        else:
            return _give_back(engine, claim, begun)
        begun = None
    return False


def _give_back(engine: Engine, claim: Claim, why: NotStarted) -> bool:
    """Give back what cannot be sent now.

    Whom a parked or held account keeps waiting goes through another one that can serve them.
    """
    if why.why in {"parked", "held"}:
        if not engine.router.may_fail_over(claim.queue):
            # What was read before this was known would be taken and given back one by one.
            engine.router.breakers.forget()
            engine.due_queues[claim.queue.lane].drop(claim.queue)
        left = failover.fail_over(engine, claim, why.why)
        if left is not None:
            batch_queues.release(engine.ledger, left, max(1.0, why.wait_ms))
        return left is not claim
    if why.why == "wait":
        batch_queues.release(engine.ledger, claim, why.wait_ms)
    return False


def rule_of(provider: Provider, queue: BatchQueue) -> BatchRule:
    """How the batch queue's numbers are packed: by the provider's rule, or fewer in a call.

    Fewer go together where one number has spoilt a call for the others.
    """
    rule = provider.batch_rule(region_named(queue.region))
    if queue.params == OWN and not rule.params_differ:
        return BatchRule(rule.action, 1)
    if queue.at_most:
        return BatchRule(rule.action, min(rule.limit, queue.at_most))
    return rule.own or rule if queue.params == OWN else rule


def _request(engine: Engine, flight: Flight) -> Call | Broken:
    """The call in the account's own words; `Broken` when its settings have none for it."""
    begun, queue = flight.begun, flight.claim.queue
    account = engine.settings.accounts[queue.account]
    # A group without params of its own has brought none.
    brought = [] if begun.params and queue.params != OWN else [group for group in begun.groups if group.own_params]
    held = [(group, json.loads(group.own_params)) for group in brought]
    own = [tuple(params[position] or ()) for group, params in held if params for position in group.positions]
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
        context=engine.context(flight.claim.attempt, flight.blocks),
        timeout_s=account.timeout_s,
        own_params=own_params,
    )


def _decide(engine: Engine, flight: Flight, answer: Answer) -> Outcome:
    """What the answer means, with a batch queue for each recipient that fails over."""
    queue, started_ms, groups = flight.claim.queue, flight.begun.started_ms, flight.begun.groups
    policy = Policy(
        flight.provider,
        engine.settings.retry_max[queue.lane],
        now_s=started_ms / 1000,
        place=lambda number: engine.router.place(queue, number),
        trial=flight.begun.trial,
    )
    outcome = decide(answer, groups, policy)
    outcome.entries = failover.moved_on(engine, queue, groups, outcome.entries, now_ms=started_ms)
    return outcome


def _write(engine: Engine, flight: Flight, outcome: Outcome, counters: Sequence[tuple[str, int]]) -> None:
    """Write the outcome down, whatever has become of the attempt meanwhile.

    It is idempotent, and the only trace of what was sent.
    """
    claim, queue = flight.claim, flight.claim.queue
    heard = engine.router.breakers.heard(queue, outcome)

    def write() -> RecordFindings | None:
        """The effects that returned recipients must meet, then the record; None if closed."""
        effects.before_record(engine, flight, outcome)
        return attempts.record(
            engine.ledger,
            claim.attempt,
            queue,
            outcome.entries,
            at_ms=flight.begun.started_ms,
            polls=engine.polls(queue.lane),
            counters=counters,
            heard=heard,
            indexed=engine.contexts.indexed(queue.lane, flight.blocks),
        )

    recorded = until_redis_answers(engine, write)
    if recorded is None:
        log.warning(
            "attempt %x of account %s lost its lease; the receipts have told what became of it",
            claim.attempt,
            queue.account,
        )
        return
    if recorded.upon != "begun":
        log.warning(
            "attempt %x of account %s was %s when its answer came; what the answer says is written",
            claim.attempt,
            queue.account,
            recorded.upon,
        )
    if recorded.early:
        numbers = [number for group in flight.begun.groups for number in group.numbers]
        apply.match_early(engine, queue.account, numbers)
    effects.tell_breaker(engine, queue.account, recorded.event, outcome.failed)
    effects.park_part(engine, flight, recorded.event, outcome.failed)
    effects.hold_refused(engine, flight, outcome, recorded.refused)


def _withdraw(engine: Engine, queue: BatchQueue, attempt: int) -> None:
    """Say that no call was made of an attempt, however far it got."""
    polls = engine.polls(queue.lane)
    until_redis_answers(engine, lambda: attempts.withdraw(engine.ledger, attempt, queue, polls=polls))
