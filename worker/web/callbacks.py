"""`/callbacks/<account>/<secret>/…`: pushes are stored raw, then answered in the provider's form.

No provider signs its pushes, so the secret in the path authenticates the call. Workers read the
pages afterwards (`worker.receipts.pushed`): a row counts only where its serial and its number
belong to a message that this ledger has sent.
"""

import hmac
from typing import Final
from urllib.parse import parse_qsl

import anyio
import msgspec
from redis.exceptions import RedisError
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from config.accounts import Account
from smsline.ledger import pages
from smsline.ledger.pages import Kind
from worker.providers.pushes import PushFormat, count_rows, push_format
from worker.web.context import web_of

# Rows of one push; providers send up to a hundred or so.
MOST_ROWS: Final = 1_000

MOST_FIELDS: Final = 50
JSON: Final = "application/json"
_NOTHING: Final = "compared with where there is nothing to compare with"


async def status(request: Request) -> Response:
    """Receipts."""
    return await _take(request, "status")


async def reply(request: Request) -> Response:
    """Replies."""
    return await _take(request, "reply")


async def _take(request: Request, kind: Kind) -> Response:
    """Store a page in one round trip and say so.

    While Redis is away the answer is 50x, so that the provider sends it again.
    """
    name, form = _admitted(request)
    raw = await _body(request, form)
    # Only counted here: workers read what is stored, so that the provider is not kept waiting.
    rows = count_rows(raw)
    if rows is None:
        raise HTTPException(400, "the body must be a JSON object or a list of them")
    if rows > MOST_ROWS:
        # Refused as a whole: the provider sends it again, and a part that was kept would count
        # twice.
        raise HTTPException(413, f"a push may have {MOST_ROWS:,} rows, this one has {rows:,}")
    try:
        # Answered only when Redis has it: what was answered is not sent again.
        await anyio.to_thread.run_sync(pages.push, web_of(request).ledger, name, kind, raw)
    except RedisError as error:
        told = f"the ledger's Redis cannot be reached ({type(error).__name__}); send it again"
        raise HTTPException(503, told, {"retry-after": "5"}) from None
    # Each provider wants its own word; with another one it pushes the page again.
    return Response(form.taken, media_type=JSON)


def _admitted(request: Request) -> tuple[str, PushFormat]:
    """The account and its provider's form.

    404 for a wrong secret as for an account that is not there.
    """
    name, given = request.path_params["account"], request.path_params["secret"].encode()
    account: Account | None = web_of(request).settings.accounts.get(name)
    secrets = account.callback_secret if account else ()
    wanted = [secret.get_secret_value() for secret in secrets] or [_NOTHING]
    # Each is compared, so that the time taken tells neither which one it was nor whether there is
    # an account.
    right = [hmac.compare_digest(given, secret.encode()) for secret in wanted]
    form = push_format(account.provider) if account else None
    if form is None or not secrets or not any(right):
        raise HTTPException(404)
    return name, form


async def _body(request: Request, form: PushFormat) -> bytes:
    """The body as JSON: as it came, or made of a form or a query string, for some providers."""
    if not form.form:
        return await request.body()
    if request.method == "GET":
        # Kept as JSON whatever way it came, so that workers know one form.
        return msgspec.json.encode(dict(request.query_params))
    body = await request.body()
    if not request.headers.get("content-type", "").startswith("application/x-www-form-urlencoded"):
        return body
    try:
        return msgspec.json.encode(dict(parse_qsl(body.decode(), keep_blank_values=True, max_num_fields=MOST_FIELDS)))
    except ValueError:
        raise HTTPException(400, "the form cannot be read") from None


routes: Final = [
    Route("/callbacks/{account}/{secret}/status", status, methods=["GET", "POST"]),
    Route("/callbacks/{account}/{secret}/reply", reply, methods=["GET", "POST"]),
]
