"""A job in the inbox goes in, its recipients in lines come out, part by part; a paused job that goes on gets its entries back."""

import logging
from collections.abc import Callable, Sequence
from typing import Final

from smsline.job import JobSpec
from smsline.ledger import accepting, due, inbox, lines
from smsline.ledger.accepting import Accepted, Laid, Timing
from smsline.ledger.inbox import Opened, Part
from smsline.ledger.runs import Entry
from worker import windows
from worker.batch import Route, Router, lay_out, region_named
from worker.engine import Engine
from worker.providers.base import Region
from worker.turns import Turn

JOBS_AT_ONCE: Final = 16
"""Jobs of a lane that are opened in one round trip."""

UNROUTED: Final = "unrouted"
"""Stands for the account of numbers that no configured account serves."""

log = logging.getLogger(__name__)


def accept_job(engine: Engine, job: str, seconds: float = 0.7) -> str:
    """Accept the parts of a job that are due, for about so long.

    Returns:
        The job's lane when anything was moved, so that there may be something to send; else empty.
    """
    return _accept(engine, [job], seconds)


def accept_due(engine: Engine, lane: str, seconds: float = 0.7) -> str:
    """Accept some of the jobs that are due in a lane's inbox, for about so long; the lane when anything was moved, else empty."""
    return _accept(engine, due.due_now(engine.ledger, engine.ledger.keys.inbox(lane), most=JOBS_AT_ONCE), seconds)


def _accept(engine: Engine, jobs: Sequence[str], seconds: float) -> str:
    opened = inbox.open_jobs(engine.ledger, jobs, lease_ms=engine.settings.lease_s * 1000)
    gone = [each for each in opened if each.state == "cancelled"]
    for each in gone:
        due.finish(engine.ledger, engine.ledger.keys.inbox(each.spec.lane), each.lease)
    left = [each for each in opened if each.state != "cancelled"]
    for each in left:
        if each.held and each.state == "open":
            _bring_back(engine, each.job)
    _accept_whole(engine, [each for each in left if each.part is not None])
    over = engine.slice_ends(seconds)
    for each in left:
        if each.part is None:
            _accept_some(engine, each, over)
    return left[0].spec.lane if left else ""


def _bring_back(engine: Engine, job: str) -> None:
    """Entries that were set aside while the job was paused return to their lines."""
    while lines.move_due(engine.ledger, engine.ledger.keys.held(job), only_due=False):
        pass


def _accept_whole(engine: Engine, opened: Sequence[Opened]) -> None:
    """Accept jobs of one part, side by side; with their parts they leave the inbox."""
    laid = [
        _laid(engine, each.job, 0, each.spec, part=each.part, fence=each.lease.fence) for each in opened if each.part
    ]
    if not laid:
        return
    accepted = accepting.accept_parts(engine.ledger, laid)
    for part, done in zip(laid, accepted, strict=True):
        _tell(part, done)
        if done:
            engine.turns[part.lane].add(_turns(part, done))
    engine.poke(engine.settings.linger_ms[laid[0].lane] + 1)


def _turns(part: Laid, done: Accepted) -> list[Turn]:
    """The line that a single number was put into, when it may go out now."""
    if done.taken != 1 or len(part.blocks) != 1 or part.timing.linger_ms or part.timing.pace:
        return []
    return [Turn(lines.parse_line(part.blocks[0].line), Entry(part.job, done.first, "0"))]


def _accept_some(engine: Engine, opened: Opened, over: Callable[[], bool]) -> None:
    """Accept the next parts of a job, until there are no more or the time is over."""
    ledger, job, more = engine.ledger, opened.job, True
    while more and not over():
        part_nos, more = inbox.waiting_parts(ledger, job)
        shards = accepting.shards_of(ledger, job)
        for part_no in part_nos:
            part = inbox.read_part(ledger, job, part_no)
            if part is not None:
                accept_part(engine, job, part_no, opened.spec, part=part, shards=shards)
    due.finish(ledger, ledger.keys.inbox(opened.spec.lane), opened.lease, 0 if more else None)
    engine.poke(0 if more else engine.settings.linger_ms[opened.spec.lane] + 1)


def accept_part(engine: Engine, job: str, part_no: int, spec: JobSpec, *, part: Part, shards: int) -> None:
    """Lay one part out and queue it."""
    laid = _laid(engine, job, part_no, spec, part=part, shards=shards)
    _tell(laid, accepting.accept_parts(engine.ledger, [laid])[0])


def _laid(
    engine: Engine, job: str, part_no: int, spec: JobSpec, *, part: Part, shards: int = 0, fence: str = ""
) -> Laid:
    blocks = lay_out(spec, part, router(engine, spec))
    limit = max((_limit(engine, block.line) for block in blocks), default=accepting.BLOCK_SIZE)
    timing = Timing(
        linger_ms=engine.settings.linger_ms[spec.lane], limit=limit, start_ms=spec.start_s * 1000, pace=spec.pace
    )
    return Laid(job, part_no, spec.lane, blocks, timing, shards, fence)


def _tell(laid: Laid, done: Accepted | None) -> None:
    if done:
        log.info(
            "job %s part %d: %d recipients in line, %d were there already",
            laid.job,
            laid.part_no,
            done.taken,
            done.doubled,
        )


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
