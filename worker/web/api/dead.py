"""Dead letters: grouped by code, sent again or dropped; the filters of `smsline dead`."""

from collections.abc import Mapping
from typing import Any, Final, TypedDict

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from smsline.errors import BadInput
from worker.web.api.callers import Caller
from worker.web.api.endpoint import answer, body_endpoint, endpoint, only, text_of
from worker.web.context import web_of

FILTERS: Final = ("code", "job", "account", "state")


class DeadQuery(TypedDict):
    """Which dead letters: all conditions hold at once, an empty one always holds."""

    code: str
    job: str
    account: str
    state: str


@endpoint("read", *FILTERS)
def groups(request: Request, _: Caller) -> Response:
    """What is in the dead letter, by account and code, with what each code means and what to do."""
    return answer({"groups": web_of(request).admin.dead_groups(**_selection(request.query_params))})


@body_endpoint("operate")
def requeue(request: Request, caller: Caller, given: dict[str, Any]) -> Response:
    """Send a selection again; the answer says how many."""
    return answer({"requeued": web_of(request).admin.acting(caller.actor).requeue(**_meant(given))})


@body_endpoint("operate")
def drop(request: Request, caller: Caller, given: dict[str, Any]) -> Response:
    """Take a selection out for good; the answer says how many."""
    return answer({"dropped": web_of(request).admin.acting(caller.actor).drop(**_meant(given))})


def _selection(given: Mapping[str, Any]) -> DeadQuery:
    return DeadQuery(
        code=text_of(given, "code"),
        job=text_of(given, "job"),
        account=text_of(given, "account"),
        state=text_of(given, "state"),
    )


def _meant(given: Mapping[str, Any]) -> DeadQuery:
    """A selection to act on: the whole dead letter must be asked for by name."""
    # A misspelt condition is refused: passed over, it would leave more to act on than was meant.
    only(given, *FILTERS, "all")
    chosen, everything = _selection(given), given.get("all", False)
    if not isinstance(everything, bool):
        raise BadInput("all", type(everything).__name__, "must be true or false")
    # Exactly one of the two: "all" beside a filter may have meant either.
    if everything == any(chosen.values()):
        raise BadInput("all", everything, 'give code, job, account or state, or "all": true for the whole dead letter')
    return chosen


routes: Final = [
    Route("/v1/dead", groups),
    Route("/v1/dead/requeue", requeue, methods=["POST"]),
    Route("/v1/dead/drop", drop, methods=["POST"]),
]
