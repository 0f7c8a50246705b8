"""The application: every route of the web process in one table, and its middleware."""

from collections.abc import Mapping, Sequence
from http import HTTPStatus
from typing import Final

from redis.exceptions import RedisError
from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Route

from smsline.ledger.refusals import explain
from worker.web import callbacks, metrics, probes, static_files
from worker.web.api import accounts, codes, dead, jobs, messages, numbers, openapi, replies, suppressions, webhooks
from worker.web.api.problems import problem
from worker.web.body_limits import MOST_BYTES, BodyLimits
from worker.web.context import Web
from worker.web.csrf import SameOriginOnly
from worker.web.pages import access, audit, campaigns, overview, signing_in, suppressed
from worker.web.pages import accounts as account_pages
from worker.web.pages import codes as code_pages
from worker.web.pages import dead as dead_pages
from worker.web.pages import jobs as job_pages
from worker.web.pages import numbers as number_pages
from worker.web.pages import replies as reply_pages
from worker.web.pages import webhooks as webhook_pages
from worker.web.pages.failures import failure
from worker.web.security_headers import SecurityHeaders

# A module with routes is a line here. First come, first served.
ROUTES: Final[Sequence[BaseRoute]] = (
    *probes.routes,
    *metrics.routes,
    *static_files.routes,
    *callbacks.routes,
    *signing_in.routes,
    # The API before the pages: no page has a path under /v1.
    *messages.routes,
    *jobs.routes,
    *dead.routes,
    *accounts.routes,
    *numbers.routes,
    *suppressions.routes,
    *replies.routes,
    *webhooks.routes,
    *codes.routes,
    *openapi.routes,
    *overview.routes,
    *job_pages.routes,
    *campaigns.routes,
    *number_pages.routes,
    *suppressed.routes,
    *reply_pages.routes,
    *dead_pages.routes,
    *account_pages.routes,
    *code_pages.routes,
    *access.routes,
    *audit.routes,
    *webhook_pages.routes,
)


def build_app(web: Web) -> Starlette:
    """The ASGI application of one web process."""

    def most_bytes(path: str) -> int | None:
        """How long a body may be: campaigns are streamed, or have a limit of their own."""
        if path == "/campaigns/upload":
            return web.settings.web.upload_mb * 1_000_000
        return None if path == "/v1/jobs" else MOST_BYTES

    # Outermost first: headers stand on refusals too, and another site's request is refused before
    # any of its body is read.
    app = Starlette(
        routes=list(ROUTES),
        middleware=[Middleware(SecurityHeaders), Middleware(SameOriginOnly), Middleware(BodyLimits, most_bytes)],
        exception_handlers={
            HTTPException: _http_failure,
            RedisError: _without_redis,
            Exception: _http_failure,
        },
    )
    # A redirect would answer /v1/jobs/ with 307, and programs would post their campaign twice.
    app.router.redirect_slashes = False
    app.state.web = web
    return app


def _without_redis(request: Request, error: Exception) -> Response:
    """What a page says while Redis is away: no fault of ours, and no traceback in the log."""
    # Not Redis' own words, which hold its address: who asks may not have signed in.
    why = explain(error).code or type(error).__name__
    told = f"The ledger's Redis does not answer, or says no ({why})."
    answer = failure(request, 503, f"{told} On the service's machine, python -m worker check says why and what to do.")
    answer.headers["retry-after"] = "1"
    return answer


def _http_failure(request: Request, error: Exception) -> Response:
    """What Starlette or we refuse by a status alone, or a fault of ours.

    Starlette logs a fault, and its page says nothing of it.
    """
    status, told = (
        (error.status_code, error.detail)
        if isinstance(error, HTTPException)
        else (500, "This is a fault of the web process; its log has the details.")
    )
    headers: Mapping[str, str] = (isinstance(error, HTTPException) and error.headers) or {}
    program = request.url.path.startswith("/v1/")
    # Starlette's own detail is the status' name, which says nothing of what to do.
    if status == 404 and told == HTTPStatus.NOT_FOUND.phrase:
        told = "there is no such path; /v1/openapi.json lists all" if program else "There is no such page."
    if status == 405:
        # Starlette names the methods of the first route of a path alone.
        fits = [each for each in ROUTES if isinstance(each, Route) and each.path_regex.match(request.url.path)]
        headers = {"allow": ", ".join(sorted({method for each in fits for method in each.methods or ()}))}
        told = f"{request.method} is not possible here; there is {headers['allow']}"
    answer = problem(status, told) if program else failure(request, status, told)
    # Retry-After and Connection belong to the refusal and not to the page that says it.
    answer.headers.update(headers)
    return answer
