"""Time allowed for a whole call: a transport whose timeouts are points in time.

httpcore applies a timeout to each single read, so that a peer which sends a byte now and then holds
a call for ever, and a host with four addresses may be tried for four timeouts. Here the request
carries *deadlines* where it would carry timeouts, and each operation is given what is left. What
remains unbounded is the name lookup: the C library has its own limits for it and no way to be
interrupted.
"""

import socket
import ssl
import threading
import time
from collections.abc import Callable, Iterable, Mapping
from contextlib import suppress
from functools import partial
from typing import Any, Final, TypeAlias

import httpcore
import httpx

from worker.transport.direct import DirectConnection
from worker.transport.egress import DIRECTLY, Egress

# How long an unused connection is kept, seconds. Longer saves handshakes; but a request that meets
# the provider's hanging up leaves its recipients unsure, so this stays well under the idle time of
# any usual gateway.
KEEPALIVE_S: Final = 5.0

_LARGEST_WRITE: Final = 65_536

SocketOption: TypeAlias = tuple[int, int, int] | tuple[int, int, bytes | bytearray] | tuple[int, int, None, int]
Resolve: TypeAlias = Callable[[str, int], list[str]]


def deadlines(timeout_s: float) -> dict[str, dict[str, float]]:
    """The request extension that ends a call `timeout_s` seconds from now.

    Waiting for a free connection is the pool's own and stays a duration; it starts now, so it ends
    at the same time.
    """
    at = time.monotonic() + timeout_s
    return {"timeout": {"pool": timeout_s, "connect": at, "write": at, "read": at}}


def wire_request(
    method: str, url: httpx.URL, target: bytes, *, headers: Mapping[str, str], body: bytes, timeout_s: float
) -> httpcore.Request:
    """A request that must be answered `timeout_s` seconds from now.

    Args:
        method: `POST` or `GET`.
        url: Whereto; of it only scheme, host and port count.
        target: Path and query, byte for byte as they are written: they may be signed.
        headers: Names to values; Host and Content-Length are added.
        body: The body.
        timeout_s: Whole time allowed, seconds.
    """
    told = {"host": url.netloc.decode("ascii"), **headers}
    if body or method == "POST":
        told["content-length"] = str(len(body))
    return httpcore.Request(
        method,
        httpcore.URL(scheme=url.raw_scheme, host=url.raw_host, port=url.port, target=target),
        headers=[(name.encode("ascii"), value.encode("ascii")) for name, value in told.items()],
        content=body,
        extensions=deadlines(timeout_s),
    )


class DeadlineTransport:
    """HTTP/1.1 with kept-alive connections, no retries, and deadlines as made by `deadlines`.

    Connections through a proxy are httpcore's, all are kept here: a thread that has taken one is
    alone with it until the answer is closed. httpcore's own pool looks over all its connections at
    every request, and may close one as expired which another thread was given a moment before; that
    request then ends as a read error, with its recipients unsure.

    Errors are httpcore's, which have the names of httpx'.
    """

    def __init__(self, *, pool_size: int, egress: Egress = DIRECTLY, lookup: "Resolve | None" = None) -> None:
        trust, backend = egress.trust(), DeadlineBackend(lookup=lookup or resolve)
        self._trust = trust
        trust.set_alpn_protocols(["http/1.1"])
        self._by_tls_proxy = egress.proxy.startswith("https:")
        self._open: Callable[[httpcore.Origin], httpcore.ConnectionInterface] = partial(
            DirectConnection, backend=backend, trust=trust, keepalive_s=KEEPALIVE_S
        )
        if egress.proxy:
            # How a proxy is spoken to is httpcore's knowledge.
            through: dict[str, Any] = {
                "proxy_auth": egress.credentials,
                "ssl_context": trust,
                "keepalive_expiry": KEEPALIVE_S,
                "network_backend": backend,
            }
            self._open = httpcore.HTTPProxy(egress.proxy, **through).create_connection
        self._turns = threading.BoundedSemaphore(pool_size)
        self._pool_size = pool_size
        self._lock = threading.Lock()
        self._idle: list[httpcore.ConnectionInterface] = []
        """The one used last comes last, and is taken first: the others may then expire."""

    def ask(self, request: httpcore.Request) -> tuple[httpcore.Response, Callable[[], None]]:
        """Make the request once; `may_have_left` tells afterwards whether it can be out.

        Returns:
            The answer, whose body is still to be read, and what ends it.
        """
        # What is written before this many layers of TLS lie on a connection is for the proxy: it
        # holds nothing of the request.
        _way.layers, _way.left, _way.cut = (request.url.scheme == b"https") * (1 + self._by_tls_proxy), False, False
        if request.url.scheme not in {b"http", b"https"}:
            raise httpcore.UnsupportedProtocol("the URL is neither http nor https")
        if not self._turns.acquire(timeout=max(0.0, request.extensions["timeout"]["pool"])):
            raise httpcore.PoolTimeout("all connections are in use")
        connection = None
        try:
            connection = self._take(request.url.origin)
            answer = connection.handle_request(request)
        except BaseException:
            self._give_back(connection)
            raise
        return answer, partial(self._ended, answer, connection)

    def _ended(self, answer: httpcore.Response, connection: httpcore.ConnectionInterface) -> None:
        try:
            answer.close()
        finally:
            self._give_back(connection)

    def close(self) -> None:
        """Close kept-alive connections."""
        with self._lock:
            # Those that are still in use are closed when they come back.
            idle, self._idle, self._pool_size = self._idle, [], 0
        for connection in idle:
            connection.close()

    def _take(self, origin: httpcore.Origin) -> httpcore.ConnectionInterface:
        """A connection for this thread: the one used last that is still good, or a new one."""
        while True:
            with self._lock:
                fitting = (each for each in reversed(self._idle) if each.can_handle_request(origin))
                connection = next(fitting, None)
                if connection is None:
                    return self._open(origin)
                self._idle.remove(connection)
            # Asks the socket, too: a peer that has hung up meanwhile must not be written to.
            if not (connection.is_closed() or connection.has_expired()):
                return connection
            connection.close()

    def _give_back(self, connection: httpcore.ConnectionInterface | None) -> None:
        """Keep a connection that can be used again; close others, and those kept too long."""
        done: list[httpcore.ConnectionInterface] = []
        with self._lock:
            if connection is not None:
                # A connection that was never made calls itself idle as well.
                kept = connection.is_idle() and not connection.is_closed()
                (self._idle if kept else done).append(connection)
            while self._idle and (len(self._idle) > self._pool_size or self._idle[0].has_expired()):
                done.append(self._idle.pop(0))
        # After the turn is free: a TLS connection's closing may take a moment.
        self._turns.release()
        for each in done:
            each.close()


class _Way(threading.local):
    """What the call that this thread makes has come to."""

    layers = 0
    left = False
    cut = False


_way: Final = _Way()


def may_have_left() -> bool:
    """Whether all of this thread's last request was written to where it can be read.

    What lacks its last byte cannot have been carried out: the length of the body stands in the
    head, and the signature is over all of it.
    """
    return _way.left


def was_cut_off() -> bool:
    """Whether the way broke before the last byte of this thread's last request."""
    return _way.cut and not _way.left


def resolve(host: str, port: int) -> list[str]:
    """The host's addresses in the order they are to be tried.

    Raises:
        httpcore.ConnectError: The name is not known.
    """
    try:
        found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    except (OSError, UnicodeError) as error:
        raise httpcore.ConnectError(str(error)) from error
    return [str(address[0]) for *_, address in found]


class DeadlineBackend(httpcore.NetworkBackend):
    """Connects within a deadline, giving each address an equal share of what is left."""

    def __init__(self, backend: httpcore.NetworkBackend | None = None, *, lookup: Resolve = resolve) -> None:
        self._backend = backend or httpcore.SyncBackend()
        self._lookup = lookup

    def connect_tcp(  # noqa: PLR0917 - httpcore's signature
        self,
        host: str,
        port: int,
        timeout: float | None = None,
        local_address: str | None = None,
        socket_options: Iterable[SocketOption] | None = None,
    ) -> httpcore.NetworkStream:
        """The first address that answers; `timeout` is a deadline."""
        addresses = self._lookup(host, port)
        failure: Exception = httpcore.ConnectError("the host has no address")
        for tried, address in enumerate(addresses):
            # Each address has an equal share of what is left, so that a dead first address leaves
            # time for the second.
            share_s = _left(timeout, httpcore.ConnectTimeout) / (len(addresses) - tried)
            try:
                stream = self._backend.connect_tcp(address, port, share_s, local_address, socket_options)
            except (httpcore.ConnectError, httpcore.ConnectTimeout) as error:
                failure = error
            else:
                return _DeadlineStream(stream)
        raise failure


class _DeadlineStream(httpcore.NetworkStream):
    """A stream whose timeouts are deadlines, with one write a request.

    httpcore writes head and body apart, which costs a system call and a packet more than needed.
    """

    def __init__(self, stream: httpcore.NetworkStream, layers: int = 0) -> None:
        self._stream = stream
        self._layers = layers
        self._unwritten = bytearray()

    def read(self, max_bytes: int, timeout: float | None = None) -> bytes:
        """Read a part of the answer; what is left of the request is written first."""
        if self._unwritten:
            # A peer that will not read on may have said why; httpcore, too, goes on to read after a
            # failed write.
            with suppress(httpcore.WriteError):
                self._flush(timeout)
        # An answer is asked for when the request is written; not after a write that failed.
        _way.left = _way.left or (self._layers >= _way.layers and not _way.cut)
        return self._stream.read(max_bytes, _left(timeout, httpcore.ReadTimeout))

    def write(self, buffer: bytes, timeout: float | None = None) -> None:
        # Kept until the answer is asked for, or until it is large: one write is one packet.
        self._unwritten += buffer
        if len(self._unwritten) > _LARGEST_WRITE:
            self._flush(timeout)

    def _flush(self, timeout: float | None) -> None:
        unwritten, self._unwritten = bytes(self._unwritten), bytearray()
        left_s = _left(timeout, httpcore.WriteTimeout)
        # The system takes the last byte of a write, or of its TLS record, or the write has failed.
        _way.cut = self._layers >= _way.layers
        self._stream.write(unwritten, left_s)
        _way.cut = False

    def start_tls(
        self, ssl_context: ssl.SSLContext, server_hostname: str | None = None, timeout: float | None = None
    ) -> httpcore.NetworkStream:
        """The stream within TLS, with a layer more; closed when the time is over already."""
        try:
            left_s = _left(timeout, httpcore.ConnectTimeout)
        except httpcore.ConnectTimeout:
            self.close()
            raise
        return _DeadlineStream(self._stream.start_tls(ssl_context, server_hostname, left_s), self._layers + 1)

    def close(self) -> None:
        self._stream.close()

    def get_extra_info(self, info: str) -> Any:  # noqa: ANN401 - as httpcore declares it
        return self._stream.get_extra_info(info)


def _left(deadline: float | None, late: type[Exception]) -> float:
    """Seconds until the deadline; `late` is raised when there are none."""
    left_s = (deadline or 0.0) - time.monotonic()
    if left_s <= 0:
        raise late("the time for the call is used up")
    return left_s
