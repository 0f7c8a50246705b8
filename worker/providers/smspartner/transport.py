"""HTTP and nothing else: one GET or POST in, a status with a body or a `Broken` out.

The API key travels in a GET's query, so no URL leaves this file: not in a value, not in an error, not in a log. Requests
go to httpx's transport directly, because its client logs the URL of each.
"""

import logging
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final, Literal, Protocol

import httpx

from smsline.errors import shorten
from worker.providers.base import Broken
from worker.providers.deadline import DeadlineTransport, deadlines
from worker.providers.transport import LARGEST_BODY, NEVER_LEFT, Reply

LOG: Final = logging.getLogger(__name__)

VERSION: Final = "/v1/"


@dataclass(frozen=True, slots=True)
class Question:
    """One request.

    Attributes:
        action: The path behind `/v1/`.
        query: A GET's parameters, the key among them.
        body: A POST's JSON; empty makes it a GET.
    """

    action: str
    query: Mapping[str, str] | None = None
    body: bytes = b""

    @property
    def method(self) -> Literal["GET", "POST"]:
        """By whether there is a body."""
        return "POST" if self.body else "GET"


class Asker(Protocol):
    """Asks one site. Threads may share it."""

    def ask(self, question: Question, *, timeout_s: float) -> Reply | Broken:
        """Ask once, never again by itself, within `timeout_s` seconds in all; raises nothing."""

    def close(self) -> None:
        """Close kept-alive connections; later questions are `Broken`, never left."""


class HttpxAsker:
    """`Asker` over an httpx transport: HTTP/1.1, keep-alive, no retries, no redirects, no proxies, no cookies, no log."""

    def __init__(self, endpoint: str, *, pool_size: int, transport: httpx.BaseTransport | None = None) -> None:
        """Open nothing yet.

        Args:
            endpoint: Full URL before `/v1/`.
            pool_size: Connections at most; as many as threads that ask, or they wait for each other.
            transport: In place of the network, such as `httpx.MockTransport`.
        """
        self._endpoint = endpoint.rstrip("/")
        self._host = httpx.URL(endpoint).host
        self._transport = transport or DeadlineTransport(pool_size=pool_size)
        self._closed = False

    def ask(self, question: Question, *, timeout_s: float) -> Reply | Broken:
        """Ask once; see `Asker`."""
        if self._closed:
            return Broken(maybe_sent=False, code="http.Closed", detail="this account's connections are closed")
        if timeout_s <= 0:
            return Broken(maybe_sent=False, code="http.NoTime", detail="no time was left for the call")
        try:
            return self._exchange(question, timeout_s)
        except NEVER_LEFT as error:
            return Broken(maybe_sent=False, code=_code(error), detail=_reason(error))
        except Exception as error:  # noqa: BLE001 - a call that may be out must end as a value whatever breaks
            # The message is left out: it may quote the URL or what the peer sent.
            if not isinstance(error, httpx.HTTPError):
                LOG.error("asking %s broke: %s", self._host, type(error).__name__)  # noqa: TRY400 - as above
            return Broken(maybe_sent=True, code=_code(error), detail="the call broke after it may have been sent")

    def close(self) -> None:
        """Close kept-alive connections."""
        self._closed = True
        self._transport.close()

    def _exchange(self, question: Question, timeout_s: float) -> Reply | Broken:
        # identity: answers are small, and a body that was not packed cannot fail to unpack.
        headers = {"Accept": "application/json", "Accept-Encoding": "identity", "User-Agent": "smsline"}
        request = httpx.Request(
            question.method,
            f"{self._endpoint}{VERSION}{question.action}",
            params=question.query,
            content=question.body or None,
            headers=headers | ({"Content-Type": "application/json"} if question.body else {}),
            extensions=deadlines(timeout_s),
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
    """Why nothing left. Only a failed connect may speak for itself: it had no URL or answer to quote from."""
    return f"not sent: {shorten(str(error), 200)}" if isinstance(error, httpx.ConnectError) else "not sent"
