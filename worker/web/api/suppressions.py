"""The suppression list: read as a stream, added to and taken from."""

from typing import Any, Final

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from smsline.errors import BadInput
from smsline.ledger.suppression import check_scope
from worker.web.api.callers import Caller
from worker.web.api.endpoint import answer, body_endpoint, endpoint, only, text_of
from worker.web.context import web_of
from worker.web.rows import format_of, streamed

MOST_NUMBERS: Final = 10_000
COLUMNS: Final = ("phone", "scope", "source", "reason", "at")


@endpoint("read", "format")
def listed(request: Request, _: Caller) -> Response:
    """Every entry, in no order."""
    return streamed(web_of(request).admin.suppressed(), COLUMNS, format_of(request.query_params))


@body_endpoint("operate")
def add(request: Request, caller: Caller, given: dict[str, Any]) -> Response:
    """Put numbers on the list; the answer says how many entries are new or wider."""
    only(given, "numbers", "scope", "reason")
    numbers = _texts(given.get("numbers"), "numbers")
    # `all` unless it is said: who asks to be left alone means everything.
    scope = check_scope(text_of(given, "scope") or "all")
    admin = web_of(request).admin.acting(caller.actor)
    return answer({"added": admin.suppress(numbers, scope=scope, reason=text_of(given, "reason"))})


@endpoint("operate", "number")
def remove(request: Request, caller: Caller) -> Response:
    """Take numbers off the list; the answer says how many were on it."""
    numbers = _texts(request.query_params.getlist("number"), "number")
    return answer({"removed": web_of(request).admin.acting(caller.actor).unsuppress(numbers)})


def _texts(value: object, field: str) -> list[str]:
    if not isinstance(value, list) or not all(isinstance(each, str) for each in value):
        raise BadInput(field, type(value).__name__, 'must be a list of numbers such as ["+8613711112222"]')
    if not 0 < len(value) <= MOST_NUMBERS:
        raise BadInput(field, f"{len(value)} numbers", f"must be 1 to {MOST_NUMBERS:,} in one request")
    return value


routes: Final = [
    Route("/v1/suppressions", listed, methods=["GET"]),
    Route("/v1/suppressions", add, methods=["POST"]),
    Route("/v1/suppressions", remove, methods=["DELETE"]),
]
