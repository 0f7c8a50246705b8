"""HTTP and nothing else: one POST in, a status with a body or a `Broken` out.

The one place that knows httpx. Numbers, values and texts travel in the query string, so no URL leaves this file: requests go
to httpx's transport directly, because its client logs the URL of each.
"""

import logging
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final, Protocol

import httpx

from smsline.errors import shorten
from worker.providers.base import Broken
from worker.providers.deadline import DeadlineTransport, deadlines
from worker.providers.transport import LARGEST_BODY, NEVER_LEFT

LOG: Final = logging.getLogger(__name__)

RETRY_AFTER: Final = "x-acs-retry-after"
"""Header that names the wait after too many calls, in milliseconds (official SDK, which sleeps for so many)."""


@dataclass(frozen=True, slots=True)
class Reply:
    """What came back, of whatever status.

    Attributes:
        status: HTTP status.
        body: The bytes.
        retry_after_s: How long the provider asks to wait, seconds; None when it does not.
    """

    status: int
    body: bytes
    retry_after_s: float | None = None


class Poster(Protocol):
    """Posts to one site. Threads may share it."""

    def post(self, query: str, body: bytes, headers: Mapping[str, str], *, timeout_s: float) -> Reply | Broken:
        """Post once, never again by itself, within `timeout_s` seconds in all; raises nothing."""

    def close(self) -> None:
        """Close kept-alive connections; later posts are `Broken`, never left."""


class HttpxPoster:
    """`Poster` over an httpx transport: HTTP/1.1, keep-alive, no retries, no redirects, no proxies, no cookies, no log."""

    def __init__(self, url: str, *, pool_size: int, transport: httpx.BaseTransport | None = None) -> None:
        """Open nothing yet.

        Args:
            url: Where everything is posted to.
            pool_size: Connections at most; as many as threads that post, or they wait for each other.
            transport: In place of the network, such as `httpx.MockTransport`.
        """
        self._url = httpx.URL(url)
        self._path = self._url.raw_path or b"/"
        self._transport = transport or DeadlineTransport(pool_size=pool_size)
        self._closed = False

    def post(self, query: str, body: bytes, headers: Mapping[str, str], *, timeout_s: float) -> Reply | Broken:
        """Post once; see `Poster`. The query string is sent as it is, since its bytes are signed."""
        if self._closed:
            return Broken(maybe_sent=False, code="http.Closed", detail="this account's connections are closed")
        if timeout_s <= 0:
            return Broken(maybe_sent=False, code="http.NoTime", detail="no time was left for the call")
        try:
            return self._exchange(query, body, headers, timeout_s)
        except NEVER_LEFT as error:
            return Broken(maybe_sent=False, code=_code(error), detail=_reason(error))
        except Exception as error:  # noqa: BLE001 - a call that may be out must end as a value whatever breaks
            # The message is left out: it may quote the URL, a header or what the peer sent.
            if not isinstance(error, httpx.HTTPError):
                name = type(error).__name__
                LOG.error("posting to %s broke: %s", self._url.host, name)  # noqa: TRY400 - it would print the message
            return Broken(maybe_sent=True, code=_code(error), detail="the call broke after it may have been sent")

    def close(self) -> None:
        """Close kept-alive connections."""
        self._closed = True
        self._transport.close()

    def _exchange(self, query: str, body: bytes, headers: Mapping[str, str], timeout_s: float) -> Reply | Broken:
        request = httpx.Request(
            "POST",
            self._url.copy_with(raw_path=self._path + b"?" + query.encode("ascii")),
            # identity: answers are small, and a body that was not packed cannot fail to unpack.
            headers={**headers, "accept-encoding": "identity", "user-agent": "smsline"},
            content=body,
            extensions=deadlines(timeout_s),
        )
        response = self._transport.handle_request(request)
        try:
            received = bytearray()
            for chunk in response.iter_bytes():
                received += chunk
                if len(received) > LARGEST_BODY:
                    return Broken(maybe_sent=True, code="http.TooLarge", detail=f"answer over {LARGEST_BODY} bytes")
            return Reply(response.status_code, bytes(received), _wait_s(response.headers.get(RETRY_AFTER, "")))
        finally:
            response.close()


def _wait_s(milliseconds: str) -> float | None:
    """The wait that the header names; nothing when it is no whole number above 0."""
    plain = milliseconds.isascii() and milliseconds.isdigit() and len(milliseconds) < 10
    return int(milliseconds) / 1000 if plain and int(milliseconds) else None


def _code(error: Exception) -> str:
    return f"http.{type(error).__name__}"


def _reason(error: Exception) -> str:
    """Why nothing left. Only a failed connect may speak for itself: it had no URL or answer to quote from."""
    return f"not sent: {shorten(str(error), 200)}" if isinstance(error, httpx.ConnectError) else "not sent"
