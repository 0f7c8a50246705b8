"""What a Tencent account reads: receipts pulled from its queue, and what became of one number."""

import pytest

from tests.unit.providers.tencent.harness import (
    ASKED,
    NOW,
    answering,
    error_body,
    page_body,
    receipt_row,
    without_detail,
)
from worker.providers.base import Broken, Receipt, ReceiptPage, Refused

FIRST = ASKED[0]
DAY_S = 24 * 3600


DELIVERED = Receipt(FIRST, "14:1932", ok=True, code="DELIVRD", received_at_s=1620734188, context="b7.1")


def test_pull() -> None:
    """A pull asks for a page and gives its bytes as they came; reading them is another step."""
    raw = page_body(receipt_row(), receipt_row(ReportStatus="?"))
    line = answering(200, raw)

    assert raw == line.provider.pull()
    assert line.sent == {"SmsSdkAppId": "1400006666", "Limit": 100}
    assert line.requests[0].headers["x-tc-action"] == line.provider.pull_action == "PullSmsSendStatus"
    assert ReceiptPage((DELIVERED,), bad_rows=1, rows=2) == line.provider.read_page(raw)


@pytest.mark.parametrize("status", [200, 400])
def test_refused_pull(status: int) -> None:
    """A pull that the provider refuses comes back as bytes too, and is read as what it is."""
    line = answering(status, error_body("UnauthorizedOperation"))

    raw = line.provider.pull()

    assert isinstance(raw, bytes)
    assert Refused("UnauthorizedOperation", "no", "req-1") == line.provider.read_page(raw)


@pytest.mark.parametrize(("status", "maybe_sent"), [(503, True), (404, False), (429, False)])
def test_broken_pull(status: int, maybe_sent: bool) -> None:
    """A pull without the provider's own answer tells whether it may have taken a page."""
    answer = answering(status, b"x").provider.pull()

    assert isinstance(answer, Broken)
    assert (answer.maybe_sent, answer.code) == (maybe_sent, f"http.{status}")


def test_unreadable_page_is_still_bytes() -> None:
    """A page that cannot be read is given to be kept.

    It may hold receipts that are nowhere else.
    """
    line = answering(200, b"\x1f\x8bsomething")

    assert line.provider.pull() == b"\x1f\x8bsomething"
    assert isinstance(line.provider.read_page(b"\x1f\x8bsomething"), Broken)


def test_ask() -> None:
    """A number is asked about by its E.164 text, two epoch times and offset 0, for a full page."""
    line = answering(200, page_body(receipt_row()))

    answer = line.provider.ask(FIRST, since_s=NOW - 60, until_s=NOW)

    assert ReceiptPage((DELIVERED,), bad_rows=0, rows=1) == answer
    expected = {"SmsSdkAppId": "1400006666", "PhoneNumber": "+8613711112222", "BeginTime": NOW - 60, "EndTime": NOW}
    assert expected | {"Offset": 0, "Limit": 100} == line.sent
    assert line.requests[0].headers["x-tc-action"] == line.provider.ask_action == "PullSmsSendStatusByPhoneNumber"


@pytest.mark.parametrize(
    ("since_s", "begin_s"),
    [(NOW - 7 * DAY_S, NOW - 7 * DAY_S + 60), (0, NOW - 7 * DAY_S + 60), (NOW - 6 * DAY_S, NOW - 6 * DAY_S)],
)
def test_ask_reaches_seven_days_back(since_s: int, begin_s: int) -> None:
    """An older time is moved to a minute inside the seven days that the provider keeps."""
    line = answering(200, page_body())

    line.provider.ask(FIRST, since_s=since_s, until_s=NOW)

    assert begin_s == line.sent["BeginTime"]


@pytest.mark.parametrize(("since_s", "until_s"), [(0, NOW - 8 * DAY_S), (NOW, NOW), (NOW, NOW - 1)])
def test_nothing_left_to_ask(since_s: int, until_s: int) -> None:
    """A time that cannot be asked about is no empty page, which would say: no receipt."""
    line = answering(200, page_body())

    answer = line.provider.ask(FIRST, since_s=since_s, until_s=until_s)

    assert isinstance(answer, Broken)
    assert (answer.maybe_sent, answer.code) == (False, "ask.TooOld")
    assert not line.requests


@pytest.mark.parametrize(
    ("status", "body", "expected"),
    [
        (200, error_body("InternalError"), Refused("InternalError", "no", "req-1")),
        (400, error_body("InternalError"), Refused("InternalError", "no", "req-1")),
        (200, b"x", Broken(maybe_sent=True, code="http.NotJson", detail="")),
        (500, b"x", Broken(maybe_sent=True, code="http.500", detail="")),
        (429, b"x", Broken(maybe_sent=False, code="http.429", detail="")),
    ],
)
def test_ask_without_a_page(status: int, body: bytes, expected: object) -> None:
    """An ask that fails says how."""
    assert expected == without_detail(answering(status, body).provider.ask(FIRST, since_s=NOW - 60, until_s=NOW))


def test_no_question_has_an_end_in_the_future() -> None:
    """The provider refuses one (EndTimeVerifyFail).

    A span that lies in the future altogether is not asked about.
    """
    line = answering(200, page_body())

    line.provider.ask(FIRST, since_s=NOW - 60, until_s=NOW + 900)

    assert line.sent["EndTime"] == NOW
    assert isinstance(answering(200, page_body()).provider.ask(FIRST, since_s=NOW + 5, until_s=NOW + 9), Broken)
