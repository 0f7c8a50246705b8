"""Pages for errors: what happened and what to do next; the same without script."""

from http import HTTPStatus
from typing import Final

from starlette.requests import Request
from starlette.responses import Response

from smsline.errors import BadInput, Conflict, NotFound, SmslineError, Unavailable
from smsline.ledger.users import Role
from smsline.numbers import mask_in
from worker.web.pages.rendering import render
from worker.web.pages.visitor import Visitor

_STATUS: Final = ((BadInput, 422), (NotFound, 404), (Conflict, 409), (Unavailable, 503))

_TITLES: Final = {
    403: "Not allowed",
    404: "Not found",
    405: "Not possible",
    408: "Too slow",
    409: "Not possible now",
    413: "Too large",
    422: "Please check",
    503: "Redis cannot be reached",
}


def answer_to(request: Request, error: SmslineError) -> Response:
    """The page for an error of ours, which says already what to do."""
    status = next((status for kind, status in _STATUS if isinstance(error, kind)), 500)
    told = f"{error.field}: {error.rule}" if isinstance(error, BadInput) else str(error)
    return failure(request, status, mask_in(told))


def refused(request: Request, visitor: Visitor, wanted: Role) -> Response:
    """The page for a visitor whose role does not allow it."""
    told = (
        f"{visitor.name} has the role {visitor.role}; this needs {wanted}. An admin can change it: smsline users set."
    )
    return failure(request, 403, told)


def failure(request: Request, status: int, told: str) -> Response:
    """The page for a status of HTTP's."""
    title = _TITLES.get(status) or HTTPStatus(status).phrase
    return render(request, "failure.html", status, title=title, told=told)
