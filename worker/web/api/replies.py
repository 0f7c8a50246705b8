"""What people have answered, streamed, and what was done about it."""

from typing import Final

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from worker.web.api.callers import Caller
from worker.web.api.endpoint import endpoint
from worker.web.context import web_of
from worker.web.rows import format_of, streamed
from worker.web.times import epoch_s

COLUMNS: Final = ("at", "phone", "text", "does", "scope", "word", "account", "sign", "extend", "received_at")


@endpoint("read", "since", "format")
def replies(request: Request, _: Caller) -> Response:
    """Replies since a time, oldest first."""
    since_s = epoch_s(request.query_params.get("since", "0"), "since")
    return streamed(web_of(request).admin.replies(since_s=since_s), COLUMNS, format_of(request.query_params))


routes: Final = [Route("/v1/replies", replies)]
