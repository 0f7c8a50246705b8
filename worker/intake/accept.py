"""Accept jobs from the inbox, part by part, into batch queues; requeue entries of resumed jobs."""

import logging
from collections.abc import Callable, Mapping, Sequence
from typing import Final

from smsline.job import JobSpec
from smsline.ledger import accepting, batch_queues, due, inbox, jobs, waits
from smsline.ledger.accepting import AcceptCounts, PartLayout, Timing
from smsline.ledger.inbox import OpenedJob, Part
from smsline.ledger.runs import Entry
from worker.due_queues import DueQueue
from worker.engine import Engine
from worker.intake.batching import AccountChoice, ChooseAccount, lay_out, region_of, subject_of
from worker.providers.base import Region
from worker.routing import windows
from worker.routing.router import RouteRequest
from worker.routing.routes import region_named

DAY_S: Final = 86_400
# Jobs of a lane that are opened in one round trip.
JOBS_AT_ONCE: Final = 16

log = logging.getLogger(__name__)


def accept_job(engine: Engine, job: str, seconds: float = 0.7, *, wake: Sequence[str] = ("", "")) -> str:
    """Accept the parts of a job that are due, for about so long.

    `wake` is the wake-up that named it (`inbox.open_jobs`).

    Returns:
        The job's lane when anything was moved, so that there may be something to send; else empty.
    """
    return _accept(engine, [job], seconds, wake)


def accept_due(engine: Engine, lane: str, seconds: float = 0.7) -> str:
    """Accept some of the jobs that are due in a lane's inbox, for about so long.

    The lane when anything was moved, else empty.
    """
    return _accept(engine, due.due_now(engine.ledger, engine.ledger.keys.inbox(lane), most=JOBS_AT_ONCE), seconds)


def _accept(engine: Engine, jobs: Sequence[str], seconds: float, wake: Sequence[str] = ("", "")) -> str:
    opened = inbox.open_jobs(engine.ledger, jobs, lease_ms=engine.lease_ms, wake=wake)
    gone = [each for each in opened if each.state == "cancelled"]
    for each in gone:
        due.finish(engine.ledger, engine.ledger.keys.inbox(each.spec.lane), each.lease)
    left = [each for each in opened if each.state != "cancelled"]
    for each in left:
        if each.held and each.state == "open":
            # Entries that were set aside while the job was paused return to their batch queues.
            while waits.move_due(engine.ledger, engine.ledger.keys.held(each.job), only_due=False):
                pass
    # Jobs of one part first: one round trip takes them all, and one-time passwords are among them.
    _accept_whole(engine, [each for each in left if each.part is not None])
    over = engine.slice_ends(seconds)
    for each in left:
        if each.part is None:
            _accept_some(engine, each, over)
    return left[0].spec.lane if left else ""


def _accept_whole(engine: Engine, opened: Sequence[OpenedJob]) -> None:
    """Accept jobs of one part, side by side; with their parts they leave the inbox."""
    layouts = [
        _laid(engine, each.job, 0, each.spec, part=each.part, fence=each.lease.fence) for each in opened if each.part
    ]
    if not layouts:
        return
    accepted = accepting.accept_parts(engine.ledger, layouts)
    handed = 0
    for part, done in zip(layouts, accepted, strict=True):
        _tell(part, done)
        if not done:
            continue
        # A single number that may go out now is handed to this process' senders at once:
        # no look at the due sets.
        at_once = []
        if done.taken == len(part.blocks) == 1 and not (part.timing.linger_ms or part.timing.pace):
            queue = batch_queues.parse_queue(part.blocks[0].queue)
            at_once.append(DueQueue(queue, Entry(part.job, done.first, "0")))
        engine.due_queues[part.lane].add(at_once)
        handed += len(at_once)
    # A single message is sent by the thread that accepts it: a look of the scheduler would only
    # take the lock from it.
    if not handed == len(layouts) == 1:
        engine.look_again(engine.settings.linger_ms[layouts[0].lane] + 1)


def _accept_some(engine: Engine, opened: OpenedJob, over: Callable[[], bool]) -> None:
    """Accept the next parts of a job, until there are no more or the time is over."""
    ledger, job, more, begun = engine.ledger, opened.job, True, False
    with engine.due_queues[opened.spec.lane].accepting() as filled:
        while more and not over():
            part_nos, more = inbox.waiting_parts(ledger, job)
            shards = accepting.shards_of(ledger, job)
            read = {part_no: inbox.read_part(ledger, job, part_no) for part_no in part_nos}
            found = {part_no: part for part_no, part in read.items() if part is not None}
            accept_parts(engine, job, opened.spec, found, shards=shards)
            filled()
            if not begun:
                # Senders start with the first parts: a part's thousand is accepted in
                # less than a call takes.
                engine.look_again(0)
                begun = True
    due.finish(ledger, ledger.keys.inbox(opened.spec.lane), opened.lease, 0 if more else None)
    engine.look_again(0 if more else engine.settings.linger_ms[opened.spec.lane] + 1)


def accept_parts(engine: Engine, job: str, spec: JobSpec, parts: Mapping[int, Part], *, shards: int) -> None:
    """Lay some parts of a job out and queue them, by their numbers."""
    layouts = [_laid(engine, job, part_no, spec, part=part, shards=shards) for part_no, part in parts.items()]
    # Together: they share the lists of the index by number, of which each part of a
    # thousand touches nearly all.
    for each, done in zip(layouts, accepting.accept_parts(engine.ledger, layouts) if layouts else (), strict=True):
        _tell(each, done)


def _laid(
    engine: Engine, job: str, part_no: int, spec: JobSpec, *, part: Part, shards: int = 0, fence: str = ""
) -> PartLayout:
    blocks = lay_out(spec, part, account_choices(engine, spec))
    limits = []
    for block in blocks:
        queue = batch_queues.parse_queue(block.queue)
        provider = engine.providers.get(queue.account)
        # Another process may have the account: its rule is unknown here, and a queue
        # leaves when a block is full.
        limits.append(provider.batch_rule(region_named(queue.region)).limit if provider else accepting.BLOCK_SIZE)
    settings = engine.settings
    paced_s = jobs.total_of(engine.ledger, job) / spec.pace if spec.pace else 0.0
    # How long the job is kept: its ttl and pace, then its last receipt, then its
    # retention, and a day more than the sum, because a call with an unknown outcome and
    # the removal take their time too.
    kept_s = spec.ttl_s + paced_s + settings.receipt_deadline_s + (settings.retention_days + 1) * DAY_S
    timing = Timing(
        linger_ms=settings.linger_ms[spec.lane],
        limit=max(limits, default=accepting.BLOCK_SIZE),
        start_ms=spec.start_s * 1000,
        pace=spec.pace,
    )
    return PartLayout(job, part_no, spec.lane, blocks, timing, shards, fence, kept_s)


def _tell(layouts: PartLayout, done: AcceptCounts | None) -> None:
    if done:
        log.info(
            "job %s part %d: %d recipients queued, %d were there already",
            layouts.job,
            layouts.part_no,
            done.taken,
            done.doubled,
        )


def account_choices(engine: Engine, spec: JobSpec) -> ChooseAccount:
    """Gives the account of each of a job's numbers.

    What numbers that begin alike have in common is worked out once.
    """
    by_country = bool(spec.window) or any(account.window for account in engine.settings.accounts.values())
    router, longest = engine.router, engine.router.table.longest
    wanted = RouteRequest(spec.lane, spec.template, (subject_of(spec, ""),))
    now_ms = engine.now_ms() if router.several and not spec.account else 0
    known: dict[tuple[str, Region], AccountChoice] = {}
    alike: dict[tuple[str, Region], AccountChoice] = {}

    def choose(number: int, region: Region) -> AccountChoice:
        """The account of a number; numbers that begin alike share one look at the routes."""
        beginning = str(number)[:longest], region
        if (found := alike.get(beginning)) is not None:
            return found
        account, for_all = (
            (spec.account, True) if spec.account else router.choose(wanted, number, region, now_ms=now_ms)
        )
        if by_country and region == "global":
            # Numbers of one beginning may be of several countries, whose hours differ.
            return _choice(engine, spec, account, number)
        if (account, region) not in known:
            known[account, region] = _choice(engine, spec, account, number)
        if for_all:
            alike[beginning] = known[account, region]
        return known[account, region]

    return choose


def _choice(engine: Engine, spec: JobSpec, name: str, number: int) -> AccountChoice:
    """How a number goes through an account.

    One that no worker has makes its recipients wait, visibly.
    """
    account, region = engine.settings.accounts.get(name), region_of(number)
    country = windows.country_for(account, spec.lane, spec.window, number) if region == "global" else ""
    if account is None:
        return AccountChoice(name, spec.sign, params_differ=False, country=country)
    return AccountChoice(
        name,
        "" if engine.router.several else account.sign,
        engine.providers[name].batch_rule(region).params_differ,
        country,
        pinned=bool(spec.account) and engine.router.several,
    )
