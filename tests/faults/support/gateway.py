"""A gateway before the sandbox: the test decides what happens before and after each request."""

import http.client
import threading
from collections.abc import Callable
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import TracebackType
from typing import Final, Literal, Self
from urllib.parse import urlsplit

from tests.support.waiting import LONG_S

Moment = Literal["arrived", "carried out"]
PASSED: Final = ("content-length", "connection")


class Gateway:
    """Passes requests on to the sandbox, but for those that spring a trap.

    A trap is sprung by a request of its action, once unless told otherwise.

    Args:
        upstream: The sandbox's URL.
    """

    def __init__(self, upstream: str) -> None:
        self._upstream = urlsplit(upstream).netloc
        self._traps: list[tuple[str, Moment, Callable[[], bool | None]]] = []
        self._lock = threading.Lock()
        gateway = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_POST(self) -> None:
                gateway._serve(self)

            def log_message(self, *_: object) -> None:
                """Say nothing."""

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._server.daemon_threads = True
        self.url = f"http://127.0.0.1:{self._server.server_port}"
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.05,), daemon=True)

    def trap(self, action: str, moment: Moment, do: Callable[[], bool | None]) -> None:
        """Do something at the next request of an action; False ends the request unanswered.

        Args:
            action: `SendSms`, or `PullSmsSendStatus`.
            moment: When the request has arrived, or when it was carried out and its answer is about
                to go back.
            do: What is done, in the request's thread.
        """
        with self._lock:
            self._traps.append((action, moment, do))

    def _spring(self, action: str, moment: Moment) -> bool:
        with self._lock:
            found = next((trap for trap in self._traps if trap[:2] == (action, moment)), None)
            if found:
                self._traps.remove(found)
        return found is None or found[2]() is not False

    def _serve(self, handler: BaseHTTPRequestHandler) -> None:
        body = handler.rfile.read(int(handler.headers.get("content-length", 0)))
        action = handler.headers.get("x-tc-action", "")
        if not self._spring(action, "arrived"):
            handler.close_connection = True
            return
        status, answer = self._pass_on(handler, body)
        if not self._spring(action, "carried out"):
            handler.close_connection = True
            return
        handler.send_response_only(status)
        handler.send_header("content-type", "application/json")
        handler.send_header("content-length", str(len(answer)))
        handler.end_headers()
        handler.wfile.write(answer)

    def _pass_on(self, handler: BaseHTTPRequestHandler, body: bytes) -> tuple[int, bytes]:
        connection = http.client.HTTPConnection(self._upstream, timeout=LONG_S)
        try:
            headers = {name: value for name, value in handler.headers.items() if name.lower() not in PASSED}
            connection.request("POST", "/", body, headers)
            response = connection.getresponse()
            return response.status, response.read()
        finally:
            connection.close()

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._server.shutdown()
        self._server.server_close()
