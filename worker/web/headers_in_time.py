"""The HTTP protocol of the web process: a request's head must come in time, and be of a size.

uvicorn has limits of neither, so that anyone who reaches the port could hold all connections that a
process may have, or fill its memory, with requests that never begin.
"""

import asyncio
from typing import Final

from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

HEAD_S: Final = 20.0
LONGEST_HEAD: Final = 1 << 16


class HeadersInTime(HttpToolsProtocol):
    """A connection that brings no head, or one without an end, is closed."""

    _late: asyncio.TimerHandle | None = None
    _taken = 0

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override] # as uvicorn has it
        """From here on the head is awaited."""
        super().connection_made(transport)
        self._await_head()

    def data_received(self, data: bytes) -> None:
        """Some of a head or of a body."""
        super().data_received(data)
        # Looked at after it was read: the same piece may bring the head's end and much of a body.
        if self._late is not None:
            self._taken += len(data)
            if self._taken > LONGEST_HEAD:
                self.transport.close()

    def on_message_begin(self) -> None:
        """The first byte of a further request.

        Until then the connection may rest for its keep-alive time.
        """
        super().on_message_begin()
        self._await_head()

    def on_headers_complete(self) -> None:
        """The head is there; the body has limits of its own (`body_limits`)."""
        self._head_came()
        super().on_headers_complete()

    def connection_lost(self, exc: Exception | None) -> None:
        """Nothing is awaited any more."""
        self._head_came()
        super().connection_lost(exc)

    def _await_head(self) -> None:
        if self._late is None:
            self._late, self._taken = self.loop.call_later(HEAD_S, self.transport.close), 0

    def _head_came(self) -> None:
        if self._late is not None:
            self._late.cancel()
            self._late = None
