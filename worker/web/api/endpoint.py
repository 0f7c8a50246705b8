"""What all endpoints of the API share: caller, query, JSON body, and errors as problems."""

import codecs
import json
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from functools import wraps
from typing import Any, Final, TypeAlias

import msgspec
from redis.exceptions import RedisError
from starlette.concurrency import run_in_threadpool
from starlette.datastructures import QueryParams
from starlette.requests import Request
from starlette.responses import Response

from smsline.counted import counted
from smsline.errors import BadInput, SmslineError
from smsline.ledger.api_keys import Scope
from smsline.row_values import HALF_RULE
from worker.web.api.callers import Caller, caller_of
from worker.web.api.problems import problem, problem_of

JSON: Final = "application/json"
REPEATABLE: Final = frozenset({"number", "param"})

Handler: TypeAlias = Callable[[Request, Caller], Response]
BodyHandler: TypeAlias = Callable[[Request, Caller, dict[str, Any]], Response]


def endpoint(scope: Scope, *query: str) -> Callable[[Handler], Callable[[Request], Response]]:
    """An endpoint without a body, for keys with this scope, and its query's parameters."""

    def decorate(handler: Handler) -> Callable[[Request], Response]:
        """An endpoint that looks at key and query first."""

        @wraps(handler)
        def serve(request: Request) -> Response:
            return guarded(lambda: handler(request, _admitted(request, scope, query)))

        return serve

    return decorate


def body_endpoint(scope: Scope) -> Callable[[BodyHandler], Callable[[Request], object]]:
    """An endpoint with a JSON object as body and no query, for keys with this scope."""

    def decorate(handler: BodyHandler) -> Callable[[Request], object]:
        """An endpoint that reads the body and runs the handler in a thread."""

        @wraps(handler)
        async def serve(request: Request) -> Response:
            # Read before the key is looked at: BodyLimits has bounded it, and a thread must not
            # wait for it.
            body = await request.body()
            return await run_in_threadpool(
                guarded, lambda: handler(request, _admitted(request, scope, ()), json_object(body))
            )

        return serve

    return decorate


def _admitted(request: Request, scope: Scope, query: Sequence[str]) -> Caller:
    # A filter that stands in the query of a request with a body would be passed over.
    caller = caller_of(request, scope)
    only(request.query_params, *query)
    return caller


def guarded(handle: Callable[[], Response]) -> Response:
    """The handler's answer, or the problem that it met."""
    try:
        return handle()
    except SmslineError as error:
        return problem_of(error)
    except RedisError as error:
        # The name of the error alone: its text may hold the URL of Redis.
        return problem(503, f"the ledger's Redis cannot be reached ({type(error).__name__})", retry_after_s=1)


def json_object(body: bytes) -> dict[str, Any]:
    """The JSON object that a body is; nothing is one without fields.

    Raises:
        BadInput: It is something else. The error does not repeat it: it may hold a one-time
            password.
    """
    if not body.strip():
        return {}
    try:
        return read_object(body)
    except ValueError as error:
        raise BadInput("body", counted(len(body), "byte"), str(error)) from None


def read_object(text: bytes) -> dict[str, Any]:
    """The JSON object that a text is, with or without a byte order mark.

    Raises:
        ValueError: It is none, or has a field twice: which one was meant?
    """
    text = text.removeprefix(codecs.BOM_UTF8)
    try:
        found = msgspec.json.decode(text, type=dict[str, Any])
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        raise ValueError(_no_json(text)) from None
    # Of two the decoder keeps the last. The slow look is for those that have a colon besides those
    # of their fields.
    if text.count(b":") > len(found):
        with suppress(RecursionError):
            json.loads(text, object_pairs_hook=_each_once)
    return found


def _each_once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) < len(pairs):
        raise ValueError("has a field twice; which one was meant?")
    return found


def _no_json(text: bytes) -> str:
    """Why text is no JSON object: to other readers than ours it may be one."""
    with suppress(ValueError, RecursionError):
        if isinstance(found := json.loads(text.decode("utf-8", "surrogatepass")), dict):
            try:
                json.dumps(found, ensure_ascii=False).encode()
            except UnicodeEncodeError:
                return HALF_RULE
            return "has a number that JSON does not know (NaN, Infinity, or one that is too large)"
    return "must be a JSON object in UTF-8"


def only(given: Mapping[str, object], *known: str) -> None:
    """Refuse an unknown field or query parameter, so that a misspelt one is not passed over.

    Raises:
        BadInput: One is not known, or is there twice: which one was meant?
    """
    if isinstance(given, QueryParams):
        for name in given.keys() - REPEATABLE:
            if len(given.getlist(name)) > 1:
                raise BadInput(name, "…", "must be there once")
    for name in given:
        if name not in known:
            # The value is left out: a misspelt field may hold a one-time password.
            raise BadInput(name, "…", f"is not known here; there is {', '.join(known) or 'none'}")


def answer(value: object, status: int = 200) -> Response:
    """A value as JSON."""
    return Response(msgspec.json.encode(value), status, media_type=JSON)


def text_of(given: Mapping[str, Any], field: str) -> str:
    """A field that is text, or empty.

    Raises:
        BadInput: It is something else.
    """
    value = given.get(field, "")
    if not isinstance(value, str):
        raise BadInput(field, type(value).__name__, "must be text")
    return value


def number_of(given: Mapping[str, str], field: str) -> float:
    """A query parameter that is a number; which numbers will do is the client's to say.

    Raises:
        BadInput: It is none.
    """
    try:
        return float(given[field])
    except ValueError:
        raise BadInput(field, given[field], "must be a number") from None


def whole_number(given: Mapping[str, str], field: str, default: int, most: int) -> int:
    """A query parameter that is a number from 1 on.

    Raises:
        BadInput: It is none.
    """
    text = given.get(field, str(default))
    if not (text.isascii() and text.isdigit() and 1 <= int(text[:9]) <= most and len(text) < 10):
        raise BadInput(field, text, f"must be a number from 1 to {most}")
    return int(text)
