"""Accounts: how each stands, why, and the lever to go on."""

from typing import Final

from starlette.datastructures import FormData
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from smsline.ledger import statistics
from worker.web.context import web_of
from worker.web.pages.auth import act, page
from worker.web.pages.notices import done
from worker.web.pages.rendering import render
from worker.web.pages.visitor import Visitor


@page()
def accounts(request: Request, _: Visitor) -> Response:
    """All of them."""
    web = web_of(request)
    waiting = sum(statistics.waiting(web.ledger).values())
    return render(request, "accounts.html", accounts=web.admin.accounts(), waiting=waiting)


@act()
def resume(request: Request, visitor: Visitor, _: FormData) -> Response:
    """Lift every park of one."""
    lifted = web_of(request).admin.acting(visitor.actor).resume_account(request.path_params["name"])
    return done("/accounts", "account-resumed", lifted)


routes: Final = [Route("/accounts", accounts), Route("/accounts/{name}/resume", resume, methods=["POST"])]
