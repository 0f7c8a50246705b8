"""The actions besides sending.

What is sent for given arguments, what an answer becomes, and what is refused before a call.
"""

import base64
import json
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx
import pytest
from tencentcloud.sms.v20210111 import models

from smsline.errors import BadInput
from tests.unit.providers.tencent.harness import ACCOUNT, NOW, SECRET_KEY, Line, answering, error_body, failing
from worker.providers.adapter import BUSY
from worker.providers.base import Broken, Refused
from worker.providers.tencent import facts as limits
from worker.providers.tencent import questions
from worker.providers.tencent.client import TencentProvider
from worker.providers.tencent.questions import (
    ZONE,
    ConversionReport,
    NumberReading,
    QueuedReplies,
    QueuedReply,
    ReceiptCounts,
    SendCounts,
)
from worker.providers.tencent.reviews import (
    DOCUMENTS,
    KINDS,
    SIGNATURES,
    TEMPLATES,
    Application,
    Deletion,
    Draft,
    Kind,
    Review,
    Signature,
    Template,
)

APP = "1400006666"
PNG = b"\x89PNG image"
IMAGE = base64.b64encode(PNG).decode()
DRAFT = Draft(" login ", "Code {1}", Kind.OTP, international=False, remark="sign-in")
DRAFT_SENT = {"TemplateName": "login", "TemplateContent": "Code {1}", "SmsType": 3, "International": 0, "Remark": "sign-in"}  # fmt: skip
OURS = Application("ACME", "company", "business-license", PNG)
OURS_SENT = {"SignName": "ACME", "SignType": 0, "DocumentType": 1, "International": 0, "SignPurpose": 0, "ProofImage": IMAGE}  # fmt: skip
THEIRS = replace(OURS, international=True, commission=PNG, remark="r", qualification=7)
MORNING, NOON = datetime(2026, 5, 1, 8, tzinfo=ZONE), datetime(2026, 5, 1, 12, 59, tzinfo=ZONE)


@dataclass
class Gate:
    """Gives every token, or none; keeps what it was asked and told."""

    wait_ms: float = 0.0
    asked: list[str] = field(default_factory=list)
    told: list[tuple[str, str]] = field(default_factory=list)

    def admit(self, action: str) -> float:
        """Keep the question."""
        self.asked.append(action)
        return self.wait_ms

    def refused(self, action: str, answer: Refused | Broken) -> None:
        """Keep the news."""
        self.told.append((action, answer.code))


def api_on(line: Line, gate: Gate | None = None) -> TencentProvider:
    """The account on this line, its calls under a gate."""
    return TencentProvider("main", ACCOUNT, port=line.port, clock=lambda: NOW, gate=gate or Gate())


@dataclass(frozen=True)
class Case:
    """One action.

    How it is called, the request it makes, an answer as the document shows it, and what that
    becomes.
    """

    action: str
    call: Callable[[TencentProvider], Any]
    sent: dict[str, Any]
    answer: dict[str, Any]
    becomes: Any


STATS = {"SmsSdkAppId": APP, "BeginTime": "2026050108", "EndTime": "2026050112", "Limit": 0, "Offset": 0}
REPLY_ROW = {
    "CountryCode": "86",
    "ReplyContent": "TD",
    "SubscriberNumber": "15291990000",
    "ExtendCode": "11",
    "ReplyTime": 1620734188,
    "PhoneNumber": "+8615291990000",
    "SignName": "Tencent Cloud",
}
REPLY = QueuedReply("+8615291990000", "TD", 1620734188, "Tencent Cloud", "11")
TEMPLATE_ROW = {
    "TemplateName": "Code",
    "TemplateId": 1110,
    "International": 0,
    "ReviewReply": "x",
    "CreateTime": 1617379200,
    "TemplateContent": "{1}",
    "StatusCode": 0,
}
TEMPLATE = Template(1110, "Code", "{1}", "mainland", Review.APPROVED, "x", 1617379200)
SIGN_ROW = {"SignName": "T", "International": 1, "SignId": 1111, "ReviewReply": "x", "CreateTime": 5, "StatusCode": -1}
SIGN = Signature(1111, "T", international=True, review=Review.REJECTED, reply="x", created_at_s=5)
NUMBER_ROW = {
    "SubscriberNumber": "18511122266",
    "Message": "Describe success",
    "Code": "Ok",
    "PhoneNumber": "+8618511122266",
    "IsoCode": "CN",
    "IsoName": "China",
    "NationCode": "86",
}
NUMBER = NumberReading("+8618511122266", True, "Ok", "Describe success", "86", "18511122266", "CN", "China")
GONE = {"DeleteTime": 1578988506, "DeleteStatus": "return successfully!"}

CASES = (
    Case("PullSmsReplyStatus", questions.pull_replies, {"SmsSdkAppId": APP, "Limit": 100},
         {"PullSmsReplyStatusSet": [REPLY_ROW, "?"]}, QueuedReplies((REPLY,), 2)),
    Case("PullSmsReplyStatusByPhoneNumber", lambda api: questions.replies_of_number(api, 8615291990000, since_s=5, until_s=9),
         {"SmsSdkAppId": APP, "PhoneNumber": "+8615291990000", "BeginTime": 5, "EndTime": 9, "Offset": 0, "Limit": 100},
         {"PullSmsReplyStatusSet": None}, QueuedReplies((), 0)),
    Case("SendStatusStatistics", lambda api: questions.count_sends(api, MORNING, NOON), STATS,
         {"SendStatusStatistics": {"FeeCount": 3, "RequestCount": 2, "RequestSuccessCount": 1}}, SendCounts(2, 1, 3)),
    Case("CallbackStatusStatistics", lambda api: questions.count_receipts(api, MORNING, NOON), STATS,
         {"CallbackStatusStatistics": {"CallbackCount": 2, "RequestSuccessCount": 1, "CallbackFailCount": 4,
          "CallbackSuccessCount": 3, "InternalErrorCount": 5, "InvalidNumberCount": 6, "ShutdownErrorCount": 7,
          "BlackListCount": 8, "FrequencyLimitCount": 9}}, ReceiptCounts(1, 2, 3, 4, 5, 6, 7, 8, 9)),
    Case("DescribePhoneNumberInfo", lambda api: questions.describe_numbers(api, ["+86018511122266", "18511122233"]),
         {"PhoneNumberSet": ["+86018511122266", "18511122233"]}, {"PhoneNumberInfoSet": [NUMBER_ROW]}, (NUMBER,)),
    Case("ReportConversion", lambda api: questions.report_conversion(api, " 5000:1 ", at_s=1658310430),
         {"SmsSdkAppId": APP, "SerialNo": "5000:1", "ConversionTime": 1658310430},
         {"ReportConversionStatus": {"Code": "ok", "Message": "report success"}},
         ConversionReport(True, "ok", "report success")),
    Case("AddSmsTemplate", lambda api: TEMPLATES.add(api, DRAFT), DRAFT_SENT,
         {"AddTemplateStatus": {"TemplateId": "1110"}}, 1110),
    Case("ModifySmsTemplate", lambda api: TEMPLATES.modify(api, 1110, DRAFT), {"TemplateId": 1110, **DRAFT_SENT},
         {"ModifyTemplateStatus": {"TemplateId": 1110}}, 1110),
    Case("DeleteSmsTemplate", lambda api: TEMPLATES.delete(api, 1110), {"TemplateId": 1110},
         {"DeleteTemplateStatus": GONE}, Deletion("return successfully!", 1578988506)),
    Case("DescribeSmsTemplateList", lambda api: TEMPLATES.listed(api, international=False, ids=[1110, 1111]),
         {"International": 0, "TemplateIdSet": [1110, 1111]},
         {"DescribeTemplateStatusSet": [TEMPLATE_ROW, {**TEMPLATE_ROW, "International": 3, "StatusCode": 9}]},
         (TEMPLATE, replace(TEMPLATE, international="both", review=Review.UNKNOWN))),
    Case("AddSmsSign", lambda api: SIGNATURES.add(api, OURS), OURS_SENT, {"AddSignStatus": {"SignId": 1110}}, 1110),
    Case("ModifySmsSign", lambda api: SIGNATURES.modify(api, 1110, THEIRS),
         {**OURS_SENT, "SignId": 1110, "International": 1, "SignPurpose": 1, "CommissionImage": IMAGE, "Remark": "r",
          "QualificationId": 7}, {"ModifySignStatus": {"SignId": 1110}}, 1110),
    Case("DeleteSmsSign", lambda api: SIGNATURES.delete(api, 1110), {"SignId": 1110},
         {"DeleteSignStatus": GONE}, Deletion("return successfully!", 1578988506)),
    Case("DescribeSmsSignList", lambda api: SIGNATURES.listed(api, international=True, offset=40),
         {"International": 1, "Limit": 100, "Offset": 40},
         {"DescribeSignListStatusSet": [SIGN_ROW, {**SIGN_ROW, "StatusCode": 2}]},
         (SIGN, replace(SIGN, review=Review.NOT_YET))),
)  # fmt: skip
EVERY = pytest.mark.parametrize("case", CASES, ids=lambda case: case.action)


def test_every_action_is_here() -> None:
    """All that the document has besides sending and receipts."""
    assert {case.action for case in CASES} == set(limits.FACTS.actions) - {
        limits.SEND,
        limits.SEND_EACH,
        limits.PULL,
        limits.ASK,
    }


@EVERY
def test_request(case: Case) -> None:
    """One signed request of the documented parameters, after a token of the action's own bucket.

    The SDK knows each of them.
    """
    line, gate = answering(200, _body(case.answer)), Gate()

    case.call(api_on(line, gate))

    (request,) = line.requests
    assert (request.headers["x-tc-action"], gate.asked, gate.told) == (case.action, [case.action], [])
    assert line.sent == case.sent
    assert request.headers["authorization"].startswith("TC3-HMAC-SHA256 Credential=AKIDtestidtestid/")
    model = getattr(models, f"{case.action}Request")()
    model.from_json_string(request.content.decode())
    assert {name for name in case.sent if getattr(model, name) is None} == set()


@EVERY
def test_answer(case: Case) -> None:
    """The answer as the document shows it becomes typed values."""
    assert case.becomes == case.call(api_on(answering(200, _body(case.answer))))


WRONG: dict[str, tuple[Line, Refused | Broken]] = {
    "refused": (answering(200, error_body("X.Y", f"no {SECRET_KEY}")), Refused("X.Y", "no ****", "req-1")),
    "refused with 400": (answering(400, error_body("X.Y")), Refused("X.Y", "no", "req-1")),
    "4xx": (answering(403, b"<html>"), Broken(maybe_sent=False, code="http.403", detail="")),
    "429": (answering(429, b""), Broken(maybe_sent=False, code="http.429", detail="")),
    "5xx": (answering(503, b""), Broken(maybe_sent=True, code="http.503", detail="")),
    "time-out": (failing(httpx.ReadTimeout("x")), Broken(maybe_sent=True, code="http.ReadTimeout", detail="")),
    "no connection": (failing(httpx.ConnectError("x")), Broken(maybe_sent=False, code="http.ConnectError", detail="")),
    "not json": (answering(200, b"<html>"), Broken(maybe_sent=True, code="http.NotJson", detail="")),
    "deep": (answering(200, b"[" * 100_000), Broken(maybe_sent=True, code="http.NotJson", detail="")),
    "no object": (answering(200, b"[1]"), Broken(maybe_sent=True, code="http.NotJson", detail="")),
    "no response": (answering(200, b'{"Response": 1}'), Broken(maybe_sent=True, code="http.NotJson", detail="")),
}


# One for each way in which an answer is read: an id, an object, a list of objects, a page.
READ = [
    case
    for case in CASES
    if case.action in {"AddSmsSign", "DeleteSmsSign", "DescribeSmsSignList", "PullSmsReplyStatus"}
]


@pytest.mark.parametrize("case", READ, ids=lambda case: case.action)
@pytest.mark.parametrize("name", WRONG)
def test_what_goes_wrong(case: Case, name: str) -> None:
    """Each way a call can fail is a value; its bucket learns of it, and nothing is repeated."""
    line, expected = WRONG[name]
    line.requests.clear()
    gate = Gate()

    answer = case.call(api_on(line, gate))

    assert expected == (replace(answer, detail="") if isinstance(answer, Broken) else answer)
    assert gate.told == [(case.action, expected.code)]
    assert len(line.requests) == 1


@EVERY
@pytest.mark.parametrize("shape", [{}, {"x": 1}, [], "text", 7])
def test_answers_of_another_shape(case: Case, shape: object) -> None:
    """What the answer should hold is missing or something else.

    Unreadable, or empty rows, and never an exception.
    """
    (name,) = case.answer

    answers = [case.call(api_on(answering(200, _body({name: shape})))), case.call(api_on(answering(200, _body({}))))]

    assert isinstance(answers[1], Broken)
    assert answers[1].code == "http.NotJson"
    assert answers[0] is not None


@pytest.mark.parametrize("case", READ, ids=lambda case: case.action)
def test_no_token_no_call(case: Case) -> None:
    """Without a token no call is made, and the answer says that nothing was sent."""
    line = answering(200, _body(case.answer))

    answer = case.call(api_on(line, Gate(wait_ms=1500)))

    assert Broken(maybe_sent=False, code=BUSY, detail=f"no call of {case.action} is free for another 1.5 s") == answer
    assert not line.requests


MIDNIGHT = datetime(2026, 5, 1, 0, 30, tzinfo=UTC)


def test_hours_with_a_zone() -> None:
    """Hours are Beijing's, whatever zone the times are in."""
    line = answering(200, _body({}))

    questions.count_sends(api_on(line), MIDNIGHT, MIDNIGHT + timedelta(hours=20))

    assert (line.sent["BeginTime"], line.sent["EndTime"]) == ("2026050108", "2026050204")


REFUSED: dict[str, tuple[Callable[[TencentProvider], object], str]] = {
    "replies, times": (
        lambda api: questions.replies_of_number(api, 65, since_s=9, until_s=9),
        "since: '9': must be before",
    ),
    "hours": (
        lambda api: questions.count_sends(api, NOON, MORNING),
        "to: '2026050108': is before the begin, 2026050112",
    ),
    "no zone": (
        lambda api: questions.count_sends(api, MORNING, NOON.replace(tzinfo=None)),
        "to: '2026-05-01T12:59:00': must have a time zone",
    ),
    "33 days": (
        lambda api: questions.count_receipts(api, MORNING, MORNING + timedelta(days=33)),
        "to: '2026060308': must be at most 32 days after the begin",
    ),
    "no numbers": (lambda api: questions.describe_numbers(api, []), "number: '0': give 1 to 200 numbers"),
    "201 numbers": (lambda api: questions.describe_numbers(api, ["+65"] * 201), "number: '201': give 1 to 200 numbers"),
    "no number": (lambda api: questions.describe_numbers(api, ["x"]), "must be digits"),
    "no serial": (lambda api: questions.report_conversion(api, " ", at_s=1), "serial: ' ': is empty"),
    "a time": (lambda api: questions.report_conversion(api, "5", at_s=0), "at: '0': must be a whole number from 1 up"),
    "a name": (lambda api: TEMPLATES.add(api, replace(DRAFT, name="")), "name: '': is empty"),
    "a text": (lambda api: TEMPLATES.add(api, replace(DRAFT, content=" ")), "content: ' ': is empty"),
    "a remark": (lambda api: TEMPLATES.modify(api, 1, replace(DRAFT, remark="")), "remark: '': is empty"),
    "an id": (lambda api: TEMPLATES.delete(api, 0), "template: '0': must be a whole number"),
    "101 ids": (
        lambda api: TEMPLATES.listed(api, international=False, ids=range(1, 102)),
        "TemplateIdSet: '101': at most 100 at once",
    ),
    "an id of many": (
        lambda api: SIGNATURES.listed(api, international=False, ids=[-1]),
        "SignIdSet: '-1': must be",
    ),
    "an offset": (
        lambda api: SIGNATURES.listed(api, international=False, offset=-1),
        "offset: '-1': must be 0",
    ),
    "a kind": (
        lambda api: SIGNATURES.add(api, replace(OURS, kind="x")),
        "kind: 'x': must be one of company, app",
    ),
    "a document": (
        lambda api: SIGNATURES.add(api, replace(OURS, document="x")),
        "document: 'x': must be one of three",
    ),
    "another document": (
        lambda api: SIGNATURES.add(api, replace(OURS, kind="trademark")),
        "document: 'business-license': does not prove the kind trademark; trademark-certificate would",
    ),
    "no proof": (lambda api: SIGNATURES.modify(api, 5, replace(OURS, proof=b"")), "proof: '': is empty"),
}


@pytest.mark.parametrize("name", REFUSED)
def test_refused_before_a_call(name: str) -> None:
    """Arguments that cannot be right cost no call and no token; the error names field and rule."""
    call, message = REFUSED[name]
    line, gate = answering(200, b""), Gate()

    with pytest.raises(BadInput, match=message):
        call(api_on(line, gate))

    assert not line.requests + gate.asked


def test_every_kind_has_documents() -> None:
    """Each kind of signature can be proved by some document, and each document proves some kind."""
    pairs = set()
    for kind in KINDS:
        for document in DOCUMENTS:
            line = answering(200, _body({"AddSignStatus": {"SignId": 1}}))
            try:
                SIGNATURES.add(api_on(line), replace(OURS, kind=kind, document=document))
            except BadInput:
                continue
            pairs.add((line.sent["SignType"], line.sent["DocumentType"]))

    assert {kind for kind, _ in pairs} == set(KINDS.values())
    assert {document for _, document in pairs} == set(DOCUMENTS.values())
    assert len(pairs) == 25


def test_images_are_not_shown() -> None:
    """What proves a signature is not in the application's words."""
    assert "PNG" not in repr(THEIRS)


def test_numbers_and_words_in_rows() -> None:
    """A number is read as a receipt's is; one that cannot be read stays as it is written.

    Odd fields are empty.
    """
    rows = [
        {**REPLY_ROW, "PhoneNumber": "015291990000"},
        {**REPLY_ROW, "PhoneNumber": "10690", "SubscriberNumber": None},
        {"ReplyContent": ["x"], "ReplyTime": -5},
    ]

    page = questions.pull_replies(api_on(answering(200, _body({"PullSmsReplyStatusSet": rows}))))

    assert isinstance(page, QueuedReplies)
    assert [reply.phone for reply in page.replies] == ["+8615291990000", "10690", ""]
    assert page.replies[2] == QueuedReply("", "", 0, "", "")


def _body(fields: dict[str, Any]) -> bytes:
    return json.dumps({"Response": {**fields, "RequestId": "req-1"}}).encode()
