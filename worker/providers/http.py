"""The one HTTP port of all adapters: a request is sent once, and ends as an answer or a `Broken`.

The one place that knows httpcore and httpx. Another HTTP library takes its place by implementing
`HttpPort`; what it must be able to tell is whether a request certainly never left, which decides
whether its recipients may be sent to again.
"""

import logging
import re
from collections.abc import Callable, Mapping
from typing import Final, NamedTuple, Protocol

import httpcore
import httpx

from smsline.errors import shorten
from worker.providers.base import Broken
from worker.transport.deadline import DeadlineTransport, may_have_left, was_cut_off, wire_request
from worker.transport.egress import DIRECTLY, Egress

LOG: Final = logging.getLogger(__name__)

# Of every request. identity: answers are small, and a body that was not packed cannot fail to
# unpack.
HEADERS: Final = {"accept": "application/json", "accept-encoding": "identity", "user-agent": "smsline"}

# Bytes; a full answer has some 40 thousand.
LARGEST_BODY: Final = 8 * 1024 * 1024

# Raised before the first byte of a request is written. All others may come after its last one,
# which the transport tells.
NEVER_LEFT: Final = (
    httpx.ConnectError,
    httpx.ConnectTimeout,
    httpx.PoolTimeout,
    httpx.ProxyError,
    httpx.UnsupportedProtocol,
    httpx.LocalProtocolError,
    httpcore.ConnectError,
    httpcore.ConnectTimeout,
    httpcore.PoolTimeout,
    httpcore.ProxyError,
    httpcore.UnsupportedProtocol,
    httpcore.LocalProtocolError,
)

_ERRORS_OF_HTTP: Final = (httpx.HTTPError, httpcore.NetworkError, httpcore.TimeoutException, httpcore.ProtocolError)


class HttpRequest(NamedTuple):
    """One request to an account's endpoint.

    Attributes:
        timeout_s: Whole time allowed, seconds.
        body: The bytes.
        headers: Lower-case names to values; those of `HEADERS` are added.
        target: What follows the endpoint: path and query, percent-encoded, sent as it is because it
            may be signed.
        method: `POST` or `GET`.
    """

    timeout_s: float
    body: bytes = b""
    headers: Mapping[str, str] = {}
    target: str = ""
    method: str = "POST"


class HttpResponse(NamedTuple):
    """A whole answer, of whatever status; header names in lower case."""

    status: int
    body: bytes
    headers: Mapping[str, str] = {}


class HttpPort(Protocol):
    """Sends requests to one endpoint. Threads may share it."""

    def send(self, request: HttpRequest) -> HttpResponse | Broken:
        """Send once, never again by itself, within `timeout_s` seconds in all; raises nothing."""

    def close(self) -> None:
        """Close kept-alive connections; later requests are `Broken`, never left."""


class Carrier(Protocol):
    """What carries a request and its answer: `DeadlineTransport`, or a test's own."""

    def ask(self, request: httpcore.Request) -> tuple[httpcore.Response, Callable[[], None]]:
        """The answer, whose body is still to be read, and what ends it."""

    def close(self) -> None:
        """Close kept-alive connections."""


class HttpxPort:
    """`HttpPort` over httpcore: HTTP/1.1, keep-alive, no retries, redirects or cookies."""

    def __init__(
        self,
        endpoint: str,
        *,
        pool_size: int,
        egress: Egress = DIRECTLY,
        transport: Carrier | None = None,
    ) -> None:
        """Open nothing yet.

        Args:
            endpoint: Full URL before each request's target.
            pool_size: Connections at most; as many as threads that call, or they wait for each
                other.
            egress: By which way out.
            transport: In place of the network.
        """
        self._url = httpx.URL(endpoint)
        self._path = self._url.raw_path
        # Neither an httpx.Client nor httpx' requests: redirects, cookies, authentication and
        # decoding, all unwanted here, would be half of a call's CPU, and the client logs URLs.
        self._transport: Carrier = transport or DeadlineTransport(pool_size=pool_size, egress=egress)
        self._counts_bytes = transport is None
        self._closed = False

    def send(self, request: HttpRequest) -> HttpResponse | Broken:
        """Send once; see `HttpPort`."""
        if self._closed:
            return Broken(maybe_sent=False, code="http.Closed", detail="this account's connections are closed")
        # A call that waited for its turn may have none left; asking httpx would give it a moment
        # all the same.
        if request.timeout_s <= 0:
            return Broken(maybe_sent=False, code="http.NoTime", detail="no time was left for the call")
        try:
            return self._exchange(request)
        except NEVER_LEFT as error:
            return _never_left(error)
        except Exception as error:  # noqa: BLE001 - a call that may be out must end as a value whatever breaks
            # The message is left out: it may quote a URL, a header's value or what the peer sent.
            if not isinstance(error, _ERRORS_OF_HTTP):
                LOG.error("a call of %s broke: %s", self._url.host, type(error).__name__)  # noqa: TRY400 - it would print the message
            if not self._counts_bytes or may_have_left():
                code = f"http.{type(error).__name__}"
                return Broken(maybe_sent=True, code=code, detail="the call broke after it may have been sent")
            return _never_left(error, cut_off=was_cut_off())

    def close(self) -> None:
        """Close kept-alive connections."""
        self._closed = True
        self._transport.close()

    def _exchange(self, request: HttpRequest) -> HttpResponse | Broken:
        # The target is not parsed and put together again: its very bytes may be signed.
        path = self._path.rstrip(b"/") if request.target.startswith("/") else self._path
        target = path + request.target.encode("ascii")
        headers, body, timeout_s = {**HEADERS, **request.headers}, request.body, request.timeout_s
        answer, done = self._transport.ask(
            wire_request(request.method, self._url, target, headers=headers, body=body, timeout_s=timeout_s)
        )
        try:
            received = bytearray()
            # Read piece by piece: a peer that sends without end must not fill this process' memory
            # before it is noticed.
            for piece in answer.iter_stream():
                received += piece
                if len(received) > LARGEST_BODY:
                    return Broken(maybe_sent=True, code="http.TooLarge", detail=f"answer over {LARGEST_BODY} bytes")
            told = {name.decode("latin-1").lower(): value.decode("latin-1") for name, value in answer.headers}
            return HttpResponse(answer.status, bytes(received), told)
        finally:
            done()


def _never_left(error: Exception, *, cut_off: bool = False) -> Broken:
    """A call that broke before all of its request could reach the provider."""
    if cut_off:
        detail = "not sent: the connection broke before the last byte of the request was written"
        return Broken(maybe_sent=False, code="http.CutOff", detail=detail)
    # Only a failed connect may speak for itself: it had no URL, header or answer to quote from.
    words = shorten(str(error), 200) if isinstance(error, httpx.ConnectError | httpcore.ConnectError) else ""
    if re.search(r"\bSSL\b|CERTIFICATE|certificate", words):
        advice = "; name the CA of a proxy or gateway in between with CA_BUNDLE" if "VERIFY" in words else ""
        return Broken(maybe_sent=False, code="http.Tls", detail=f"not sent: TLS failed: {words}{advice}")
    if isinstance(error, httpx.ProxyError | httpcore.ProxyError):
        status = re.match(r"\d{3}\b", str(error))
        words = f"the proxy refused ({status[0]})" if status else "the proxy refused"
    named = type(error).__name__
    # A read that broke while the proxy had to open the way is no read of an answer.
    kind = named if isinstance(error, NEVER_LEFT) else "ProxyError"
    return Broken(maybe_sent=False, code=f"http.{kind}", detail=f"not sent: {words}" if words else "not sent")


def host_of(endpoint: str) -> str:
    """The Host header, which gets signed: no port where it is the scheme's own."""
    return httpx.URL(endpoint).netloc.decode("ascii")
