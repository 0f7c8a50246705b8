"""Requests to the sandbox's Alibaba wire without HTTP.

Signed by an independent hand, and its answers decoded.
"""

import base64
import hmac
import itertools
import json
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from hashlib import sha256
from typing import Any
from urllib.parse import quote, urlencode

from worker.sandbox.alibaba import AlibabaWire
from worker.sandbox.flags import Flags
from worker.sandbox.sandbox import Sandbox
from worker.sandbox.wire import Request, WireCall, WireReply

HOST = "127.0.0.1:8899"
KEY, SECRET = "sandbox-id", "sandbox-key"
PLAIN = "13711112222"
SEND = {"SignName": "Acme", "TemplateCode": "SMS_1234", "TemplateParam": '{"code":"482913"}', "OutId": "b7.1"}
GLOBE = {"To": "6591234567", "Message": "Hello", "From": "ACME", "TaskId": "b7.1"}
VERSIONS = {
    "SendSms": "2017-05-25",
    "SendBatchSms": "2017-05-25",
    "QuerySendDetails": "2017-05-25",
}

_nonces = itertools.count()


def number(suffix: str, place: int = 0) -> str:
    """A mainland number with these last four digits."""
    return f"137{place:04d}{suffix}"


def encoded(params: Mapping[str, str]) -> str:
    """Parameters as both signatures have them."""
    return "&".join(f"{quote(name, safe='~')}={quote(params[name], safe='~')}" for name in sorted(params))


def stamp(at_s: float) -> str:
    """A time as both signatures have it."""
    return datetime.fromtimestamp(at_s, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def acs3(
    action: str,
    query: Mapping[str, str],
    form: Mapping[str, str] | None = None,
    *,
    changes: Mapping[str, str | None] | None = None,
    after: Mapping[str, str | None] | None = None,
    key: str = KEY,
    secret: str = SECRET,
) -> Request:
    """A POST signed with ACS3, as the published description has it.

    Args:
        action: x-acs-action.
        query: In the query string.
        form: In the body.
        changes: Headers replaced (or left out: None) before signing.
        after: The same after signing.
        key: AccessKey ID.
        secret: AccessKey secret.
    """
    body, at_s = urlencode(form or {}).encode(), time.time()
    headers: dict[str, str | None] = {
        "host": HOST,
        "x-acs-action": action,
        "x-acs-version": VERSIONS.get(action, "2018-05-01"),
        "x-acs-date": stamp(at_s),
        "x-acs-signature-nonce": f"n{next(_nonces)}",
        "x-acs-content-sha256": sha256(body).hexdigest(),
        **({"content-type": "application/x-www-form-urlencoded"} if form else {}),
        **(changes or {}),
    }
    signed = {name: value for name, value in headers.items() if value is not None}
    names = ";".join(sorted(signed))
    lines = "".join(f"{name}:{signed[name]}\n" for name in sorted(signed))
    hashed = signed.get("x-acs-content-sha256", "")
    canonical = f"POST\n/\n{encoded(query)}\n{lines}\n{names}\n{hashed}"
    text = f"ACS3-HMAC-SHA256\n{sha256(canonical.encode()).hexdigest()}"
    signature = hmac.digest(secret.encode(), text.encode(), "sha256").hex()
    authorization = f"ACS3-HMAC-SHA256 Credential={key},SignedHeaders={names},Signature={signature}"
    sent = {**signed, "authorization": authorization, **(after or {})}
    arrived = {name: value for name, value in sent.items() if value is not None}
    return Request("POST", "/", urlencode(query), arrived, body, at_s, 0.0)


def rpc(action: str, params: Mapping[str, str], *, method: str = "GET", **changes: str) -> Request:
    """A request signed as RPC, with some of its common parameters replaced."""
    common = {
        "Action": action,
        "Version": VERSIONS.get(action, "2018-05-01"),
        "Format": "JSON",
        "AccessKeyId": KEY,
        "Timestamp": stamp(time.time()),
        "SignatureMethod": "HMAC-SHA1",
        "SignatureVersion": "1.0",
        "SignatureNonce": f"r{next(_nonces)}",
    }
    given = {**common, **params, **changes}
    text = f"{method}&%2F&{quote(encoded(given), safe='~')}"
    digest = hmac.digest(f"{SECRET}&".encode(), text.encode(), "sha1")
    given["Signature"] = base64.b64encode(digest).decode()
    return Request(method, "/", urlencode(given), {"host": HOST}, b"", time.time(), 0.0)


@dataclass
class Wire:
    """The Alibaba wire over one sandbox."""

    flags: Flags = field(default_factory=Flags)

    def __post_init__(self) -> None:
        self.sandbox = Sandbox(self.flags)
        self.wire = AlibabaWire(self.sandbox)

    def reply(self, asked: Request) -> WireReply:
        """What the wire answers, HTTP and faults apart."""
        admitted = self.wire.admit(asked)
        return self.wire.carry_out(admitted) if isinstance(admitted, WireCall) else admitted

    def ask(self, action: str, query: Mapping[str, str], form: Mapping[str, str] | None = None) -> dict[str, Any]:
        """The decoded answer to a signed POST."""
        answer: dict[str, Any] = json.loads(self.reply(acs3(action, query, form)).body)
        return answer

    def send(self, *numbers: str, **params: str) -> dict[str, Any]:
        """The answer to a SendSms with ordinary parameters, some of them replaced."""
        return self.ask("SendSms", {**SEND, "PhoneNumbers": ",".join(numbers), **params})

    def globe(self, to: str = "6591234567", **params: str) -> dict[str, Any]:
        """The answer to a SendMessageToGlobe with ordinary parameters, some of them replaced."""
        return self.ask("SendMessageToGlobe", {**GLOBE, "To": to, **params})

    def details(self, of: str, **params: str) -> dict[str, Any]:
        """The answer to a QuerySendDetails of today, some parameters replaced."""
        ordinary = {"PhoneNumber": of, "SendDate": today(), "PageSize": "10", "CurrentPage": "1"}
        return self.ask("QuerySendDetails", {**ordinary, **params})

    def rows(self, of: str, **params: str) -> list[dict[str, Any]]:
        """The rows of the same."""
        rows: list[dict[str, Any]] = self.details(of, **params)["SmsSendDetailDTOs"]["SmsSendDetailDTO"]
        return rows

    def message(self, message_id: str) -> dict[str, Any]:
        """The answer to a QueryMessage."""
        return self.ask("QueryMessage", {"MessageId": message_id})


def today(back_days: int = 0) -> str:
    """A day in Beijing, `yyyyMMdd`."""
    return datetime.fromtimestamp(time.time() + 8 * 3600 - back_days * 86_400, UTC).strftime("%Y%m%d")
