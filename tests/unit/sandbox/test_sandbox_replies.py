"""Replies, numbers and conversions: what the sandbox gives, how often, and what it refuses."""

import asyncio
import threading
import time
from collections.abc import Mapping
from http.server import BaseHTTPRequestHandler, HTTPServer
from typing import Any

import msgspec
import pytest

from tests.support.waiting import LONG_S
from tests.unit.sandbox.harness import APP, PLAIN, Line, code_of
from worker.providers.tencent.push import PUSH
from worker.sandbox.background import Background
from worker.sandbox.flags import Flags
from worker.sandbox.push import Pusher
from worker.sandbox.tencent.push import TencentPushes
from worker.sandbox.tencent.replies import add_reply

UNLIMITED: dict[str, int] = {"*": 0}
SINGAPORE = "+6591234567"


@pytest.fixture
def line() -> Line:
    """A strict provider without rates: tests call more often than a second allows."""
    return Line(Flags(limits=UNLIMITED))


def replied(line: Line, text: str, **more: object) -> None:
    """A recipient replies."""
    add_reply(line.sandbox, msgspec.json.encode({"phone": PLAIN, "text": text, **more}))


def pulled(line: Line, limit: int = 100) -> list[str]:
    """The texts of the next replies."""
    rows = line.ask("PullSmsReplyStatus", {"SmsSdkAppId": APP, "Limit": limit})["PullSmsReplyStatusSet"]
    return [row["ReplyContent"] for row in rows]


def asked(line: Line, **changed: object) -> dict[str, Any]:
    """The answer about one number's last hour."""
    now = int(time.time())
    params = {"SmsSdkAppId": APP, "PhoneNumber": PLAIN, "BeginTime": now - 3600, "Offset": 0, "Limit": 100, **changed}
    return line.ask("PullSmsReplyStatusByPhoneNumber", params)


def test_replies_are_given_once(line: Line) -> None:
    """The queue gives each reply once, in order; asking by number takes nothing off it."""
    for text in ("a", "b", "c"):
        replied(line, text)
    replied(line, "elsewhere", phone="+8613711113333")

    assert [row["ReplyContent"] for row in asked(line)["PullSmsReplyStatusSet"]] == ["c", "b", "a"]
    assert [pulled(line, 2), pulled(line), pulled(line)] == [["a", "b"], ["c", "elsewhere"], []]
    assert len(asked(line, Limit=2)["PullSmsReplyStatusSet"]) == 2


def test_a_reply_s_row(line: Line) -> None:
    """Spelled as in the document; old ones, and those of other apps, are not in the answer."""
    replied(line, "TD", sign="ACME", extend="11", at_s=int(time.time()) - 60)
    replied(line, "old", at_s=5)
    replied(line, "other", app="1400000001")

    (row,) = asked(line)["PullSmsReplyStatusSet"]

    assert row | {"ReplyTime": 0} == {
        "ExtendCode": "11",
        "CountryCode": "86",
        "PhoneNumber": PLAIN,
        "SignName": "ACME",
        "ReplyContent": "TD",
        "ReplyTime": 0,
        "SubscriberNumber": PLAIN[3:],
    }
    assert pulled(line) == ["TD", "old"]


@pytest.mark.parametrize(
    ("changed", "code"),
    [
        ({"Limit": 101}, "InvalidParameter"),
        ({"BeginTime": 5}, "InvalidParameterValue.BeginTimeVerifyFail"),
        ({"PhoneNumber": "x"}, "InvalidParameterValue.IncorrectPhoneNumber"),
    ],
)
def test_questions_about_replies_refused(line: Line, changed: Mapping[str, object], code: str) -> None:
    """The rules are those of receipts."""
    assert code_of(asked(line, **changed)) == code


def test_replies_by_http() -> None:
    """`POST /_replies` puts a reply in, and says what is wrong with one that cannot be."""
    with Background() as sandbox:
        sandbox.reply(PLAIN, "TD")

        with pytest.raises(ValueError, match="phone: is no number"):
            sandbox.reply("12", "TD")
        with pytest.raises(ValueError, match="unknown field `sing`"):
            sandbox.reply(PLAIN, "TD", sing="ACME")


def test_numbers_as_they_are_read(line: Line) -> None:
    """Each is spelled in E.164 with its country; one that cannot be read comes back as it was."""
    spelled = ["+86018845720123", SINGAPORE, "12"]

    rows = line.ask("DescribePhoneNumberInfo", {"PhoneNumberSet": spelled})["PhoneNumberInfoSet"]

    assert {(row["PhoneNumber"], row["NationCode"], row["SubscriberNumber"], row["IsoCode"], row["Code"]) for row in rows} == {
        ("+8618845720123", "86", "18845720123", "CN", "Ok"),
        (SINGAPORE, "65", "91234567", "SG", "Ok"),
        ("12", "", "", "DEF", "FailedOperation.PhoneNumberParseFail"),
    }  # fmt: skip
    assert code_of(line.ask("DescribePhoneNumberInfo", {"PhoneNumberSet": [PLAIN] * 201})) == (
        "LimitExceeded.PhoneNumberCountLimit"
    )
    assert code_of(line.ask("DescribePhoneNumberInfo", {"PhoneNumberSet": []})) == "MissingParameter"


def test_conversions(line: Line) -> None:
    """A report is kept with its time, one for a serial, until a reset."""
    report = {"SmsSdkAppId": APP, "SerialNo": "5000:1"}

    assert line.ask("ReportConversion", {**report, "ConversionTime": 7})["ReportConversionStatus"]["Code"] == "ok"
    assert line.sandbox.book.conversions == {"5000:1": 7}
    assert code_of(line.ask("ReportConversion", {**report, "SerialNo": ""})) == "MissingParameter"
    line.ask("ReportConversion", report)
    assert line.sandbox.snapshot()["conversions"] == 1
    line.sandbox.reset()
    assert line.sandbox.snapshot()["conversions"] == 0


def test_receipts_and_replies_are_pushed_as_well(line: Line) -> None:
    """In the document's form, again when the first is not taken; what is pushed is pulled too."""
    came: list[tuple[str, bytes]] = []
    all_came = threading.Event()

    class Receiver(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            came.append((self.path, self.rfile.read(int(self.headers["content-length"]))))
            if len(came) == 3:
                all_came.set()
            answer = b'{"result":0}' if len(came) > 1 else b'{"result":1}'
            self.send_response(200)
            self.send_header("content-length", str(len(answer)))
            self.end_headers()
            self.wfile.write(answer)

        def log_message(self, *_: object) -> None:
            """Say nothing."""

    async def push() -> None:
        Pusher(line.sandbox, lambda _: TencentPushes(line.sandbox)).wake()
        assert await asyncio.to_thread(all_came.wait, LONG_S)
        line.sandbox.control({"callbacks": {}})

    with HTTPServer(("127.0.0.1", 0), Receiver) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        line.sandbox.control({"callbacks": {APP: f"http://127.0.0.1:{server.server_port}/c"}})
        (sent,) = line.send([PLAIN])["SendStatusSet"]
        replied(line, "TD")
        asyncio.run(push())
        server.shutdown()
    assert [path for path, _ in came] == ["/c/status", "/c/status", "/c/reply"]
    (receipt,) = PUSH.read_receipts(came[1][1]).receipts
    assert (receipt.serial, receipt.ok, receipt.code) == (sent["SerialNo"], True, "DELIVRD")
    assert abs(receipt.received_at_s - time.time()) < 60
    assert PUSH.read_replies(came[2][1]).replies[0].text == "TD"
    assert pulled(line) == ["TD"]
