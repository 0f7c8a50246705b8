"""Live parts of pages: one reader of the ledger for all visitors, a stream of HTML to each.

What is shown is read at most once a second for a subject, however many visitors look at it, and not
at all without one.
"""

import asyncio
import threading
import time
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any, Final, TypeVar

from redis.exceptions import RedisError
from starlette.concurrency import run_in_threadpool
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import StreamingResponse

from smsline.errors import SmslineError

T = TypeVar("T")

FRESH_S: Final = 1.0
# After so long without a change a comment is sent, so that proxies do not take the stream for dead.
SILENT_S: Final = 15.0

# Then a stream ends and the browser comes again, with its session looked at anew.
LONGEST_S: Final = 300.0

# Before what was seen last, while it cannot be read anew: figures that stand still look like quiet.
STALE: Final = (
    '<div class="note bad" role="status"><p><b>Redis cannot be reached.</b> '
    "What is below was so at {}; it goes on by itself when Redis is back.</p></div>"
)

MOST_STREAMS: Final = 200
MOST_HELD: Final = 1_000
HELD_S: Final = 60.0


@dataclass(slots=True)
class _Held:
    lock: threading.Lock = field(default_factory=threading.Lock)
    read_s: float = float("-inf")
    value: Any = None


class Live:
    """What several people look at, read once for all of them."""

    def __init__(self) -> None:
        self._held: dict[str, _Held] = {}
        self._lock = threading.Lock()
        self.streams = 0

    def read(self, subject: str, read: Callable[[], T], *, fresh_s: float = FRESH_S) -> T:
        """A value that is at most so old.

        While one thread reads it anew, the others wait for what it finds.
        """
        with self._lock:
            held = self._held.setdefault(subject, _Held())
            # Let go of what has not been asked for in a while: subjects are job ids, of which there
            # is no end.
            if len(self._held) > MOST_HELD:
                old = time.monotonic() - HELD_S
                self._held = {name: each for name, each in self._held.items() if each.read_s > old}
        # One lock for each subject: a slow read makes only those wait that look at the same.
        with held.lock:
            if time.monotonic() - held.read_s > fresh_s:
                held.value = read()
                held.read_s = time.monotonic()
            found: T = held.value
            return found

    def stream(self, request: Request, subject: str, draw: Callable[[], str]) -> StreamingResponse:
        """Server-sent events: what `draw` makes of a subject, each time it has changed.

        They go on until the browser leaves.

        It is drawn once for all who look at the subject, so it must not depend on who looks.

        Raises:
            HTTPException: 503: too many streams are open.
        """
        # Each costs a connection and a look a second: more of them would slow down the API.
        if self.streams >= MOST_STREAMS:
            raise HTTPException(503, "too many live pages are open; this one shows what was when it was loaded")
        return StreamingResponse(self._events(request, subject, draw), media_type="text/event-stream")

    async def _events(self, request: Request, subject: str, draw: Callable[[], str]) -> AsyncIterator[str]:
        # Counted when the stream runs: a response that is never sent would keep its place for ever.
        self.streams += 1
        began_s = said_s = time.monotonic()
        shown = good = ""
        seen = datetime.now(UTC)
        try:
            while (now_s := time.monotonic()) - began_s < LONGEST_S and not await request.is_disconnected():
                try:
                    good = drawn = await run_in_threadpool(self.read, f"drawn:{subject}", draw)
                    seen = datetime.now(UTC)
                except (SmslineError, RedisError):
                    # Nothing seen yet: the page keeps what it was loaded with.
                    drawn = good and f"{STALE.format(f'{seen:%H:%M:%S} UTC')}\n{good}"
                # Compared as HTML: what has not changed is not sent.
                if drawn != shown:
                    shown, said_s = drawn, now_s
                    # An event ends with an empty line, so a line break within begins another data
                    # line.
                    yield "".join(f"data: {line}\n" for line in drawn.splitlines()) + "\n"
                elif now_s - said_s > SILENT_S:
                    said_s = now_s
                    yield ": still here\n\n"
                await asyncio.sleep(FRESH_S)
        finally:
            self.streams -= 1
