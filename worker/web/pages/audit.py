"""The audit trail, newest first, a page at a time."""

import re
from typing import Final

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from smsline.ledger.audit import acts
from worker.web.context import web_of
from worker.web.pages.auth import page
from worker.web.pages.rendering import render
from worker.web.pages.visitor import Visitor

ROWS: Final = 100
# Entries that one page reads at most when it looks for few; the next page goes on from there.
LOOKED_AT: Final = 1_000


@page("admin")
def trail(request: Request, _: Visitor) -> Response:
    """Who did what."""
    query = request.query_params
    who, what, before = query.get("who", ""), query.get("act", ""), query.get("before", "")
    # An id of a Redis stream; anything else begins at the newest.
    if not re.fullmatch(r"[0-9]{1,15}(?:-[0-9]{1,15})?", before):
        before = ""
    found = acts(web_of(request).ledger, before=before, limit=LOOKED_AT if who or what else ROWS)
    fitting = [act for act in found if who in {"", act["who"]} and act["act"].startswith(what)][:ROWS]
    # A full page goes on behind its last row; a page that looked for few goes on where it stopped
    # looking.
    last = fitting[-1]["id"] if len(fitting) == ROWS else found[-1]["id"] if len(found) >= ROWS else ""
    return render(request, "audit.html", acts=fitting, who=who, act=what, following=last)


routes: Final = [Route("/audit", trail)]
