"""HTTP and nothing else: one GET or POST in, a status with a body or a `Broken` out.

The API key travels in a GET's query, so no URL leaves this file: not in a value, not in an error, not in a log.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final, Literal, Protocol

import httpx

from worker.providers.base import Broken
from worker.providers.transport import HEADERS, Exchange, Reply

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
    """`Asker` over an `Exchange`."""

    def __init__(self, endpoint: str, *, pool_size: int, transport: httpx.BaseTransport | None = None) -> None:
        """Open nothing yet; `endpoint` is the full URL before `/v1/`, the rest is `Exchange`'s."""
        self._endpoint = endpoint.rstrip("/")
        self._exchange = Exchange(httpx.URL(endpoint).host, pool_size=pool_size, transport=transport)

    def ask(self, question: Question, *, timeout_s: float) -> Reply | Broken:
        """Ask once; see `Asker`."""
        came = self._exchange.once(lambda: self._request(question), timeout_s=timeout_s)
        return came if isinstance(came, Broken) else Reply(came.status, came.body)

    def close(self) -> None:
        """Close kept-alive connections."""
        self._exchange.close()

    def _request(self, question: Question) -> httpx.Request:
        return httpx.Request(
            question.method,
            f"{self._endpoint}{VERSION}{question.action}",
            params=question.query,
            content=question.body or None,
            headers=HEADERS | ({"Content-Type": "application/json"} if question.body else {}),
        )
