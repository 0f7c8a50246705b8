"""What the tests of this folder share: signed requests, a wire without HTTP, decoded answers."""

import hmac
import json
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from hashlib import sha256
from typing import Any

from worker.sandbox.flags import Flags
from worker.sandbox.sandbox import Sandbox
from worker.sandbox.tencent import TencentWire
from worker.sandbox.wire import Request, WireCall, WireReply

APP = "1400000000"
HOST = "127.0.0.1:8899"
PLAIN = "+8613711112222"
SEND = {"SmsSdkAppId": APP, "TemplateId": "1234", "SignName": "Acme", "TemplateParamSet": ["482913"]}


def number(suffix: str, place: int = 0) -> str:
    """A mainland number with these last four digits."""
    return f"+86137{place:04d}{suffix}"


def headers_for(action: str, at_s: float) -> dict[str, str]:
    """The headers a client sends besides its signature."""
    return {
        "host": HOST,
        "content-type": "application/json",
        "x-tc-action": action,
        "x-tc-version": "2021-01-11",
        "x-tc-region": "ap-guangzhou",
        "x-tc-timestamp": str(int(at_s)),
    }


def sign(
    headers: dict[str, str],
    payload: bytes,
    *,
    names: str = "content-type;host",
    key: str = "sandbox-key",
    scope: str = "",
) -> str:
    """An Authorization header, written from the document, apart from the code under test."""
    date = datetime.fromtimestamp(int(headers["x-tc-timestamp"]), UTC).strftime("%Y-%m-%d")
    scope = scope or f"{date}/sms/tc3_request"
    lines = "".join(f"{name}:{headers[name].lower()}\n" for name in names.split(";"))
    canonical = f"POST\n/\n\n{lines}\n{names}\n{sha256(payload).hexdigest()}"
    text = f"TC3-HMAC-SHA256\n{headers['x-tc-timestamp']}\n{scope}\n{sha256(canonical.encode()).hexdigest()}"
    secret = ("TC3" + key).encode()
    for part in scope.split("/"):
        secret = hmac.digest(secret, part.encode(), "sha256")
    signature = hmac.digest(secret, text.encode(), "sha256").hex()
    return f"TC3-HMAC-SHA256 Credential=sandbox-id/{scope}, SignedHeaders={names}, Signature={signature}"


def request(action: str, params: object, changes: Mapping[str, str] | None = None, *, tick_s: float = 0.0) -> Request:
    """A signed POST.

    Args:
        action: X-TC-Action.
        params: The body, or the bytes to send as they are.
        changes: Headers replaced before signing; an empty value leaves the header out afterwards.
        tick_s: Arrival by the monotonic clock.
    """
    body = params if isinstance(params, bytes) else json.dumps(params).encode()
    at_s = time.time()
    headers = headers_for(action, at_s) | dict(changes or {})
    headers["authorization"] = sign(headers, body)
    return Request("POST", "/", "", {name: value for name, value in headers.items() if value}, body, at_s, tick_s)


@dataclass
class Line:
    """A Tencent wire over one sandbox."""

    flags: Flags = field(default_factory=Flags)

    def __post_init__(self) -> None:
        self.sandbox = Sandbox(self.flags)
        self.wire = TencentWire(self.sandbox)

    def reply(self, asked: Request) -> WireReply:
        """What the wire answers, HTTP and faults apart."""
        admitted = self.wire.admit(asked)
        return self.wire.carry_out(admitted) if isinstance(admitted, WireCall) else admitted

    def ask(self, action: str, params: object, changes: Mapping[str, str] | None = None) -> dict[str, Any]:
        """The answer's `Response` to a signed POST, some headers replaced."""
        return decoded(self.reply(request(action, params, changes)))

    def send(self, numbers: list[str], **params: object) -> dict[str, Any]:
        """The answer to a SendSms with ordinary parameters, some of them replaced."""
        return self.ask("SendSms", {**SEND, "PhoneNumberSet": numbers, **params})

    def codes(self, numbers: list[str], **params: object) -> dict[str, str]:
        """Each answered number's code."""
        return {row["PhoneNumber"]: row["Code"] for row in self.send(numbers, **params)["SendStatusSet"]}

    def pull(self, limit: int = 100, app: str = APP) -> list[dict[str, Any]]:
        """The next receipts."""
        rows: list[dict[str, Any]] = self.ask("PullSmsSendStatus", {"SmsSdkAppId": app, "Limit": limit})[
            "PullSmsSendStatusSet"
        ]
        return rows

    def history(self, of: str, **params: object) -> dict[str, Any]:
        """The answer to a by-number pull of the last hour, some parameters replaced."""
        ordinary = {
            "SmsSdkAppId": APP,
            "PhoneNumber": of,
            "BeginTime": int(time.time()) - 3600,
            "Offset": 0,
            "Limit": 100,
        }
        return self.ask("PullSmsSendStatusByPhoneNumber", {**ordinary, **params})


def decoded(reply: WireReply) -> dict[str, Any]:
    """The `Response` of a reply."""
    answer: dict[str, Any] = json.loads(reply.body)["Response"]
    return answer


def code_of(answer: dict[str, Any]) -> str:
    """The code for the whole call."""
    code: str = answer["Error"]["Code"]
    return code
