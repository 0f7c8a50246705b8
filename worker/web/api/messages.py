"""`POST /v1/messages`: one message to one number, the arguments of `Client.send`."""

from typing import Any, Final

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from smsline.errors import BadInput
from smsline.job import TRACEPARENT, TRACESTATE
from worker.web.api.callers import Caller
from worker.web.api.endpoint import answer, body_endpoint, only
from worker.web.context import web_of

FIELDS: Final = (
    *("to", "template", "params", "ref", "lane", "ttl_s", "key"),
    *("account", "sign", "sender", "extend", "window", "allow_unassigned", "allow_blank"),
)


@body_endpoint("send")
def send(request: Request, caller: Caller, given: dict[str, Any]) -> Response:
    """Take a message; 201 once the ledger has it."""
    only(given, *FIELDS)
    # `Client.send` checks everything else; without these two it could not even be called.
    for field in ("to", "template"):
        if field not in given:
            raise BadInput(field, "", "is required")
    set_key(request, given)
    # The lane that `Client.send` would take, so that leaving it out is no way around the key's
    # list.
    caller.may_send(str(given.get("lane") or "notify"), str(given["template"]))
    given |= span_of(request)
    return answer({"job": web_of(request).client.send(**given)}, 201)


def span_of(request: Request) -> dict[str, str]:
    """The span that the caller asks under, as fields of a job.

    A header that is none is passed over, as W3C Trace Context wants it.
    """
    parent, state = request.headers.get("traceparent", ""), ",".join(request.headers.getlist("tracestate"))
    if not parent or not TRACEPARENT.fullmatch(parent):
        return {}
    return {"traceparent": parent, "tracestate": state if TRACESTATE.fullmatch(state) else ""}


def set_key(request: Request, given: dict[str, Any]) -> None:
    """Take the `Idempotency-Key` header for the job's key.

    Raises:
        BadInput: It is empty, or the body or query names another one.
    """
    header = request.headers.get("idempotency-key")
    if header is None:
        return
    # From a variable that was not set: each repeated request would be another job.
    if not header.strip():
        raise BadInput("Idempotency-Key", header, "must not be empty; leave it out for a job without a key")
    if given.setdefault("key", header) != header:
        raise BadInput("key", "…", "must be the Idempotency-Key header's value, or be left out")


routes: Final = [Route("/v1/messages", send, methods=["POST"])]
