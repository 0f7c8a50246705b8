"""Tencent's gateway: what is refused before an action runs, with which code, and in which order."""

import json

import msgspec
import pytest

from tests.unit.sandbox.harness import APP, PLAIN, SEND, Line, code_of, decoded, request
from worker.sandbox.flags import Flags, SandboxAccount
from worker.sandbox.tencent.gateway import BODY_LIMIT, LIMITS, NOT_CARRIED_OUT, VERSION
from worker.sandbox.tencent.params import ACTIONS, GET_LIMIT, read_params
from worker.sandbox.wire import Request, WireRefusal

PULL = {"SmsSdkAppId": APP, "Limit": 10}


@pytest.mark.parametrize(
    ("changes", "code"),
    [
        ({"x-tc-action": ""}, "MissingParameter"),
        ({"x-tc-action": "SendFax"}, "InvalidAction"),
        ({"x-tc-action": "sendSms"}, "InvalidAction"),
        ({"x-tc-action": "SmsPackagesStatistics"}, "UnsupportedOperation"),
        ({"x-tc-version": ""}, "MissingParameter"),
        ({"x-tc-version": "2019-07-11"}, "NoSuchVersion"),
        ({"x-tc-region": ""}, "MissingParameter"),
        ({"x-tc-region": "ap-atlantis"}, "UnsupportedRegion"),
    ],
)
def test_common_parameters(line: Line, changes: dict[str, str], code: str) -> None:
    """Action, version and region must be there and be known."""
    assert code_of(line.ask("PullSmsSendStatus", PULL, changes)) == code


def test_every_documented_action_is_known() -> None:
    """An action is carried out with a limit of its own, or known not to be."""
    assert set(LIMITS) == set(ACTIONS)
    assert not NOT_CARRIED_OUT & set(ACTIONS)
    assert VERSION == "2021-01-11"


@pytest.mark.parametrize("method", ["PUT", "DELETE", "HEAD"])
def test_only_get_and_post(line: Line, method: str) -> None:
    """Any other method is not the protocol."""
    asked = msgspec.structs.replace(request("PullSmsSendStatus", PULL), method=method)

    assert code_of(decoded(line.reply(asked))) == "UnsupportedProtocol"


def test_a_body_has_ten_megabytes(line: Line) -> None:
    """A longer one is refused before anything is hashed."""
    asked = msgspec.structs.replace(request("PullSmsSendStatus", PULL), body=b"x" * (BODY_LIMIT + 1))

    assert code_of(decoded(line.reply(asked))) == "RequestSizeLimitExceeded"


@pytest.mark.parametrize(
    ("body", "code"),
    [
        (b"", "FailedOperation.JsonParseFail"),
        (b"{", "FailedOperation.JsonParseFail"),
        (b"\xff\xfe", "FailedOperation.JsonParseFail"),
        (b"[" * 100_000, "FailedOperation.JsonParseFail"),
        (b"[]", "FailedOperation.FailResolvePacket"),
        (b'"text"', "FailedOperation.FailResolvePacket"),
    ],
    ids=["empty", "cut", "not utf-8", "deep", "list", "text"],
)
def test_bodies_that_are_no_json_object(line: Line, body: bytes, code: str) -> None:
    """What cannot be parsed and what is no object have codes of their own."""
    assert code_of(line.ask("PullSmsSendStatus", body)) == code


def test_a_post_carries_json(line: Line) -> None:
    """Another content type is refused, a charset is not."""
    form = line.ask("PullSmsSendStatus", PULL, {"content-type": "application/x-www-form-urlencoded"})
    charset = line.ask("PullSmsSendStatus", PULL, {"content-type": "application/json; charset=utf-8"})

    assert code_of(form) == "FailedOperation.FailResolvePacket"
    assert charset["PullSmsSendStatusSet"] == []


@pytest.mark.parametrize(
    ("params", "code"),
    [
        ({"Limit": 10}, "MissingParameter"),
        ({"SmsSdkAppId": APP, "Limit": None}, "MissingParameter"),
        ({**PULL, "Page": 2}, "UnknownParameter"),
        ({**PULL, "Limit": "10"}, "InvalidParameter"),
        ({**PULL, "Limit": 10.0}, "InvalidParameter"),
        ({**PULL, "Limit": True}, "InvalidParameter"),
        ({**PULL, "SmsSdkAppId": 1400000000}, "InvalidParameter"),
    ],
)
def test_parameters_of_a_pull(line: Line, params: object, code: str) -> None:
    """Parameters must be known, present and of their type; null is absent."""
    assert code_of(line.ask("PullSmsSendStatus", params)) == code


@pytest.mark.parametrize(
    "wrong", [{"PhoneNumberSet": PLAIN}, {"PhoneNumberSet": [13711112222]}, {"TemplateParamSet": [1]}, {"SignName": 1}]
)
def test_parameters_of_a_send_have_types(line: Line, wrong: dict[str, object]) -> None:
    """Lists are lists and texts are texts, a template's values too."""
    assert code_of(line.ask("SendSms", {**SEND, "PhoneNumberSet": [PLAIN], **wrong})) == "InvalidParameter"


def test_a_refusal_names_the_parameter_and_no_value(line: Line) -> None:
    """The message says what is wrong with which parameter, without repeating what was sent."""
    message = line.ask("SendSms", {**SEND, "PhoneNumberSet": [PLAIN, 7], "SignName": "Acme"})["Error"]["Message"]

    assert "PhoneNumberSet" in message
    assert PLAIN[1:] not in message


def test_an_app_of_no_account_and_one_of_another_account() -> None:
    """An unknown SmsSdkAppId does not exist; under another's key it fails its verification."""
    line = Line(Flags(accounts=(SandboxAccount(), SandboxAccount("other-id", "other-key", ("1400000001",)))))

    assert code_of(line.ask("PullSmsSendStatus", {**PULL, "SmsSdkAppId": "1499999999"})) == (
        "InvalidParameterValue.SdkAppIdNotExist"
    )
    assert code_of(line.ask("PullSmsSendStatus", {**PULL, "SmsSdkAppId": "1400000001"})) == (
        "UnauthorizedOperation.SmsSdkAppIdVerifyFail"
    )


def test_the_rate_holds_in_any_sliding_second() -> None:
    """The call after the limit is refused until the first is a second old, wherever that begins."""
    line = Line(Flags(limits={"PullSmsSendStatus": 3}))

    def code_at(tick_s: float) -> str:
        return line.reply(request("PullSmsSendStatus", PULL, tick_s=tick_s)).code

    assert [code_at(tick_s) for tick_s in (10.0, 10.5, 10.9)] == ["Ok"] * 3
    assert code_at(10.999) == "RequestLimitExceeded"
    assert code_at(11.0) == "Ok"
    assert code_at(11.49) == "RequestLimitExceeded"
    assert code_at(11.5) == "Ok"


def test_limits_are_documented_ones_unless_flags_say_otherwise() -> None:
    """By-number pulls end at 20 in a second.

    `*` speaks for all actions without a limit of their own, 0 lifts it.
    """
    strict, lifted = Line(), Line(Flags(limits={"*": 0}))
    asked = {**PULL, "PhoneNumber": PLAIN, "BeginTime": 0, "Offset": 0}

    def codes(of: Line) -> list[str]:
        return [of.reply(request("PullSmsReplyStatusByPhoneNumber", asked)).code for _ in range(21)]

    assert codes(strict).count("RequestLimitExceeded") == 1
    assert "RequestLimitExceeded" not in codes(lifted)


def test_a_forged_call_uses_up_no_rate() -> None:
    """Rates are counted per key after its signature was seen."""
    line = Line(Flags(limits={"PullSmsSendStatus": 1}))
    forged = request("PullSmsSendStatus", PULL)

    assert line.reply(msgspec.structs.replace(forged, body=b"{}")).code == "AuthFailure.SignatureFailure"
    assert line.reply(forged).code == "Ok"


def test_every_answer_has_an_id_of_its_own(line: Line) -> None:
    """RequestId is there and differs, in errors too; the content type is what the SDK looks for."""
    good, bad = request("PullSmsSendStatus", PULL), request("SendFax", PULL)
    replies = [line.reply(one) for one in (good, good, bad)]

    assert len({decoded(reply)["RequestId"] for reply in replies}) == 3
    assert {reply.content_type for reply in replies} == {"application/json"}
    assert {reply.status for reply in replies} == {200}


def get(query: str) -> Request:
    """A GET, unsigned."""
    return Request("GET", "/", query, {}, b"", 0.0, 0.0)


def test_a_get_has_flat_names() -> None:
    """Lists and numbers are told from a GET's names (official SDK: `PhoneNumberSet.0`)."""
    query = f"PhoneNumberSet.1=%2B8613711112222&PhoneNumberSet.0=%2B8613711113333&SmsSdkAppId={APP}&TemplateId=1234"
    messages = f"SmsSdkAppId={APP}&MultiSmsInfoSet.0.PhoneNumber=%2B6591234567&MultiSmsInfoSet.0.TemplateId=12"

    assert read_params(get(query), "SendSms") == {
        "PhoneNumberSet": ["+8613711113333", "+8613711112222"],
        "SmsSdkAppId": APP,
        "TemplateId": "1234",
    }
    assert read_params(get(f"SmsSdkAppId={APP}&Limit=10"), "PullSmsSendStatus") == PULL
    assert read_params(get(messages), "SendMultiGlobalSms") == {
        "SmsSdkAppId": APP,
        "MultiSmsInfoSet": [{"PhoneNumber": "+6591234567", "TemplateId": "12"}],
    }


@pytest.mark.parametrize(
    ("query", "code"),
    [
        ("x=" + "1" * GET_LIMIT, "RequestSizeLimitExceeded"),
        ("Limit=ten&SmsSdkAppId=1", "InvalidParameter"),
        ("Limit=1&Limit.0=1&SmsSdkAppId=1", "InvalidParameter"),
        (".".join(["a"] * 5000) + "=1", "UnknownParameter"),
    ],
    ids=["long", "no number", "value and list", "deep"],
)
def test_gets_that_cannot_be_read(query: str, code: str) -> None:
    """A GET has 32 KB and must make sense."""
    refused = read_params(get(query), "PullSmsSendStatus")

    assert isinstance(refused, WireRefusal)
    assert refused.code == code


def test_a_send_is_described_for_the_log(line: Line) -> None:
    """An admitted send carries what it is about; a pull is about nothing."""
    sent = line.wire.admit(request("SendSms", {**SEND, "PhoneNumberSet": [PLAIN], "SessionContext": "b1"}))
    pulled = line.wire.admit(request("PullSmsSendStatus", PULL))

    assert json.loads(msgspec.json.encode(sent))["subject"] == {
        "numbers": [PLAIN],
        "template": "1234",
        "values": ["482913"],
        "context": "b1",
    }
    assert json.loads(msgspec.json.encode(pulled))["subject"] is None


def test_a_multi_send_is_described_by_its_numbers(line: Line) -> None:
    """Its contents differ, so the log has the numbers alone."""
    messages = [{"PhoneNumber": "+6591234567", "TemplateId": "1", "SessionContext": "one"}]
    sent = line.wire.admit(request("SendMultiGlobalSms", {"SmsSdkAppId": APP, "MultiSmsInfoSet": messages}))

    assert json.loads(msgspec.json.encode(sent))["subject"] == {
        "numbers": ["+6591234567"],
        "template": "",
        "values": [],
        "context": "",
    }
