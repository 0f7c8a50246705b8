"""HTTP and nothing else: one POST in, a status with a body or a `Broken` out.

Numbers, values and texts travel in the query string, so no URL leaves this file.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final, Protocol

import httpx

from worker.providers.base import Broken
from worker.providers.transport import Exchange

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
    """`Poster` over an `Exchange`."""

    def __init__(self, url: str, *, pool_size: int, transport: httpx.BaseTransport | None = None) -> None:
        """Open nothing yet; `url` is where everything is posted to, the rest is `Exchange`'s."""
        self._url = httpx.URL(url)
        self._path = self._url.raw_path or b"/"
        self._exchange = Exchange(self._url.host, pool_size=pool_size, transport=transport)

    def post(self, query: str, body: bytes, headers: Mapping[str, str], *, timeout_s: float) -> Reply | Broken:
        """Post once; see `Poster`. The query string is sent as it is, since its bytes are signed."""
        came = self._exchange.once(lambda: self._request(query, body, headers), timeout_s=timeout_s)
        if isinstance(came, Broken):
            return came
        return Reply(came.status, came.body, _wait_s(came.headers.get(RETRY_AFTER, "")))

    def close(self) -> None:
        """Close kept-alive connections."""
        self._exchange.close()

    def _request(self, query: str, body: bytes, headers: Mapping[str, str]) -> httpx.Request:
        return httpx.Request(
            "POST",
            self._url.copy_with(raw_path=self._path + b"?" + query.encode("ascii")),
            # identity: answers are small, and a body that was not packed cannot fail to unpack.
            headers={**headers, "accept-encoding": "identity", "user-agent": "smsline"},
            content=body,
        )


def _wait_s(milliseconds: str) -> float | None:
    """The wait that the header names; nothing when it is no whole number above 0."""
    plain = milliseconds.isascii() and milliseconds.isdigit() and len(milliseconds) < 10
    return int(milliseconds) / 1000 if plain and int(milliseconds) else None
