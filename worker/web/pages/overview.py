"""The first page: what needs a person now, what is running, how the accounts stand."""

from dataclasses import dataclass
from itertools import chain
from typing import Final

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from smsline.counted import counted
from smsline.health import AccountHealth
from smsline.ledger import due, statistics
from smsline.ledger.job_list import JobFilter, count_open, job_page, list_jobs, oldest_waiting
from smsline.ledger.jobs import Status
from smsline.names import LANES
from worker.web import charts
from worker.web.charts import SendRates
from worker.web.context import Web, web_of
from worker.web.pages import needs
from worker.web.pages.auth import page
from worker.web.pages.needs import LaneWait, Need
from worker.web.pages.rendering import fragment, render
from worker.web.pages.visitor import Visitor

SHOWN: Final = 8
OVERVIEW_S: Final = 2.0


@dataclass(frozen=True, slots=True)
class Overview:
    """What the page shows."""

    needs: list[Need]
    running: list[Status]
    recent: list[Status]
    jobs: int
    waiting: int
    awaited: int
    dead: int
    accounts: list[AccountHealth]
    rates: SendRates
    lanes: list[LaneWait]


def overview_of(web: Web) -> Overview:
    """Look at everything once.

    None of it costs more with more jobs, or more dead letters, in the ledger.
    """
    # The open ones have a list of their own: a campaign may run for a week behind a million single
    # messages.
    running, newest = (
        list_jobs(web.ledger, limit=SHOWN, state="open"),
        job_page(web.ledger, JobFilter(), limit=4 * SHOWN),
    )
    accounts, groups = web.admin.accounts(), web.admin.dead_summary()
    dead = sum(group["count"] for group in groups)
    now_ms = web.ledger.now_ms()  # Redis' clock: the statistics are by it
    oldest, waiting = oldest_waiting(web.ledger, now_ms=now_ms), statistics.waiting(web.ledger)
    lanes = [LaneWait(lane, waiting[lane], (now_ms - oldest.get(lane, now_ms)) / 1000) for lane in LANES]
    total = sum(waiting.values())
    found = [list(needs.of_account(account, total)) for account in accounts]
    open_needs = [*needs.of_lanes(lanes, due.schedulers(web.ledger), now_ms), *chain.from_iterable(found)]
    open_needs += needs.of_hours(web.admin.never_sent())
    if dead:
        # The largest group: its advice helps most.
        first = groups[0]
        lost = counted(dead, "recipient was not reached, or is unknown", "recipients were not reached, or are unknown")
        told = f"{lost}; {first['count']:,} of {'it' if dead == 1 else 'them'}: {first['meaning']}"
        open_needs.append(Need("warn", told, first["advice"], "/dead", "Dead letters"))
    samples = statistics.minutes(web.ledger, since_ms=charts.since_ms(now_ms), until_ms=now_ms)
    return Overview(
        needs=sorted(open_needs, key=lambda need: need.grade),
        # A paused campaign may be all that waits: left out, nothing would say why.
        running=running + list_jobs(web.ledger, limit=SHOWN, state="paused"),
        recent=[job for job in newest.jobs if job["state"] in {"closed", "cancelled"}][:SHOWN],
        jobs=count_open(web.ledger),
        waiting=total,
        awaited=sum(account["waiting"] for account in accounts),
        dead=dead,
        accounts=accounts,
        rates=charts.rates(samples, ("accepted", "delivered"), now_ms),
        lanes=lanes,
    )


@page()
def overview(request: Request, _: Visitor) -> Response:
    """The page."""
    return render(request, "overview.html", now=_now(web_of(request)))


@page()
def live(request: Request, _: Visitor) -> Response:
    """The page's inner part, again whenever it has changed."""
    web = web_of(request)
    return web.live.stream(request, "overview", lambda: fragment("overview_live.html", now=_now(web)))


def _now(web: Web) -> Overview:
    return web.live.read("overview", lambda: overview_of(web), fresh_s=OVERVIEW_S)


routes: Final = [Route("/", overview), Route("/live", live)]
