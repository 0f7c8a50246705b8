"""The list of jobs, page by page.

A page costs what it shows and a bounded look further, however many jobs are kept.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import islice
from typing import Final

from smsline.job import JobSpec
from smsline.ledger.jobs import Status, status_from
from smsline.ledger.link import Ledger
from smsline.names import LANES

AT_ONCE: Final = 100

# Jobs that one page reads at most while few fit its filter; the next page goes on from there.
LOOKED_AT: Final = 1_000

# Of closed jobs that share a place in the list, the newest came within this time of the
# oldest (`lua/compact.lua`).
PAGE_MS: Final = 2_000


@dataclass(frozen=True, slots=True)
class JobFilter:
    """Which jobs; empty means any, and `until_ms` 0 now.

    Attributes:
        state: `open`, `paused`, `cancelled` or `closed`.
        lane: Its lane.
        template: Its template.
        account: The account it was bound to.
        since_ms: Handed over then or later, epoch ms.
        until_ms: Handed over before, epoch ms.
    """

    state: str = ""
    lane: str = ""
    template: str = ""
    account: str = ""
    since_ms: int = 0
    until_ms: int = 0

    def fits(self, held: Sequence[bytes | None]) -> bool:
        """Whether a job is one of them, by its fields state, closed_ms, lane, template and account.

        Times are the list's order.
        """
        state, closed_ms, *others = (b"" if value is None else value for value in held)
        shown = b"closed" if int(closed_ms or 0) and state != b"cancelled" else state
        asked = (self.state, self.lane, self.template, self.account)
        return all(want in {"", has.decode()} for want, has in zip(asked, (shown, *others), strict=True))


@dataclass(frozen=True, slots=True)
class JobPage:
    """Jobs, newest first; `after` is the cursor of the next page, empty when there is none."""

    jobs: list[Status]
    after: str


def job_page(ledger: Ledger, wanted: JobFilter, *, after: str = "", limit: int = 50) -> JobPage:
    """One page of the list.

    Args:
        ledger: Where.
        wanted: Which jobs.
        after: The cursor that the page before ended with; one that is none of ours begins at the
            newest.
        limit: At most so many.

    Returns:
        The page. It may be short, even empty, and still have a cursor: few jobs fit, and the look
        was long enough.
    """
    found: list[Status] = []
    names = _newest_first(ledger, wanted, after)
    looked, cursor = 0, ""
    filtered = any((wanted.state, wanted.lane, wanted.template, wanted.account))
    while len(found) < limit and looked < LOOKED_AT:
        some = [name for _, name in zip(range(AT_ONCE), names, strict=False)]
        if not some:
            return JobPage(found, "")
        fitting = some
        if filtered:
            # Judged by the few fields that a filter is about; whole hashes are read
            # of those alone that fit.
            pipe = ledger.redis.pipeline(transaction=False)
            for _, job in some:
                pipe.hmget(ledger.keys.job(job), "state", "closed_ms", "lane", "template", "account")
            fitting = [each for each, held in zip(some, pipe.execute(), strict=True) if held[0] and wanted.fits(held)]
        fitting = fitting[: limit - len(found)]
        pipe = ledger.redis.pipeline(transaction=False)
        for _, job in fitting:
            pipe.hgetall(ledger.keys.job(job))
        # A job may have been forgotten since it was found in the list.
        found += [status_from(job, held) for (_, job), held in zip(fitting, pipe.execute(), strict=True) if held]
        # A full page ends with its last job; else all that were looked at are behind it.
        created_ms, job = fitting[-1] if len(found) == limit else some[-1]
        looked, cursor = looked + len(some), f"{created_ms}.{job}"
    return JobPage(found, cursor)


def asked_of(ledger: Ledger, job: str) -> JobSpec | None:
    """What a job was asked for, without its params.

    None when there is no such job, or a newer producer wrote it.
    """
    spec, template, lane = ledger.redis.hmget(ledger.keys.job(job), "spec", "template", "lane")
    try:
        # A small closed job says template and lane once, and not in its spec.
        return JobSpec.from_json(spec, template=template.decode(), lane=lane.decode()) if lane else None
    except (ValueError, TypeError, AttributeError):
        return None


def _newest_first(ledger: Ledger, wanted: JobFilter, after: str, *, listed: str = "") -> Iterator[tuple[int, str]]:
    """When each job was handed over, and its id; of all jobs, or of those of another set."""
    at_ms, _, last = after.partition(".")
    known = at_ms.isdecimal() and len(at_ms) < 16
    top: float | str = int(at_ms) if known else f"({wanted.until_ms}" if wanted.until_ms else "+inf"
    # Jobs of one millisecond stand in the order of their ids.
    behind = (int(at_ms), last) if known else (wanted.until_ms, "") if wanted.until_ms else None
    met = set[tuple[int, str]]()
    offset, more = 0, True
    while more:
        # By score, what has the last one again: a job that moves into a page meanwhile
        # moves those below it up.
        found = ledger.redis.zrevrangebyscore(
            listed or ledger.keys.jobs,
            top,
            wanted.since_ms - PAGE_MS if wanted.since_ms else "-inf",
            start=offset,
            num=AT_ONCE,
            withscores=True,
        )
        met.update(each for member, score in found for each in _jobs_at(member.decode(), int(score)))
        more = len(found) == AT_ONCE
        reached = int(found[-1][1]) if more else -PAGE_MS - 1
        offset = offset + AT_ONCE if reached == top else 0
        top = reached
        # What is older may have others above it, in a page further down.
        ready = sorted((each for each in met if each[0] > reached + PAGE_MS), reverse=True)
        met.difference_update(ready)
        yield from (each for each in ready if each[0] >= wanted.since_ms and (behind is None or each < behind))


def _jobs_at(member: str, score: int) -> list[tuple[int, str]]:
    """The jobs of a member of the list: one, or those of a page (`lua/compact.lua`)."""
    if not member.startswith("+"):
        return [(score, member)]
    return [(score + int(member[i : i + 3], 36), member[i + 3 : i + 21]) for i in range(1, len(member), 21)]


def list_jobs(ledger: Ledger, *, limit: int = 50, state: str = "") -> list[Status]:
    """The newest jobs, newest first; open or paused ones are found without a look at others."""
    found: list[Status] = []
    listed = ledger.keys.open if state in {"open", "paused"} else ledger.keys.jobs
    names = (name for _, name in _newest_first(ledger, JobFilter(), "", listed=listed))
    while len(found) < limit and (some := list(islice(names, AT_ONCE))):
        pipe = ledger.redis.pipeline(transaction=False)
        for name in some:
            pipe.hgetall(ledger.keys.job(name))
        statuses = [status_from(name, held) for name, held in zip(some, pipe.execute(), strict=True) if held]
        found += [status for status in statuses if state in {"", status["state"]}]
    return found[:limit]


# Open jobs, the oldest first, that are looked at for the oldest waiting recipient: paused campaigns
# may be older than what waits.
OLDEST_LOOKED_AT: Final = 500


def oldest_waiting(ledger: Ledger, *, now_ms: int) -> dict[str, int]:
    """For each lane since when its oldest open job with waiting recipients could go out, epoch ms.

    Lanes without one are left out.
    """
    names = ledger.redis.zrange(ledger.keys.open, 0, OLDEST_LOOKED_AT - 1)
    pipe = ledger.redis.pipeline(transaction=False)
    for name in names:
        pipe.hmget(ledger.keys.job(name.decode()), "lane", "waiting", "state", "created_ms", "start_ms")
    found: dict[str, int] = {}
    for lane, waiting, state, created_ms, start_ms in pipe.execute():
        since_ms = max(int(created_ms or 0), int(start_ms or 0))
        if state == b"open" and int(waiting or 0) > 0 and since_ms <= now_ms:
            found[lane.decode()] = min(since_ms, found.get(lane.decode(), since_ms))
    return found


# Parks are probed once a minute and held accounts twice, so that what is due no sooner waits for
# its hours, its start, its pace, a person or a later try.
SOON_MS: Final = 120_000


def work_due(ledger: Ledger) -> dict[str, int]:
    """Batch queues and new jobs of each lane that their senders would let go now."""
    until_ms, pipe = ledger.now_ms() + SOON_MS, ledger.redis.pipeline(transaction=False)
    for lane in LANES:
        for key in (ledger.keys.send(lane), ledger.keys.inbox(lane)):
            pipe.zcount(key, "-inf", until_ms)
    found = pipe.execute()
    return {lane: sum(found[2 * at : 2 * at + 2]) for at, lane in enumerate(LANES)}


def count_open(ledger: Ledger) -> int:
    """How many jobs are not closed."""
    return int(ledger.redis.zcard(ledger.keys.open))
