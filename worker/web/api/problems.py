"""Errors of the API: RFC 9457 problems, with the field and the rule where a value breaks one."""

from http import HTTPStatus
from typing import Final

import msgspec
from starlette.responses import Response

from smsline.errors import BadInput, Conflict, NotFound, SmslineError, Unavailable, Unconfirmed
from smsline.numbers import mask_in

MEDIA_TYPE: Final = "application/problem+json"
RETRY_AFTER_S: Final = 1
_STATUS: Final = ((NotFound, 404), (Conflict, 409))


class ApiRefused(SmslineError):  # noqa: N818 - reads as what happened
    """What the API refuses by itself: who asks, how often, how much.

    Attributes:
        status: HTTP's.
        field: What it is about, or empty.
        retry_after_s: When it is worth asking again; 0 never.
    """

    def __init__(self, status: int, told: str, *, field: str = "", retry_after_s: int = 0) -> None:
        super().__init__(told)
        self.status = status
        self.field = field
        self.retry_after_s = retry_after_s


class Problem(msgspec.Struct, omit_defaults=True, kw_only=True):
    """A problem as it is sent.

    Attributes:
        type: What kind, as a stable name.
        title: The status in words.
        status: HTTP's.
        detail: What happened and what to do; numbers are masked.
        field: Which value broke its rule.
        rule: What would have been right.
        job: The job that may have been taken, when that is not known.
    """

    type: str
    title: str
    status: int
    detail: str
    field: str = ""
    rule: str = ""
    job: str = ""


def problem_of(error: SmslineError) -> Response:
    """The answer for an error of ours."""
    # Errors quote values, and a value may be a number. A rule is ours, with examples of numbers.
    detail = (
        f"{error.field}: {mask_in(error.value)!r}: {error.rule}" if isinstance(error, BadInput) else mask_in(str(error))
    )
    match error:
        case ApiRefused():
            return problem(error.status, detail, field=error.field, retry_after_s=error.retry_after_s)
        case BadInput():
            return problem(422, detail, field=error.field, rule=error.rule, kind="bad-input")
        case Unconfirmed():
            return problem(503, detail, job=error.job, kind="unconfirmed", retry_after_s=RETRY_AFTER_S)
        case Unavailable():
            return problem(503, detail, retry_after_s=RETRY_AFTER_S)
        case _:
            return problem(next((status for kind, status in _STATUS if isinstance(error, kind)), 500), detail)


def problem(
    status: int, detail: str, *, field: str = "", rule: str = "", job: str = "", kind: str = "", retry_after_s: int = 0
) -> Response:
    """A problem as an answer."""
    title = HTTPStatus(status).phrase
    # A name that stays when the words change: programs compare it.
    kind = kind or title.lower().replace(" ", "-")
    body = Problem(
        type=f"urn:smsline:{kind}", title=title, status=status, detail=detail, field=field, rule=rule, job=job
    )
    headers = {"retry-after": str(retry_after_s)} if retry_after_s else None
    return Response(msgspec.json.encode(body), status, headers, MEDIA_TYPE)
