"""HTTP towards SMSPartner: what reaches a real socket, what never reaches a log, and that a call ends in time."""

import contextlib
import logging
import socket
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import replace

import httpx
import pytest

from tests.support.accounts import changed, refusal
from tests.unit.providers.smspartner.harness import ACCOUNT, API_KEY, CALL, SECRETS, Line, answering, sent
from worker.providers.base import Broken, Refused
from worker.providers.http import HttpRequest, HttpResponse, HttpxPort
from worker.providers.smspartner import manage
from worker.providers.smspartner.client import SmsPartnerProvider, open_provider

Serve = Callable[[socket.socket], None]


@contextlib.contextmanager
def listening(serve: Serve) -> Iterator[str]:
    """A loopback address; each connection is handed to `serve` in a thread."""
    threads: list[threading.Thread] = []
    over = threading.Event()

    def accept(server: socket.socket) -> None:
        while not over.is_set():
            with contextlib.suppress(TimeoutError):
                connection, _ = server.accept()
                threads.append(threading.Thread(target=_served, args=(serve, connection)))
                threads[-1].start()

    with socket.create_server(("127.0.0.1", 0)) as server:
        server.settimeout(0.02)
        acceptor = threading.Thread(target=accept, args=(server,))
        acceptor.start()
        try:
            yield f"http://127.0.0.1:{server.getsockname()[1]}"
        finally:
            over.set()
            acceptor.join(5)
    for thread in threads:
        thread.join(5)


def _served(serve: Serve, connection: socket.socket) -> None:
    with connection, contextlib.suppress(OSError):
        connection.settimeout(5)
        serve(connection)


def request_of(connection: socket.socket) -> bytes:
    """The next request, whole."""
    received = b""
    while b"\r\n\r\n" not in received:
        received += connection.recv(65536)
    head, _, body = received.partition(b"\r\n\r\n")
    lengths = [line.split(b":")[1] for line in head.split(b"\r\n") if line.lower().startswith(b"content-length")]
    while len(body) < int(lengths[0] if lengths else 0):
        body += connection.recv(65536)
    return head + b"\r\n\r\n" + body


def response(body: bytes) -> bytes:
    """The bytes of an answer."""
    return b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n%s" % (len(body), body)


def test_get_and_post_on_a_socket() -> None:
    """Method, target, headers and body reach the wire as they are; both requests on one kept-alive connection."""
    requests: list[bytes] = []

    def serve(connection: socket.socket) -> None:
        for _ in range(2):
            requests.append(request_of(connection))
            connection.sendall(response(b"{}"))

    with listening(serve) as url:
        port = HttpxPort(url, pool_size=1)
        headers = {"content-type": "application/json"}
        first = port.send(HttpRequest(5, b'{"a":1}', headers, "/v1/bulk-send"))
        second = port.send(HttpRequest(5, target="/v1/hlr/notify?apiKey=k+y%26z", method="GET"))
        port.close()

    assert isinstance(first, HttpResponse)
    assert isinstance(second, HttpResponse)
    assert (first[:2], second[:2]) == ((200, b"{}"), (200, b"{}"))
    assert requests[0].startswith(b"POST /v1/bulk-send HTTP/1.1\r\n")
    assert b"content-type: application/json\r\n" in requests[0].lower()
    assert requests[0].endswith(b'\r\n\r\n{"a":1}')
    assert requests[1].startswith(b"GET /v1/hlr/notify?apiKey=k+y%26z HTTP/1.1\r\n")


def test_silence_ends_in_time() -> None:
    """A provider that answers nothing holds a call for its timeout and no longer; the messages may be out."""
    release = threading.Event()

    def serve(connection: socket.socket) -> None:
        request_of(connection)
        release.wait(5)

    with listening(serve) as url:
        began = time.monotonic()
        answer = open_provider("main", changed(ACCOUNT, endpoint=url)).send(replace(CALL, timeout_s=0.2))
        took_s = time.monotonic() - began
        release.set()

    assert isinstance(answer, Broken)
    assert (answer.maybe_sent, answer.code) == (True, "http.ReadTimeout")
    assert took_s < 2


def test_hanging_up_leaves_doubt() -> None:
    """A connection that ends without an answer may have carried the call."""

    def serve(connection: socket.socket) -> None:
        request_of(connection)

    with listening(serve) as url:
        answer = open_provider("main", changed(ACCOUNT, endpoint=url)).send(CALL)

    assert isinstance(answer, Broken)
    assert answer.maybe_sent


def test_nobody_there() -> None:
    """A refused connection is certain not to have sent."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]

    answer = open_provider("main", changed(ACCOUNT, endpoint=f"http://127.0.0.1:{port}")).send(CALL)

    assert isinstance(answer, Broken)
    assert (answer.maybe_sent, answer.code) == (False, "http.ConnectError")


def test_closed_and_late() -> None:
    """After closing, and without time, nothing is asked."""
    line = answering(200, sent())
    provider = line.provider

    assert provider.send(replace(CALL, timeout_s=0)) == Broken(
        maybe_sent=False, code="http.NoTime", detail="no time was left for the call"
    )
    provider.close()
    closed = provider.send(CALL)

    assert isinstance(closed, Broken)
    assert (closed.maybe_sent, closed.code) == (False, "http.Closed")
    assert line.requests == []


@pytest.mark.parametrize("call", [SmsPartnerProvider.balance, manage.stop_list])
def test_no_url_in_a_log(call: Callable[[SmsPartnerProvider], object], caplog: pytest.LogCaptureFixture) -> None:
    """The key is in the URL of a GET, and no URL is logged at whatever level, also where nobody configured logging."""
    line = answering(200, {"success": False, "code": 10, "message": f"cle {API_KEY}"})

    with caplog.at_level(logging.DEBUG):
        answer = call(line.provider)

    assert isinstance(answer, Refused)
    assert API_KEY in str(line.requests[0].url)
    assert API_KEY not in caplog.text + repr(answer)


def test_no_url_in_a_log_of_a_socket(caplog: pytest.LogCaptureFixture) -> None:
    """Neither does what lies under the port log it."""
    asked: list[object] = []

    def serve(connection: socket.socket) -> None:
        asked.append(request_of(connection))
        connection.sendall(response(b"{}"))

    with listening(serve) as url, caplog.at_level(logging.DEBUG):
        account = open_provider("main", changed(ACCOUNT, endpoint=url))
        account.balance()
        account.close()

    assert API_KEY in str(asked)
    assert API_KEY not in caplog.text


def test_no_secret_in_a_surprise(caplog: pytest.LogCaptureFixture) -> None:
    """An error nobody expected is a value and a line that names its kind, whatever it quotes."""

    def surprise(request: httpx.Request) -> httpx.Response:
        raise RuntimeError(f"at {request.url} with {request.content!r}")

    with caplog.at_level(logging.DEBUG):
        answers = [Line(surprise).provider.send(CALL), Line(surprise).provider.balance()]

    assert all(isinstance(answer, Broken) and answer.maybe_sent for answer in answers)
    assert "a call of api.smspartner.fr broke: RuntimeError" in caplog.text
    assert not [secret for secret in SECRETS if secret in caplog.text + repr(answers)]


def test_repr_hides_the_key() -> None:
    """Neither the account nor its provider shows the key or a text."""
    shown = repr(ACCOUNT) + repr(answering(200, b"").provider)

    assert "french" in shown
    assert not [secret for secret in SECRETS if secret in shown]


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("secret_key", ""),
        ("secret_key", "two words"),
        ("secret_key", "clé"),
        ("endpoint", ""),
        ("endpoint", "api.smspartner.fr"),
        ("endpoint", "https://user:Hush8@api.smspartner.fr"),
        ("endpoint", "https://api.smspartner.fr/?apiKey=Hush8"),
        ("endpoint", "http://[::1"),
        ("timeout_s", 0.0),
        ("gamme", 3),
        ("limits", {"bulk-send": 0.0}),
    ],
)
def test_useless_value_is_refused(field: str, value: object) -> None:
    """What could never make a call is refused at once, naming the field and repeating no secret."""
    refused, rule = refusal(ACCOUNT, **{field: value})

    assert refused == field
    assert "Hush8" not in rule
