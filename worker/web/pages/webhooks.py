"""Endpoints of webhooks: how each fares, what could not be delivered, telling it again.

They are added by the command line, which prints the secret on a terminal and not on a page.
"""

from datetime import UTC, datetime
from typing import Final

from starlette.datastructures import FormData
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from smsline.counted import counted
from smsline.errors import BadInput
from smsline.ledger import webhooks as ledger_webhooks
from smsline.ledger.webhooks_outbox import MOST_ROWS
from worker.web.context import web_of
from worker.web.pages.auth import act, page
from worker.web.pages.notices import done
from worker.web.pages.rendering import render
from worker.web.pages.visitor import Visitor

SHOWN: Final = 50
MOST_HOURS: Final = 24 * 365


@page("read")
def webhooks(request: Request, _: Visitor) -> Response:
    """Every endpoint, and the newest failures."""
    admin = web_of(request).admin
    return render(
        request, "webhooks.html", endpoints=admin.webhooks(), failures=admin.webhook_failures(limit=SHOWN)[:SHOWN]
    )


@act("operate")
def replay(request: Request, visitor: Visitor, form: FormData) -> Response:
    """Say how much happened in the last hours.

    An endpoint is told all of it again once that was seen.
    """
    web, name, text = web_of(request), request.path_params["name"], str(form.get("hours", ""))
    # isdigit alone takes `²`, which int() refuses; nine digits, because int() of a long text
    # takes its square in time.
    if not (text.isascii() and text.isdigit() and 1 <= int(text[:9]) <= MOST_HOURS):
        raise BadInput("hours", text, f"must be a number from 1 to {MOST_HOURS:,}")
    # Hours back and not a date: what is missed is known by how long the endpoint was down.
    since_s = datetime.now(UTC).timestamp() - int(text[:9]) * 3600
    if not form.get("seen"):
        events = ledger_webhooks.replayable(web.ledger, name, since_ms=int(since_s * 1000))
        shown = {"name": name, "hours": text, "events": events, "recipients": events * MOST_ROWS}
        return render(request, "webhook_confirm.html", **shown)
    return done("/webhooks", "webhook-replayed", web.admin.acting(visitor.actor).replay_webhook(name, since_s=since_s))


@act("operate")
def remove(request: Request, visitor: Visitor, form: FormData) -> Response:
    """Remove an endpoint, when what is lost with it was seen."""
    admin, name = web_of(request).admin.acting(visitor.actor), request.path_params["name"]
    if not form.get("seen"):
        waiting = sum(each["waiting"] for each in admin.webhooks() if each["name"] == name)
        told = f"{counted(waiting, 'event that waits is', 'events that wait are')} never delivered."
        return render(request, "confirm.html", what=f"Remove {name}", told=told, back="/webhooks")
    admin.remove_webhook(name)
    return done("/webhooks", "webhook-removed")


routes: Final = [
    Route("/webhooks", webhooks),
    Route("/webhooks/{name}/replay", replay, methods=["POST"]),
    Route("/webhooks/{name}/remove", remove, methods=["POST"]),
]
