"""The pulls: an app's queue gives each receipt once, a number's history as often as asked."""

import time

import msgspec
import pytest

from tests.unit.sandbox.harness import APP, PLAIN, Line, code_of, number, request
from worker.sandbox.flags import Flags, SandboxAccount
from worker.sandbox.tencent.pull import HISTORY_S, check_window
from worker.sandbox.tencent.signature import SKEW_S

NOW = 1_790_000_000


def test_a_receipt_has_the_documents_fields(line: Line) -> None:
    """Every field of a receipt (document, lines 2742-2760).

    Number whole and in parts, serial of the answer, flag, carrier's code, time and context.
    """
    (sent,) = line.send([PLAIN], SessionContext="b7.1")["SendStatusSet"]
    (receipt,) = line.pull()

    assert abs(receipt.pop("UserReceiveTime") - time.time()) < 5
    assert receipt == {
        "CountryCode": "86",
        "SubscriberNumber": PLAIN[3:],
        "PhoneNumber": PLAIN,
        "SerialNo": sent["SerialNo"],
        "ReportStatus": "SUCCESS",
        "Description": "DELIVRD",
        "SessionContext": "b7.1",
    }


def test_each_receipt_is_given_once(line: Line) -> None:
    """Pages are disjoint, hold at most `Limit` rows, and end."""
    sent = {row["SerialNo"] for row in line.send([number("1234", place) for place in range(150)])["SendStatusSet"]}

    pages = [[row["SerialNo"] for row in line.pull(limit)] for limit in (100, 30, 100, 100)]

    assert [len(page) for page in pages] == [100, 30, 20, 0]
    assert {serial for page in pages for serial in page} == sent


def test_each_app_has_a_queue_of_its_own() -> None:
    """One app's pull leaves another's receipts alone."""
    line = Line(Flags(accounts=(SandboxAccount(sdk_app_ids=(APP, "1400000001")),)))
    line.send([PLAIN])
    line.send([number("2345")], SmsSdkAppId="1400000001")

    assert [row["PhoneNumber"] for row in line.pull(app="1400000001")] == [number("2345")]
    assert [row["PhoneNumber"] for row in line.pull()] == [PLAIN]


def test_receipts_wait_for_their_time() -> None:
    """Before the delay is over nothing is given, by either pull."""
    line = Line(Flags(receipt_delay_ms=60_000))
    line.send([PLAIN])

    assert line.pull() == []
    assert line.history(PLAIN)["PullSmsSendStatusSet"] == []
    assert line.sandbox.snapshot()["receipts"] == {"waiting": 1, "ready": 0, "given": 0}


def test_a_context_is_echoed_only_when_activated(line: Line) -> None:
    """Without activation SessionContext is empty (document, line 4847)."""
    line.sandbox.control({"echo_context": False})
    line.send([PLAIN], SessionContext="b7.1")

    assert [row["SessionContext"] for row in line.pull()] == [""]


@pytest.mark.parametrize("limit", [-1, 0, 101])
@pytest.mark.parametrize("action", ["PullSmsSendStatus", "PullSmsReplyStatus"])
def test_a_page_has_one_to_a_hundred_rows(line: Line, action: str, limit: int) -> None:
    """Another `Limit` is refused and takes nothing off the queue."""
    line.send([PLAIN])

    assert code_of(line.ask(action, {"SmsSdkAppId": APP, "Limit": limit})) == "InvalidParameter"
    assert len(line.pull()) == 1


def test_a_history_takes_nothing_away(line: Line) -> None:
    """A number's receipts are there before and after the queue gave them.

    Newest first, for its own number only.
    """
    serials = [line.send([one])["SendStatusSet"][0]["SerialNo"] for one in (PLAIN, number("2345"), PLAIN)]

    before = [row["SerialNo"] for row in line.history(PLAIN)["PullSmsSendStatusSet"]]
    line.pull()
    after = [row["SerialNo"] for row in line.history("13711112222")["PullSmsSendStatusSet"]]

    assert before == after == [serials[2], serials[0]]
    assert line.history(number("3456"))["PullSmsSendStatusSet"] == []


def test_a_history_grows_with_later_messages(line: Line) -> None:
    """What is sent after the first question is found by the second."""
    counts = []
    for _ in range(3):
        line.send([PLAIN])
        counts.append(len(line.history(PLAIN)["PullSmsSendStatusSet"]))

    assert counts == [1, 2, 3]


def test_a_history_has_a_window_and_a_limit(line: Line) -> None:
    """Receipts outside BeginTime and EndTime are left out, and so are those beyond Limit."""
    for _ in range(3):
        line.send([PLAIN])
    now_s = int(time.time())

    assert line.history(PLAIN, BeginTime=now_s - 100, EndTime=now_s - 50)["PullSmsSendStatusSet"] == []
    assert line.history(PLAIN, BeginTime=now_s + 60)["Error"]["Code"] == "InvalidParameterValue.InvalidStartTime"
    assert len(line.history(PLAIN, EndTime=now_s + 60, Limit=2)["PullSmsSendStatusSet"]) == 2


def test_a_history_is_of_one_app() -> None:
    """Another app's messages to the number are not shown."""
    line = Line(Flags(accounts=(SandboxAccount(sdk_app_ids=(APP, "1400000001")),)))
    line.send([PLAIN], SmsSdkAppId="1400000001")

    assert line.history(PLAIN)["PullSmsSendStatusSet"] == []
    assert len(line.history(PLAIN, SmsSdkAppId="1400000001")["PullSmsSendStatusSet"]) == 1


def test_a_history_tells_no_more_than_the_carrier(line: Line) -> None:
    """A message without a receipt is not in it; one whose send was answered by a timeout is."""
    line.send([number("0006"), number("0005"), number("0012")])

    assert line.history(number("0006"))["PullSmsSendStatusSet"] == []
    assert line.history(number("0012"))["PullSmsSendStatusSet"] == []
    assert len(line.history(number("0005"))["PullSmsSendStatusSet"]) == 1


@pytest.mark.parametrize("action", ["PullSmsSendStatusByPhoneNumber", "PullSmsReplyStatusByPhoneNumber"])
@pytest.mark.parametrize(
    ("wrong", "code"),
    [
        ({"PhoneNumber": "hello"}, "InvalidParameterValue.IncorrectPhoneNumber"),
        ({"Limit": 101}, "InvalidParameter"),
        ({"Offset": 1}, "InvalidParameter"),
        ({"BeginTime": 0}, "InvalidParameterValue.BeginTimeVerifyFail"),
    ],
)
def test_questions_about_a_number_are_checked(line: Line, action: str, wrong: dict[str, object], code: str) -> None:
    """Number, limit, offset and window have codes of their own."""
    ordinary = {"SmsSdkAppId": APP, "PhoneNumber": PLAIN, "BeginTime": int(time.time()) - 60, "Offset": 0, "Limit": 10}

    assert code_of(line.ask(action, {**ordinary, **wrong})) == code


@pytest.mark.parametrize(
    ("begin_s", "end_s", "code"),
    [
        (NOW - HISTORY_S, NOW, ""),
        (NOW - HISTORY_S - SKEW_S, NOW, ""),
        (NOW - HISTORY_S - SKEW_S - 1, NOW, "InvalidParameterValue.BeginTimeVerifyFail"),
        (NOW - 10, NOW - 20, "InvalidParameterValue.InvalidStartTime"),
        (NOW - 10, NOW - 10, ""),
        (NOW - 10, NOW + 8 * 86400, "InvalidParameterValue.EndTimeVerifyFail"),
    ],
)
def test_a_window_has_seven_days(begin_s: int, end_s: int, code: str) -> None:
    """It begins at most seven days back, with the clocks' tolerance.

    It does not end before it begins, and is no longer.
    """
    refusal = check_window({"BeginTime": begin_s, "EndTime": end_s, "Offset": 0}, now_s=NOW)

    assert (refusal.code if refusal else "") == code


def test_no_recipient_replies(line: Line) -> None:
    """The reply pulls are there and empty."""
    asked = {"SmsSdkAppId": APP, "Limit": 10}
    about = {**asked, "PhoneNumber": PLAIN, "BeginTime": int(time.time()) - 60, "Offset": 0}

    assert line.ask("PullSmsReplyStatus", asked)["PullSmsReplyStatusSet"] == []
    assert line.ask("PullSmsReplyStatusByPhoneNumber", about)["PullSmsReplyStatusSet"] == []


def test_an_early_receipt_is_named_by_the_reply(line: Line) -> None:
    """Suffix 0008: the reply tells the endpoint which message's receipt should go first.

    The receipt is there.
    """
    line.sandbox.control({"receipt_delay_ms": 60_000})
    asked = {"SmsSdkAppId": APP, "TemplateId": "1", "SignName": "Acme", "PhoneNumberSet": [PLAIN, number("0008")]}
    given: list[str] = []

    reply = line.reply(request("SendSms", asked))
    for message in reply.early:
        line.sandbox.world.watch(message, lambda: given.append("0008"))

    assert reply.early == (1,)
    assert [row["PhoneNumber"] for row in line.pull()] == [number("0008")]
    assert given == ["0008"]
    assert msgspec.json.decode(reply.body)["Response"]["SendStatusSet"]
