"""SendSms and SendMultiGlobalSms: what a call is refused for, and what each number is told."""

import re
from collections.abc import Mapping
from typing import Any

import pytest

from tests.unit.sandbox.harness import APP, PLAIN, Line, code_of, number
from worker.sandbox.flags import Flags, SandboxTemplate
from worker.sandbox.steering import FATES, SUFFIXES

SINGAPORE = "+6591234567"


def test_an_accepted_number_has_a_serial_a_fee_and_a_country(line: Line) -> None:
    """The row has the document's fields (lines 4855-4880)."""
    (row,) = line.send([PLAIN], SessionContext="b7.1")["SendStatusSet"]

    assert re.fullmatch(r"5000:[0-9]{28}", row.pop("SerialNo"))
    assert row == {
        "PhoneNumber": PLAIN,
        "Fee": 1,
        "SessionContext": "b7.1",
        "Code": "Ok",
        "Message": "send success",
        "IsoCode": "CN",
    }


def test_serials_are_unique_and_of_several_shapes(line: Line) -> None:
    """No two messages share a serial, and serials of global messages look different."""
    mainland = [
        row["SerialNo"] for _ in range(3) for row in line.send([number("1234", n) for n in range(200)])["SendStatusSet"]
    ]
    (abroad,) = line.send([SINGAPORE])["SendStatusSet"]

    assert len(set(mainland)) == 600
    assert re.fullmatch(r"14:[0-9a-f]{34}", abroad["SerialNo"])
    assert abroad["IsoCode"] == "SG"


def test_serials_tell_no_number(line: Line) -> None:
    """A serial may be logged, so the number is not in it."""
    (row,) = line.send([SINGAPORE])["SendStatusSet"]

    assert f"{int(SINGAPORE):x}" not in row["SerialNo"]


def test_the_answer_has_another_order(line: Line) -> None:
    """All numbers are answered, in another order than asked, the same one after a reset."""
    asked = [number("1234", place) for place in range(50)]

    def orders() -> list[list[str]]:
        return [[row["PhoneNumber"] for row in line.send(asked)["SendStatusSet"]] for _ in range(3)]

    first = orders()
    line.sandbox.reset()

    assert all(sorted(order) == asked and order != asked for order in first)
    assert first[0] != first[1]
    assert orders() == first


@pytest.mark.parametrize(
    "spelled", ["+8613711112222", "8613711112222", "008613711112222", "13711112222", "+86013711112222"]
)
def test_mainland_numbers_have_several_spellings(line: Line, spelled: str) -> None:
    """The answer has E.164 whatever was asked, so positions and spellings identify nothing."""
    assert line.codes([spelled]) == {PLAIN: "Ok"}


@pytest.mark.parametrize(
    "spelled",
    ["", "hello", "+86", "+861371111222", "+8612711112222", "+137", "6591234567", "+0123456789", "+99912345678"],
)
def test_what_is_no_number_is_refused_alone(line: Line, spelled: str) -> None:
    """Only the bad number has the code, comes back as spelt, and is not sent."""
    assert line.codes([PLAIN, spelled]) == {PLAIN: "Ok", spelled: "InvalidParameterValue.IncorrectPhoneNumber"}
    assert list(line.sandbox.world.numbers) == [int(PLAIN)]


def test_a_refused_number_has_no_serial_and_no_fee(line: Line) -> None:
    """What was not accepted costs nothing; an unknown country is `DEF`."""
    (row,) = line.send(["hello"])["SendStatusSet"]

    assert (row["SerialNo"], row["Fee"], row["IsoCode"]) == ("", 0, "DEF")


@pytest.mark.parametrize(
    ("numbers", "code"),
    [
        ([], "MissingParameter.EmptyPhoneNumberSet"),
        ([number("1234", place) for place in range(201)], "LimitExceeded.PhoneNumberCountLimit"),
        ([PLAIN, SINGAPORE], "UnsupportedOperation.ContainDomesticAndInternationalPhoneNumber"),
    ],
    ids=["none", "201", "mixed"],
)
def test_calls_refused_for_their_numbers(line: Line, numbers: list[str], code: str) -> None:
    """The whole call is refused and nothing is sent."""
    assert code_of(line.send(numbers)) == code
    assert not line.sandbox.world.numbers


def test_two_hundred_numbers_are_taken(line: Line) -> None:
    """The limit itself is allowed."""
    assert len(line.send([number("1234", place) for place in range(200)])["SendStatusSet"]) == 200


@pytest.mark.parametrize(("context", "refused"), [("x" * 511, False), ("x" * 512, True), ("腾" * 171, True)])
def test_a_session_context_has_fewer_than_512_bytes(line: Line, context: str, refused: bool) -> None:
    """Bytes count, not characters."""
    assert ("Error" in line.send([PLAIN], SessionContext=context)) == refused


@pytest.mark.parametrize(
    ("content", "code"),
    [
        ({"SignName": None}, "FailedOperation.SignatureIncorrectOrUnapproved"),
        ({"SignName": ""}, "FailedOperation.SignatureIncorrectOrUnapproved"),
        ({"TemplateId": "welcome"}, "FailedOperation.TemplateUnapprovedOrNotExist"),
        ({"TemplateParamSet": ["1"] * 21}, "FailedOperation.TemplateParamSetNotMatchApprovedTemplate"),
        ({"TemplateParamSet": ["see HTTP://a.example"]}, "InvalidParameterValue.ProhibitedUseUrlInTemplateParameter"),
    ],
)
def test_contents_refused_for_each_number(line: Line, content: dict[str, object], code: str) -> None:
    """Faults of sign, template and values are the same code of every number, without an Error."""
    assert set(line.codes([PLAIN, number("2345")], **content).values()) == {code}
    assert not line.sandbox.world.numbers


def test_a_global_send_needs_no_signature(line: Line) -> None:
    """SignName is required for mainland numbers only."""
    assert line.codes([SINGAPORE], SignName=None) == {SINGAPORE: "Ok"}


def test_approved_templates_say_what_they_take() -> None:
    """With templates listed, others do not exist.

    Theirs must get as many values, of the kind they ask for.
    """
    line = Line(
        Flags(
            templates={
                "1": SandboxTemplate(params=1, otp=True),
                "2": SandboxTemplate(region="global"),
                "3": SandboxTemplate(region="mainland"),
            }
        )
    )

    assert line.codes([PLAIN], TemplateId="1") == {PLAIN: "Ok"}
    assert line.codes([PLAIN], TemplateId="1", TemplateParamSet=[]) == {
        PLAIN: "FailedOperation.TemplateParamSetNotMatchApprovedTemplate"
    }
    assert line.codes([PLAIN], TemplateId="1", TemplateParamSet=["1234567"]) == {
        PLAIN: "InvalidParameterValue.TemplateParameterFormatError"
    }
    assert line.codes([PLAIN], TemplateId="2") == {PLAIN: "UnsupportedOperation.GlobalTemplateToChineseMainlandPhone"}
    assert line.codes([SINGAPORE], TemplateId="3") == {
        SINGAPORE: "UnsupportedOperation.ChineseMainlandTemplateToGlobalPhone"
    }
    assert line.codes([PLAIN], TemplateId="1234") == {PLAIN: "FailedOperation.TemplateUnapprovedOrNotExist"}


def test_codes_by_template_and_sign_until_cleared(line: Line) -> None:
    """A template or signature refused by a flag is refused for each number, others are not."""
    line.sandbox.control(
        {"template_codes": {"1234": "FailedOperation.TemplateIncorrectOrUnapproved"}, "sign_codes": {"Foe": "X.Y"}}
    )

    assert line.codes([PLAIN]) == {PLAIN: "FailedOperation.TemplateIncorrectOrUnapproved"}
    assert line.codes([PLAIN], TemplateId="5678") == {PLAIN: "Ok"}
    assert line.codes([PLAIN], TemplateId="5678", SignName="Foe") == {PLAIN: "X.Y"}
    line.sandbox.control({"template_codes": {}})
    assert line.codes([PLAIN]) == {PLAIN: "Ok"}


@pytest.mark.parametrize("app", ["*", APP])
def test_an_account_without_balance_is_refused_until_cleared(line: Line, app: str) -> None:
    """A code by account refuses whole sends and nothing else."""
    line.sandbox.control({"account_codes": {app: "FailedOperation.InsufficientBalanceInSmsPackage"}})

    assert code_of(line.send([PLAIN])) == "FailedOperation.InsufficientBalanceInSmsPackage"
    assert line.pull() == []
    line.sandbox.control({"account_codes": {}})
    assert line.codes([PLAIN]) == {PLAIN: "Ok"}


@pytest.mark.parametrize(("length", "fee"), [(0, 1), (64, 1), (65, 2), (128, 2), (129, 3)])
def test_long_messages_are_billed_in_parts(line: Line, length: int, fee: int) -> None:
    """70 characters in one part, 67 in each of several; the signature counts with its brackets."""
    (row,) = line.send([PLAIN], TemplateParamSet=["x" * length])["SendStatusSet"]

    assert row["Fee"] == fee


@pytest.mark.parametrize("suffix", [f"{suffix:04d}" for suffix in SUFFIXES])
def test_suffixes_decide_answer_message_and_receipts(suffix: str) -> None:
    """Each steered number meets its fate: code, messages out, receipts with flag and code."""
    line, steered = Line(), number(suffix)
    fate = FATES[SUFFIXES[int(suffix)]]

    codes = line.codes([steered])
    receipts = [(row["ReportStatus"], row["Description"]) for row in line.pull()]

    assert codes == ({steered: fate.code} if fate.answered else {})
    assert list(line.sandbox.world.numbers) == [int(steered)] * fate.sent
    expected = [("SUCCESS" if fate.delivered else "FAIL", fate.receipt_code)] * fate.receipts
    assert receipts == (expected if fate.sent else [])


def test_steered_and_ordinary_numbers_share_a_call(line: Line) -> None:
    """Serials in the answer belong to the numbers beside them, whatever lies between."""
    asked = [number(suffix) for suffix in ("0013", "0001", "0005", "1234", "0012", "0007", "2345")]
    answered = {row["PhoneNumber"]: row["SerialNo"] for row in line.send(asked)["SendStatusSet"] if row["SerialNo"]}
    received = {row["PhoneNumber"]: row["SerialNo"] for row in line.pull()}

    assert set(answered) == {number("1234"), number("0007"), number("2345")}
    assert set(received) == {number("0013"), number("0005"), number("1234"), number("0007"), number("2345")}
    assert answered.items() <= received.items()


def test_a_thirty_second_limit_passes(line: Line) -> None:
    """Suffix 0004 is refused at its first try and delivered later; another number begins anew."""
    limited = "LimitExceeded.PhoneNumberThirtySecondLimit"

    assert [line.codes([number("0004")])[number("0004")] for _ in range(3)] == [limited, "Ok", "Ok"]
    assert line.codes([number("0004", 1)]) == {number("0004", 1): limited}


def test_steering_can_be_off() -> None:
    """Without steering every number is delivered, but what is no number still is none."""
    line = Line(Flags(steering=False))
    steered = [number(f"{suffix:04d}") for suffix in SUFFIXES]

    assert line.codes([*steered, "hello"]) == {
        **dict.fromkeys(steered, "Ok"),
        "hello": "InvalidParameterValue.IncorrectPhoneNumber",
    }


def test_a_number_named_twice_is_sent_twice(line: Line) -> None:
    """The sandbox is not the one to notice a duplicate; its statistics are."""
    line.send([PLAIN, PLAIN])

    assert line.sandbox.snapshot(numbers="repeated")["numbers"] == {PLAIN: 2}


def multi(line: Line, *messages: Mapping[str, object]) -> dict[str, Any]:
    """The answer to a SendMultiGlobalSms."""
    return line.ask("SendMultiGlobalSms", {"SmsSdkAppId": APP, "MultiSmsInfoSet": list(messages)})


def test_global_numbers_can_have_contents_of_their_own(line: Line) -> None:
    """Each number has its template, values and context; a refused content leaves others alone."""
    answer = multi(
        line,
        {"PhoneNumber": SINGAPORE, "TemplateId": "1", "TemplateParamSet": ["a"], "SessionContext": "one"},
        {"PhoneNumber": "+33612345678", "TemplateId": "none", "SessionContext": "two", "SenderId": None},
    )
    rows = {row["PhoneNumber"]: row for row in answer["SendMultiStatusSet"]}

    assert rows[SINGAPORE]["Code"] == "Ok"
    assert rows["+33612345678"]["Code"] == "FailedOperation.TemplateUnapprovedOrNotExist"
    assert [row["SessionContext"] for row in line.pull()] == ["one"]


def test_multi_sends_are_for_global_numbers(line: Line) -> None:
    """Mainland numbers, no number and more than 200 are refused as a whole.

    A message's parameters are checked too.
    """
    one = {"PhoneNumber": SINGAPORE, "TemplateId": "1"}

    assert code_of(multi(line, one, {**one, "PhoneNumber": PLAIN})) == "UnsupportedOperation.ContainDomesticPhoneNumber"
    assert code_of(multi(line)) == "InvalidParameterValue.MultiSmsInfoSetEmpty"
    assert code_of(multi(line, *[one] * 201)) == "LimitExceeded.PhoneNumberCountLimit"
    assert code_of(multi(line, {"PhoneNumber": SINGAPORE})) == "MissingParameter"
    assert code_of(multi(line, {**one, "Text": "hi"})) == "UnknownParameter"


def test_messages_hold_no_number(line: Line) -> None:
    """The message of a refused number names its code and not the number."""
    (row,) = line.send([number("0001")])["SendStatusSet"]

    assert row["Code"] in row["Message"]
    assert number("0001")[3:] not in row["Message"]
