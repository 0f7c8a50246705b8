"""The official SDK, unchanged, against a sandbox: what it does with the provider it does here."""

import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import httpx
import pytest
from tencentcloud.common import credential
from tencentcloud.common.exception.tencent_cloud_sdk_exception import TencentCloudSDKException
from tencentcloud.common.profile.client_profile import ClientProfile
from tencentcloud.common.profile.http_profile import HttpProfile
from tencentcloud.sms.v20210111 import models
from tencentcloud.sms.v20210111.sms_client import SmsClient

from tests.support.waiting import LONG_S

ROOT = Path(__file__).parents[2]
READY = "sandbox ready url="
NUMBERS = ["+8613711112222", "+8613711113333", "+8613711114444"]
SPELLED = ["+8613711112222", "13711113333", "008613711114444"]
SINGAPORE = "+6591234567"


@dataclass(frozen=True)
class Served:
    """A sandbox process."""

    url: str
    process: subprocess.Popen[str]

    def client(self, *, method: str = "POST", key: str = "sandbox-key", unsigned: bool = False) -> SmsClient:
        """The SDK's client, as its users make it."""
        http = HttpProfile(protocol="http", endpoint=urlsplit(self.url).netloc, reqMethod=method, reqTimeout=10)
        profile = ClientProfile(httpProfile=http, language="en-US")
        profile.unsignedPayload = unsigned
        return SmsClient(credential.Credential("sandbox-id", key), "ap-guangzhou", profile)

    def post(self, path: str, **body: object) -> None:
        """One of the control paths."""
        httpx.post(self.url + path, json=body, trust_env=False).raise_for_status()

    def stats(self) -> dict[str, Any]:
        """The statistics."""
        found: dict[str, Any] = httpx.get(self.url + "/_stats", trust_env=False).json()
        return found


def start(*options: str) -> Served:
    """A process on a free port, after its ready line."""
    command = [sys.executable, "-m", "worker.sandbox", "--port", "0", *options]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True, cwd=ROOT)
    assert process.stdout is not None
    line = process.stdout.readline().strip()
    assert line.startswith(READY), line
    return Served(line.removeprefix(READY), process)


def stop(served: Served) -> int:
    """SIGTERM, and the exit code."""
    served.process.send_signal(signal.SIGTERM)
    code = served.process.wait(LONG_S)
    assert served.process.stdout is not None
    served.process.stdout.close()
    return code


@pytest.fixture(autouse=True)
def _no_proxy(monkeypatch: pytest.MonkeyPatch) -> None:
    """The SDK takes a proxy from the environment, for loopback too."""
    for name in ("HTTP_PROXY", "http_proxy"):
        monkeypatch.delenv(name, raising=False)


@pytest.fixture(scope="module")
def server() -> Iterator[Served]:
    """One process for the module."""
    served = start()
    yield served
    stop(served)


@pytest.fixture
def sandbox(server: Served) -> Served:
    """The process as it was at its start."""
    server.post("/_reset")
    return server


def send_request(numbers: list[str], **fields: object) -> models.SendSmsRequest:
    """A SendSmsRequest with ordinary fields, some replaced."""
    ordinary = {
        "PhoneNumberSet": numbers,
        "SmsSdkAppId": "1400000000",
        "TemplateId": "1234",
        "SignName": "腾讯云",
        "TemplateParamSet": ["482913", "5 + 5 & more"],
        "SessionContext": "b7.1",
    }
    return filled(models.SendSmsRequest(), {**ordinary, **fields})


def filled(request: Any, fields: dict[str, object]) -> Any:
    """A request model with its fields set, as the SDK's examples do."""
    for name, value in fields.items():
        setattr(request, name, value)
    return request


def pull_request(**fields: object) -> models.PullSmsSendStatusRequest:
    """A pull of the default app."""
    return filled(models.PullSmsSendStatusRequest(), {"SmsSdkAppId": "1400000000", "Limit": 100, **fields})


def history_request(number: str) -> models.PullSmsSendStatusByPhoneNumberRequest:
    """A by-number pull of the last hour."""
    fields = {
        "SmsSdkAppId": "1400000000",
        "PhoneNumber": number,
        "BeginTime": int(time.time()) - 3600,
        "EndTime": int(time.time()) + 60,
        "Offset": 0,
        "Limit": 100,
    }
    return filled(models.PullSmsSendStatusByPhoneNumberRequest(), fields)


@pytest.mark.parametrize(("method", "unsigned"), [("POST", False), ("POST", True), ("GET", False)])
def test_a_send_and_its_receipts(sandbox: Served, method: str, unsigned: bool) -> None:
    """Messages are accepted per number, and both pulls know them.

    They come by POST, by GET, and with an unsigned payload.
    """
    client = sandbox.client(method=method, unsigned=unsigned)

    sent = client.SendSms(send_request(SPELLED))
    pulled = client.PullSmsSendStatus(pull_request())
    again = client.PullSmsSendStatus(pull_request())
    known = client.PullSmsSendStatusByPhoneNumber(history_request(NUMBERS[0]))

    serials = {row.PhoneNumber: row.SerialNo for row in sent.SendStatusSet}
    assert sorted(serials) == NUMBERS
    assert {(row.Code, row.Fee, row.SessionContext, row.IsoCode) for row in sent.SendStatusSet} == {
        ("Ok", 1, "b7.1", "CN")
    }
    assert {row.PhoneNumber: row.SerialNo for row in pulled.PullSmsSendStatusSet} == serials
    assert {(row.ReportStatus, row.Description, row.SessionContext) for row in pulled.PullSmsSendStatusSet} == {
        ("SUCCESS", "DELIVRD", "b7.1")
    }
    assert again.PullSmsSendStatusSet == []
    assert [row.SerialNo for row in known.PullSmsSendStatusSet] == [serials[NUMBERS[0]]]


def test_items_fail_without_an_exception(sandbox: Served) -> None:
    """A refused number is a row with a code, which the SDK does not raise."""
    answer = sandbox.client().SendSms(send_request(["+8613711110001", NUMBERS[0]]))

    assert {row.PhoneNumber: row.Code for row in answer.SendStatusSet} == {
        "+8613711110001": "InvalidParameterValue.IncorrectPhoneNumber",
        NUMBERS[0]: "Ok",
    }


@pytest.mark.parametrize(
    ("fields", "code"),
    [
        ({"SmsSdkAppId": "1499999999"}, "InvalidParameterValue.SdkAppIdNotExist"),
        ({"PhoneNumberSet": []}, "MissingParameter.EmptyPhoneNumberSet"),
        ({"PhoneNumberSet": None}, "MissingParameter"),
        ({"PhoneNumberSet": NUMBERS * 67}, "LimitExceeded.PhoneNumberCountLimit"),
        (
            {"PhoneNumberSet": [NUMBERS[0], SINGAPORE]},
            "UnsupportedOperation.ContainDomesticAndInternationalPhoneNumber",
        ),
        ({"SessionContext": "x" * 512}, "InvalidParameterValue"),
        ({"TemplateId": 1234}, "InvalidParameter"),
    ],
)
def test_refused_calls_are_raised_with_their_code(sandbox: Served, fields: dict[str, object], code: str) -> None:
    """The SDK raises the code of the answer, with words and a RequestId; nothing went out."""
    with pytest.raises(TencentCloudSDKException) as raised:
        sandbox.client().SendSms(send_request(NUMBERS, **fields))

    assert raised.value.get_code() == code
    assert raised.value.get_message()
    assert raised.value.get_request_id()
    assert sandbox.stats()["messages"] == 0


def test_a_wrong_key_is_raised(sandbox: Served) -> None:
    """Another SecretKey signs differently."""
    with pytest.raises(TencentCloudSDKException) as raised:
        sandbox.client(key="guessed").SendSms(send_request(NUMBERS))

    assert raised.value.get_code() == "AuthFailure.SignatureFailure"
    assert sandbox.stats()["signature_failures"] == 1


def test_a_rate_is_raised(sandbox: Served) -> None:
    """The call over the limit is refused and not carried out."""
    sandbox.post("/_control", limits={"SendSms": 1})
    client = sandbox.client()
    client.SendSms(send_request(NUMBERS[:1]))

    with pytest.raises(TencentCloudSDKException) as raised:
        client.SendSms(send_request(NUMBERS[1:2]))

    assert raised.value.get_code() == "RequestLimitExceeded"
    assert sandbox.stats()["numbers"] == {NUMBERS[0]: 1}


@pytest.mark.parametrize(
    ("fault", "code", "messages"),
    [
        ({"kind": "lost"}, "ClientNetworkError", 1),
        ({"kind": "reset"}, "ClientNetworkError", 0),
        ({"kind": "status"}, "ServerNetworkError", 0),
        ({"kind": "status", "executed": True}, "ServerNetworkError", 1),
        ({"kind": "error", "code": "InternalError.SendAndRecvFail"}, "InternalError.SendAndRecvFail", 0),
        ({"kind": "garbled"}, "JSONDecodeError", 1),
    ],
    ids=lambda value: value.get("kind") if isinstance(value, dict) else None,
)
def test_faults_reach_the_sdk(sandbox: Served, fault: dict[str, object], code: str, messages: int) -> None:
    """Lost, cut, garbled and refused answers arrive as the SDK tells them, carried out or not."""
    sandbox.post("/_control", faults=[{**fault, "times": 1}])

    with pytest.raises(TencentCloudSDKException) as raised:
        sandbox.client().SendSms(send_request(NUMBERS[:1]))

    assert raised.value.get_code() == code
    assert sandbox.stats()["messages"] == messages


def test_global_numbers_with_contents_of_their_own(sandbox: Served) -> None:
    """SendMultiGlobalSms, which the SDK has and the document has not."""
    messages = [
        filled(models.MultiSmsInfo(), {"PhoneNumber": number, "TemplateId": "12", "SessionContext": number})
        for number in (SINGAPORE, "+33612345678")
    ]
    request = filled(models.SendMultiGlobalSmsRequest(), {"SmsSdkAppId": "1400000000", "MultiSmsInfoSet": messages})

    answer = sandbox.client().SendMultiGlobalSms(request)

    assert {(row.PhoneNumber, row.SessionContext, row.Code) for row in answer.SendMultiStatusSet} == {
        (SINGAPORE, SINGAPORE, "Ok"),
        ("+33612345678", "+33612345678", "Ok"),
    }


def test_replies_are_empty(sandbox: Served) -> None:
    """PullSmsReplyStatus is there; no reply has come."""
    request = filled(models.PullSmsReplyStatusRequest(), {"SmsSdkAppId": "1400000000", "Limit": 100})

    assert sandbox.client().PullSmsReplyStatus(request).PullSmsReplyStatusSet == []


def test_options_of_the_command_line() -> None:
    """Accounts, limits and codes of the command line hold from the first call; SIGTERM ends it."""
    served = start(
        "--account",
        "sandbox-id:own-key:1400000000",
        "--template-code",
        "1234=FailedOperation.TemplateIncorrectOrUnapproved",
    )
    try:
        answer = served.client(key="own-key").SendSms(send_request(NUMBERS))
    finally:
        code = stop(served)

    assert {row.Code for row in answer.SendStatusSet} == {"FailedOperation.TemplateIncorrectOrUnapproved"}
    assert code == -signal.SIGTERM


def test_options_that_make_no_sense_are_refused() -> None:
    """An unknown fault ends the command with exit code 2 and words, before anything listens."""
    command = [sys.executable, "-m", "worker.sandbox", "--port", "0", "--fault", "lost,chance=1"]
    ended = subprocess.run(command, capture_output=True, text=True, timeout=LONG_S, check=False, cwd=ROOT)

    assert ended.returncode == 2
    assert "no flag 'chance'" in ended.stderr
    assert READY not in ended.stdout
