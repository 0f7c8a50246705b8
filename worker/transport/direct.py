"""A kept-alive HTTP/1.1 connection straight to its host, read by llhttp.

httpcore's own connection is read by h11, whose events and states cost a call of one number more CPU
than all of its ledger's round trips. The streams, TLS and errors are httpcore's; what goes through
a proxy is left to its connections.
"""

import re
import ssl
import time
from collections.abc import Iterable, Iterator
from contextlib import suppress
from typing import Final, cast

import httpcore
import httptools

# Bytes of an answer before its body; h11 has the same bound.
LARGEST_HEAD: Final = 100_000

_READ_BYTES: Final = 65_536

_HEADERS: Final = re.compile(rb"(?:[!#$%&'*+.^_`|~0-9A-Za-z-]+: [^\x00\r\n]*\r\n)*")


class _Answer:
    """What the parser has found; its methods are called by it, and named by it."""

    def __init__(self) -> None:
        self.parser = httptools.HttpResponseParser(self)
        self.headers: list[tuple[bytes, bytes]] = []
        self.pieces: list[bytes] = []
        self.status = 0
        self.head_bytes = 0
        self.framed = self.kept = self.complete = False

    def on_header(self, name: bytes, value: bytes) -> None:
        self.headers.append((name, value.rstrip()))
        self.framed = self.framed or name.lower() in {b"content-length", b"transfer-encoding"}

    def on_headers_complete(self) -> None:
        # Asked here, because llhttp forgets the head when the message is complete.
        self.status, self.kept = self.parser.get_status_code(), self.parser.should_keep_alive()

    def on_body(self, piece: bytes) -> None:
        self.pieces.append(piece)

    def on_message_begin(self) -> None:
        # A second answer to one request: what is left on this connection fits no further one.
        self.kept = self.kept and not self.complete

    def on_message_complete(self) -> None:
        if self.status < 200:
            self.headers, self.status, self.framed = [], 0, False
        else:
            self.complete = True

    def read(self, data: bytes) -> None:
        """Take what has come; empty when the peer has hung up.

        Raises:
            httpcore.RemoteProtocolError: It is no answer, or not all of one.
        """
        if self.complete:
            return
        if not self.status:
            self.head_bytes += len(data)
        if not data and self.status and not self.framed:
            # An answer without a length ends with its connection.
            self.complete, self.kept = True, False
        elif not data or self.head_bytes > LARGEST_HEAD:
            raise httpcore.RemoteProtocolError(
                "the connection ended before the answer did" if not data else "no end of the head"
            )
        try:
            self.parser.feed_data(data)
        except (httptools.HttpParserError, httptools.HttpParserUpgrade) as error:
            self.kept = False
            if not self.complete:
                # Without its words: they may quote what the peer sent.
                raise httpcore.RemoteProtocolError(type(error).__name__) from None


class DirectConnection(httpcore.ConnectionInterface):
    """One connection; it is used by one thread at a time.

    Args:
        origin: To where.
        backend: Opens streams whose timeouts are deadlines.
        trust: Which certificates are believed.
        keepalive_s: How long it is good for when it is not used.
    """

    def __init__(
        self, origin: httpcore.Origin, backend: httpcore.NetworkBackend, trust: ssl.SSLContext, *, keepalive_s: float
    ) -> None:
        self._origin, self._backend, self._trust, self._keepalive_s = origin, backend, trust, keepalive_s
        self._stream: httpcore.NetworkStream | None = None
        self._idle_since_s: float | None = None
        self._closed = False

    def handle_request(self, request: httpcore.Request) -> httpcore.Response:
        """Send a request once; the answer's body is read as it is asked for."""
        deadlines, answer = request.extensions["timeout"], _Answer()
        head = b"".join(b"%b: %b\r\n" % header for header in request.headers)
        # One line a header, or a value has brought another header along.
        whole = _HEADERS.fullmatch(head) and head.count(b"\r\n") == len(request.headers)
        if not whole or re.search(rb"[^\x21-\x7e]", request.method + request.url.target):
            raise httpcore.LocalProtocolError("a header or the target holds what ends its line")
        self._idle_since_s = None
        try:
            stream = self._stream = self._stream or self._open(deadlines["connect"])
            body = b"".join(cast("Iterable[bytes]", request.stream))
            # A peer that will not read on may have said why.
            with suppress(httpcore.WriteError):
                stream.write(
                    b"%b %b HTTP/1.1\r\n%b\r\n%b" % (request.method, request.url.target, head, body), deadlines["write"]
                )
            while not answer.status:
                answer.read(stream.read(_READ_BYTES, deadlines["read"]))
        except BaseException:
            self.close()
            raise
        return httpcore.Response(
            answer.status, headers=answer.headers, content=_DirectBody(self, stream, answer, deadlines["read"])
        )

    def _open(self, deadline: float) -> httpcore.NetworkStream:
        host = self._origin.host.decode("ascii")
        stream = self._backend.connect_tcp(host, self._origin.port, deadline)
        if self._origin.scheme != b"https":
            return stream
        return stream.start_tls(self._trust, host, deadline)

    def ended(self, *, kept: bool) -> None:
        """The answer has been read, or is read no further."""
        if kept:
            self._idle_since_s = time.monotonic()
        else:
            self.close()

    def close(self) -> None:
        """Close it, whatever is under way."""
        stream, self._stream, self._closed, self._idle_since_s = self._stream, None, True, None
        if stream is not None:
            stream.close()

    def info(self) -> str:
        """What it is doing, for people."""
        return "closed" if self._closed else "idle" if self.is_idle() else "active"

    def can_handle_request(self, origin: httpcore.Origin) -> bool:
        """Whether it leads there."""
        return origin == self._origin

    def is_available(self) -> bool:
        """Whether it can take a request now."""
        return self.is_idle()

    def has_expired(self) -> bool:
        """Whether it was idle too long, or its peer hung up or spoke without being asked."""
        if self._stream is None or self._idle_since_s is None:
            return False
        return time.monotonic() - self._idle_since_s > self._keepalive_s or bool(
            self._stream.get_extra_info("is_readable")
        )

    def is_idle(self) -> bool:
        """Whether its last answer was read to the end."""
        return self._idle_since_s is not None

    def is_closed(self) -> bool:
        """Whether it is of no more use."""
        return self._closed


class _DirectBody:
    """The bytes of an answer, as they come."""

    def __init__(
        self, connection: DirectConnection, stream: httpcore.NetworkStream, answer: _Answer, deadline: float
    ) -> None:
        self._connection, self._stream, self._answer, self._deadline = connection, stream, answer, deadline

    def __iter__(self) -> Iterator[bytes]:
        answer = self._answer
        while True:
            pieces, answer.pieces = answer.pieces, []
            yield from pieces
            if answer.complete:
                return
            answer.read(self._stream.read(_READ_BYTES, self._deadline))

    def close(self) -> None:
        self._connection.ended(kept=self._answer.complete and self._answer.kept)
