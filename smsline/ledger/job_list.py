"""The list of jobs, page by page: a page costs what it shows and a bounded look further, however many jobs are kept."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

from smsline.ledger.jobs import Status, status_from
from smsline.ledger.link import Ledger

AT_ONCE: Final = 100
LOOKED_AT: Final = 2_000
"""Jobs that one page reads at most while few fit its filter; the next page goes on from there."""


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

    def fits(self, job: Status) -> bool:
        """Whether a job is one of them; times are the list's order, and looked at there."""
        return (
            self.state in {"", job["state"]}
            and self.lane in {"", job["lane"]}
            and self.template in {"", job["template"]}
            and self.account in {"", job["account"]}
        )


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
        after: The cursor that the page before ended with; one that is none of ours begins at the newest.
        limit: At most so many.

    Returns:
        The page. It may be short, even empty, and still have a cursor: few jobs fit, and the look was long enough.
    """
    found: list[Status] = []
    names = _newest_first(ledger, wanted, after)
    looked, cursor = 0, ""
    while len(found) < limit and looked < LOOKED_AT:
        some = [name for _, name in zip(range(AT_ONCE), names, strict=False)]
        if not some:
            return JobPage(found, "")
        pipe = ledger.redis.pipeline(transaction=False)
        for _, job in some:
            pipe.hgetall(ledger.keys.job(job))
        for (created_ms, job), held in zip(some, pipe.execute(), strict=True):
            looked, cursor = looked + 1, f"{created_ms}.{job}"
            if held and wanted.fits(status := status_from(held)):
                found.append(status)
                if len(found) == limit:
                    break
    return JobPage(found, cursor)


def _newest_first(ledger: Ledger, wanted: JobFilter, after: str) -> Iterator[tuple[int, str]]:
    """When each job was handed over, and its id."""
    at_ms, _, last = after.partition(".")
    known = at_ms.isdigit() and len(at_ms) < 16
    top: str = at_ms if known else f"({wanted.until_ms}" if wanted.until_ms else "+inf"
    offset = 0
    while found := ledger.redis.zrevrangebyscore(
        ledger.keys.jobs, top, wanted.since_ms or "-inf", start=offset, num=AT_ONCE, withscores=True
    ):
        offset += len(found)
        for name, score in found:
            job = name.decode()
            # Jobs of one millisecond stand in the order of their ids.
            if not (known and int(score) == int(at_ms) and job >= last):
                yield int(score), job
