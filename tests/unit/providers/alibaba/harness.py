"""What the tests of this folder share.

Accounts, providers on a fake transport, and answers to give.
"""

import json
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import Any
from urllib.parse import parse_qsl

import httpx
from pydantic import SecretStr

from config.accounts import Account
from tests.support.accounts import changed
from tests.unit.providers.line import Answering
from worker.providers.alibaba.international import InternationalProvider
from worker.providers.alibaba.mainland import MainlandProvider
from worker.providers.base import Call, Content, MessageRef
from worker.providers.http import HttpxPort

NOW = 1_790_000_000
"""2026-09-21 22:13:20 in Beijing."""

FIRST, SECOND = 8613711112222, 8613711113333
GLOBAL = 6591234567
KEY_ID = "LTAItestidtestid"
KEY_SECRET = "Hush8Hush8Hush8Hush8"
OTP = "482913"
TEXT = "Your code is {1}. Keep it."
SECRETS = (KEY_SECRET, OTP)
BIZ_ID = "900619746936498440^0"
MESSAGE_ID = "1008030300532"
CONTEXT = "sl:a1b2c3:7"

MAINLAND = Account(provider="alibaba", secret_id=SecretStr(KEY_ID), secret_key=SecretStr(KEY_SECRET), site="mainland")
INTERNATIONAL = changed(MAINLAND, site="international", texts={"welcome": TEXT})

CONTENT = Content(template="SMS_154950909", params=(f"code={OTP}",), sign="阿里云", sender="ACME")
CALL = Call(numbers=(FIRST, SECOND), content=CONTENT, context=CONTEXT, timeout_s=5.0)
CALL_CHINA = replace(CALL, numbers=(FIRST,))
CALL_GLOBE = replace(CALL, numbers=(GLOBAL,), content=replace(CONTENT, template="Welcome"))
ASKED_CN = MessageRef(f"{BIZ_ID}/{FIRST}", FIRST, NOW - 60)
ASKED_SG = MessageRef(MESSAGE_ID, GLOBAL, NOW - 60)

Handler = Callable[[httpx.Request], httpx.Response]


@dataclass
class Line:
    """Providers whose requests are kept and answered by `answer`."""

    answer: Handler
    requests: list[httpx.Request] = field(default_factory=list)
    nonces: int = 0

    def _handle(self, request: httpx.Request) -> httpx.Response:
        self.requests.append(request)
        return self.answer(request)

    def _nonce(self) -> str:
        self.nonces += 1
        return f"nonce-{self.nonces}"

    def _port(self, account: Account) -> HttpxPort:
        return HttpxPort(account.endpoint, pool_size=1, transport=Answering(self._handle))

    def mainland(self, account: Account = MAINLAND, *, now_s: float = NOW + 0.75) -> MainlandProvider:
        """The mainland site's provider on this line."""
        return MainlandProvider("cn", account, port=self._port(account), clock=lambda: now_s, nonce=self._nonce)

    def international(self, account: Account = INTERNATIONAL) -> InternationalProvider:
        """The international site's provider on this line."""
        return InternationalProvider(
            "sg", account, port=self._port(account), clock=lambda: NOW + 0.75, nonce=self._nonce
        )

    @property
    def asked(self) -> dict[str, str]:
        """The decoded query string of the only request."""
        (request,) = self.requests
        return query_of(request)

    @property
    def form(self) -> dict[str, str]:
        """The decoded form of the only request."""
        (request,) = self.requests
        return dict(parse_qsl(request.content.decode(), keep_blank_values=True))


def query_of(request: httpx.Request) -> dict[str, str]:
    """The decoded query string of a request."""
    return dict(parse_qsl(request.url.query.decode(), keep_blank_values=True))


def answering(status: int, body: object, headers: dict[str, str] | None = None) -> Line:
    """A line that always gives this answer; what is not bytes goes as JSON."""
    content = body if isinstance(body, bytes) else json.dumps(body).encode()
    return Line(lambda _: httpx.Response(status, content=content, headers=headers))


def failing(error: Exception) -> Line:
    """A line on which every request fails with this error."""

    def fail(_: httpx.Request) -> httpx.Response:
        raise error

    return Line(fail)


def sent(**fields: Any) -> dict[str, Any]:
    """The mainland answer to a send, accepted unless told otherwise."""
    return {"Message": "OK", "RequestId": "req-1", "Code": "OK", "BizId": BIZ_ID} | fields


def refused(code: str, message: str = "no") -> dict[str, Any]:
    """The mainland answer that refuses: no BizId."""
    return {"Message": message, "RequestId": "req-1", "Code": code}


def detail(**fields: Any) -> dict[str, Any]:
    """One row of a QuerySendDetails, delivered unless told otherwise."""
    row = {
        "TemplateCode": "SMS_154950909",
        "ReceiveDate": "2026-09-21 22:12:40",
        "PhoneNum": "13711112222",
        "Content": "【阿里云】您的验证码为:482913",
        "SendStatus": 3,
        "SendDate": "2026-09-21 22:12:35",
        "OutId": CONTEXT,
        "ErrCode": "DELIVERED",
    }
    return row | fields


def details(*rows: object) -> dict[str, Any]:
    """The answer to a QuerySendDetails."""
    return {
        "TotalCount": str(len(rows)),
        "Message": "OK",
        "RequestId": "req-1",
        "SmsSendDetailDTOs": {"SmsSendDetailDTO": list(rows)},
        "Code": "OK",
    }


def globe(**fields: Any) -> dict[str, Any]:
    """The international answer to a send, accepted unless told otherwise."""
    accepted = {
        "ResponseCode": "OK",
        "NumberDetail": {"Region": "Singapore", "Country": "Singapore", "Carrier": "SingTel"},
        "RequestId": "req-1",
        "Segments": "1",
        "ResponseDescription": "OK",
        "From": "ACME",
        "To": "6591234567",
        "MessageId": MESSAGE_ID,
    }
    return accepted | fields


def globe_refused(code: str, description: str = "no") -> dict[str, Any]:
    """The international answer that refuses: no MessageId."""
    return {"ResponseCode": code, "ResponseDescription": description, "RequestId": "req-1"}


def message(**fields: Any) -> dict[str, Any]:
    """The answer to a QueryMessage, delivered unless told otherwise."""
    delivered = {
        "Status": "1",
        "ErrorDescription": "success",
        "ResponseCode": "OK",
        "ReceiveDate": "Mon, 21 Sep 2026 22:12:40 +0800",
        "NumberDetail": {"Region": "Singapore", "Country": "Singapore", "Carrier": "SingTel"},
        "Message": "Your code is 482913. Keep it.",
        "ResponseDescription": "OK",
        "ErrorCode": "DELIVERED",
        "SendDate": "Mon, 21 Sep 2026 22:12:35 +0800",
        "To": "6591234567",
        "MessageId": MESSAGE_ID,
        "RequestId": "req-1",
    }
    return delivered | fields


def gateway(code: str, text: str = "no") -> dict[str, Any]:
    """The envelope of the gateway's errors."""
    recommend = "https://api.aliyun.com/troubleshoot"
    host = "dysmsapi.aliyuncs.com"
    return {"RequestId": "req-1", "Message": text, "Recommend": recommend, "HostId": host, "Code": code}
