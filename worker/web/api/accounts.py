"""Accounts: their health, and lifting a park."""

from typing import Final

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from worker.web.api.callers import Caller
from worker.web.api.endpoint import answer, endpoint
from worker.web.context import web_of


@endpoint("read")
def accounts(request: Request, _: Caller) -> Response:
    """Health of every account."""
    return answer({"accounts": web_of(request).admin.accounts()})


@endpoint("operate")
def resume(request: Request, caller: Caller) -> Response:
    """Lift every park of an account; the answer says how many there were."""
    return answer({"resumed": web_of(request).admin.acting(caller.actor).resume_account(request.path_params["name"])})


routes: Final = [
    Route("/v1/accounts", accounts),
    Route("/v1/accounts/{name}/resume", resume, methods=["POST"]),
]
