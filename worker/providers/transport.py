"""HTTP and nothing else: one POST in, a status with a body or a `Broken` out.

The one place that knows httpx. Another HTTP library takes its place by implementing `Poster`; what it must be able to
tell is whether a request certainly never left, which decides whether its recipients may be sent to again.
"""

import logging
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final, Protocol

import httpx

from smsline.errors import shorten
from worker.providers.base import Broken
from worker.providers.deadline import DeadlineTransport, deadlines

LOG: Final = logging.getLogger(__name__)

HEADERS: Final = {"Accept": "application/json", "Accept-Encoding": "identity", "User-Agent": "smsline"}
"""Of every request. identity: answers are small, and a body that was not packed cannot fail to unpack."""

LARGEST_BODY: Final = 8 * 1024 * 1024
"""Bytes; a full answer has some 40 thousand."""

NEVER_LEFT: Final = (
    httpx.ConnectError,
    httpx.ConnectTimeout,
    httpx.PoolTimeout,
    httpx.UnsupportedProtocol,
    httpx.LocalProtocolError,
)
"""Raised before the first byte of a request is written. All other errors may come after the provider has read it."""


@dataclass(frozen=True, slots=True)
class Reply:
    """What came back, of whatever status."""

    status: int
    body: bytes


class Poster(Protocol):
    """Posts to one URL. Threads may share it."""

    def post(self, body: bytes, headers: Mapping[str, str], *, timeout_s: float) -> Reply | Broken:
        """Post once, never again by itself, within `timeout_s` seconds in all; raises nothing."""

    def close(self) -> None:
        """Close kept-alive connections; later posts are `Broken`, never left."""


class HttpxPoster:
    """`Poster` over a synchronous httpx transport: HTTP/1.1, keep-alive, no redirects, no proxies, no cookies."""

    def __init__(self, url: str, *, pool_size: int, transport: httpx.BaseTransport | None = None) -> None:
        """Open nothing yet.

        Args:
            url: Where everything is posted to.
            pool_size: Connections at most; as many as threads that post, or they wait for each other.
            transport: In place of the network, such as `httpx.MockTransport`.
        """
        self._url = httpx.URL(url)
        # Not an httpx.Client: redirects, cookies, proxies and authentication, all unwanted here, are a fifth of a call's CPU.
        self._transport = transport or DeadlineTransport(pool_size=pool_size)
        self._closed = False

    def post(self, body: bytes, headers: Mapping[str, str], *, timeout_s: float) -> Reply | Broken:
        """Post once; see `Poster`."""
        if self._closed:
            return Broken(maybe_sent=False, code="http.Closed", detail="this account's connections are closed")
        if timeout_s <= 0:
            return Broken(maybe_sent=False, code="http.NoTime", detail="no time was left for the call")
        try:
            return self._exchange(body, headers, timeout_s)
        except NEVER_LEFT as error:
            return Broken(maybe_sent=False, code=_code(error), detail=_reason(error))
        except Exception as error:  # noqa: BLE001 - a call that may be out must end as a value whatever breaks
            # The message is left out: it may quote what the peer sent or a header's value.
            if not isinstance(error, httpx.HTTPError):
                name = type(error).__name__
                LOG.error("posting to %s broke: %s", self._url.host, name)  # noqa: TRY400 - it would print the message
            return Broken(maybe_sent=True, code=_code(error), detail="the call broke after it may have been sent")

    def close(self) -> None:
        """Close kept-alive connections."""
        self._closed = True
        self._transport.close()

    def _exchange(self, body: bytes, headers: Mapping[str, str], timeout_s: float) -> Reply | Broken:
        request = httpx.Request(
            "POST", self._url, content=body, headers={**HEADERS, **headers}, extensions=deadlines(timeout_s)
        )
        response = self._transport.handle_request(request)
        try:
            received = bytearray()
            for chunk in response.iter_bytes():
                received += chunk
                if len(received) > LARGEST_BODY:
                    return Broken(maybe_sent=True, code="http.TooLarge", detail=f"answer over {LARGEST_BODY} bytes")
            return Reply(status=response.status_code, body=bytes(received))
        finally:
            response.close()


def _code(error: Exception) -> str:
    return f"http.{type(error).__name__}"


def _reason(error: Exception) -> str:
    """Why nothing left. Only a failed connect may speak for itself: it had no header or answer to quote from."""
    return f"not sent: {shorten(str(error), 200)}" if isinstance(error, httpx.ConnectError) else "not sent"
