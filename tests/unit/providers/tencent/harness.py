"""What the tests of this folder share: an account, a provider on a fake or a loopback transport, and answers to give."""

import contextlib
import json
import socket
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from typing import Any

import httpx
from pydantic import SecretStr

from config.accounts import Account
from tests.support.accounts import changed
from tests.unit.providers.line import FakeLine
from worker.providers.base import Broken, Call, Content
from worker.providers.tencent.client import TencentProvider

NOW = 1_790_000_000
ASKED = (8613711112222, 8613711113333)
SECRET_ID = "AKIDtestidtestid"
SECRET_KEY = "Hush8Hush8Hush8Hush8"
TOKEN = "TokenOfATemporaryKey"
OTP = "482913"
SECRETS = (SECRET_KEY, TOKEN, OTP)

ACCOUNT = Account(
    provider="tencent",
    secret_id=SecretStr(SECRET_ID),
    secret_key=SecretStr(SECRET_KEY),
    sdk_app_id="1400006666",
    token=SecretStr(TOKEN),
    send_each=True,
)
CALL = Call(
    numbers=ASKED,
    content=Content(template="1234", params=(OTP,), sign="腾讯云"),
    context="b7.1",
    timeout_s=5.0,
)


@dataclass
class Line(FakeLine):
    """A line to the account of this folder, unless another one is given."""

    account: Account = ACCOUNT

    @property
    def provider(self) -> TencentProvider:
        """The provider on this line."""
        return TencentProvider("main", self.account, port=self.port, clock=lambda: NOW + 0.75)


def answering(status: int, body: bytes) -> Line:
    """A line that always gives this answer."""
    return Line(lambda _: httpx.Response(status, content=body))


def failing(error: Exception) -> Line:
    """A line on which every request fails with this error."""

    def fail(_: httpx.Request) -> httpx.Response:
        raise error

    return Line(fail)


def row(number: object = "+8613711112222", **fields: Any) -> dict[str, Any]:
    """One row of SendStatusSet, accepted unless told otherwise."""
    accepted = {
        "SerialNo": "5000:1045",
        "PhoneNumber": number,
        "Fee": 1,
        "SessionContext": "b7.1",
        "Code": "Ok",
        "Message": "send success",
        "IsoCode": "CN",
    }
    return accepted | fields


def receipt_row(**fields: Any) -> dict[str, Any]:
    """One row of PullSmsSendStatusSet, delivered unless told otherwise."""
    delivered = {
        "UserReceiveTime": 1620734188,
        "CountryCode": "86",
        "SubscriberNumber": "13711112222",
        "PhoneNumber": "+8613711112222",
        "SerialNo": "14:1932",
        "ReportStatus": "SUCCESS",
        "Description": "DELIVRD",
        "SessionContext": "b7.1",
    }
    return delivered | fields


def sent_body(*rows: object) -> bytes:
    """An answer to SendSms."""
    return json.dumps({"Response": {"SendStatusSet": list(rows), "RequestId": "req-1"}}).encode()


def page_body(*rows: object) -> bytes:
    """An answer to a pull."""
    return json.dumps({"Response": {"PullSmsSendStatusSet": list(rows), "RequestId": "req-1"}}).encode()


def error_body(code: str, message: str = "no") -> bytes:
    """The envelope of an error."""
    return json.dumps({"Response": {"Error": {"Code": code, "Message": message}, "RequestId": "req-1"}}).encode()


Script = Callable[[socket.socket, threading.Event], None]


@dataclass
class Loopback:
    """A listening socket on 127.0.0.1; each connection is handed to `script` in a thread of its own."""

    script: Script
    connections: int = 0
    stop: threading.Event = field(default_factory=threading.Event)

    @contextlib.contextmanager
    def listening(self) -> Iterator[str]:
        """The address, `127.0.0.1:port`, while it listens."""
        threads: list[threading.Thread] = []
        with socket.create_server(("127.0.0.1", 0)) as server:
            server.settimeout(0.02)
            threads.append(threading.Thread(target=self._accept, args=(server, threads)))
            threads[0].start()
            try:
                yield f"127.0.0.1:{server.getsockname()[1]}"
            finally:
                self.stop.set()
                threads[0].join(5)
        for thread in threads[1:]:
            thread.join(5)

    def _accept(self, server: socket.socket, threads: list[threading.Thread]) -> None:
        while not self.stop.is_set():
            with contextlib.suppress(TimeoutError):
                connection, _ = server.accept()
                self.connections += 1
                threads.append(threading.Thread(target=self._serve, args=(connection,)))
                threads[-1].start()

    def _serve(self, connection: socket.socket) -> None:
        with connection, contextlib.suppress(OSError):
            connection.settimeout(5)
            self.script(connection, self.stop)


def read_request(connection: socket.socket) -> tuple[dict[str, str], bytes]:
    """Headers (lower-case names) and body of the next request; empty headers when the peer hung up."""
    received = b""
    while b"\r\n\r\n" not in received:
        if not (chunk := connection.recv(65536)):
            return {}, b""
        received += chunk
    head, _, body = received.partition(b"\r\n\r\n")
    headers = {
        name.lower(): value.strip()
        for name, _, value in (line.partition(":") for line in head.decode("latin-1").split("\r\n")[1:])
    }
    while len(body) < int(headers.get("content-length", 0)):
        body += connection.recv(65536)
    return headers, body


def response(body: bytes, *, status: str = "200 OK", headers: str = "") -> bytes:
    """The bytes of an HTTP answer."""
    return f"HTTP/1.1 {status}\r\nContent-Length: {len(body)}\r\n{headers}\r\n".encode() + body


def at(address: str, *, path: str = "", timeout_s: float = 5.0) -> Account:
    """The account, with the loopback address as its endpoint."""
    return changed(ACCOUNT, endpoint=f"http://{address}{path}", timeout_s=timeout_s)


def without_detail(answer: object) -> object:
    """An answer without its words, which are for people and must be there."""
    if isinstance(answer, Broken):
        assert answer.detail
        return replace(answer, detail="")
    return answer
