"""Alibaba's gateway: its rules refuse with a 4xx, or the action's module answers with 200."""

from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Final, TypeAlias
from uuid import uuid4

import msgspec

from worker.sandbox.alibaba import international, mainland
from worker.sandbox.alibaba.book import AlibabaBook
from worker.sandbox.alibaba.content import decoded
from worker.sandbox.alibaba.params import ACTIONS, MAINLAND, check, read
from worker.sandbox.alibaba.signature import Nonces, verify
from worker.sandbox.alibaba.steering import SiteTrouble
from worker.sandbox.sandbox import Sandbox
from worker.sandbox.wire import Request, Subject, WireCall, WireRefusal, WireReply

# Calls per second and key (the actions' pages at help.aliyun.com and alibabacloud.com; official
# SDKs).
LIMITS: Final[Mapping[str, int]] = MappingProxyType(
    {
        "SendSms": 5000,
        "SendBatchSms": 5000,
        "QuerySendDetails": 5000,
        "SendMessageToGlobe": 2000,
        "BatchSendMessageToGlobe": 1,
        "SendMessageWithTemplate": 2000,  # none documented; taken to be SendMessageToGlobe's
        "QueryMessage": 300,
    }
)

# What a call too many is told to wait, in the header x-acs-retry-after.
RETRY_AFTER_MS: Final = 1000

# HTTP status of the gateway's codes; the families are `Throttling` and `Missing`, 400.
_STATUS: Final[Mapping[str, int]] = MappingProxyType(
    {
        "IncompleteSignature": 400,
        "InternalError": 500,
        "InvalidAccessKeyId.NotFound": 404,
        "InvalidAction.NotFound": 404,
        "InvalidTimeStamp.Expired": 400,
        "InvalidVersion": 400,
        "ServiceUnavailable": 503,
        "SignatureDoesNotMatch": 400,
        "SignatureNonceUsed": 400,
        "UnsupportedHTTPMethod": 403,
    }
)

Handler: TypeAlias = Callable[[Sandbox, AlibabaBook, str, Mapping[str, str]], dict[str, object] | SiteTrouble]

_HANDLERS: Final[Mapping[str, Handler]] = {
    "SendSms": mainland.send_sms,
    "SendBatchSms": mainland.send_batch_sms,
    "QuerySendDetails": mainland.query_send_details,
    "SendMessageToGlobe": international.send_to_globe,
    "BatchSendMessageToGlobe": international.batch_to_globe,
    "SendMessageWithTemplate": international.send_with_template,
    "QueryMessage": international.query_message,
}


class AlibabaWire:
    """The wire of Alibaba Cloud SMS, both of its APIs, over one sandbox."""

    def __init__(self, sandbox: Sandbox) -> None:
        self._sandbox = sandbox
        self._nonces = Nonces()
        self._book = AlibabaBook(sandbox)

    @property
    def book(self) -> AlibabaBook:
        """What went out since the last reset."""
        # A reset makes a new world without telling the wires: they notice it here.
        if self._book.world is not self._sandbox.world:
            self._book = AlibabaBook(self._sandbox)
        return self._book

    def action_of(self, request: Request) -> str:
        """The action if it is a known one, else `?` or nothing."""
        action = read(request).action
        return action if not action or action in _HANDLERS else "?"

    def admit(self, request: Request) -> WireCall | WireReply:
        """Check in the gateway's order, from the method to the rate."""
        asked = read(request)
        if request.method not in ("GET", "POST"):
            return refused(WireRefusal("UnsupportedHTTPMethod", "This http method is not supported."))
        flags = self._sandbox.flags
        secrets = {account.secret_id: account.secret_key for account in flags.accounts}
        key = verify(request, asked, secrets.get, self._nonces, unseen=flags.any_credentials)
        if isinstance(key, WireRefusal):
            return refused(key)
        # Signature before action: an unsigned request learns nothing of what there is.
        if refusal := check(asked):
            return refused(refusal)
        self._sandbox.rates.arrive(asked.action, request.tick_s)
        limit = flags.limits.get(asked.action, flags.limits.get("*", LIMITS[asked.action]))
        if not self._sandbox.rates.admit(key, asked.action, limit=limit, now=request.tick_s):
            return refused(WireRefusal("Throttling.User", "Request was denied due to user flow control."))
        return WireCall(asked.action, key, asked.params, _subject(asked.action, asked.params))

    def carry_out(self, call: WireCall) -> WireReply:
        """Do what the action says."""
        found = _HANDLERS[call.action](self._sandbox, self.book, call.key, call.params)
        # The version decides how a fault is spelled, and no action is in both.
        on_mainland = call.action in ACTIONS[MAINLAND]
        if isinstance(found, SiteTrouble):
            code = found.mainland if on_mainland else found.international
            return _business(code, found.message, {}, on_mainland=on_mainland)
        return _business("OK", "OK", found, on_mainland=on_mainland)

    def refuse(self, code: str) -> WireReply:
        """An error answer with the code that the flags ask for, in an envelope that can be read."""
        words = "The sandbox was told to answer this."
        if _status_of(code):
            return refused(WireRefusal(code, words))
        # Both spellings at once: which API the client reads is not known from a code.
        fields = {"Code": code, "Message": words, "ResponseCode": code, "ResponseDescription": words}
        return WireReply(_encoded(fields), code=code)


def refused(refusal: WireRefusal) -> WireReply:
    """The gateway's error envelope."""
    fields = {
        "Code": refusal.code,
        "Message": refusal.message,
        "HostId": "127.0.0.1",
        "Recommend": f"https://api.aliyun.com/troubleshoot?q={refusal.code}",
    }
    wait = {"x-acs-retry-after": str(RETRY_AFTER_MS)} if refusal.code.startswith("Throttling") else {}
    return WireReply(_encoded(fields), code=refusal.code, status=_status_of(refusal.code) or 400, headers=wait)


def _status_of(code: str) -> int | None:
    return 400 if code.startswith(("Throttling", "Missing")) else _STATUS.get(code)


def _business(code: str, message: str, fields: Mapping[str, object], *, on_mainland: bool) -> WireReply:
    """The answer of an action, refused or not, under status 200 in the spelling of its API."""
    word = {"Code": code, "Message": message} if on_mainland else {"ResponseCode": code, "ResponseDescription": message}
    return WireReply(_encoded({**word, **fields}), code="Ok" if code == "OK" else code)


def _encoded(fields: Mapping[str, object]) -> bytes:
    return msgspec.json.encode({**fields, "RequestId": str(uuid4()).upper()})


def _subject(action: str, params: Mapping[str, str]) -> Subject | None:
    """What a send is about, for the log."""
    if action in ("QuerySendDetails", "QueryMessage"):
        return None
    # Numbers stand in three places: a JSON list, a list with commas, or one alone.
    listed = decoded(params.get("PhoneNumberJson") or params.get("To", ""))
    numbers = listed if isinstance(listed, list) else (params.get("PhoneNumbers") or params.get("To", "")).split(",")
    values = [params.get(name, "") for name in ("TemplateParam", "TemplateParamJson", "Message")]
    context = params.get("OutId") or params.get("TaskId", "")
    return Subject([str(number) for number in numbers], params.get("TemplateCode", ""), values, context)
