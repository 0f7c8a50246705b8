"""HTTP and nothing else: one POST in, a status with a body or a `Broken` out.

The one place that knows httpx. Another HTTP library takes its place by implementing `Poster`; what it must be able to
tell is whether a request certainly never left, which decides whether its recipients may be sent to again.
"""

import logging
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Final, NamedTuple, Protocol

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


class Came(NamedTuple):
    """A whole answer, with its headers."""

    status: int
    body: bytes
    headers: Mapping[str, str]


class Poster(Protocol):
    """Posts to one URL. Threads may share it."""

    def post(self, body: bytes, headers: Mapping[str, str], *, timeout_s: float) -> Reply | Broken:
        """Post once, never again by itself, within `timeout_s` seconds in all; raises nothing."""

    def close(self) -> None:
        """Close kept-alive connections; later posts are `Broken`, never left."""


class Exchange:
    """Requests to one host, each made once: what all adapters' transports have in common.

    HTTP/1.1, keep-alive, no retries, no redirects, no proxies, no cookies, and no URL in a log. Threads may share it.
    """

    def __init__(self, host: str, *, pool_size: int, transport: httpx.BaseTransport | None = None) -> None:
        """Open nothing yet.

        Args:
            host: Whom the log names.
            pool_size: Connections at most; as many as threads that call, or they wait for each other.
            transport: In place of the network, such as `httpx.MockTransport`.
        """
        self._host = host
        # Not an httpx.Client: redirects, cookies, proxies and authentication, all unwanted here, are a fifth of a call's CPU,
        # and it logs URLs.
        self._transport = transport or DeadlineTransport(pool_size=pool_size)
        self._closed = False

    def once(self, build: Callable[[], httpx.Request], *, timeout_s: float) -> Came | Broken:
        """Make a request once, within `timeout_s` seconds in all; raises nothing.

        Args:
            build: Makes the request, without its deadlines.
            timeout_s: Whole time allowed, seconds.
        """
        if self._closed:
            return Broken(maybe_sent=False, code="http.Closed", detail="this account's connections are closed")
        if timeout_s <= 0:
            return Broken(maybe_sent=False, code="http.NoTime", detail="no time was left for the call")
        try:
            request = build()
            request.extensions = {**request.extensions, **deadlines(timeout_s)}
            return self._made(request)
        except NEVER_LEFT as error:
            return Broken(maybe_sent=False, code=_code(error), detail=_reason(error))
        except Exception as error:  # noqa: BLE001 - a call that may be out must end as a value whatever breaks
            # The message is left out: it may quote a URL, a header's value or what the peer sent.
            if not isinstance(error, httpx.HTTPError):
                LOG.error("a call of %s broke: %s", self._host, type(error).__name__)  # noqa: TRY400 - it would print the message
            return Broken(maybe_sent=True, code=_code(error), detail="the call broke after it may have been sent")

    def close(self) -> None:
        """Close kept-alive connections."""
        self._closed = True
        self._transport.close()

    def _made(self, request: httpx.Request) -> Came | Broken:
        response = self._transport.handle_request(request)
        try:
            received = bytearray()
            for chunk in response.iter_bytes():
                received += chunk
                if len(received) > LARGEST_BODY:
                    return Broken(maybe_sent=True, code="http.TooLarge", detail=f"answer over {LARGEST_BODY} bytes")
            return Came(response.status_code, bytes(received), response.headers)
        finally:
            response.close()


class HttpxPoster:
    """`Poster` over an `Exchange`."""

    def __init__(self, url: str, *, pool_size: int, transport: httpx.BaseTransport | None = None) -> None:
        """Open nothing yet; `url` is where everything is posted to, the rest is `Exchange`'s."""
        self._url = httpx.URL(url)
        self._exchange = Exchange(self._url.host, pool_size=pool_size, transport=transport)

    def post(self, body: bytes, headers: Mapping[str, str], *, timeout_s: float) -> Reply | Broken:
        """Post once; see `Poster`."""
        came = self._exchange.once(
            lambda: httpx.Request("POST", self._url, content=body, headers={**HEADERS, **headers}), timeout_s=timeout_s
        )
        return came if isinstance(came, Broken) else Reply(came.status, came.body)

    def close(self) -> None:
        """Close kept-alive connections."""
        self._exchange.close()


def _code(error: Exception) -> str:
    return f"http.{type(error).__name__}"


def _reason(error: Exception) -> str:
    """Why nothing left. Only a failed connect may speak for itself: it had no URL, header or answer to quote from."""
    return f"not sent: {shorten(str(error), 200)}" if isinstance(error, httpx.ConnectError) else "not sent"
