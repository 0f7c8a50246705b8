"""What an account may be, that a GET reaches the wire as it is, and that its key reaches no log."""

import logging
import socket
import threading
from collections.abc import Callable

import httpx
import pytest

from tests.support.accounts import changed, refusal
from tests.unit.providers.line import Loopback, response
from tests.unit.providers.smspartner.harness import ACCOUNT, API_KEY, CALL, SECRETS, Line, answering
from worker.providers.base import Broken, Refused
from worker.providers.smspartner import manage
from worker.providers.smspartner.client import SmsPartnerProvider, open_provider


def test_get_on_a_socket(caplog: pytest.LogCaptureFixture) -> None:
    """Method and target reach the wire as they are; nothing under the port logs the URL."""
    asked: list[bytes] = []

    def serve(connection: socket.socket, _: threading.Event) -> None:
        asked.append(connection.recv(65_536))
        connection.sendall(response(b'{"success": true, "data": []}'))

    with Loopback(serve).listening() as address, caplog.at_level(logging.DEBUG):
        account = open_provider("main", changed(ACCOUNT, endpoint=f"http://{address}"))
        found = manage.stop_list(account)
        account.close()

    assert found == ()
    assert asked[0].startswith(f"GET /v1/stop-sms/list?apiKey={API_KEY} HTTP/1.1\r\n".encode())
    assert API_KEY not in caplog.text


@pytest.mark.parametrize("call", [SmsPartnerProvider.balance, manage.stop_list])
def test_no_url_in_a_log(call: Callable[[SmsPartnerProvider], object], caplog: pytest.LogCaptureFixture) -> None:
    """The key is in a GET's URL, and no URL is logged at any level, not without set-up either."""
    line = answering(200, {"success": False, "code": 10, "message": f"cle {API_KEY}"})

    with caplog.at_level(logging.DEBUG):
        answer = call(line.provider)

    assert isinstance(answer, Refused)
    assert API_KEY in str(line.requests[0].url)
    assert API_KEY not in caplog.text + repr(answer)


def test_no_secret_in_a_surprise(caplog: pytest.LogCaptureFixture) -> None:
    """An unexpected error is a value and a line that names its kind, whatever it quotes."""

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
