"""Closed jobs of one message share places in the list of jobs; what the list says is the same."""

import pytest

from smsline.ledger import job_list, jobs, retention, serials
from smsline.ledger import receipts as ledger_receipts
from smsline.ledger.batch_queues import NotStarted
from smsline.ledger.job_list import PAGE_MS, JobFilter
from smsline.ledger.link import Ledger
from smsline.receipt import Receipt
from smsline.states import State
from tests.support.world import FIRST, World

T = 1_790_000_000_000
COUNT = 9


@pytest.fixture
def made(ledger: Ledger) -> list[str]:
    """Jobs that are closed but for the last; some of one millisecond, one long before."""
    world, told = World(ledger), []
    names = [world.job([FIRST + n]) for n in range(COUNT)]
    for n in range(COUNT):
        claim, begun = world.begin(1)
        assert not isinstance(begun, NotStarted)
        world.record(claim, begun, State.ACCEPTED)
        told += [Receipt(FIRST + n, f"s:{FIRST + n}", True, "DELIVRD", T // 1000)] if n < COUNT - 1 else []
    found = serials.find(ledger, "main", told, today=ledger.now_ms() // 86_400_000)
    ledger_receipts.apply(ledger, "main", found.matched, now_s=T // 1000)
    for n, job in enumerate(names):
        created_ms = T + (n // 2 * 700 if n else -3 * PAGE_MS)
        ledger.redis.hset(ledger.keys.job(job), "created_ms", created_ms)
        ledger.redis.zadd(ledger.keys.jobs, {job: created_ms})
    return names


def small(ledger: Ledger, names: list[str]) -> None:
    """Make closed jobs small in one go."""
    assert retention.compact(ledger, dict.fromkeys(names, T), keep_ms=1000) == set(names)


def listed(ledger: Ledger, wanted: JobFilter, limit: int) -> list[str]:
    """All jobs of the list, page by page."""
    found, after = list[str](), ""
    while True:
        page = job_list.job_page(ledger, wanted, after=after, limit=limit)
        found, after = found + [each["job"] for each in page.jobs], page.after
        if not after:
            return found


def test_the_list_says_the_same_of_jobs_that_share_places(ledger: Ledger, made: list[str]) -> None:
    """In the same order, from any page and time on; also when one is made small meanwhile."""
    times = [0, T - 1, T, T + 700, T + 701, T + 2_100, T + 9_000]
    asked = [JobFilter(since_ms=since, until_ms=until) for since in times for until in times]
    asked += [JobFilter(state="closed"), JobFilter(state="open")]
    before = [listed(ledger, wanted, 50) for wanted in asked]
    assert [len(found) for found in before[-2:]] == [COUNT - 1, 1]
    small(ledger, made[1:5])
    small(ledger, [made[0], *made[5:-1]])
    assert ledger.redis.zcard(ledger.keys.jobs) < COUNT - 4
    assert [listed(ledger, wanted, limit) for limit in (2, 50) for wanted in asked] == 2 * before
    assert [each["job"] for each in job_list.list_jobs(ledger)] == before[0]


def test_a_job_that_moves_into_a_page_meanwhile_is_listed_once(
    ledger: Ledger, made: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """The reader has yet to come to the page, wherever it stands."""
    monkeypatch.setattr(job_list, "AT_ONCE", 3)
    whole = [each["job"] for each in job_list.list_jobs(ledger)]
    for met, moving in ((4, made[4:8]), (1, made[1:4])):
        names = job_list._newest_first(ledger, JobFilter(), "")
        begun = [next(names)[1] for _ in range(met)]
        small(ledger, moving)
        assert [*begun, *(job for _, job in names)] == whole


def test_pages_leave_with_their_jobs(ledger: Ledger, made: list[str]) -> None:
    """The hour's list names each page behind its jobs, and a page is removed as a job is.

    Older workers do so, too.
    """
    small(ledger, made[:-1])
    member = f"{retention.HOUR}{T // retention.HOUR_MS}"
    names = retention.closed_in(ledger, member, 100)
    pages = [name for name in names if name.startswith("+")]
    assert sorted(names[: COUNT - 1]) == sorted(made[:-1])
    assert names[COUNT - 1 :] == pages
    assert pages
    for nth, name in enumerate(names, 1):
        retention.remove(ledger, name)
        assert len(job_list.list_jobs(ledger)) == max(1, COUNT - nth)
    assert ledger.redis.zrange(ledger.keys.jobs, 0, -1) == [made[-1].encode()]
    assert all(jobs.read_status(ledger, name) is None for name in made[:-1])
