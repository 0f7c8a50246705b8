"""What happened to a number."""

from typing import Final

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from worker.web.api.callers import Caller
from worker.web.api.endpoint import answer, endpoint
from worker.web.context import web_of


@endpoint("read")
def number(request: Request, _: Caller) -> Response:
    """Every message that is kept for it, newest first, and whether it may be texted."""
    return answer(web_of(request).admin.number(request.path_params["number"]))


routes: Final = [Route("/v1/numbers/{number}", number)]
