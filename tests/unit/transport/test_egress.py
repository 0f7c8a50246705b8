"""Rules of the way out: proxies, certificates, and what a call that broke on the way means."""

import socket
import socketserver
import ssl
import struct
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, suppress
from pathlib import Path
from typing import Any

import httpx
import pytest

from config.accounts import Account
from config.settings import SettingsError, load_settings
from tests.support.tls import Certificates, certificates
from tests.support.waiting import LONG_S
from tests.unit.providers.line import Answering
from worker.providers.adapter import Adapter
from worker.providers.base import Broken, Refused
from worker.providers.http import HttpRequest, HttpResponse, HttpxPort
from worker.transport.egress import DIRECTLY, Egress, egress_of
from worker.transport.retry_after import retry_after_s

ANSWER = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}"
Handle = Callable[[Any], None]


def account(**more: object) -> Account:
    values = {"provider": "tencent", "secret_id": "i", "secret_key": "k", "sdk_app_id": "1400000000"}
    return Account.model_validate({**values, **more})


class Servers:
    """Servers on this machine, gone when the test is over."""

    def __init__(self, stack: ExitStack) -> None:
        self._stack = stack

    def start(self, handle: Handle) -> int:
        """Start one that gives each connection to `handle`; returns its port."""
        handler = type("Handler", (socketserver.BaseRequestHandler,), {"handle": lambda one: handle(one.request)})
        server = self._stack.enter_context(socketserver.ThreadingTCPServer(("127.0.0.1", 0), handler))
        server.daemon_threads = True
        threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True).start()
        self._stack.callback(server.shutdown)
        return int(server.server_address[1])


@pytest.fixture
def servers() -> Iterator[Servers]:
    with ExitStack() as stack:
        yield Servers(stack)


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Certificates:
    return certificates(tmp_path_factory.mktemp("tls"))


def in_tls(made: Certificates, peer: Handle) -> Handle:
    """The same peer, spoken to through TLS."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(made.server, made.key)

    def handle(connection: socket.socket) -> None:
        with suppress(OSError), context.wrap_socket(connection, server_side=True) as inside:
            peer(inside)

    return handle


def over_tls(made: Certificates, answer: bytes) -> Handle:
    """A provider that reads a request and answers; with nothing to say it hangs up."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(made.server, made.key)

    def handle(plain: socket.socket) -> None:
        with suppress(OSError), context.wrap_socket(plain, server_side=True) as connection:
            while connection.recv(65_536):
                if not answer:
                    return
                connection.sendall(answer)

    return handle


def forwarding(port: int, seen: list[bytes]) -> Handle:
    """A proxy that opens every tunnel, whatever host is asked for, to one port of this machine."""

    def handle(client: socket.socket) -> None:
        seen.append(client.recv(65_536))
        with socket.create_connection(("127.0.0.1", port)) as server:
            client.sendall(b"HTTP/1.1 200 Connection established\r\n\r\n")
            ends = ((client, server), (server, client))
            threads = [threading.Thread(target=pump, args=pair, daemon=True) for pair in ends]
            for thread in threads:
                thread.start()
            for thread in threads:
                thread.join()

    return handle


def pump(source: socket.socket, target: socket.socket) -> None:
    with suppress(OSError):
        while piece := source.recv(65_536):
            target.sendall(piece)
        target.shutdown(socket.SHUT_WR)


def call(
    endpoint: str, egress: Egress = DIRECTLY, timeout_s: float = 3.0, *, body: bytes = b"{}"
) -> HttpResponse | Broken:
    port = HttpxPort(endpoint, pool_size=1, egress=egress)
    try:
        return port.send(HttpRequest(timeout_s, body))
    finally:
        port.close()


def test_through_a_proxy_with_a_ca_of_its_own(servers: Servers, made: Certificates) -> None:
    """The tunnel is asked for with the proxy's credentials.

    The provider's certificate is checked inside it.
    """
    seen: list[bytes] = []
    proxy = servers.start(forwarding(servers.start(over_tls(made, ANSWER)), seen))
    way = egress_of(account(proxy=f"http://me:p%40ss@127.0.0.1:{proxy}", ca_bundle=str(made.ca)))
    answered = call("https://localhost:7443", way)

    assert isinstance(answered, HttpResponse)
    assert answered.status == 200
    assert seen[0].startswith(b"CONNECT localhost:7443 ")
    assert b"Proxy-Authorization: Basic bWU6cEBzcw==" in seen[0]  # me:p@ss


def test_a_tls_failure_is_told_as_one(servers: Servers, made: Certificates) -> None:
    """A certificate that is not trusted, and a port that speaks no TLS: the request never left.

    The setting is named.
    """
    untrusted = call(f"https://localhost:{servers.start(over_tls(made, ANSWER))}")
    plain = call(f"https://localhost:{servers.start(lambda connection: connection.sendall(ANSWER))}")

    assert isinstance(untrusted, Broken)
    assert (untrusted.maybe_sent, untrusted.code) == (False, "http.Tls")
    assert "CA_BUNDLE" in untrusted.detail
    assert isinstance(plain, Broken)
    assert (plain.maybe_sent, plain.code) == (False, "http.Tls")


def refuse(connection: socket.socket) -> None:
    connection.recv(65_536)
    connection.sendall(b"HTTP/1.1 407 Proxy Authentication Required\r\nContent-Length: 0\r\n\r\n")


def hang(connection: socket.socket) -> None:
    connection.recv(65_536)
    connection.recv(65_536)


def hang_up(connection: socket.socket) -> None:
    connection.recv(65_536)


@pytest.mark.parametrize("proxy", [refuse, hang, hang_up])
def test_what_breaks_in_the_proxy_never_left(servers: Servers, proxy: Handle) -> None:
    """Before it opens, the tunnel holds nothing of the request: recipients may be sent to again."""
    broken = call("https://provider.example", Egress(f"http://127.0.0.1:{servers.start(proxy)}"), timeout_s=0.3)

    assert isinstance(broken, Broken)
    assert (broken.maybe_sent, broken.code) == (False, "http.ProxyError")


def test_what_breaks_behind_the_tunnel_may_have_left(servers: Servers, made: Certificates) -> None:
    """Once the request is written inside TLS, a hang-up leaves its recipients unsure.

    So does one of a plain endpoint.
    """
    way = Egress(
        f"http://127.0.0.1:{servers.start(forwarding(servers.start(over_tls(made, b'')), []))}", None, str(made.ca)
    )
    for broken in (call("https://localhost:7443", way), call(f"http://127.0.0.1:{servers.start(hang_up)}")):
        assert isinstance(broken, Broken)
        assert broken.maybe_sent


def reset(connection: socket.socket) -> None:
    connection.recv(1_000)
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))


given_up = threading.Event()


def read_no_further(connection: socket.socket) -> None:
    connection.recv(1_000)
    given_up.wait(LONG_S)


@pytest.mark.parametrize(
    ("peer", "tls", "timeout_s"), [(reset, False, 20.0), (reset, True, 20.0), (read_no_further, False, 1.5)]
)
def test_a_request_that_lacks_its_last_byte_was_not_carried_out(
    servers: Servers, made: Certificates, peer: Handle, *, tls: bool, timeout_s: float
) -> None:
    """Its recipients may be sent to again: no server reads a body whose end never came.

    Its signature did not come either.
    """
    way = Egress("", None, str(made.ca)) if tls else DIRECTLY
    port = servers.start(in_tls(made, peer) if tls else peer)
    given_up.clear()
    broken = call(f"{'https' if tls else 'http'}://localhost:{port}", way, timeout_s, body=bytes(32 * 1024 * 1024))
    given_up.set()

    assert isinstance(broken, Broken)
    assert (broken.maybe_sent, broken.code) == (False, "http.CutOff")


def test_whose_proxy(monkeypatch: pytest.MonkeyPatch) -> None:
    """The account's own, else the environment's unless NO_PROXY has the host.

    This machine's own endpoints take none.
    """
    for name in ("http_proxy", "https_proxy", "all_proxy", "no_proxy", "HTTP_PROXY", "ALL_PROXY"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("HTTPS_PROXY", "http://proxy.example:3128")
    monkeypatch.setenv("NO_PROXY", "other.example")
    assert egress_of(account()).proxy == "http://proxy.example:3128"
    assert egress_of(account(proxy="http://mine.example:1")).proxy == "http://mine.example:1"
    assert egress_of(account(proxy="none")).proxy == ""
    assert egress_of(account(endpoint="https://other.example/x")).proxy == ""
    assert egress_of(account(endpoint="https://127.0.0.1:8899")).proxy == ""
    assert egress_of(account(endpoint="http://plain.example")).proxy == ""


def test_settings_that_cannot_be(tmp_path: Path) -> None:
    """A proxy that is no URL, or whose password is not encoded, and a CA bundle that is none.

    Each is refused, without the password.
    """
    bundle = tmp_path / "ca.pem"
    bundle.write_text("no certificate")
    values = {
        "PROVIDER": "tencent",
        "SECRET_ID": "i",
        "SECRET_KEY": "k",
        "SDK_APP_ID": "1400000000",
        "CA_BUNDLE": str(bundle),
    }
    environ = {f"SMSLINE_ACCOUNTS__MAIN__{name}": value for name, value in values.items()}
    with pytest.raises(SettingsError) as caught:
        load_settings(environ | {"SMSLINE_ACCOUNTS__MAIN__PROXY": "http://me:s3/cret@proxy:1"})
    assert "s3" not in str(caught.value)
    assert "PROXY: 'http://***': must be none, or the URL of a proxy" in str(caught.value)
    assert "must hold CA certificates in PEM" in str(caught.value)


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ("120", 120),
        ("0", 0),
        ("99999", 3600),
        ("Thu, 01 Jan 1970 00:01:40 GMT", 60),
        ("Thu, 01 Jan 1970 00:00:00 GMT", 0),
        ("soon", None),
        ("-1", None),
        ("", None),
    ],
)
def test_retry_after(value: str, expected: float | None) -> None:
    """Seconds or a date; nonsense says nothing, and more than an hour is an hour."""
    assert retry_after_s({"RETRY-after": value}, now_s=40) == expected


def test_who_asks_to_wait_is_heard() -> None:
    """On 429 and 503, for a refusal and for no answer; a wait of the provider's own counts more."""
    found: list[bytes | Refused | Broken] = []

    class Judging(Adapter):
        def request(self, action: str, params: Mapping[str, object], timeout_s: float) -> HttpRequest:  # noqa: ARG002
            return HttpRequest(timeout_s)

        def judge(self, response: HttpResponse) -> bytes | Refused | Broken:  # noqa: ARG002
            return found[-1]

        def answered(self, body: bytes, clean: object) -> Refused:  # noqa: ARG002
            return own

    def heard(status: int, judged: bytes | Refused | Broken) -> object:
        found.append(judged)
        answering = Answering(lambda _: httpx.Response(status, headers={"Retry-After": "7"}))
        port = HttpxPort("https://x.example", pool_size=1, transport=answering)
        return Judging("x", account(), port=port).once("send", {})

    broken, own = Broken(maybe_sent=True, code="http.503", detail=""), Refused("Throttling", "", "", 2.0)
    assert heard(503, broken) == Broken(True, "http.503", "", 7.0)
    assert heard(500, broken) == broken
    assert heard(429, own) == own
    assert heard(429, b"{}") == b"{}"


@pytest.mark.parametrize(
    ("answer", "expected"),
    [
        (b"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}", (200, b"{}")),
        (b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n1\r\n{\r\n1\r\n}\r\n0\r\n\r\n", (200, b"{}")),
        (b"HTTP/1.0 200 OK\r\n\r\n{}", (200, b"{}")),
        (b"HTTP/1.1 204 No Content\r\n\r\n", (204, b"")),
        (b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}HTTP/1.1 200 OK\r\n", (200, b"{}")),
        (b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\n{}", "http.RemoteProtocolError"),
        (b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\nTransfer-Encoding: chunked\r\n\r\n{}", "http.RemoteProtocolError"),
        (b"HTTP/1.1 101 Switching Protocols\r\nConnection: upgrade\r\nUpgrade: x\r\n\r\n", "http.RemoteProtocolError"),
        (b"HTTP/1.1 200 OK\r\nX: " + b"x" * 120_000, "http.RemoteProtocolError"),
        (b"220 mail.example ESMTP\r\n", "http.RemoteProtocolError"),
        (b"", "http.RemoteProtocolError"),
    ],
    ids=[
        "continue",
        "chunked",
        "to the end",
        "no body",
        "more",
        "less",
        "two lengths",
        "upgrade",
        "no end",
        "mail",
        "none",
    ],
)
def test_how_an_answer_may_come(servers: Servers, answer: bytes, expected: tuple[int, bytes] | str) -> None:
    """Whatever frames an answer, it is read to its end.

    What is none may have been carried out, and is told as that.
    """

    def handle(connection: socket.socket) -> None:
        connection.recv(65_536)
        for half in (answer[: len(answer) // 2], answer[len(answer) // 2 :]):
            with suppress(OSError):
                connection.sendall(half)

    answered = call(f"http://127.0.0.1:{servers.start(handle)}")
    if isinstance(expected, str):
        assert isinstance(answered, Broken)
        assert (answered.maybe_sent, answered.code) == (True, expected)
    else:
        assert isinstance(answered, HttpResponse)
        assert (answered.status, answered.body) == expected


def test_no_header_is_smuggled(servers: Servers) -> None:
    """A value that would end its line is refused before anything is written."""
    seen: list[bytes] = []
    port = HttpxPort(
        f"http://127.0.0.1:{servers.start(lambda connection: seen.append(connection.recv(9)))}", pool_size=1
    )
    for headers, target in (({"x-a": "1\r\nx-b: 2"}, ""), ({"x a": "1"}, ""), ({}, "?a=1 HTTP/1.1")):
        broken = port.send(HttpRequest(1.0, b"{}", headers, target))
        assert isinstance(broken, Broken)
        assert (broken.maybe_sent, broken.code) == (False, "http.LocalProtocolError")
    assert seen == []
