"""A job in the inbox goes in, its recipients in lines come out, part by part; a paused job that goes on gets its entries back."""

import logging
from typing import Final

from smsline.job import JobSpec
from smsline.ledger import accepting, due, inbox, lines
from smsline.ledger.accepting import Timing
from smsline.ledger.inbox import Part
from worker import windows
from worker.batch import Route, Router, lay_out, region_named
from worker.engine import Engine
from worker.providers.base import Region

UNROUTED: Final = "unrouted"
"""Stands for the account of numbers that no configured account serves."""

log = logging.getLogger(__name__)


def accept_job(engine: Engine, job: str, seconds: float = 0.7) -> str:
    """Accept the parts of a job that are due, for about so long.

    Returns:
        The job's lane when anything was moved, so that there may be something to send; else empty.
    """
    lane = inbox.lane_of(engine.ledger, job)
    if lane is None:
        return ""
    inbox_key = engine.ledger.keys.inbox(lane)
    lease = due.claim_one(engine.ledger, inbox_key, job, lease_ms=engine.settings.lease_s * 1000)
    if lease is None:
        return ""
    found = inbox.read_spec(engine.ledger, job)
    if found is None or found[1] == "cancelled":
        due.finish(engine.ledger, inbox_key, lease)
        return ""
    spec, state = found
    if state == "open":
        _bring_back(engine, job)
    more, over = True, engine.slice_ends(seconds)
    while more and not over():
        more = _accept_some(engine, job, spec)
    due.finish(engine.ledger, inbox_key, lease, 0 if more else None)
    engine.poke(0 if more else engine.settings.linger_ms[spec.lane] + 1)
    return spec.lane


def _bring_back(engine: Engine, job: str) -> None:
    """Entries that were set aside while the job was paused return to their lines."""
    while lines.move_due(engine.ledger, engine.ledger.keys.held(job), only_due=False):
        pass


def _accept_some(engine: Engine, job: str, spec: JobSpec) -> bool:
    """Accept the next few parts; whether there are more."""
    part_nos, more = inbox.waiting_parts(engine.ledger, job)
    shards = accepting.shards_of(engine.ledger, job)
    for part_no in part_nos:
        part = inbox.read_part(engine.ledger, job, part_no)
        if part is not None:
            accept_part(engine, job, part_no, spec, part=part, shards=shards)
    return more


def accept_part(engine: Engine, job: str, part_no: int, spec: JobSpec, *, part: Part, shards: int) -> None:
    """Lay one part out and queue it."""
    blocks = lay_out(spec, part, router(engine, spec))
    limit = max((_limit(engine, block.line) for block in blocks), default=accepting.BLOCK_SIZE)
    timing = Timing(
        linger_ms=engine.settings.linger_ms[spec.lane], limit=limit, start_ms=spec.start_s * 1000, pace=spec.pace
    )
    done = accepting.accept_part(
        engine.ledger, job, part_no, lane=spec.lane, blocks=blocks, timing=timing, shards=shards
    )
    if done:
        log.info("job %s part %d: %d recipients in line, %d were there already", job, part_no, done.taken, done.doubled)


def _limit(engine: Engine, line: str) -> int:
    parsed = lines.parse_line(line)
    provider = engine.providers.get(parsed.account)
    return provider.batch_rule(region_named(parsed.region)).limit if provider else accepting.BLOCK_SIZE


def router(engine: Engine, spec: JobSpec) -> Router:
    """The routes of a job's numbers; each is worked out once for all numbers that begin alike."""
    accounts = engine.settings.accounts.values()
    longest = max((len(prefix) for account in accounts for prefix in account.prefixes), default=0)
    by_country = any(account.window for account in accounts)
    known: dict[tuple[str, Region], Route] = {}

    def find(number: int, region: Region) -> Route:
        if by_country and region == "global":
            return route(engine, spec, number, region)
        key = str(number)[:longest], region
        if key not in known:
            known[key] = route(engine, spec, number, region)
        return known[key]

    return find


def route(engine: Engine, spec: JobSpec, number: int, region: Region) -> Route:
    """The account a number goes through: the job's own, else the one with the longest matching prefix.

    A number that no account serves waits, visibly, in the line of an account that nobody has.
    """
    name = spec.account or _by_prefix(engine, str(number))
    account = engine.settings.accounts.get(name)
    if account is None:
        return Route(name, spec.sign, params_differ=False)
    local = account.window and spec.lane == "marketing" and region == "global"
    return Route(
        name,
        account.sign,
        engine.providers[name].batch_rule(region).params_differ,
        windows.country_of(number) if local else "",
    )


def _by_prefix(engine: Engine, digits: str) -> str:
    best, length = UNROUTED, -1
    for name, account in engine.settings.accounts.items():
        for prefix in account.prefixes or ("",):
            if digits.startswith(prefix) and len(prefix) > length:
                best, length = name, len(prefix)
    return best
