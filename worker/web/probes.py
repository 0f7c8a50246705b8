"""`/livez` and `/readyz`: whether this process runs, and whether it could serve.

A slow Redis makes it unready, never dead.
"""

from typing import Final

from redis.exceptions import RedisError
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Route

from smsline.ledger.server import ping
from worker.web.context import web_of


async def livez(_: Request) -> Response:
    """The event loop turns."""
    return PlainTextResponse("ok\n")


def readyz(request: Request) -> Response:
    """The ledger's Redis answers."""
    try:
        ping(web_of(request).ledger)
    except RedisError as error:
        return PlainTextResponse(
            f"the ledger's Redis cannot be reached ({type(error).__name__})\n", 503, {"retry-after": "1"}
        )
    return PlainTextResponse("ok\n")


routes: Final = [Route("/livez", livez), Route("/readyz", readyz)]
