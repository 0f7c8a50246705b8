"""Time allowed for a whole call: an httpx transport whose timeouts are points in time.

httpx applies a timeout to each single read, so that a peer which sends a byte now and then holds a
call for ever, and a host with four addresses may be tried for four timeouts. Here the request
carries *deadlines* where it would carry timeouts, and each operation is given what is left. What
remains unbounded is the name lookup: the C library has its own limits for it and no way to be
interrupted.
"""

import socket
import ssl
import threading
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import suppress
from typing import Any, Final, TypeAlias

import httpcore
import httpx

from worker.providers.egress import DIRECTLY, Egress

KEEPALIVE_S: Final = 5.0
"""How long an unused connection is kept, seconds. Longer saves handshakes; but a request that meets the provider's
hanging up leaves its recipients unsure, so this stays well under the idle time of any usual gateway."""

_LARGEST_WRITE: Final = 65_536

SocketOption: TypeAlias = tuple[int, int, int] | tuple[int, int, bytes | bytearray] | tuple[int, int, None, int]
Resolve: TypeAlias = Callable[[str, int], list[str]]


def deadlines(timeout_s: float) -> dict[str, dict[str, float]]:
    """The request extension that ends a call `timeout_s` seconds from now.

    Waiting for a free connection is the pool's own and stays a duration; it starts now, so it ends at the same time.
    """
    at = time.monotonic() + timeout_s
    return {"timeout": {"pool": timeout_s, "connect": at, "write": at, "read": at}}


class DeadlineTransport(httpx.BaseTransport):
    """HTTP/1.1 with kept-alive connections, no retries, and deadlines as made by `deadlines`.

    Over httpcore's pool, because `httpx.HTTPTransport` has no argument for the network backend. Errors are httpcore's, which have
    the names of httpx'.
    """

    def __init__(self, *, pool_size: int, egress: Egress = DIRECTLY, lookup: "Resolve | None" = None) -> None:
        options: dict[str, Any] = {
            "ssl_context": egress.trust(),
            "max_connections": pool_size,
            "max_keepalive_connections": pool_size,
            "keepalive_expiry": KEEPALIVE_S,
            "network_backend": DeadlineBackend(lookup=lookup or resolve),
        }
        self._by_tls_proxy = egress.proxy.startswith("https:")
        self._pool: httpcore.ConnectionPool = (
            httpcore.HTTPProxy(egress.proxy, proxy_auth=egress.credentials, **options)
            if egress.proxy
            else httpcore.ConnectionPool(**options)
        )

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        """Make the request once; `may_have_left` tells afterwards whether any of it can have reached the provider."""
        url = request.url
        # What is written before this many layers of TLS lie on a connection is for the proxy: it
        # holds nothing of the request.
        _way.layers, _way.left = (url.scheme == "https") * (1 + self._by_tls_proxy), False
        answer = self._pool.handle_request(
            httpcore.Request(
                request.method,
                httpcore.URL(scheme=url.raw_scheme, host=url.raw_host, port=url.port, target=url.raw_path),
                headers=request.headers.raw,
                content=request.stream,
                extensions=request.extensions,
            )
        )
        return httpx.Response(answer.status, headers=answer.headers, stream=_Body(answer), extensions=answer.extensions)

    def close(self) -> None:
        """Close kept-alive connections."""
        self._pool.close()


class _Way(threading.local):
    """What the call that this thread makes has come to."""

    layers = 0
    left = False


_way: Final = _Way()


def may_have_left() -> bool:
    """Whether this thread's last call has written anything of its request to where the provider can have read it."""
    return _way.left


class _Body(httpx.SyncByteStream):
    """The bytes of an answer, as they come."""

    def __init__(self, answer: httpcore.Response) -> None:
        self._answer = answer

    def __iter__(self) -> Iterator[bytes]:
        return self._answer.iter_stream()

    def close(self) -> None:
        self._answer.close()


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
    """A stream whose timeouts are deadlines, and which writes a request at once when its answer is asked for.

    httpcore writes head and body apart, which costs a system call and a packet more than needed.
    """

    def __init__(self, stream: httpcore.NetworkStream, layers: int = 0) -> None:
        self._stream = stream
        self._layers = layers
        self._unwritten = bytearray()

    def read(self, max_bytes: int, timeout: float | None = None) -> bytes:
        if self._unwritten:
            # A peer that will not read on may have said why; httpcore, too, goes on to read after a
            # failed write.
            with suppress(httpcore.WriteError):
                self._flush(timeout)
        return self._stream.read(max_bytes, _left(timeout, httpcore.ReadTimeout))

    def write(self, buffer: bytes, timeout: float | None = None) -> None:
        # Kept until the answer is asked for, or until it is large: one write is one packet.
        self._unwritten += buffer
        if len(self._unwritten) > _LARGEST_WRITE:
            self._flush(timeout)

    def _flush(self, timeout: float | None) -> None:
        unwritten, self._unwritten = bytes(self._unwritten), bytearray()
        left_s = _left(timeout, httpcore.WriteTimeout)
        _way.left = _way.left or self._layers >= _way.layers
        self._stream.write(unwritten, left_s)

    def start_tls(
        self, ssl_context: ssl.SSLContext, server_hostname: str | None = None, timeout: float | None = None
    ) -> httpcore.NetworkStream:
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
