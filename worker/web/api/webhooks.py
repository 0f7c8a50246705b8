"""Endpoints of webhooks: listed, added, removed, told again."""

from typing import Any, Final

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from smsline.errors import BadInput
from worker.web.api.callers import Caller
from worker.web.api.endpoint import answer, body_endpoint, endpoint, only, text_of
from worker.web.context import web_of
from worker.web.times import epoch_s


@endpoint("read")
def listed(request: Request, _: Caller) -> Response:
    """Every endpoint, and how it fares; never its secret."""
    return answer({"webhooks": web_of(request).admin.webhooks()})


@body_endpoint("operate")
def add(request: Request, caller: Caller, given: dict[str, Any]) -> Response:
    """Add an endpoint; the answer is the only one that has its secret."""
    only(given, "name", "url", "events")
    events = given.get("events")
    if not isinstance(events, list) or not all(isinstance(each, str) for each in events):
        raise BadInput("events", type(events).__name__, 'must be a list of types such as ["job.closed"]')
    name = text_of(given, "name")
    secret = web_of(request).admin.acting(caller.actor).add_webhook(name, text_of(given, "url"), events)
    return answer({"name": name, "secret": secret}, 201)


@endpoint("operate", "name")
def remove(request: Request, caller: Caller) -> Response:
    """Remove an endpoint."""
    name = request.query_params.get("name", "")
    web_of(request).admin.acting(caller.actor).remove_webhook(name)
    return answer({"removed": name})


@endpoint("operate", "since")
def replay(request: Request, caller: Caller) -> Response:
    """Send kept events again; the answer says how many."""
    since_s = epoch_s(request.query_params.get("since", ""), "since")
    admin = web_of(request).admin.acting(caller.actor)
    return answer({"replayed": admin.replay_webhook(request.path_params["name"], since_s=since_s)})


routes: Final = [
    Route("/v1/webhooks", listed, methods=["GET"]),
    Route("/v1/webhooks", add, methods=["POST"]),
    Route("/v1/webhooks", remove, methods=["DELETE"]),
    Route("/v1/webhooks/{name}/replay", replay, methods=["POST"]),
]
