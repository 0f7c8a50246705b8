"""`POST /v1/jobs`: a campaign as one streamed request, in bounded memory.

It is safe to repeat under an idempotency key.
"""

import logging
import re
from collections.abc import Callable, Iterator, Mapping
from contextlib import suppress
from functools import partial
from typing import Any, Final

import anyio
import anyio.from_thread
import anyio.to_thread
from redis.exceptions import RedisError
from starlette.concurrency import run_in_threadpool
from starlette.datastructures import QueryParams
from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response

from smsline.errors import BadInput, SmslineError
from smsline.job import Summary, new_job_id
from worker.web.api.callers import Caller, caller_of
from worker.web.api.endpoint import answer, guarded, number_of, only
from worker.web.api.intake import ApiIntake, Body, Line, csv_lines, json_lines
from worker.web.api.messages import set_key, span_of
from worker.web.api.problems import ApiRefused, problem, problem_of
from worker.web.context import web_of
from worker.web.times import epoch_s

FORMATS: Final = ("text/csv", "application/x-ndjson")
TEXTS: Final = ("template", "lane", "sign", "sender", "extend", "account", "key", "window")
NUMBERS: Final = ("pace", "ttl_s")
FLAGS: Final = ("stream", "allow_unassigned", "allow_blank")
# How a CSV is written, as for `smsline campaign`; JSON lines are always UTF-8, and say phone.
OF_THE_FILE: Final = ("phone_column", "encoding")

PARAMETERS: Final = (*TEXTS, *NUMBERS, *FLAGS, *OF_THE_FILE, "at", "param")

_CHARSET: Final = re.compile(r'(?i)charset\s*=\s*"?([\w.:-]+)')

log = logging.getLogger(__name__)


async def submit(request: Request) -> Response:
    """Take a campaign; 201 once the ledger has all of it."""
    try:
        caller = await run_in_threadpool(caller_of, request, "send")
        options = options_of(request.query_params)
        set_key(request, options)
        caller.may_send(options.get("lane", "marketing"), options["template"])
        options |= span_of(request)
        read = _reader_of(request)
    except SmslineError as error:
        return problem_of(error)
    except RedisError as error:
        return problem(503, f"the ledger's Redis cannot be reached ({type(error).__name__})", retry_after_s=1)
    uploads = web_of(request).uploads
    try:
        # Refused at once, not queued: a caller that waits would keep its connection, and nothing of
        # its body is read.
        uploads.acquire_on_behalf_of_nowait(request)
    except anyio.WouldBlock:
        told = f"{int(uploads.total_tokens)} campaigns are being handed over to this process; try again in a moment"
        return problem(503, told, retry_after_s=2)
    try:
        # Pulled from the worker's thread, so that a campaign comes no faster than the ledger takes
        # it.
        pieces = request.stream()
        body = Body(lambda: anyio.from_thread.run(partial(anext, pieces, b"")))
        take = partial(_take, request, caller, ApiIntake(read(body)), options)
        # A limiter of its own: a campaign that comes slowly must not use up the threads that serve
        # everything else.
        return await anyio.to_thread.run_sync(guarded, take, limiter=anyio.CapacityLimiter(1))
    except ClientDisconnect:
        return Response(status_code=400)  # the caller is gone: the answer is for the log
    finally:
        uploads.release_on_behalf_of(request)


def options_of(query: QueryParams) -> dict[str, Any]:
    """The arguments of `Client.campaign` that a query says.

    Raises:
        BadInput: One is not known, missing, or no number or time.
    """
    only(query, *PARAMETERS)
    given: dict[str, Any] = {name: query[name] for name in TEXTS if name in query}
    if not given.get("template"):
        raise BadInput("template", "", "is required")
    given |= {name: number_of(query, name) for name in NUMBERS if name in query}
    if "at" in query:
        given["at"] = epoch_s(query["at"], "at")
    for name in FLAGS:
        if query.get(name, "true") not in {"true", "false"}:
            raise BadInput(name, query[name], "must be true or false")
    given |= {name: query[name] == "true" for name in FLAGS if name in query}
    if params := query.getlist("param"):
        given["params"] = params
    return given


def _reader_of(request: Request) -> Callable[[Body], Iterator[Line]]:
    """What turns the body into rows.

    Raises:
        Refused: It has no type that is taken.
        BadInput: JSON lines are said to be written otherwise.
    """
    kind = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if kind not in FORMATS:
        raise ApiRefused(415, f"the body must be {' or '.join(FORMATS)}; say which in Content-Type")
    column, encoding = (request.query_params.get(name, "") for name in OF_THE_FILE)
    if kind == FORMATS[0]:
        # What the header says of the text (RFC 7111) holds where the query says nothing.
        said = _CHARSET.search(request.headers["content-type"])
        encoding = encoding or (said[1] if said and said[1].lower() != "utf-8" else "")
        return partial(csv_lines, phone_column=column, encoding=encoding)
    if column or encoding:
        raise BadInput(OF_THE_FILE[0] if column else OF_THE_FILE[1], "…", f"is for {FORMATS[0]} alone")
    return json_lines


def _take(request: Request, caller: Caller, intake: ApiIntake, options: Mapping[str, Any]) -> Response:
    """Hand the rows over.

    What the caller leaves half done without a key to continue it is called off.
    """
    client, summaries = web_of(request).client.acting(caller.actor), list[Summary]()
    job_id = None if options.get("key") else new_job_id()
    try:
        client.campaign(
            to=intake,
            job_id=job_id,
            on_rejected=intake.on_rejected,
            on_duplicate=intake.on_duplicate,
            on_summary=summaries.append,
            **options,
        )
    except (ClientDisconnect, HTTPException, BadInput) as error:
        if job_id:
            # The first error is the one to tell; a job that cannot be cancelled now ends at its
            # deadline.
            with suppress(SmslineError):
                client.cancel(job_id)
                log.info("job %s is cancelled: its caller left before all of it was there, and gave no key", job_id)
        if intake.rejects and isinstance(error, BadInput) and error.field == "to":
            # The client has seen none of the rows that the file's reader refused, and
            # would call the body empty.
            first = intake.rejects[0]
            rule = f"no row is good; the first, line {first.line}: {first.field} {first.rule}"
            raise BadInput("to", f"{intake.rejected} rows", rule) from None
        raise
    (summary,) = summaries
    told = {
        "job": summary.job,
        # held: parts that an earlier request of the same key had handed over.
        "accepted": summary.added + summary.held,
        "rejected": intake.rejected,
        "rejects": intake.rejects,
        "duplicates": summary.duplicates,
        "repeats": intake.repeats,
    }
    return answer(told, 201)
