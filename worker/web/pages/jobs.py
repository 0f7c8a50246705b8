"""Jobs: the list with its filters, and the page of one with progress, codes and results."""

from typing import Final
from urllib.parse import urlencode

from starlette.datastructures import FormData
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from smsline.admin import DeadGroup
from smsline.ledger.audit import note
from smsline.ledger.job_list import JobFilter, asked_of, job_page
from smsline.ledger.jobs import Result, Status, sample
from smsline.names import LANES
from smsline.numbers import mask
from smsline.states import COUNTED, JobState
from worker.web.api.jobs import COLUMNS
from worker.web.context import Web, web_of
from worker.web.pages.auth import act, page
from worker.web.pages.notices import done
from worker.web.pages.rendering import fragment, render
from worker.web.pages.visitor import Visitor
from worker.web.rows import streamed
from worker.web.times import day_ms

ROWS: Final = 50
SAMPLE: Final = 25
WHY_FRESH_S: Final = 5.0

FILTERS: Final = ("state", "lane", "template", "account", "since", "until")
DONE: Final = {"pause": "paused", "resume": "resumed", "cancel": "cancelled"}


@page()
def jobs(request: Request, _: Visitor) -> Response:
    """A page of the list."""
    chosen = {name: request.query_params.get(name, "").strip() for name in FILTERS}
    wanted = JobFilter(
        state=chosen["state"],
        lane=chosen["lane"],
        template=chosen["template"],
        account=chosen["account"],
        since_ms=day_ms(chosen["since"]),
        until_ms=day_ms(chosen["until"]),
    )
    found = job_page(web_of(request).ledger, wanted, after=request.query_params.get("after", ""), limit=ROWS)
    query = urlencode({**{name: value for name, value in chosen.items() if value}, "after": found.after})
    return render(
        request, "jobs.html", page=found, chosen=chosen, older=f"/jobs?{query}", states=list(JobState), lanes=LANES
    )


@page()
def job(request: Request, visitor: Visitor) -> Response:
    """One job, with some of its recipients."""
    web, name = web_of(request), request.path_params["job"]
    state = request.query_params.get("show", "")
    # Some of them: the page of a job of a million must come as fast as any other.
    rows = _sample(web, web.client.status(name), state)
    shown = [_masked(row) for row in rows] if not visitor.may("operate") else rows
    return render(request, "job.html", shown=state, rows=shown, states=COUNTED[1:], **_read(web, name))


@act("read")
def reveal(request: Request, visitor: Visitor, _: FormData) -> Response:
    """The same with whole numbers, which is written down."""
    web, name = web_of(request), request.path_params["job"]
    state = request.query_params.get("show", "")
    rows = _sample(web, web.client.status(name), state)
    note(web.ledger, visitor.actor, "numbers.reveal", {"job": name, "state": state}, count=len(rows))
    return render(request, "job.html", shown=state, rows=rows, states=COUNTED[1:], revealed=True, **_read(web, name))


@page()
def live(request: Request, _: Visitor) -> Response:
    """The job's progress, again whenever it has changed."""
    web, name = web_of(request), request.path_params["job"]
    web.client.status(name)
    # A job that is not there has been answered with 404 before the stream begins.
    return web.live.stream(request, f"job:{name}", lambda: fragment("job_live.html", **_read(web, name)))


def steer(what: str) -> Route:
    """The route of pausing, resuming or cancelling."""

    @act()
    def steered(request: Request, visitor: Visitor, _: FormData) -> Response:
        client, name = web_of(request).client.acting(visitor.actor), request.path_params["job"]
        # Before the act: afterwards a cancelled job has none left to tell of.
        waiting = client.status(name)["counts"]["waiting"]
        getattr(client, what)(name)
        return done(f"/jobs/{name}", DONE[what], waiting)

    return Route(f"/jobs/{{job}}/{what}", steered, methods=["POST"])


@page("operate")
def ask_to_cancel(request: Request, _: Visitor) -> Response:
    """What cancelling would do, before it is done: it cannot be undone."""
    return render(request, "cancel.html", job=web_of(request).client.status(request.path_params["job"]))


@act()
def requeue(request: Request, visitor: Visitor, form: FormData) -> Response:
    """Send again what of a job failed: all of it, or with one code at one account."""
    name, code, account = request.path_params["job"], str(form.get("code", "")), str(form.get("account", ""))
    admin = web_of(request).admin.acting(visitor.actor)
    return done(f"/jobs/{name}", "requeued", admin.requeue(code=code, job=name, account=account))


@page()
def results(request: Request, visitor: Visitor) -> Response:
    """All recipients as CSV.

    Whole numbers are for those who may act, and their download is written down.
    """
    web, name = web_of(request), request.path_params["job"]
    rows = web.client.results(name)
    whole = visitor.may("operate")
    if whole:
        note(
            web.ledger,
            visitor.actor,
            "results.download",
            {"job": name},
            count=web.client.status(name)["counts"]["total"],
        )
    else:
        rows = (_masked(row) for row in rows)
    return streamed(rows, COLUMNS, "csv", {"content-disposition": f'attachment; filename="{name}.csv"'})


def _read(web: Web, name: str) -> dict[str, object]:
    """What the live part of a job's page shows."""
    status = web.client.status(name)
    counts = status["counts"]
    failed = (counts["undelivered"], counts["dead"], counts["unknown"])
    groups = list[DeadGroup]()
    if any(failed):
        # Asked for anew when a count has changed; a person who drops some changes none, so now and
        # then besides.
        groups = web.live.read(f"dead:{name}:{failed}", lambda: web.admin.dead_summary(job=name), fresh_s=WHY_FRESH_S)
    requeueable = sum(group["count"] for group in groups)
    return {"job": status, "groups": groups, "requeueable": requeueable, "asked": asked_of(web.ledger, name)}


def _sample(web: Web, status: Status, state: str) -> list[Result]:
    """The first recipients in a state, or of all."""
    if state and not status["counts"].get(state, 0):
        return []
    return sample(web.ledger, status["job"], state, limit=SAMPLE)


def _masked(row: Result) -> Result:
    return Result(**{**row, "phone": mask(row["phone"])})


routes: Final = [
    Route("/jobs", jobs),
    Route("/jobs/{job}", job, methods=["GET"]),
    Route("/jobs/{job}", reveal, methods=["POST"]),
    Route("/jobs/{job}/live", live),
    Route("/jobs/{job}/results.csv", results),
    Route("/jobs/{job}/cancel", ask_to_cancel, methods=["GET"]),
    *(steer(what) for what in DONE),
    Route("/jobs/{job}/requeue", requeue, methods=["POST"]),
]
