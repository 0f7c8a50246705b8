"""A lane's due lines go in, provider calls and their recorded outcomes come out: take, begin, call, decide, record."""

import json
import logging
from typing import Final

from redis.exceptions import RedisError

from smsline.ledger import accounts, attempts, buckets, lines
from smsline.ledger.lines import ALONE, OWN, Begun, Claim, Line, NotBegun, Terms
from smsline.verdicts import Scope
from worker import receipts
from worker.batch import read_content, region_named
from worker.engine import Engine
from worker.outcome import Outcome, Policy, decide
from worker.providers.base import Answer, BatchRule, Broken, Call, Provider

SHORT_WAIT_MS: Final = 250.0
"""A wait for the rate limit that is slept with the claim in hand; a longer one goes back to the due set."""

RECORD_TRIES_S: Final = 30.0
UNKNOWN_ACCOUNT_WAIT_MS: Final = 60_000.0

log = logging.getLogger(__name__)


def send_slice(engine: Engine, lane: str, seconds: float = 1.0) -> int:
    """Make the calls that are due in a lane, for about so long; returns how many."""
    over, calls = engine.slice_ends(seconds), 0
    while not over():
        due, next_ms = lines.due_lines(engine.ledger, lane)
        if not due:
            if next_ms > 0:
                engine.poke(next_ms)
            break
        for line in due:
            if over():
                break
            calls += send_batch(engine, line)
    return calls


def send_batch(engine: Engine, line: Line) -> bool:
    """Make one call for a line; False when there was nothing to send or it has to wait."""
    provider = engine.providers.get(line.account)
    if provider is None:
        return _park_stranger(engine, line)
    rule = rule_of(provider, line)
    claim = lines.take(
        engine.ledger,
        line,
        engine.next_attempt(),
        limit=rule.limit,
        linger_ms=engine.settings.linger_ms[line.lane],
        lease_ms=engine.settings.lease_s * 1000,
        worker=engine.worker,
    )
    if claim is None:
        return False
    begun = _begin(engine, claim, rule)
    if begun is not None:
        _call(engine, claim, begun, provider)
    return begun is not None


def rule_of(provider: Provider, line: Line) -> BatchRule:
    """How the line's numbers are packed: by the provider's rule, or one by one where each must have its own call."""
    rule = provider.batch_rule(region_named(line.region))
    single = line.params == ALONE or (line.params == OWN and not rule.params_differ)
    return BatchRule(rule.action, 1) if single else rule


def _park_stranger(engine: Engine, line: Line) -> bool:
    """A line of an account this service does not have (any more) waits, visibly, until it has."""
    message = "no worker is configured with this account; add it to the settings or cancel its jobs"
    accounts.park(engine.ledger, line.account, "", "account.Unknown", probe_ms=UNKNOWN_ACCOUNT_WAIT_MS, message=message)
    engine.ledger.redis.zadd(
        engine.ledger.keys.send(line.lane), {line.text(): engine.now_ms() + UNKNOWN_ACCOUNT_WAIT_MS}, xx=True
    )
    log.error("account %s is not configured: its recipients wait; %s", line.account, message)
    return False


def _begin(engine: Engine, claim: Claim, rule: BatchRule) -> Begun | None:
    settings = engine.settings
    terms = Terms(
        action=rule.action,
        limit=engine.limit(claim.line.account, rule.action),
        lease_ms=settings.lease_s * 1000,
        park_probe_ms=settings.park_probe_s * 1000,
    )
    while isinstance(begun := lines.begin(engine.ledger, claim, terms), NotBegun):
        match begun.why:
            case "wait" if begun.wait_ms <= SHORT_WAIT_MS and not engine.stopping.is_set():
                engine.sleep(begun.wait_ms / 1000)
            case "wait":
                lines.release(engine.ledger, claim, begun.wait_ms)
                return None
            case "parked":
                lines.release(engine.ledger, claim, max(1.0, begun.wait_ms - engine.now_ms()))
                return None
            case _:
                return None
    return begun


def _call(engine: Engine, claim: Claim, begun: Begun, provider: Provider) -> None:
    """Make the call and write down what it came to."""
    request = _request(engine, claim, begun)
    # A process that was stopped or starved for so long must not call: by now the recipients may be someone else's.
    late = engine.now_ms() - begun.started_ms > (engine.settings.lease_s - request.timeout_s) * 1000
    answer = (
        Broken(maybe_sent=False, code="worker.Late", detail="the lease ran out before the call")
        if late
        else provider.send(request)
    )
    policy = Policy(
        provider=_provider_name(engine, claim.line.account),
        retry_max=engine.settings.retry_max[claim.line.lane],
        now_s=begun.started_ms / 1000,
    )
    outcome = decide(answer, begun.groups, policy)
    _tell(engine, claim, begun, answer, outcome)
    _act(engine, claim.line, provider, begun, outcome)
    early = _record(engine, claim, begun, outcome)
    if early is None:
        log.warning(
            "attempt %d of account %s lost its lease; what became of it is left to the receipts",
            claim.attempt,
            claim.line.account,
        )
    elif early:
        receipts.match_early(engine, claim.line.account, [number for group in begun.groups for number in group.numbers])


def _request(engine: Engine, claim: Claim, begun: Begun) -> Call:
    first = begun.groups[0]
    if claim.line.params == OWN or not begun.params:
        params = tuple(json.loads(first.own_params)[first.positions[0]] or ()) if first.own_params else ()
    else:
        params = tuple(json.loads(begun.params))
    return Call(
        numbers=[number for group in begun.groups for number in group.numbers],
        content=read_content(begun.content, params),
        context=engine.context(claim.attempt),
        timeout_s=engine.settings.accounts[claim.line.account].timeout_s,
    )


def _provider_name(engine: Engine, account: str) -> str:
    return engine.settings.accounts[account].provider


def _act(engine: Engine, line: Line, provider: Provider, begun: Begun, outcome: Outcome) -> None:
    """What an outcome means beyond its recipients: close a bucket, park or lift a park, count what no table knows."""
    ledger = engine.ledger
    if outcome.shut_s:
        buckets.shut(ledger, line.account, rule_of(provider, line).action, outcome.shut_s * 1000)
    if outcome.park:
        template = line.template if outcome.park.scope is Scope.TEMPLATE else ""
        probe_ms = engine.settings.park_probe_s * 1000
        if accounts.park(
            ledger, line.account, template, outcome.park.code, probe_ms=probe_ms, message=outcome.park.message
        ):
            log.error(
                "account %s%s is parked: %s; its recipients wait, a probe call goes out every %g s; see `smsline accounts`",
                line.account,
                f" template {template}" if template else "",
                outcome.park.code,
                engine.settings.park_probe_s,
            )
    elif begun.probing and outcome.worked:
        for template in ("", line.template):
            if accounts.unpark(ledger, line.account, template):
                log.warning("account %s works again%s", line.account, f" with template {template}" if template else "")
    for code in outcome.unknown_codes:
        accounts.note_unknown(ledger, line.account, code)


def _tell(engine: Engine, claim: Claim, begun: Begun, answer: Answer, outcome: Outcome) -> None:
    """One line per call for the log; trouble is remembered with the account."""
    numbers = sum(len(group.numbers) for group in begun.groups)
    codes = sorted({mark.code for verdict in outcome.verdicts for mark in verdict.marks if mark.code})
    request = getattr(answer, "request_id", "")
    if codes:
        accounts.note_error(
            engine.ledger, claim.line.account, f"{', '.join(codes[:5])} at {begun.started_ms} request {request}"
        )
    log.log(
        logging.WARNING if codes else logging.DEBUG,
        "attempt %d: account %s lane %s template %s numbers %d codes %s request %s",
        claim.attempt,
        claim.line.account,
        claim.line.lane,
        claim.line.template,
        numbers,
        ",".join(codes) or "ok",
        request,
    )


def _record(engine: Engine, claim: Claim, begun: Begun, outcome: Outcome) -> bool | None:
    """Write the outcome, again and again while Redis is away: it is idempotent, and the only trace of what was sent."""
    deadline, pause_s = engine.monotonic_s() + RECORD_TRIES_S, 0.05
    while True:
        try:
            return attempts.record(
                engine.ledger,
                claim.attempt,
                claim.line,
                outcome.verdicts,
                at_ms=begun.started_ms,
                polls=engine.polls(claim.line.lane),
            )
        except RedisError:
            if engine.monotonic_s() + pause_s > deadline:
                raise
            engine.pause(pause_s)
            pause_s = min(2.0, pause_s * 2)
