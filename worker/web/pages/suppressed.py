"""The suppression list: its size, some entries, and forms to add, remove and download."""

import re
from itertools import islice
from typing import Final

from starlette.datastructures import FormData
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from smsline.errors import BadInput
from smsline.ledger import suppression
from smsline.ledger.audit import note
from smsline.ledger.suppression import SCOPES, check_scope
from smsline.numbers import e164, mask, parse_number
from worker.web.context import web_of
from worker.web.pages.auth import act, page
from worker.web.pages.notices import done
from worker.web.pages.rendering import render
from worker.web.pages.visitor import Visitor

SHOWN: Final = 100
MOST_NUMBERS: Final = 1_000


@page()
def suppressed(request: Request, visitor: Visitor) -> Response:
    """How long the list is, and some of it."""
    return _shown(request, visitor, revealed=visitor.may("operate"))


@act("read")
def reveal(request: Request, visitor: Visitor, _: FormData) -> Response:
    """The same with whole numbers, which is written down."""
    answer = _shown(request, visitor, revealed=True)
    note(web_of(request).ledger, visitor.actor, "numbers.reveal", {"list": "suppressed"}, count=SHOWN)
    return answer


@act()
def change(request: Request, visitor: Visitor, form: FormData) -> Response:
    """Say how many numbers it is about.

    They are put on the list, or taken off, once that was seen.
    """
    web = web_of(request)
    # Pasted from anywhere: a column, or a list with commas.
    given = [each.strip() for each in re.split(r"[,;\n]", str(form.get("numbers", ""))) if each.strip()]
    if not 0 < len(given) <= MOST_NUMBERS:
        raise BadInput(
            "numbers", f"{len(given)} numbers", f"must be 1 to {MOST_NUMBERS:,}; more by smsline suppress add --file"
        )
    # Read before anything is done, so that a bad one in the middle leaves nothing half done; each
    # phone once.
    region = web.settings.region_default
    read = (parse_number(each, region=region, field="numbers", allow_unassigned=True) for each in given)
    numbers = list(dict.fromkeys(map(e164, read)))
    scope, reason = check_scope(str(form.get("scope", "all"))), str(form.get("reason", ""))
    what = "remove" if form.get("act") == "remove" else "add"
    if not form.get("seen"):
        return render(request, "suppressed_confirm.html", act=what, numbers=numbers, scope=scope, reason=reason)
    admin = web.admin.acting(visitor.actor)
    if what == "remove":
        return done("/suppressed", "unsuppressed", admin.unsuppress(numbers))
    return done("/suppressed", "suppressed", admin.suppress(numbers, scope=scope, reason=reason))


def _shown(request: Request, _: Visitor, *, revealed: bool) -> Response:
    web = web_of(request)
    rows = [entry.copy() for entry in islice(web.admin.suppressed(), SHOWN)]
    for entry in () if revealed else rows:
        entry["phone"] = mask(entry["phone"])
    total = suppression.count(web.ledger)
    return render(request, "suppressed.html", rows=rows, total=total, scopes=SCOPES, revealed=revealed)


routes: Final = [
    Route("/suppressed", suppressed, methods=["GET"]),
    Route("/suppressed", change, methods=["POST"]),
    Route("/suppressed/reveal", reveal, methods=["POST"]),
]
