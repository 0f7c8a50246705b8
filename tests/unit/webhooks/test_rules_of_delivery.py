"""Signatures, addresses, and what follows an answer."""

import json
from datetime import UTC, datetime

import pytest
from standardwebhooks import Webhook

from worker.webhooks.addresses import AddressRefused, is_public, only_public
from worker.webhooks.retries import RETRIES_S, EndpointAnswer, judge
from worker.webhooks.signing import headers_of

SECRET = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"


def test_the_official_package_takes_our_signature() -> None:
    """And makes the same one; a changed body is refused."""
    now = datetime.now(UTC)
    body = json.dumps({"type": "job.closed", "data": {"ref": "Zoë"}}, ensure_ascii=False).encode()
    headers = headers_of("msg_1", body, secret=SECRET, now_s=int(now.timestamp()))
    assert Webhook(SECRET).verify(body, headers)
    assert headers["webhook-signature"] == Webhook(SECRET).sign("msg_1", now, body.decode())
    with pytest.raises(Exception, match="signature"):
        Webhook(SECRET).verify(body + b" ", headers)


NOT_PUBLIC = """
127.0.0.1 10.0.0.1 172.16.0.1 192.168.1.1 169.254.169.254 100.64.0.1 0.0.0.0 224.0.0.1 255.255.255.255 240.0.0.1 198.18.0.1 192.0.0.8
192.0.2.1 192.88.99.1 ::1 :: fe80::1 fe80::1%eth0 fc00::1 ff02::1 fec0::1 ::ffff:127.0.0.1 ::ffff:8.8.8.8 ::127.0.0.1
2002:7f00:1:: 2002:808:808:: 64:ff9b::7f00:1 64:ff9b::808:808 64:ff9b:1::1 2001::1 2001:db8::1
"""


@pytest.mark.parametrize("address", NOT_PUBLIC.split())
def test_an_address_that_is_not_public_is_refused(address: str) -> None:
    """In whatever form it is written, and also when the name has public addresses besides it."""
    assert not is_public(address)
    with pytest.raises(AddressRefused, match="ALLOW_PRIVATE"):
        only_public(lambda _host, _port: ["8.8.8.8", address])("shop.example", 443)


def test_public_addresses_are_connected_to_as_they_were_resolved() -> None:
    """Resolved once: what was looked at is what is connected to."""
    asked = []

    def lookup(host: str, port: int) -> list[str]:
        asked.append((host, port))
        return ["8.8.8.8", "2606:4700::1111"]

    assert only_public(lookup)("shop.example", 443) == ["8.8.8.8", "2606:4700::1111"]
    assert asked == [("shop.example", 443)]


def test_what_follows_an_answer() -> None:
    """2xx alone is good; an event has eight tries.

    Pauses of the endpoint double to a minute; being asked to wait is obeyed.
    """
    assert judge(EndpointAnswer(204, ""), tries=0, in_row=3).outcome == "ok"
    assert judge(EndpointAnswer(410, ""), tries=0, in_row=0).outcome == "gone"
    assert judge(EndpointAnswer(0, "", refused=True), tries=0, in_row=0).outcome == "refused"
    for status in (0, 101, 301, 302, 400, 404, 500):
        tried = judge(EndpointAnswer(status, ""), tries=0, in_row=0, chance=lambda: 0.5)
        assert (tried.outcome, tried.again_ms, tried.pause_ms) == ("failed", 5_000, 1_000)
    waits = [judge(EndpointAnswer(500, ""), tries=tries, in_row=0, chance=lambda: 0.5).again_ms for tries in range(8)]
    assert waits == [*(wait_s * 1000 for wait_s in RETRIES_S), None]
    assert RETRIES_S == (5, 300, 1800, 7200, 18000, 36000, 36000)
    assert judge(EndpointAnswer(500, ""), tries=0, in_row=40, chance=lambda: 0.5).pause_ms == 60_000
    for status in (429, 502, 504):
        assert judge(EndpointAnswer(status, ""), tries=0, in_row=0, chance=lambda: 0.5).pause_ms == 30_000
    slow = judge(EndpointAnswer(503, "", retry_after_s=120), tries=0, in_row=0)
    assert (slow.again_ms, slow.pause_ms) == (120_000, 120_000)
    assert judge(EndpointAnswer(503, "", retry_after_s=1e9), tries=0, in_row=0).pause_ms == 3_600_000
    assert {judge(EndpointAnswer(500, ""), tries=1, in_row=0).again_ms for _ in range(20)} != {300_000}
