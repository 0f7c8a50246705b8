"""Jobs: the list, how one stands, its results streamed, and the levers."""

import re
from collections.abc import Callable
from typing import Final

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from smsline.errors import BadInput
from smsline.ledger.job_list import JobFilter, job_page
from smsline.ledger.jobs import picked
from smsline.states import JobState
from worker.web.api.callers import Caller
from worker.web.api.endpoint import answer, endpoint, whole_number
from worker.web.api.submit import submit
from worker.web.context import web_of
from worker.web.rows import format_of, streamed

MOST_JOBS: Final = 500
CURSOR: Final = re.compile(r"[0-9]{1,15}\.[\w.-]{1,64}", re.ASCII)
COLUMNS: Final = (
    "phone",
    "ref",
    "state",
    "code",
    "provider",
    "serial",
    "attempts",
    "accepted_at",
    "final_at",
    "fee",
    "country",
    "message",
)


@endpoint("read", "state", "limit", "after")
def list_jobs(request: Request, _: Caller) -> Response:
    """A page of jobs, newest first.

    `after` of the answer is the next page's parameter, null at the end.
    """
    query = request.query_params
    state = query.get("state", "")
    if state and state not in set(JobState):
        raise BadInput("state", state, f"must be one of {', '.join(JobState)}")
    limit, after = whole_number(query, "limit", 50, MOST_JOBS), query.get("after", "")
    if after and not CURSOR.fullmatch(after):
        raise BadInput("after", after, "must be `after` of the page before, or be left out")
    found = job_page(web_of(request).ledger, JobFilter(state=state), after=after, limit=limit)
    return answer({"jobs": found.jobs, "after": found.after or None})


@endpoint("read")
def status(request: Request, _: Caller) -> Response:
    """How a job stands."""
    return answer(web_of(request).client.status(request.path_params["job"]))


@endpoint("read", "format", "state", "code")
def results(request: Request, _: Caller) -> Response:
    """What became of every recipient, in the order of the input, as long as it is."""
    query = request.query_params
    found = web_of(request).client.results(request.path_params["job"])
    rows = picked(found, state=query.get("state", ""), code=query.get("code", ""))
    return streamed(rows, COLUMNS, format_of(query))


def steer(act: str) -> Callable[[Request], Response]:
    """The endpoint of `pause`, `resume` or `cancel`; answers how the job stands then."""

    @endpoint("operate")
    def steered(request: Request, caller: Caller) -> Response:
        client, job = web_of(request).client.acting(caller.actor), request.path_params["job"]
        # The three have one signature, and `act` comes from the table of routes alone.
        getattr(client, act)(job)
        return answer(client.status(job))

    return steered


routes: Final = [
    Route("/v1/jobs", list_jobs, methods=["GET"]),
    Route("/v1/jobs", submit, methods=["POST"]),
    Route("/v1/jobs/{job}", status),
    Route("/v1/jobs/{job}/results", results),
    *(Route(f"/v1/jobs/{{job}}/{act}", steer(act), methods=["POST"]) for act in ("pause", "resume", "cancel")),
]
