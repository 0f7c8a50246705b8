"""A line to a provider that is not there: requests are kept, and answered by a function."""

import contextlib
import json
import socket
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any

import httpcore
import httpx

from config.accounts import Account
from tests.support.waiting import LONG_S
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


Script = Callable[[socket.socket, threading.Event], None]


@dataclass
class Loopback:
    """A listening socket on 127.0.0.1.

    Each connection is handed to `script` in a thread of its own.
    """

    script: Script
    connections: int = 0
    stop: threading.Event = field(default_factory=threading.Event)

    @contextlib.contextmanager
    def listening(self) -> Iterator[str]:
        """The address, `127.0.0.1:port`, while it listens."""
        threads: list[threading.Thread] = []
        with socket.create_server(("127.0.0.1", 0)) as server:
            server.settimeout(0.02)
            threads.append(threading.Thread(target=self._accept, args=(server, threads)))
            threads[0].start()
            try:
                yield f"127.0.0.1:{server.getsockname()[1]}"
            finally:
                self.stop.set()
                threads[0].join(5)
        for thread in threads[1:]:
            thread.join(5)

    def _accept(self, server: socket.socket, threads: list[threading.Thread]) -> None:
        while not self.stop.is_set():
            with contextlib.suppress(TimeoutError):
                connection, _ = server.accept()
                self.connections += 1
                threads.append(threading.Thread(target=self._serve, args=(connection,)))
                threads[-1].start()

    def _serve(self, connection: socket.socket) -> None:
        with connection, contextlib.suppress(OSError):
            connection.settimeout(LONG_S)
            self.script(connection, self.stop)


def read_request(connection: socket.socket) -> tuple[dict[str, str], bytes]:
    """Headers (lower-case names) and body of the next request.

    Empty headers when the peer hung up.
    """
    received = b""
    while b"\r\n\r\n" not in received:
        if not (chunk := connection.recv(65536)):
            return {}, b""
        received += chunk
    head, _, body = received.partition(b"\r\n\r\n")
    headers = {
        name.lower(): value.strip()
        for name, _, value in (line.partition(":") for line in head.decode("latin-1").split("\r\n")[1:])
    }
    while len(body) < int(headers.get("content-length", 0)):
        body += connection.recv(65536)
    return headers, body


def response(body: bytes, *, status: str = "200 OK", headers: str = "") -> bytes:
    """The bytes of an HTTP answer."""
    return f"HTTP/1.1 {status}\r\nContent-Length: {len(body)}\r\n{headers}\r\n".encode() + body
