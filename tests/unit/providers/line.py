"""A line to a provider that is not there: requests are kept, and answered by a function."""

import json
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import httpcore
import httpx

from config.accounts import Account
from worker.providers.http import HttpxPort


@dataclass
class Answering:
    """In the place of the network: every request is answered by a function."""

    handle: Callable[[httpx.Request], httpx.Response]

    def ask(self, request: httpcore.Request) -> tuple[httpcore.Response, Callable[[], None]]:
        """The function's answer to what would have been written."""
        url = bytes(request.url).decode()
        body = b"".join(request.stream)  # type: ignore[arg-type]  # httpcore allows what is read by await, too
        answer = self.handle(httpx.Request(request.method.decode(), url, headers=request.headers, content=body))
        return httpcore.Response(answer.status_code, headers=answer.headers.raw, content=answer.stream), answer.close

    def close(self) -> None:
        """Nothing is open."""


@dataclass
class FakeLine:
    """What the lines of all providers have in common.

    Attributes:
        answer: Answers a request.
        account: Whose line it is.
        requests: Everything that was asked.
    """

    answer: Callable[[httpx.Request], httpx.Response]
    account: Account
    requests: list[httpx.Request] = field(default_factory=list)

    @property
    def port(self) -> HttpxPort:
        """The real port, on a transport that keeps each request and has it answered."""

        def handle(request: httpx.Request) -> httpx.Response:
            self.requests.append(request)
            return self.answer(request)

        return HttpxPort(self.account.endpoint, pool_size=1, transport=Answering(handle))

    @property
    def sent(self) -> Any:
        """The decoded body of the only request."""
        (request,) = self.requests
        return json.loads(request.content)
