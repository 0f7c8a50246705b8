"""SMSPartner's front door: its rules refuse a request, or the action's function carries it out."""

from collections.abc import Callable, Mapping
from typing import Any, Final, TypeAlias

import msgspec

from worker.sandbox.sandbox import Sandbox
from worker.sandbox.smspartner.manage import hlr_notify, lookup, me, message_cancel, stop_list
from worker.sandbox.smspartner.reading import WORDS, CallRefusal, fields_of
from worker.sandbox.smspartner.send import bulk_send
from worker.sandbox.smspartner.status import bulk_status, bulk_status_by_tag, message_status, multi_status
from worker.sandbox.smspartner.store import Store
from worker.sandbox.state import World
from worker.sandbox.wire import Request, Subject, WireCall, WireReply

# Begins every path.
PREFIX: Final = "/v1/"

Handler: TypeAlias = Callable[[Sandbox, Store, Mapping[str, Any]], dict[str, object] | CallRefusal]

# Path behind `/v1/` to its method and what it does.
ACTIONS: Final[Mapping[str, tuple[str, Handler]]] = {
    "bulk-send": ("POST", bulk_send),
    "message-status": ("GET", message_status),
    "multi-status": ("POST", multi_status),
    "bulk-status": ("GET", bulk_status),
    "bulk-status-by-tag": ("GET", bulk_status_by_tag),
    "message-cancel": ("GET", message_cancel),
    "me": ("GET", me),
    "lookup": ("POST", lookup),
    "hlr/notify": ("POST", hlr_notify),
    "stop-sms/list": ("GET", stop_list),
}

# Calls a second and key: 360 a minute (SMSPartner API pages), counted by the second here; the
# others have no known limit.
LIMITS: Final[Mapping[str, int]] = {"lookup": 6, "hlr/notify": 6}


class SmsPartnerWire:
    """The wire of SMSPartner over one sandbox."""

    def __init__(self, sandbox: Sandbox) -> None:
        self._sandbox = sandbox
        self._kept: tuple[World, Store] = (sandbox.world, Store(sandbox.flags.seed))

    @property
    def store(self) -> Store:
        """What is remembered of the present world; a reset forgets it."""
        if self._kept[0] is not self._sandbox.world:
            self._kept = (self._sandbox.world, Store(self._sandbox.flags.seed))
        return self._kept[1]

    def action_of(self, request: Request) -> str:
        """The path if it is a known one, else `?`."""
        action = request.path.removeprefix(PREFIX)
        return action if action in ACTIONS else "?"

    def admit(self, request: Request) -> WireCall | WireReply:
        """Check path, method, JSON, key and rate."""
        action = self.action_of(request)
        if action not in ACTIONS or ACTIONS[action][0] != request.method:
            # A page and not JSON, as a web framework answers a path it has no route for.
            return WireReply(b"<h1>Not Found</h1>", code="404", status=404, content_type="text/html")
        fields = fields_of(request)
        if isinstance(fields, CallRefusal):
            return refused(fields)
        key = str(fields.get("apiKey") or "")
        flags = self._sandbox.flags
        if not key or not (flags.any_credentials or any(one.secret_key == key for one in flags.accounts)):
            # The key travels in body or query: there is no signature and no clock on this wire.
            return refused(CallRefusal(10 if key else 1))
        self._sandbox.rates.arrive(action, request.tick_s)
        limit = flags.limits.get(action, flags.limits.get("*", LIMITS.get(action, 0)))
        if not self._sandbox.rates.admit(key, action, limit=limit, now=request.tick_s):
            return refused(CallRefusal(429, status=429))
        subject, listed = None, fields.get("SMSList")
        if action == "bulk-send" and isinstance(listed, list):
            numbers = [str(each.get("phoneNumber")) for each in listed if isinstance(each, dict)]
            subject = Subject(numbers, "", (), str(fields.get("tag", "")))
        return WireCall(action, key, fields, subject)

    def carry_out(self, call: WireCall) -> WireReply:
        """Do what the action says."""
        answer = ACTIONS[call.action][1](self._sandbox, self.store, call.params)
        if isinstance(answer, CallRefusal):
            return refused(answer)
        return WireReply(msgspec.json.encode({"success": True, "code": 200, **answer}))

    def refuse(self, code: str) -> WireReply:
        """An error answer with the code, as the sandbox's flags demand it."""
        # Codes are numbers here; a fault for another wire becomes the plain 500.
        return refused(CallRefusal(int(code) if code.isdigit() else 500))


def refused(no: CallRefusal) -> WireReply:
    """An error answer."""
    answer: dict[str, object] = {"success": False, "code": no.code}
    # Code 9 lists fields and has no message of its own; every other code has one.
    if no.complaints:
        answer["error"] = no.complaints
    else:
        answer["message"] = WORDS.get(no.code, f"sandbox: {no.code}")
    return WireReply(msgspec.json.encode(answer), code=str(no.code), status=no.status)
