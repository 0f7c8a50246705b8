"""Requests to endpoints go where the name was looked up, and nowhere else."""

import socket
import socketserver
import ssl
import threading
from collections.abc import Iterator
from contextlib import closing, contextmanager, suppress
from pathlib import Path
from typing import Any

import pytest

from tests.support.receiver import Receiver
from tests.support.tls import certificates
from worker.webhooks import addresses
from worker.webhooks.post import Poster
from worker.webhooks.retries import judge


def test_a_redirect_is_a_failure_and_is_not_followed() -> None:
    """An endpoint that was looked at must not choose another address afterwards."""
    with Receiver() as asked, Receiver() as elsewhere, closing(Poster(requests=1, allow_private=True)) as poster:
        asked.headers = {"location": elsewhere.url}
        asked.plan = [301, 302, 303, 307, 308]
        for status in tuple(asked.plan):
            answer = poster.post(asked.url, b"{}", {"webhook-id": "msg_1"}, now_s=0)
            assert answer.status == status
            assert judge(answer, tries=0, in_row=0).outcome == "failed"
        assert elsewhere.seen == []
        assert len(asked.seen) == 5


def test_a_proxy_of_the_environment_is_not_used(monkeypatch: pytest.MonkeyPatch) -> None:
    """It would connect on our behalf to what we must not reach, and would see the events."""
    with Receiver() as receiver, Receiver() as proxy, closing(Poster(requests=1, allow_private=True)) as poster:
        for name in ("HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY"):
            monkeypatch.setenv(name, proxy.url.removesuffix("/hook"))
            monkeypatch.setenv(name.lower(), proxy.url.removesuffix("/hook"))
        receiver.plan = [204]
        assert poster.post(receiver.url, b"{}", {"webhook-id": "msg_1"}, now_s=0).status == 204
        assert proxy.seen == []


@contextmanager
def over_tls(folder: Path, named: list[str | None]) -> Iterator[int]:
    """A server on 127.0.0.1 with a certificate for `localhost` that notes the names asked for."""
    made = certificates(folder)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(made.server, made.key)
    context.sni_callback = lambda _socket, name, _context: named.append(name)

    class Handler(socketserver.BaseRequestHandler):
        def handle(self) -> None:
            with suppress(OSError), context.wrap_socket(self.request, server_side=True) as connection:
                named.append(connection.recv(65_536).decode().lower().partition("host: ")[2].partition("\r\n")[0])
                connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n")

    with socketserver.ThreadingTCPServer(("127.0.0.1", 0), Handler) as server:
        server.daemon_threads = True
        threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True).start()
        yield int(server.server_address[1])
        server.shutdown()


def test_the_connection_goes_to_the_address_that_was_looked_at_under_the_endpoint_s_name(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Looked up once; TLS asks for the name, checks the certificate against it, and so does Host.

    Another name is refused.
    """
    named, asked, looked_at = list[str | None](), list[str](), list[str]()

    real = socket.getaddrinfo

    def getaddrinfo(host: str, port: int, *more: Any, **named: Any) -> Any:
        if host[0].isdigit():
            return real(host, port, *more, **named)
        asked.append(host)
        # A second look would give an address at which no server listens.
        address = "127.0.0.1" if asked.count(host) == 1 else "127.99.99.99"
        return [(None, None, None, "", (address, port))]

    def is_public(address: str) -> bool:
        looked_at.append(address)
        return True

    monkeypatch.setattr(socket, "getaddrinfo", getaddrinfo)
    monkeypatch.setattr(addresses, "is_public", is_public)
    with over_tls(tmp_path, named) as port:
        monkeypatch.setenv("SSL_CERT_FILE", str(tmp_path / "ca.crt"))
        with closing(Poster(requests=1, allow_private=False)) as poster:
            assert poster.post(f"https://localhost:{port}/", b"{}", {}, now_s=0).good
            assert named == ["localhost", f"localhost:{port}"]
            assert (asked, looked_at) == (["localhost"], ["127.0.0.1"])
            refused = poster.post(f"https://shop.example:{port}/", b"{}", {}, now_s=0)
    assert (refused.status, named[2:]) == (0, ["shop.example"]), refused
