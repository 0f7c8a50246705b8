"""A number's page: its messages, what became of each and what to do, and its suppression."""

from typing import Final
from urllib.parse import quote

from starlette.datastructures import FormData
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.routing import Route

from smsline.admin import NumberPage
from smsline.errors import BadInput
from smsline.ledger.audit import note
from smsline.numbers import mask
from worker.web.asking import ProviderWord
from worker.web.context import web_of
from worker.web.pages.auth import act, page
from worker.web.pages.rendering import render
from worker.web.pages.visitor import Visitor


@page()
def search(request: Request, _: Visitor) -> Response:
    """The search, and its way to the number's page."""
    asked = request.query_params.get("q", "").strip()
    if asked:
        # The page has an address of its own, which can be sent to a colleague.
        return RedirectResponse(f"/numbers/{quote(asked, safe='+')}", 303)
    return render(request, "numbers.html", page=None, asked="", told="")


@page()
def number(request: Request, visitor: Visitor) -> Response:
    """One number.

    That it was looked at is written down; who may not act sees it masked, as everywhere.
    """
    web, asked = web_of(request), request.path_params["number"]
    try:
        found = web.admin.number(asked)
    except BadInput as error:
        return render(request, "numbers.html", 422, page=None, asked=asked, told=error.rule)
    # Masked in the trail: it is read by more people than may look.
    note(web.ledger, visitor.actor, "number.look", {"number": mask(found["phone"])}, count=1)
    return _shown(request, found, whole=visitor.may("operate"))


@act("read")
def reveal(request: Request, visitor: Visitor, _: FormData) -> Response:
    """The same with the whole number and what it wrote, which is written down."""
    web = web_of(request)
    found = web.admin.number(request.path_params["number"])
    note(web.ledger, visitor.actor, "numbers.reveal", {"number": mask(found["phone"])}, count=1)
    return _shown(request, found, whole=True)


@act()
def ask(request: Request, visitor: Visitor, form: FormData) -> Response:
    """Ask a provider what it knows of the number's messages.

    That it was asked is written down before it is.
    """
    web, account = web_of(request), str(form.get("account", ""))
    found = web.admin.number(request.path_params["number"])
    # Before and not after: a question that fails has still told the provider of the number.
    note(web.ledger, visitor.actor, "number.ask", {"number": mask(found["phone"]), "account": account}, count=1)
    return _shown(request, found, whole=True, said=web.asking.ask(account, found), account=account)


def _shown(
    request: Request, found: NumberPage, *, whole: bool, said: list[ProviderWord] | None = None, account: str = ""
) -> Response:
    here, sent = list(web_of(request).asking.providers), {each["account"] for each in found["messages"]}
    facts = {
        "whole": whole,
        "said": said,
        "account": account,
        "accounts": [name for name in here if name in sent] or here,
    }
    return render(request, "numbers.html", page=found, asked=found["phone"] if whole else "", told="", **facts)


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
    Route("/numbers/{number}/reveal", reveal, methods=["POST"]),
    Route("/numbers/{number}/ask", ask, methods=["POST"]),
]
