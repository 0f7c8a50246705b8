"""What the tests of this folder share.

An account, a provider on a fake or a loopback transport, and answers to give.
"""

import json
from dataclasses import dataclass, replace
from typing import Any

import httpx
from pydantic import SecretStr

from config.accounts import Account
from tests.support.accounts import changed
from tests.unit.providers.line import FakeLine
from worker.providers.base import Broken, Call, Content
from worker.providers.tencent.client import TencentProvider

NOW = 1_790_000_000
ASKED = (8613711112222, 8613711113333)
SECRET_ID = "AKIDtestidtestid"
SECRET_KEY = "Hush8Hush8Hush8Hush8"
TOKEN = "TokenOfATemporaryKey"
OTP = "482913"
SECRETS = (SECRET_KEY, TOKEN, OTP)

ACCOUNT = Account(
    provider="tencent",
    secret_id=SecretStr(SECRET_ID),
    secret_key=SecretStr(SECRET_KEY),
    sdk_app_id="1400006666",
    token=SecretStr(TOKEN),
    send_each=True,
)
CALL = Call(
    numbers=ASKED,
    content=Content(template="1234", params=(OTP,), sign="腾讯云"),
    context="b7.1",
    timeout_s=5.0,
)


@dataclass
class Line(FakeLine):
    """A line to the account of this folder, unless another one is given."""

    account: Account = ACCOUNT

    @property
    def provider(self) -> TencentProvider:
        """The provider on this line."""
        return TencentProvider("main", self.account, port=self.port, clock=lambda: NOW + 0.75)


def answering(status: int, body: bytes) -> Line:
    """A line that always gives this answer."""
    return Line(lambda _: httpx.Response(status, content=body))


def failing(error: Exception) -> Line:
    """A line on which every request fails with this error."""

    def fail(_: httpx.Request) -> httpx.Response:
        raise error

    return Line(fail)


def row(number: object = "+8613711112222", **fields: Any) -> dict[str, Any]:
    """One row of SendStatusSet, accepted unless told otherwise."""
    accepted = {
        "SerialNo": "5000:1045",
        "PhoneNumber": number,
        "Fee": 1,
        "SessionContext": "b7.1",
        "Code": "Ok",
        "Message": "send success",
        "IsoCode": "CN",
    }
    return accepted | fields


def receipt_row(**fields: Any) -> dict[str, Any]:
    """One row of PullSmsSendStatusSet, delivered unless told otherwise."""
    delivered = {
        "UserReceiveTime": 1620734188,
        "CountryCode": "86",
        "SubscriberNumber": "13711112222",
        "PhoneNumber": "+8613711112222",
        "SerialNo": "14:1932",
        "ReportStatus": "SUCCESS",
        "Description": "DELIVRD",
        "SessionContext": "b7.1",
    }
    return delivered | fields


def sent_body(*rows: object) -> bytes:
    """An answer to SendSms."""
    return json.dumps({"Response": {"SendStatusSet": list(rows), "RequestId": "req-1"}}).encode()


def page_body(*rows: object) -> bytes:
    """An answer to a pull."""
    return json.dumps({"Response": {"PullSmsSendStatusSet": list(rows), "RequestId": "req-1"}}).encode()


def error_body(code: str, message: str = "no") -> bytes:
    """The envelope of an error."""
    return json.dumps({"Response": {"Error": {"Code": code, "Message": message}, "RequestId": "req-1"}}).encode()


def at(address: str, *, path: str = "", timeout_s: float = 5.0) -> Account:
    """The account, with the loopback address as its endpoint."""
    return changed(ACCOUNT, endpoint=f"http://{address}{path}", timeout_s=timeout_s)


def without_detail(answer: object) -> object:
    """An answer without its words, which are for people and must be there."""
    if isinstance(answer, Broken):
        assert answer.detail
        return replace(answer, detail="")
    return answer
