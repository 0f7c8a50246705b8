"""Receivers of webhooks: a good one, and one that dies, hangs, answers 500 or shuffles events."""

import json
import random
import threading
import time
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, Final, Self

from standardwebhooks import Webhook

ENDS: Final = ("ok", "error", "die before", "die after", "hang", "late")
# Of a hundred answers of the receiver that misbehaves.
ODDS: Final = (70, 10, 6, 6, 1, 7)

# Longer than a request may take.
HANG_S: Final = 16.0


@dataclass(slots=True)
class AppliedEvents:
    """What a receiver has applied, each event once by its `webhook-id`.

    Attributes:
        states: Newest state of each recipient, by job and phone.
        seqs: Numbers of the events of each job.
        closed: Counts of each closed job.
        ids: Every event's id.
        rows: Rows in all, those that came again included.
    """

    states: dict[tuple[str, str], tuple[str, int, str]] = field(default_factory=dict)
    seqs: dict[str, set[int]] = field(default_factory=dict)
    closed: dict[str, dict[str, int]] = field(default_factory=dict)
    ids: set[str] = field(default_factory=set)
    rows: int = 0

    def apply(self, event_id: str, event: Mapping[str, Any]) -> None:
        """Apply an event, unless it has been already."""
        # A try whose answer was lost, a replay, an event cut again after Redis forgot it:
        # all have the id they had.
        if event_id in self.ids:
            return
        self.ids.add(event_id)
        data = event["data"]
        if event["type"] not in {"job.closed", "recipients.final"}:
            return
        if event["type"] == "job.closed":
            self.closed[data["job"]] = data["counts"]
            return
        self.seqs.setdefault(data["job"], set()).add(data["seq"])
        for row in data["results"]:
            self.rows += 1
            place, found = (data["job"], row["phone"]), (event["timestamp"], data["seq"], row["state"])
            # Who was sent again comes again: the later word holds, in whatever order they come.
            self.states[place] = max(self.states.get(place, found), found)

    def counts(self, jobs: set[str]) -> "Counter[str]":
        """How many recipients of these jobs ended in which state."""
        return Counter(state for (job, _), (_, _, state) in self.states.items() if job in jobs)

    def gaps(self, jobs: set[str]) -> dict[str, list[int]]:
        """The numbers of the events of those jobs that lack some."""
        return {job: sorted(seqs) for job, seqs in self.seqs.items() if job in jobs and max(seqs) != len(seqs)}


class QuietServer(ThreadingHTTPServer):
    """Workers that are killed in the middle of a request are no news."""

    daemon_threads = True

    def handle_error(self, *_: object) -> None:
        """Say nothing."""


class Receiver:
    """A receiver as its owner writes one: it checks the signature, and applies once by id.

    Args:
        shaky: Whether it misbehaves.
        takes_s: How long it works on each event.
        seed: Of how it does.

    Attributes:
        secret: What events are signed with.
        applied: What it has applied.
        answers: How often it ended a request in which way.
        lag_s: From what happened to its arrival, of each request.
        most_bytes: The longest body.
    """

    def __init__(self, *, shaky: bool = False, takes_s: float = 0.0, seed: int = 1) -> None:
        self.secret, self.applied, self.answers = "", AppliedEvents(), Counter[str]()
        self.lag_s: list[float] = []
        self.most_bytes = 0
        self.shaky, self._chance, self._lock = shaky, random.Random(seed), threading.Lock()
        receiver = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"
            wbufsize = -1  # head and end of an answer in one packet

            def do_POST(self) -> None:
                receiver._take(self, takes_s)

            def log_message(self, *_: object) -> None:
                pass

        self._server = QuietServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self._server.server_port}/hook"
        self._thread = threading.Thread(target=self._server.serve_forever, daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._server.shutdown()
        self._server.server_close()

    def behave(self) -> None:
        """From here on answer well."""
        self.shaky = False

    def _take(self, handler: BaseHTTPRequestHandler, takes_s: float) -> None:
        headers = {name.lower(): value for name, value in handler.headers.items()}
        body = handler.rfile.read(int(headers["content-length"]))
        with self._lock:
            end = self._chance.choices(ENDS, ODDS)[0] if self.shaky else "ok"
            self.answers[end] += 1
            self.most_bytes = max(self.most_bytes, len(body))
        time.sleep(takes_s)
        if end == "hang":
            time.sleep(HANG_S)
        if end == "late":
            # Events that were sent after this one are applied before it.
            time.sleep(1.0)
        if end in {"ok", "late", "die after"}:
            # Before anything else: it raises for a body without a signature.
            Webhook(self.secret).verify(body, headers)
            event = json.loads(body)
            with self._lock:
                self.lag_s.append(time.time() - datetime.fromisoformat(event["timestamp"]).timestamp())
                self.applied.apply(headers["webhook-id"], event)
        if end in {"die before", "die after", "hang"}:
            handler.close_connection = True
            handler.connection.close()
            return
        handler.send_response(500 if end == "error" else 200)
        handler.send_header("content-length", "0")
        handler.end_headers()
