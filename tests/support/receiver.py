"""A receiver of webhooks as a producer writes one.

It checks the signature with the official package and applies each event once.
"""

import threading
from collections.abc import Mapping
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, Final, Self

from standardwebhooks import Webhook

OK: Final = 200
HANG: Final = -1
"""No answer while the receiver lives."""

DIE: Final = -2
"""The connection is closed after the event was applied: the sender cannot know."""


class Receiver:
    """Answers as it is told, and keeps what it has applied.

    Attributes:
        secret: What events are signed with.
        plan: Statuses of the next answers; 200 when it is empty.
        headers: Of every answer.
        seen: `webhook-id` of every request, in the order they came.
        applied: `webhook-id` -> event, of those that were applied.
    """

    def __init__(self) -> None:
        self.secret = ""
        self.plan: list[int] = []
        self.headers: dict[str, str] = {}
        self.seen: list[str] = []
        self.requests: list[tuple[dict[str, str], bytes]] = []
        self.applied: dict[str, dict[str, Any]] = {}
        self.came = threading.Event()
        self._over = threading.Event()
        receiver = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["content-length"]))
                receiver._take(self, {name.lower(): value for name, value in self.headers.items()}, body)

            def log_message(self, *_: Any) -> None:
                pass

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._server.daemon_threads = True
        self._thread = threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._over.set()
        self._server.shutdown()
        self._server.server_close()

    @property
    def url(self) -> str:
        """Where it listens."""
        return f"http://127.0.0.1:{self._server.server_port}/hook"

    def _take(self, handler: BaseHTTPRequestHandler, headers: Mapping[str, str], body: bytes) -> None:
        self.seen.append(headers["webhook-id"])
        self.requests.append((dict(headers), body))
        self.came.set()
        status = self.plan.pop(0) if self.plan else OK
        if status == HANG:
            self._over.wait()
        if status in {OK, DIE}:
            event = Webhook(self.secret).verify(body, dict(headers))
            self.applied.setdefault(headers["webhook-id"], event)
        if status < 0:
            handler.close_connection = True
            handler.connection.close()
            return
        handler.send_response(status)
        for name, value in {"content-length": "0", **self.headers}.items():
            handler.send_header(name, value)
        handler.end_headers()

    def of(self, kind: str) -> list[dict[str, Any]]:
        """The data of applied events of a type."""
        return [event["data"] for event in self.applied.values() if event["type"] == kind]

    def rows(self, job: str) -> list[dict[str, Any]]:
        """The rows of a job by their event's number: they are 1, 2, 3 … without a gap."""
        events = sorted(
            (data for data in self.of("recipients.final") if data["job"] == job), key=lambda data: data["seq"]
        )
        assert [data["seq"] for data in events] == list(range(1, len(events) + 1))
        assert all(len(data["results"]) <= 150 for data in events)
        assert all(len(body) <= 20_000 for _, body in self.requests)
        return [row for data in events for row in data["results"]]
