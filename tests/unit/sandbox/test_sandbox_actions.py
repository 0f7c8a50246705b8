"""Templates, signatures and statistics: what the sandbox refuses, keeps and counts."""

import base64
from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any

import pytest

from tests.unit.sandbox.harness import APP, PLAIN, Line, code_of, number
from worker.sandbox.book import ReviewedEntry
from worker.sandbox.flags import Flags, SandboxAccount
from worker.sandbox.tencent.statistics import ZONE

IMAGE = base64.b64encode(b"image").decode()
TEMPLATE: Mapping[str, Any] = {
    "TemplateName": "login",
    "TemplateContent": "{1} is your code, {2}",
    "SmsType": 3,
    "International": 0,
    "Remark": "r",
}
SIGN: Mapping[str, Any] = {
    "SignName": "ACME",
    "SignType": 0,
    "DocumentType": 1,
    "International": 0,
    "SignPurpose": 0,
    "ProofImage": IMAGE,
}
UNLIMITED: dict[str, int] = {"*": 0}
SINGAPORE = "+6591234567"


@pytest.fixture
def line() -> Line:
    """A strict provider without rates: tests call more often than a second allows."""
    return Line(Flags(limits=UNLIMITED))


def added(line: Line, **changed: object) -> int:
    """The id of a new template."""
    return int(line.ask("AddSmsTemplate", {**TEMPLATE, **changed})["AddTemplateStatus"]["TemplateId"])


def signed(line: Line, **changed: object) -> int:
    """The id of a new signature."""
    made: int = line.ask("AddSmsSign", {**SIGN, **changed})["AddSignStatus"]["SignId"]
    return made


def templates(line: Line, **asked: object) -> list[dict[str, Any]]:
    """Rows of a list of templates."""
    asked = {"International": 0, "Limit": 100, **asked}
    rows: list[dict[str, Any]] = line.ask("DescribeSmsTemplateList", asked)["DescribeTemplateStatusSet"]
    return rows


UNKNOWN = (
    ("ModifySmsTemplate", {"TemplateId": 1, **TEMPLATE}, "FailedOperation.MissingTemplateToModify"),
    ("DeleteSmsTemplate", {"TemplateId": 1}, "FailedOperation.TemplateIdNotExist"),
    ("ModifySmsSign", {"SignId": 1, **SIGN}, "FailedOperation.MissingSignatureToModify"),
    ("DeleteSmsSign", {"SignId": 1}, "FailedOperation.SignIdNotExist"),
)


@pytest.mark.parametrize(
    ("action", "params", "code"), UNKNOWN, ids=lambda value: value if isinstance(value, str) else ""
)
def test_unknown_ids(line: Line, action: str, params: object, code: str) -> None:
    """What does not exist can be neither changed nor deleted."""
    assert code_of(line.ask(action, params)) == code


WRONG_TEMPLATES: tuple[tuple[Mapping[str, object], str], ...] = (
    ({"International": 2}, "InvalidParameterValue.InvalidInternational"),
    ({"SmsType": 4}, "InvalidParameter.InvalidParameters"),
    ({"TemplateContent": " "}, "InvalidParameter.InvalidParameters"),
    ({"TemplateContent": "{2} only"}, "InvalidParameterValue.InvalidTemplateFormat"),
    ({"TemplateContent": "{name}"}, "InvalidParameterValue.InvalidTemplateFormat"),
    ({"SmsType": 1}, "InvalidParameterValue.MarketingTemplateWithoutUnsubscribe"),
    ({"Remark": None}, "MissingParameter"),
    ({"SmsType": "3"}, "InvalidParameter"),
)


@pytest.mark.parametrize(("changed", "code"), WRONG_TEMPLATES)
def test_templates_refused(line: Line, changed: Mapping[str, object], code: str) -> None:
    """A template is checked when it is handed in, and again when it is changed."""
    template = added(line)

    assert code_of(line.ask("AddSmsTemplate", {**TEMPLATE, **changed})) == code
    assert code_of(line.ask("ModifySmsTemplate", {"TemplateId": template, **TEMPLATE, **changed})) == code


def test_marketing_templates(line: Line) -> None:
    """A marketing text that says how to unsubscribe is taken, and so is one for global numbers."""
    assert added(line, SmsType=1, TemplateContent="Sale {1}! 拒收请回复R")
    assert added(line, SmsType=1, International=1)


def test_a_template_under_review(line: Line) -> None:
    """Listed as pending, it can be changed within its scope, and sent only once approved."""
    template = added(line)
    other_scope = line.ask("ModifySmsTemplate", {"TemplateId": template, **TEMPLATE, "International": 1})
    line.ask("ModifySmsTemplate", {"TemplateId": template, **TEMPLATE, "TemplateName": "new"})

    assert code_of(other_scope) == "InvalidParameterValue.InvalidInternational"
    assert [(row["TemplateId"], row["TemplateName"], row["StatusCode"]) for row in templates(line)] == [
        (template, "new", 1)
    ]
    assert line.codes([PLAIN], TemplateId=str(template)) == {PLAIN: "FailedOperation.TemplateUnapprovedOrNotExist"}


def test_an_approved_template() -> None:
    """It can be sent with as many values as it has places, to its scope only, until it is deleted.

    It cannot be changed.
    """
    line = Line(Flags(limits=UNLIMITED, reviews="approved"))
    template = added(line)
    name = str(template)

    assert code_of(line.ask("ModifySmsTemplate", {"TemplateId": template, **TEMPLATE})) == (
        "FailedOperation.TemplateAlreadyPassedCheck"
    )
    assert line.codes([PLAIN], TemplateId=name, TemplateParamSet=["1", "2"]) == {PLAIN: "Ok"}
    assert line.codes([PLAIN], TemplateId=name, TemplateParamSet=["1"]) == {
        PLAIN: "FailedOperation.TemplateParamSetNotMatchApprovedTemplate"
    }
    assert line.codes([SINGAPORE], TemplateId=name) == {
        SINGAPORE: "UnsupportedOperation.ChineseMainlandTemplateToGlobalPhone"
    }
    line.ask("DeleteSmsTemplate", {"TemplateId": template})
    assert line.codes([PLAIN], TemplateId=name) == {PLAIN: "FailedOperation.TemplateUnapprovedOrNotExist"}


def test_rejected_can_be_handed_in_again() -> None:
    """A rejected template says why, and the next review may end otherwise."""
    line = Line(Flags(limits=UNLIMITED, reviews="rejected"))
    template = added(line)
    (rejected,) = templates(line)
    line.sandbox.control({"reviews": "approved"})
    line.ask("ModifySmsTemplate", {"TemplateId": template, **TEMPLATE})

    assert (rejected["StatusCode"], bool(rejected["ReviewReply"])) == (-1, True)
    assert [row["StatusCode"] for row in templates(line)] == [0]


def test_pages_of_templates(line: Line) -> None:
    """A page has at most 100 rows, and none unless it says how many; scopes and keys are apart."""
    ids = [added(line) for _ in range(3)]
    added(line, International=1)

    assert [row["TemplateId"] for row in templates(line, Limit=2, Offset=1)] == ids[1:]
    assert [row["TemplateId"] for row in templates(line, TemplateIdSet=[ids[2], 7])] == [ids[2]]
    assert templates(line, Limit=None) == []
    for wrong, code in (
        ({"Limit": 101}, "LimitVerifyFail"),
        ({"Limit": -1}, "LimitVerifyFail"),
        ({"Offset": -1}, "OffsetVerifyFail"),
        ({"TemplateIdSet": list(range(101))}, "LimitVerifyFail"),
        ({"International": 7}, "InvalidInternational"),
    ):
        answer = line.ask("DescribeSmsTemplateList", {"International": 0, **wrong})
        assert code_of(answer) == f"InvalidParameterValue.{code}"


WRONG_SIGNS: tuple[tuple[Mapping[str, object], str], ...] = (
    ({"International": 2}, "InvalidParameterValue.InvalidInternational"),
    ({"DocumentType": 7}, "InvalidParameterValue.InvalidDocumentType"),
    ({"SignType": 9}, "InvalidParameterValue.InvalidDocumentType"),
    ({"SignPurpose": 2}, "InvalidParameterValue.InvalidUsedMethod"),
    ({"SignPurpose": 1}, "InvalidParameterValue.ImageInvalid"),
    ({"ProofImage": "data:image/jpeg;base64," + IMAGE}, "InvalidParameterValue.ImageInvalid"),
    ({"ProofImage": ""}, "InvalidParameterValue.ImageInvalid"),
    ({"SignName": " "}, "MissingParameter"),
)


@pytest.mark.parametrize(("changed", "code"), WRONG_SIGNS)
def test_signatures_refused(line: Line, changed: Mapping[str, object], code: str) -> None:
    """A signature is checked when it is handed in, and again when it is changed."""
    sign = signed(line)

    assert code_of(line.ask("AddSmsSign", {**SIGN, "SignName": "B", **changed})) == code
    assert code_of(line.ask("ModifySmsSign", {"SignId": sign, **SIGN, **changed})) == code


def test_a_name_in_use(line: Line) -> None:
    """The name of a signature under review, or approved, cannot be handed in again.

    In the other scope it can.
    """
    sign = signed(line)
    assert code_of(line.ask("AddSmsSign", SIGN)) == "InvalidParameterValue.SignExistAndUnapproved"
    assert signed(line, International=1)

    line.sandbox.control({"reviews": "approved"})
    line.ask("ModifySmsSign", {"SignId": sign, **SIGN})

    assert code_of(line.ask("AddSmsSign", SIGN)) == "InvalidParameterValue.SignAlreadyPassedCheck"
    assert code_of(line.ask("ModifySmsSign", {"SignId": sign, **SIGN})) == (
        "InvalidParameterValue.SignAlreadyPassedCheck"
    )


def test_signatures_count_when_they_are_sent(line: Line) -> None:
    """One under review cannot be sent; an approved one can even where only listed ones may."""
    signed(line, SignName="Acme")
    assert line.codes([PLAIN]) == {PLAIN: "FailedOperation.SignatureIncorrectOrUnapproved"}

    line.sandbox.control({"reviews": "approved", "signs": ["Other"]})
    signed(line, SignName="Acme2")
    assert line.codes([PLAIN], SignName="Acme2") == {PLAIN: "Ok"}
    assert line.codes([PLAIN], SignName="Acme3") == {PLAIN: "FailedOperation.SignatureIncorrectOrUnapproved"}


def test_pages_of_signatures(line: Line) -> None:
    """A page that does not say has ten rows; a deleted signature is gone from it."""
    ids = [signed(line, SignName=f"S{place}") for place in range(12)]
    line.ask("DeleteSmsSign", {"SignId": ids[0]})

    first = line.ask("DescribeSmsSignList", {"International": 0})["DescribeSignListStatusSet"]

    assert [row["SignId"] for row in first] == ids[1:11]


def test_templates_belong_to_a_key(line: Line) -> None:
    """Another key's templates are neither listed nor deleted."""
    theirs = line.sandbox.book.add_template("other-id", ReviewedEntry(0, "theirs", 0, status=0, created_s=1))

    assert code_of(line.ask("DeleteSmsTemplate", {"TemplateId": theirs})) == "FailedOperation.TemplateIdNotExist"
    assert templates(line) == []


def hour(at: datetime) -> str:
    """As the wire spells it."""
    return at.strftime("%Y%m%d%H")


def statistics(line: Line, action: str, **changed: object) -> dict[str, Any]:
    """Counts of this hour."""
    now = hour(datetime.now(ZONE))
    asked = {"SmsSdkAppId": APP, "BeginTime": now, "EndTime": now, "Limit": 0, "Offset": 0, **changed}
    return line.ask(action, asked)


def test_statistics_count_what_was_sent(line: Line) -> None:
    """Sends: all numbers named, those accepted, and their parts.

    Receipts: only those that have come, by what they say.
    """
    numbers = [number(suffix) for suffix in ("1111", "0001", "0002", "0003", "0006", "0014")]
    line.send(numbers, TemplateParamSet=["x" * 70])
    line.ask("SendMultiGlobalSms", {"SmsSdkAppId": APP, "MultiSmsInfoSet": [{"PhoneNumber": SINGAPORE, "TemplateId": "1"}]})  # fmt: skip

    sends = statistics(line, "SendStatusStatistics")["SendStatusStatistics"]
    receipts = statistics(line, "CallbackStatusStatistics")["CallbackStatusStatistics"]

    assert sends == {"RequestCount": 7, "RequestSuccessCount": 6, "FeeCount": 11}
    assert receipts == {
        "RequestSuccessCount": 6,
        "CallbackCount": 5,
        "CallbackSuccessCount": 2,
        "CallbackFailCount": 3,
        "InvalidNumberCount": 1,
        "ShutdownErrorCount": 1,
        "InternalErrorCount": 1,
        "BlackListCount": 0,
        "FrequencyLimitCount": 0,
    }


def test_statistics_of_other_hours_and_apps() -> None:
    """What was sent an hour ago, or by another app, is not counted."""
    line = Line(
        Flags(limits=UNLIMITED, accounts=(SandboxAccount(sdk_app_ids=(APP, "1400000001")),), receipt_delay_ms=60_000)
    )
    line.send([PLAIN])
    past = hour(datetime.now(ZONE) - timedelta(hours=2))

    assert statistics(line, "SendStatusStatistics", BeginTime=past, EndTime=past)["SendStatusStatistics"] == {
        "RequestCount": 0,
        "RequestSuccessCount": 0,
        "FeeCount": 0,
    }
    other = statistics(line, "SendStatusStatistics", SmsSdkAppId="1400000001")["SendStatusStatistics"]
    assert other["RequestCount"] == 0
    waiting = statistics(line, "CallbackStatusStatistics", BeginTime=past)["CallbackStatusStatistics"]
    assert (waiting["RequestSuccessCount"], waiting["CallbackCount"]) == (1, 0)


WRONG_HOURS: tuple[tuple[Mapping[str, object], str], ...] = (
    ({"Limit": 1}, "InvalidParameterValue.LimitVerifyFail"),
    ({"Offset": 1}, "InvalidParameterValue.OffsetVerifyFail"),
    ({"BeginTime": "20260501"}, "InvalidParameterValue.BeginTimeVerifyFail"),
    ({"BeginTime": "2026053299"}, "InvalidParameterValue.BeginTimeVerifyFail"),
    ({"EndTime": "2026-05-01"}, "InvalidParameterValue.EndTimeVerifyFail"),
    ({"EndTime": "2020010100"}, "InvalidParameterValue.EndTimeVerifyFail"),
    ({"BeginTime": 2026050112}, "InvalidParameter"),
    ({"Limit": None}, "MissingParameter"),
    ({"SmsSdkAppId": "1"}, "InvalidParameterValue.SdkAppIdNotExist"),
)


@pytest.mark.parametrize("action", ["SendStatusStatistics", "CallbackStatusStatistics"])
@pytest.mark.parametrize(("changed", "code"), WRONG_HOURS)
def test_hours_refused(line: Line, action: str, changed: Mapping[str, object], code: str) -> None:
    """Hours must be hours in order, and Limit and Offset are fixed."""
    assert code_of(statistics(line, action, **changed)) == code


def test_receipts_of_32_days(line: Line) -> None:
    """A longer time can be asked about sends alone."""
    began = hour(datetime.now(ZONE) - timedelta(days=33))

    assert code_of(statistics(line, "CallbackStatusStatistics", BeginTime=began)) == (
        "InvalidParameterValue.EndTimeVerifyFail"
    )
    assert "Error" not in statistics(line, "SendStatusStatistics", BeginTime=began)
