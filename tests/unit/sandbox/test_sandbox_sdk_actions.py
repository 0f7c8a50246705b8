"""The official SDK's methods besides sending, unchanged, against the sandbox, each signature."""

import base64
import time
from collections.abc import Iterator
from datetime import datetime
from typing import Any
from urllib.parse import urlsplit

import pytest
from tencentcloud.common import credential
from tencentcloud.common.exception.tencent_cloud_sdk_exception import TencentCloudSDKException
from tencentcloud.common.profile.client_profile import ClientProfile
from tencentcloud.common.profile.http_profile import HttpProfile
from tencentcloud.sms.v20210111 import models
from tencentcloud.sms.v20210111.sms_client import SmsClient

from worker.sandbox.background import Background
from worker.sandbox.flags import Flags
from worker.sandbox.tencent.statistics import ZONE

APP = "1400000000"
PHONE = "+8613711112222"
SINGAPORE = "+6591234567"

# The SDK asks for UTC in a way that newer Pythons warn of.
pytestmark = pytest.mark.filterwarnings("ignore:datetime.datetime.utcfromtimestamp:DeprecationWarning")


@pytest.fixture(scope="module")
def served() -> Iterator[Background]:
    """One sandbox for all."""
    with Background(Flags(limits={"*": 0})) as sandbox:
        yield sandbox


@pytest.fixture(
    params=[
        ("TC3-HMAC-SHA256", "POST"),
        ("TC3-HMAC-SHA256", "GET"),
        ("HmacSHA256", "POST"),
        ("HmacSHA256", "GET"),
        ("HmacSHA1", "POST"),
        ("HmacSHA1", "GET"),
    ],
    ids=" ".join,
)
def sdk(request: pytest.FixtureRequest, served: Background, monkeypatch: pytest.MonkeyPatch) -> "Sdk":
    """The SDK's client by one signature and method, on an empty sandbox."""
    for name in ("HTTP_PROXY", "http_proxy"):
        monkeypatch.delenv(name, raising=False)
    served.reset()
    return Sdk(served, *request.param)


class Sdk:
    """The SDK's client, which takes fields as a mapping."""

    def __init__(self, sandbox: Background, signing: str, method: str, key: str = "sandbox-key") -> None:
        self.sandbox = sandbox
        self.how = (signing, method)
        http = HttpProfile(protocol="http", endpoint=urlsplit(sandbox.url).netloc, reqMethod=method, reqTimeout=10)
        profile = ClientProfile(signMethod=signing, httpProfile=http, language="en-US")
        self._client = SmsClient(credential.Credential("sandbox-id", key), "ap-guangzhou", profile)

    def __call__(self, action: str, **fields: Any) -> Any:
        """Call one method."""
        model = getattr(models, f"{action}Request")()
        model._deserialize(fields)
        return getattr(self._client, action)(model)


def code_of(sdk: Sdk, action: str, **fields: Any) -> str:
    """The code that a call is refused with."""
    with pytest.raises(TencentCloudSDKException) as raised:
        sdk(action, **fields)
    code: str = raised.value.get_code()
    return code


DRAFT: dict[str, Any] = {"TemplateName": "n", "TemplateContent": "Code {1}", "SmsType": 3, "International": 0, "Remark": "r"}  # fmt: skip
OURS: dict[str, Any] = {
    "SignName": "腾讯云 &+=",
    "SignType": 0,
    "DocumentType": 1,
    "International": 0,
    "SignPurpose": 0,
    "ProofImage": base64.b64encode(bytes(range(256))).decode(),
}


def test_templates(sdk: Sdk) -> None:
    """Added, listed, changed, deleted."""
    template = int(sdk("AddSmsTemplate", **DRAFT).AddTemplateStatus.TemplateId)
    sdk("ModifySmsTemplate", TemplateId=template, **{**DRAFT, "TemplateName": "m"})
    (row,) = sdk("DescribeSmsTemplateList", International=0, TemplateIdSet=[template]).DescribeTemplateStatusSet
    gone = sdk("DeleteSmsTemplate", TemplateId=template).DeleteTemplateStatus

    assert (row.TemplateName, row.TemplateContent, row.StatusCode) == ("m", "Code {1}", 1)
    assert abs(gone.DeleteTime - time.time()) < 60
    assert code_of(sdk, "DeleteSmsTemplate", TemplateId=template) == "FailedOperation.TemplateIdNotExist"
    assert not sdk("DescribeSmsTemplateList", International=0, Limit=100, Offset=0).DescribeTemplateStatusSet


def test_signatures(sdk: Sdk) -> None:
    """Added, listed, changed, deleted; a name keeps its signs on the way."""
    sign = sdk("AddSmsSign", **OURS).AddSignStatus.SignId
    sdk("ModifySmsSign", SignId=sign, **OURS, Remark="again")
    (row,) = sdk("DescribeSmsSignList", International=0, SignIdSet=[sign]).DescribeSignListStatusSet

    assert (row.SignId, row.SignName) == (sign, OURS["SignName"])
    assert code_of(sdk, "AddSmsSign", **OURS) == "InvalidParameterValue.SignExistAndUnapproved"
    assert sdk("DeleteSmsSign", SignId=sign).DeleteSignStatus.DeleteStatus


def test_sends_and_statistics(sdk: Sdk) -> None:
    """What both sends put out is counted, and its receipts are pulled."""
    sdk("SendSms", SmsSdkAppId=APP, PhoneNumberSet=[PHONE], TemplateId="1", SignName="A", TemplateParamSet=["a b&c"])
    messages = [{"PhoneNumber": SINGAPORE, "TemplateId": "1", "TemplateParamSet": ["x", "y"], "SessionContext": "c"}]
    (row,) = sdk("SendMultiGlobalSms", SmsSdkAppId=APP, MultiSmsInfoSet=messages).SendMultiStatusSet
    now = datetime.now(ZONE).strftime("%Y%m%d%H")
    hours = {"SmsSdkAppId": APP, "BeginTime": now, "EndTime": now, "Limit": 0, "Offset": 0}

    assert (row.PhoneNumber, row.Code, row.SessionContext) == (SINGAPORE, "Ok", "c")
    assert sdk("SendStatusStatistics", **hours).SendStatusStatistics.RequestSuccessCount == 2
    assert sdk("CallbackStatusStatistics", **hours).CallbackStatusStatistics.CallbackSuccessCount == 2
    assert len(sdk("PullSmsSendStatus", SmsSdkAppId=APP, Limit=10).PullSmsSendStatusSet) == 2


def test_replies(sdk: Sdk) -> None:
    """By number as often as asked, from the queue once."""
    sdk.sandbox.reply(PHONE, "TD")
    about = {"SmsSdkAppId": APP, "PhoneNumber": PHONE, "BeginTime": int(time.time()) - 60, "Offset": 0, "Limit": 10}

    for _ in range(2):
        (reply,) = sdk("PullSmsReplyStatusByPhoneNumber", **about).PullSmsReplyStatusSet
        assert (reply.PhoneNumber, reply.ReplyContent) == (PHONE, "TD")
    pulls = [sdk("PullSmsReplyStatus", SmsSdkAppId=APP, Limit=10).PullSmsReplyStatusSet for _ in range(2)]
    assert [len(rows) for rows in pulls] == [1, 0]


def test_numbers_and_conversions(sdk: Sdk) -> None:
    """A number is described, a conversion reported."""
    (row,) = sdk("DescribePhoneNumberInfo", PhoneNumberSet=["+86018845720123"]).PhoneNumberInfoSet
    report = sdk("ReportConversion", SmsSdkAppId=APP, SerialNo="5000:1", ConversionTime=7)

    assert (row.PhoneNumber, row.IsoCode) == ("+8618845720123", "CN")
    assert report.ReportConversionStatus.Code == "ok"


def test_another_key(sdk: Sdk) -> None:
    """A signature made with another key is refused, whichever it is."""
    other = Sdk(sdk.sandbox, *sdk.how, key="other-key")

    assert code_of(other, "DescribePhoneNumberInfo", PhoneNumberSet=[PHONE]) == "AuthFailure.SignatureFailure"
