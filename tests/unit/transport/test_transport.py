"""The transport that all adapters share, on a real socket here: what the fakes cannot show."""

import contextlib
import socket
import ssl
import sys
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from typing import Any

import httpcore
import pytest

from tests.support.accounts import changed
from tests.unit.providers.line import Loopback, Script, read_request, response
from tests.unit.providers.tencent.harness import CALL, NOW, SECRET_ID, SECRET_KEY, at, row, sent_body
from worker.providers.base import Answer, Broken, Provider, Sent
from worker.providers.tencent.client import open_provider
from worker.providers.tencent.signing import sign
from worker.transport import deadline
from worker.transport.deadline import DeadlineBackend, DeadlineTransport

ANSWER = response(sent_body(row()))


def _answer_all(connection: socket.socket, _: threading.Event) -> None:
    while read_request(connection)[0]:
        connection.sendall(ANSWER)


@contextlib.contextmanager
def _opened(script: Script, *, scheme: str = "http", **options: Any) -> Iterator[tuple[Provider, Loopback]]:
    loopback = Loopback(script)
    with loopback.listening() as address:
        account = changed(at(address), endpoint=f"{scheme}://{address}")
        provider = open_provider("main", account, clock=lambda: NOW, **options)
        try:
            yield provider, loopback
        finally:
            loopback.stop.set()
            provider.close()


def _verdict(answer: Answer) -> tuple[bool, str]:
    assert isinstance(answer, Broken)
    return answer.maybe_sent, answer.code


def test_calls_share_a_connection() -> None:
    """Calls one after the other use one kept-alive connection."""
    with _opened(_answer_all) as (provider, loopback):
        answers = [provider.send(CALL) for _ in range(3)]

    assert all(isinstance(answer, Sent) for answer in answers)
    assert loopback.connections == 1


def test_no_connection_is_closed_under_a_call(monkeypatch: pytest.MonkeyPatch) -> None:
    """A connection that expires is closed by the thread that holds it alone.

    No call of another ends as a read error.
    """
    monkeypatch.setattr(deadline, "KEEPALIVE_S", 0.001)
    switched_s = sys.getswitchinterval()
    # Threads change places within a call's few steps, as they do on a machine with much to do.
    sys.setswitchinterval(1e-5)
    try:
        with _opened(_answer_all, pool_size=8) as (provider, _), ThreadPoolExecutor(8) as threads:
            answers = list(threads.map(lambda _: provider.send(CALL), range(1500)))
    finally:
        sys.setswitchinterval(switched_s)

    assert [answer for answer in answers if not isinstance(answer, Sent)] == []


@pytest.mark.parametrize("path", ["", "/", "/behind/a/proxy"])
def test_signature_fits_what_arrives(path: str) -> None:
    """The signature holds for the very bytes and Host header that arrive.

    This holds whatever port and path the endpoint has.
    """
    arrived: list[tuple[dict[str, str], bytes]] = []

    def keep(connection: socket.socket, _: threading.Event) -> None:
        arrived.append(read_request(connection))
        connection.sendall(ANSWER)

    with Loopback(keep).listening() as address:
        provider = open_provider("main", at(address, path=path), clock=lambda: NOW)
        provider.send(CALL)
        provider.close()

    ((headers, body),) = arrived
    assert address == headers["host"]
    expected = sign(
        body,
        secret_id=SECRET_ID,
        secret_key=SECRET_KEY,
        service="sms",
        host=headers["host"],
        content_type=headers["content-type"],
        timestamp_s=int(headers["x-tc-timestamp"]),
    )
    assert expected["authorization"] == headers["authorization"]


def test_environment_names_no_proxy(monkeypatch: pytest.MonkeyPatch) -> None:
    """Proxy settings of the environment are not obeyed: a call goes to its endpoint or nowhere."""
    for name in ("HTTP_PROXY", "http_proxy", "ALL_PROXY", "all_proxy"):
        monkeypatch.setenv(name, "http://127.0.0.1:9")

    with _opened(_answer_all) as (provider, _):
        assert isinstance(provider.send(CALL), Sent)


def test_redirect_is_not_followed() -> None:
    """A redirect is an answer, not a second request."""

    def redirect(connection: socket.socket, _: threading.Event) -> None:
        while read_request(connection)[0]:
            connection.sendall(response(b"", status="307 Temporary Redirect", headers="Location: /again\r\n"))

    with _opened(redirect) as (provider, loopback):
        assert _verdict(provider.send(CALL)) == (False, "http.307")

    assert loopback.connections == 1


def test_cookies_are_not_kept() -> None:
    """A cookie of one answer is not sent with the next request."""
    cookies: list[str | None] = []

    def offer(connection: socket.socket, _: threading.Event) -> None:
        while headers := read_request(connection)[0]:
            cookies.append(headers.get("cookie"))
            connection.sendall(response(sent_body(row()), headers="Set-Cookie: a=b; Path=/\r\n"))

    with _opened(offer) as (provider, _):
        provider.send(CALL)
        provider.send(CALL)

    assert cookies == [None, None]


def test_certificates_are_checked() -> None:
    """The provider must show a certificate that a known authority gave to its very name."""
    transport = DeadlineTransport(pool_size=1)

    context = transport._trust

    assert (context.verify_mode, context.check_hostname) == (ssl.CERT_REQUIRED, True)


def test_no_server_listens() -> None:
    """A refused connection never left, and the system's reason is told."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        address = f"127.0.0.1:{server.getsockname()[1]}"
    provider = open_provider("main", at(address))

    answer = provider.send(CALL)

    assert _verdict(answer) == (False, "http.ConnectError")
    assert isinstance(answer, Broken)
    assert "refused" in answer.detail


def test_hang_up_without_an_answer() -> None:
    """A connection that ends after the request may have carried it out; nothing is sent twice."""
    received: list[bytes] = []

    def hang_up(connection: socket.socket, _: threading.Event) -> None:
        received.append(read_request(connection)[1])

    with _opened(hang_up) as (provider, _):
        assert _verdict(provider.send(CALL)) == (True, "http.RemoteProtocolError")

    assert len(received) == 1


def test_answer_cut_short() -> None:
    """An answer that ends before its length may have been carried out."""

    def cut(connection: socket.socket, _: threading.Event) -> None:
        read_request(connection)
        connection.sendall(ANSWER[:-5])

    with _opened(cut) as (provider, _):
        assert _verdict(provider.send(CALL)) == (True, "http.RemoteProtocolError")


def _silent(connection: socket.socket, stop: threading.Event) -> None:
    read_request(connection)
    stop.wait(5)


def _drip(connection: socket.socket, stop: threading.Event) -> None:
    for _ in range(150):  # three seconds, so that a caller without a deadline fails and does not hang
        if stop.wait(0.02):
            return
        connection.sendall(b" ")


def _drip_headers(connection: socket.socket, stop: threading.Event) -> None:
    read_request(connection)
    connection.sendall(b"HTTP/1.1 200 OK\r\nX-Long: ")
    _drip(connection, stop)


def _drip_body(connection: socket.socket, stop: threading.Event) -> None:
    read_request(connection)
    connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 100000\r\n\r\n")
    _drip(connection, stop)


@pytest.mark.parametrize("script", [_silent, _drip_headers, _drip_body])
def test_whole_call_ends_in_time(script: Script) -> None:
    """A call ends at its timeout even while bytes keep coming, and may have been carried out."""
    with _opened(script) as (provider, _):
        began = time.monotonic()
        answer = provider.send(replace(CALL, timeout_s=0.3))
        took_s = time.monotonic() - began

    assert _verdict(answer) == (True, "http.ReadTimeout")
    assert 0.25 < took_s < 2


def test_handshake_that_stalls() -> None:
    """A TLS handshake without an answer ends in time and never left."""

    def stall(_: socket.socket, stop: threading.Event) -> None:
        stop.wait(5)

    with _opened(stall, scheme="https") as (provider, _):
        assert _verdict(provider.send(replace(CALL, timeout_s=0.3))) == (False, "http.ConnectTimeout")


def test_no_tls_where_tls_is_wanted() -> None:
    """A peer that does not speak TLS gets no request."""
    with _opened(lambda connection, _: connection.sendall(ANSWER), scheme="https") as (provider, _):
        assert _verdict(provider.send(CALL)) == (False, "http.Tls")


def test_pool_is_bounded() -> None:
    """With one connection a second call waits for it; one that waits its whole time never left."""
    arrived = threading.Event()

    def hold(connection: socket.socket, stop: threading.Event) -> None:
        read_request(connection)
        arrived.set()
        stop.wait(5)

    with _opened(hold, pool_size=1) as (provider, loopback), ThreadPoolExecutor(1) as threads:
        first = threads.submit(provider.send, replace(CALL, timeout_s=2.0))
        assert arrived.wait(5)
        assert _verdict(provider.send(replace(CALL, timeout_s=0.2))) == (False, "http.PoolTimeout")
        loopback.stop.set()
        assert _verdict(first.result(5))[0] is True

    assert loopback.connections == 1


def test_threads_share_a_provider() -> None:
    """Calls of several threads at once get their own answers."""

    def echo(connection: socket.socket, _: threading.Event) -> None:
        while body := read_request(connection)[1]:
            number = body.split(b'"')[3].decode()
            connection.sendall(response(sent_body(row(number, SerialNo=number))))

    numbers = [8613700000000 + index for index in range(40)]
    with _opened(echo, pool_size=4) as (provider, loopback), ThreadPoolExecutor(4) as threads:
        answers = list(threads.map(lambda number: provider.send(replace(CALL, numbers=(number,))), numbers))

    assert [(number, f"+{number}") for number in numbers] == [
        (item.number, item.serial) for answer in answers if isinstance(answer, Sent) for item in answer.items
    ]
    assert loopback.connections <= 4


class _Network(httpcore.NetworkBackend):
    """Connects to nothing; keeps the timeouts it is given and fails for the addresses told."""

    def __init__(self, failing: dict[str, type[Exception]]) -> None:
        self.failing = failing
        self.tried: list[tuple[str, float]] = []

    def connect_tcp(self, host: str, port: int, timeout: float | None = None, *_: Any) -> httpcore.NetworkStream:  # noqa: ARG002
        self.tried.append((host, timeout or 0.0))
        if error := self.failing.get(host):
            raise error(host)
        return httpcore.NetworkStream()


def test_addresses_share_the_time() -> None:
    """Each address of a host gets an equal share of what is left.

    One that is dead leaves time for the next.
    """
    network = _Network({"::1": httpcore.ConnectTimeout, "127.0.0.9": httpcore.ConnectError})
    backend = DeadlineBackend(network, lookup=lambda *_: ["::1", "127.0.0.9", "127.0.0.1"])

    backend.connect_tcp("host", 1, timeout=time.monotonic() + 3)

    assert [address for address, _ in network.tried] == ["::1", "127.0.0.9", "127.0.0.1"]
    assert [pytest.approx(share_s, abs=0.2) for _, share_s in network.tried] == [1.0, 1.5, 3.0]


@pytest.mark.parametrize(
    ("addresses", "left_s", "error"),
    [
        (["::1", "127.0.0.1"], 3, httpcore.ConnectTimeout),
        ([], 3, httpcore.ConnectError),
        (["127.0.0.2"], -1, httpcore.ConnectTimeout),
    ],
)
def test_no_address_answers(addresses: list[str], left_s: float, error: type[Exception]) -> None:
    """The last address' failure is the connection's; without time none is tried."""
    network = _Network({"::1": httpcore.ConnectError, "127.0.0.1": httpcore.ConnectTimeout})
    backend = DeadlineBackend(network, lookup=lambda *_: addresses)

    with pytest.raises(error):
        backend.connect_tcp("host", 1, timeout=time.monotonic() + left_s)

    assert left_s > 0 or not network.tried


def test_unknown_name() -> None:
    """A call to a name that cannot be looked up never left; this one is too long to be asked."""
    provider = open_provider("main", at("a" * 64 + ".invalid"))

    assert _verdict(provider.send(CALL)) == (False, "http.ConnectError")
