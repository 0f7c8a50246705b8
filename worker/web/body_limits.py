"""Limits of request bodies: a length for each path, and a least speed.

A body that trickles in for ever would keep a connection and a thread busy.
"""

import asyncio
import time
from collections.abc import Callable
from typing import Final

from starlette.exceptions import HTTPException
from starlette.types import ASGIApp, Message, Receive, Scope, Send

# Of a body on any path that is not listed with a limit of its own.
MOST_BYTES: Final = 1 << 20

# From one piece of a body to the next.
SILENCE_S: Final = 30.0

GRACE_S: Final = 30.0
# What a body must bring on average once `GRACE_S` are over; a modem of 1995 did more.
LEAST_BYTES_PER_S: Final = 1_024


class BodyLimits:
    """ASGI middleware that ends a request whose body is too long (413) or too slow (408).

    Args:
        app: What to serve.
        most_bytes: Says for a path how long a body may be; None is as long as it likes.
    """

    def __init__(self, app: ASGIApp, most_bytes: Callable[[str], int | None]) -> None:
        self._app = app
        self._most_bytes = most_bytes

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve, with the body watched."""
        # A GET has no body here, and live pages wait for minutes.
        if scope["type"] != "http" or scope["method"] in {"GET", "HEAD"}:
            await self._app(scope, receive, send)
            return
        most = self._most_bytes(scope["path"])
        # A body that says it is too long is refused before it is sent.
        told = next((value for name, value in scope["headers"] if name == b"content-length"), b"0")
        too_large = most is not None and told.isdigit() and int(told) > most
        watched = _Watched(receive, most, too_large=too_large)
        await self._app(scope, watched.receive, send)


class _Watched:
    def __init__(self, receive: Receive, most: int | None, *, too_large: bool) -> None:
        self._receive = receive
        self._most = most
        self._too_large = too_large
        self._taken = 0
        self._began_s = time.monotonic()
        self._done = False

    async def receive(self) -> Message:
        """The next piece."""
        if self._too_large:
            raise self._refusal()
        if self._done:  # what comes now is only that the browser has left
            return await self._receive()
        try:
            async with asyncio.timeout(SILENCE_S):  # `wait_for` makes a task for each piece
                message = await self._receive()
        except TimeoutError:
            # close: what the client may still send must not be read as the next request.
            raise HTTPException(408, "the request's body did not go on in time", {"connection": "close"}) from None
        if message["type"] == "http.request":
            self._taken += len(message.get("body", b""))
            self._done = not message.get("more_body", False)
            if self._most is not None and self._taken > self._most:
                raise self._refusal()  # content-length may be missing, or wrong
            took_s = time.monotonic() - self._began_s
            if not self._done and took_s > GRACE_S and self._taken < took_s * LEAST_BYTES_PER_S:
                raise HTTPException(408, "the request's body comes too slowly", {"connection": "close"})
        return message

    def _refusal(self) -> HTTPException:
        return HTTPException(413, f"the request's body is longer than {self._most:,} bytes", {"connection": "close"})
