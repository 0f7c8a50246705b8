"""A line to a provider that is not there: requests are kept, and answered by a function."""

import json
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import httpx

from config.accounts import Account
from worker.providers.http import HttpxPort


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

        return HttpxPort(self.account.endpoint, pool_size=1, transport=httpx.MockTransport(handle))

    @property
    def sent(self) -> Any:
        """The decoded body of the only request."""
        (request,) = self.requests
        return json.loads(request.content)
