"""Jobs: the list, how one stands, its results streamed, and the levers."""

import csv
import io
from collections.abc import Callable, Iterator
from itertools import islice
from typing import Final

import msgspec
from starlette.requests import Request
from starlette.responses import Response, StreamingResponse
from starlette.routing import Route

from smsline.errors import BadInput
from smsline.ledger.job_list import JobFilter, job_page
from smsline.ledger.jobs import Result, picked
from smsline.states import JobState
from worker.web.api.callers import Caller
from worker.web.api.endpoint import answer, endpoint, only, whole_number
from worker.web.api.submit import submit
from worker.web.context import web_of

MOST_JOBS: Final = 500
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
)
FORMATS: Final = {"ndjson": "application/x-ndjson", "csv": "text/csv; charset=utf-8"}
ROWS_AT_ONCE: Final = 500
"""Rows of one piece of an answer: some 100 kB."""


@endpoint("read")
def list_jobs(request: Request, _: Caller) -> Response:
    """A page of jobs, newest first; `after` of the answer is the next page's parameter, null at the end."""
    query = request.query_params
    only(query, "state", "limit", "after")
    state = query.get("state", "")
    if state and state not in set(JobState):
        raise BadInput("state", state, f"must be one of {', '.join(JobState)}")
    limit = whole_number(query, "limit", 50, MOST_JOBS)
    found = job_page(web_of(request).ledger, JobFilter(state=state), after=query.get("after", ""), limit=limit)
    return answer({"jobs": found.jobs, "after": found.after or None})


@endpoint("read")
def status(request: Request, _: Caller) -> Response:
    """How a job stands."""
    return answer(web_of(request).client.status(request.path_params["job"]))


@endpoint("read")
def results(request: Request, _: Caller) -> Response:
    """What became of every recipient, in the order of the input, as long as it is."""
    query = request.query_params
    only(query, "format", "state", "code")
    fmt = query.get("format", "ndjson")
    if fmt not in FORMATS:
        raise BadInput("format", fmt, f"must be one of {', '.join(FORMATS)}")
    found = web_of(request).client.results(request.path_params["job"])
    rows = picked(found, state=query.get("state", ""), code=query.get("code", ""))
    first = list(islice(rows, ROWS_AT_ONCE))  # what can fail fails here, before an answer has begun
    return StreamingResponse(pieces(first, rows, fmt), media_type=FORMATS[fmt])


def steer(act: str) -> Callable[[Request], Response]:
    """The endpoint of `pause`, `resume` or `cancel`; answers how the job stands then."""

    @endpoint("operate")
    def steered(request: Request, caller: Caller) -> Response:
        client, job = web_of(request).client.acting(caller.actor), request.path_params["job"]
        getattr(client, act)(job)
        return answer(client.status(job))

    return steered


def pieces(first: list[Result], rest: Iterator[Result], fmt: str) -> Iterator[bytes]:
    """Rows as bytes of CSV or JSON lines, some hundred in a piece."""
    if fmt == "csv":
        yield (",".join(COLUMNS) + "\n").encode()
    encode = csv_of if fmt == "csv" else msgspec.json.Encoder().encode_lines
    some = first
    while some:
        yield encode(some)
        some = list(islice(rest, ROWS_AT_ONCE))


def csv_of(rows: list[Result]) -> bytes:
    """Rows of CSV; a cell that a spreadsheet would take for a formula is written as text."""
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    for row in rows:
        cells = [row[column] for column in COLUMNS]
        cells[1] = harmless(row["ref"])
        writer.writerow(cells)
    return text.getvalue().encode()


def harmless(text: str) -> str:
    """The text, behind an apostrophe if Excel would otherwise work it out: a ref may say `=HYPERLINK(…)`."""
    return f"'{text}" if text[:1] in {"=", "+", "-", "@", "\t", "\r"} else text


routes: Final = [
    Route("/v1/jobs", list_jobs, methods=["GET"]),
    Route("/v1/jobs", submit, methods=["POST"]),
    Route("/v1/jobs/{job}", status),
    Route("/v1/jobs/{job}/results", results),
    *(Route(f"/v1/jobs/{{job}}/{act}", steer(act), methods=["POST"]) for act in ("pause", "resume", "cancel")),
]
