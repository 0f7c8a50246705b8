"""A number's page: every message that is kept for it, what became of it and what to do; whether it may be texted."""

from typing import Final
from urllib.parse import quote

from starlette.datastructures import FormData
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.routing import Route

from smsline.errors import BadInput
from smsline.ledger.audit import note
from smsline.numbers import mask
from worker.web.auth import Visitor, act, page
from worker.web.context import web_of
from worker.web.pages.rendering import render


@page()
def search(request: Request, _: Visitor) -> Response:
    """The search, and its way to the number's page."""
    asked = request.query_params.get("q", "").strip()
    if asked:
        return RedirectResponse(f"/numbers/{quote(asked, safe='+')}", 303)
    return render(request, "numbers.html", page=None, asked="", told="")


@page()
def number(request: Request, visitor: Visitor) -> Response:
    """One number. Who looks for it knows it; that it was looked at is written down."""
    web, asked = web_of(request), request.path_params["number"]
    try:
        found = web.admin.number(asked)
    except BadInput as error:
        return render(request, "numbers.html", 422, page=None, asked=asked, told=error.rule)
    note(web.ledger, visitor.actor, "number.look", {"number": mask(found["phone"])}, count=1)
    return render(request, "numbers.html", page=found, asked=asked, told="")


@act()
def suppress(request: Request, visitor: Visitor, form: FormData) -> Response:
    """Stop or allow texts to it."""
    admin, asked = web_of(request).admin.acting(visitor.actor), request.path_params["number"]
    allow = form.get("act") == "allow"
    (admin.unsuppress if allow else admin.suppress)([asked])
    what = "unsuppressed" if allow else "suppressed"
    return RedirectResponse(f"/numbers/{quote(asked, safe='+')}?done={what}&count=1", 303)


routes: Final = [
    Route("/numbers", search),
    Route("/numbers/{number}", number, methods=["GET"]),
    Route("/numbers/{number}", suppress, methods=["POST"]),
]
