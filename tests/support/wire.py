"""Tencent's wire as a test needs it.

It answers signed requests, gives receipts, and counts every message and call. Written from the
provider's document alone and apart from `worker/sandbox`, so that one misreading is not made twice.
It answers in another order, with other delays; its receipts come early, late, twice and in any
order, each pulled once.
"""

import hashlib
import hmac
import json
import random
import re
import threading
import time
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, Final, Self

from tencentcloud.common.sign import Sign

SECRET_ID: Final = "wire-id"
SECRET_KEY: Final = "wire-key"
SDK_APP_ID: Final = "1400006666"
SKEW_S: Final = 300
_CREDENTIAL: Final = re.compile(
    r"TC3-HMAC-SHA256 Credential=(?P<id>[^/]+)/(?P<date>\d{4}-\d\d-\d\d)/sms/tc3_request, "
    r"SignedHeaders=content-type;host, Signature=(?P<signature>[0-9a-f]{64})"
)


class Refusal(Exception):  # noqa: N818 - the provider's word
    """An error for the whole call, as the provider names it."""


class HangUp(Exception):  # noqa: N818
    """The connection ends without an answer."""


@dataclass(slots=True)
class Waiting:
    """A receipt and when it may be pulled."""

    at_s: float
    row: dict[str, Any]


@dataclass
class Wire:
    """The provider. `with Wire() as wire:` serves on a free port of 127.0.0.1.

    Attributes:
        latency_s: How long an answer to a send takes, from and to.
        receipt_s: When a receipt is there after its message, from and to; some come before the
            answer.
        fails: Numbers whose message is not delivered.
        before_send: Called with the numbers of a send; may raise `Refusal`.
        after_send: Called with the numbers after their messages went out; may raise `HangUp`.
        texts: Messages that went out, per number.
        params: The params of the last message to a number.
        calls: When each call of an action came, monotonic seconds.
        sizes: Numbers in each send.
        faults: What was wrong with requests, in words; empty when all went well.
    """

    latency_s: tuple[float, float] = (0.002, 0.02)
    receipt_s: tuple[float, float] = (0.0, 0.5)
    fails: set[str] = field(default_factory=set)
    before_send: Callable[[list[str]], None] = lambda _numbers: None
    after_send: Callable[[list[str]], None] = lambda _numbers: None
    texts: Counter[str] = field(default_factory=Counter)
    params: dict[str, list[str]] = field(default_factory=dict)
    calls: dict[str, list[float]] = field(default_factory=dict)
    sizes: list[int] = field(default_factory=list)
    faults: list[str] = field(default_factory=list)
    _receipts: list[Waiting] = field(default_factory=list)
    _history: dict[str, list[dict[str, Any]]] = field(default_factory=dict)
    _lock: threading.Lock = field(default_factory=threading.Lock)
    _over: threading.Event = field(default_factory=threading.Event)
    _chance: random.Random = field(default_factory=lambda: random.Random(7))
    _server: ThreadingHTTPServer | None = None

    def __enter__(self) -> Self:
        handler = type("Handler", (_Handler,), {"wire": self})
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), handler)
        self._server.daemon_threads = True
        threading.Thread(target=self._server.serve_forever, args=(0.05,), daemon=True).start()
        return self

    def __exit__(self, *_: object) -> None:
        assert self._server is not None
        self._over.set()
        self._server.shutdown()
        self._server.server_close()

    @property
    def url(self) -> str:
        """Where it listens."""
        assert self._server is not None
        return f"http://127.0.0.1:{self._server.server_address[1]}"

    def fullest_second(self, action: str) -> int:
        """The most calls of an action within any second."""
        times = sorted(self.calls.get(action, []))
        return max((sum(1 for at in times[i:] if at < begin + 1.0) for i, begin in enumerate(times)), default=0)

    def answer(self, headers: dict[str, str], body: bytes) -> dict[str, Any]:
        """What the provider says to a request."""
        action = headers.get("x-tc-action", "")
        with self._lock:
            self.calls.setdefault(action, []).append(time.monotonic())
        try:
            check_signature(headers, body)
            found = {
                "SendSms": self._send,
                "PullSmsSendStatus": self._pull,
                "PullSmsSendStatusByPhoneNumber": self._ask,
            }[action](read_request(body))
        except Refusal as refusal:
            if not str(refusal).startswith("="):
                self.faults.append(f"{action}: {refusal}")
            return {"Error": {"Code": str(refusal).lstrip("="), "Message": "see the document"}, "RequestId": "r"}
        return {**found, "RequestId": "r"}

    def _send(self, asked: dict[str, Any]) -> dict[str, Any]:
        numbers: list[str] = asked["PhoneNumberSet"]
        check_numbers(numbers)
        if len(asked.get("SessionContext", "").encode()) >= 512:
            raise Refusal("InvalidParameterValue.SessionContext")
        if numbers[0].startswith("+86") and not asked.get("SignName"):
            raise Refusal("MissingParameter.SignName")
        self.before_send(numbers)
        with self._lock:
            self.sizes.append(len(numbers))
            items = [self._text(number, asked) for number in numbers]
            self._chance.shuffle(items)
            pause_s = self._chance.uniform(*self.latency_s)
        self.after_send(numbers)
        self._over.wait(pause_s)
        return {"SendStatusSet": items}

    def _text(self, number: str, asked: dict[str, Any]) -> dict[str, Any]:
        self.texts[number] += 1
        self.params[number] = asked.get("TemplateParamSet", [])
        serial = f"{self._chance.randrange(10**6)}:{self._chance.getrandbits(96):x}"
        good = number not in self.fails
        row = {
            "UserReceiveTime": int(time.time()),
            "CountryCode": number[1:3],
            "SubscriberNumber": number[3:],
            "PhoneNumber": number,
            "SerialNo": serial,
            "ReportStatus": "SUCCESS" if good else "FAIL",
            "Description": "DELIVRD" if good else "MK:0001",
            "SessionContext": asked.get("SessionContext", ""),
        }
        at_s = time.monotonic() + self._chance.uniform(*self.receipt_s)
        self._receipts += [Waiting(at_s, row)] * (2 if self._chance.random() < 0.05 else 1)
        self._history.setdefault(number, []).append(row)
        return {
            "SerialNo": serial,
            "PhoneNumber": number,
            "Fee": 1,
            "SessionContext": asked.get("SessionContext", ""),
            "Code": "Ok",
            "Message": "send success",
            "IsoCode": "CN",
        }

    def _pull(self, asked: dict[str, Any]) -> dict[str, Any]:
        if not 1 <= asked["Limit"] <= 100:
            raise Refusal("InvalidParameterValue.LimitVerifyFail")
        now_s = time.monotonic()
        with self._lock:
            there = [waiting for waiting in self._receipts if waiting.at_s <= now_s]
            taken = self._chance.sample(there, min(len(there), asked["Limit"]))
            gone = {id(waiting) for waiting in taken}
            # A receipt that comes twice is the same one in two pages.
            kept, dropped = [], set[int]()
            for waiting in self._receipts:
                if id(waiting) in gone and id(waiting) not in dropped:
                    dropped.add(id(waiting))
                else:
                    kept.append(waiting)
            self._receipts = kept
        return {"PullSmsSendStatusSet": [waiting.row for waiting in taken]}

    def _ask(self, asked: dict[str, Any]) -> dict[str, Any]:
        if asked["Offset"] != 0 or asked["BeginTime"] < time.time() - 7 * 86_400:
            raise Refusal("InvalidParameterValue.BeginTimeVerifyFail")
        begin, end = asked["BeginTime"], asked.get("EndTime", time.time())
        rows = [row for row in self._history.get(asked["PhoneNumber"], []) if begin <= row["UserReceiveTime"] <= end]
        return {"PullSmsSendStatusSet": rows[: asked["Limit"]]}


def read_request(body: bytes) -> dict[str, Any]:
    """A request of the application that is served.

    Raises:
        Refusal: It is another's.
    """
    asked: dict[str, Any] = json.loads(body)
    if asked.get("SmsSdkAppId") != SDK_APP_ID:
        raise Refusal("InvalidParameterValue.SdkAppIdNotExist")
    return asked


def check_numbers(numbers: list[str]) -> None:
    """At most 200 E.164 numbers of one kind, none twice (Tencent's document, lines 3770-3778).

    Raises:
        Refusal: They are not.
    """
    if not 1 <= len(numbers) <= 200:
        raise Refusal("LimitExceeded.PhoneNumberCountLimit")
    if len(set(numbers)) != len(numbers) or not all(re.fullmatch(r"\+[1-9]\d{6,14}", number) for number in numbers):
        raise Refusal("InvalidParameterValue.IncorrectPhoneNumber")
    if len({number.startswith("+86") for number in numbers}) > 1:
        raise Refusal("UnsupportedOperation.ContainDomesticAndInternationalPhoneNumber")


def check_signature(headers: dict[str, str], body: bytes) -> None:
    """Hold a request's signature against the one that the official SDK makes.

    Raises:
        Refusal: It is another, of another key, or too old.
    """
    parts = _CREDENTIAL.fullmatch(headers.get("authorization", ""))
    stamp = int(headers.get("x-tc-timestamp", "0"))
    if parts is None or parts["id"] != SECRET_ID:
        raise Refusal("AuthFailure.SecretIdNotFound")
    if abs(time.time() - stamp) > SKEW_S or parts["date"] != time.strftime("%Y-%m-%d", time.gmtime(stamp)):
        raise Refusal("AuthFailure.SignatureExpire")
    signed = f"content-type:{headers['content-type']}\nhost:{headers['host']}\n"
    request = f"POST\n/\n\n{signed}\ncontent-type;host\n{hashlib.sha256(body).hexdigest()}"
    digest = hashlib.sha256(request.encode()).hexdigest()
    text = f"TC3-HMAC-SHA256\n{stamp}\n{parts['date']}/sms/tc3_request\n{digest}"
    if not hmac.compare_digest(Sign.sign_tc3(SECRET_KEY, parts["date"], "sms", text), parts["signature"]):
        raise Refusal("AuthFailure.SignatureFailure")
    if headers.get("x-tc-version") != "2021-01-11" or not headers.get("x-tc-region"):
        raise Refusal("InvalidParameter")


class _Handler(BaseHTTPRequestHandler):
    """HTTP around a wire; connections are kept."""

    wire: Wire
    protocol_version = "HTTP/1.1"

    def do_POST(self) -> None:
        """One request."""
        headers = {name.lower(): value for name, value in self.headers.items()}
        body = self.rfile.read(int(headers.get("content-length", "0")))
        try:
            answer = json.dumps({"Response": self.wire.answer(headers, body)}).encode()
        except HangUp:
            self.close_connection = True
            return
        self.send_response(200)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(answer)))
        self.end_headers()
        self.wfile.write(answer)

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002 - the library's name
        """Nothing to say."""
