"""Codes: a provider's code in any spelling, its meaning, what smsline does, what to do."""

from typing import Final

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from smsline import codes as tables
from smsline.verdicts import Verdict
from worker.web.pages.auth import page
from worker.web.pages.rendering import render
from worker.web.pages.visitor import Visitor

SHOWN: Final = 200
LONGEST: Final = 2_000


@page()
def codes(request: Request, _: Visitor) -> Response:
    """A search, or a list by provider and verdict."""
    query = request.query_params
    asked, provider, verdict = query.get("q", "").strip()[:LONGEST], query.get("provider", ""), query.get("verdict", "")
    provider = provider if provider in tables.providers() else ""
    verdict = verdict if verdict in set(Verdict) else ""
    matches = tables.explain(asked, provider or None) if asked else []
    # A family's row is a guess by the code's beginning, so a near spelling is offered as well.
    unknown = bool(asked) and (not matches or matches[0].how == "family")
    close = tables.close_codes(asked, provider or None) if unknown else []
    listing = not asked and bool(provider or verdict)
    rows = list(tables.rows(provider or None, verdict=verdict or None)) if listing else []
    return render(
        request,
        "codes.html",
        asked=asked,
        matches=[(match, tables.what_smsline_does(match.row)) for match in matches],
        unknown=unknown,
        close=close,
        rows=rows[:SHOWN],
        more=len(rows) - SHOWN,
        chosen={"provider": provider, "verdict": verdict},
        providers=tables.providers(),
        verdicts=list(Verdict),
    )


routes: Final = [Route("/codes", codes)]
