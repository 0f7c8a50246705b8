"""Tencent's gateway: its rules refuse a request, or the action's module carries it out.

Every answer is `{"Response": …}`.
"""

from collections.abc import Callable, Mapping
from typing import Any, Final
from uuid import uuid4

import msgspec

from worker.sandbox.sandbox import Sandbox
from worker.sandbox.tencent.info import describe_numbers, report_conversion
from worker.sandbox.tencent.params import ACTIONS, GET_LIMIT, read_flat, read_params
from worker.sandbox.tencent.pull import pull, pull_by_number
from worker.sandbox.tencent.replies import pull_replies, pull_replies_by_number
from worker.sandbox.tencent.result import TencentResult
from worker.sandbox.tencent.send import send_multi_global_sms, send_sms
from worker.sandbox.tencent.signature import verify
from worker.sandbox.tencent.signature_v1 import BODY_LIMIT as FORM_LIMIT
from worker.sandbox.tencent.signature_v1 import Form, read_form, verify_form
from worker.sandbox.tencent.signs import add_sign, delete_sign, list_signs, modify_sign
from worker.sandbox.tencent.statistics import receipt_statistics, send_statistics
from worker.sandbox.tencent.templates import add_template, delete_template, list_templates, modify_template
from worker.sandbox.wire import Request, Subject, WireCall, WireRefusal, WireReply

VERSION: Final = "2021-01-11"
BODY_LIMIT: Final = 10 * 1024 * 1024

# Calls per second and key (Tencent SMS API document, lines 256-299).
LIMITS: Final[Mapping[str, int]] = {
    "SendSms": 3000,
    "SendMultiGlobalSms": 3000,  # not in the document; taken to be SendSms' own
    "PullSmsSendStatus": 100,
    "PullSmsSendStatusByPhoneNumber": 20,
    "PullSmsReplyStatus": 100,
    "PullSmsReplyStatusByPhoneNumber": 20,
    "SendStatusStatistics": 10,
    "CallbackStatusStatistics": 10,
    "DescribePhoneNumberInfo": 1000,
    "ReportConversion": 1000,
    "AddSmsSign": 1,
    "DeleteSmsSign": 1,
    "DescribeSmsSignList": 20,
    "ModifySmsSign": 1,
    "AddSmsTemplate": 2,
    "DeleteSmsTemplate": 1,
    "DescribeSmsTemplateList": 20,
    "ModifySmsTemplate": 20,
}

# Actions of the real service that are in the SDK and not in the document.
NOT_CARRIED_OUT: Final = frozenset({"SmsPackagesStatistics"})

# Hosted regions (Tencent SMS API document, lines 319-337) and Nanjing, which the mainland site
# lists for SMS.
REGIONS: Final = frozenset(
    {
        "ap-bangkok", "ap-beijing", "ap-chengdu", "ap-guangzhou", "ap-hongkong", "ap-mumbai", "ap-nanjing", "ap-seoul",
        "ap-shanghai", "ap-singapore", "ap-tokyo", "eu-frankfurt", "na-ashburn", "na-siliconvalley", "na-toronto",
    }
)  # fmt: skip

# Actions on an app, or on none.
_HANDLERS: Final[Mapping[str, Callable[[Sandbox, Mapping[str, Any]], TencentResult | WireRefusal]]] = {
    "SendSms": send_sms,
    "SendMultiGlobalSms": send_multi_global_sms,
    "PullSmsSendStatus": pull,
    "PullSmsSendStatusByPhoneNumber": pull_by_number,
    "PullSmsReplyStatus": pull_replies,
    "PullSmsReplyStatusByPhoneNumber": pull_replies_by_number,
    "SendStatusStatistics": send_statistics,
    "CallbackStatusStatistics": receipt_statistics,
    "DescribePhoneNumberInfo": describe_numbers,
    "ReportConversion": report_conversion,
}

# Actions on what the signer's account has.
_OF_A_KEY: Final[Mapping[str, Callable[[Sandbox, str, Mapping[str, Any]], TencentResult | WireRefusal]]] = {
    "AddSmsTemplate": add_template,
    "ModifySmsTemplate": modify_template,
    "DeleteSmsTemplate": delete_template,
    "DescribeSmsTemplateList": list_templates,
    "AddSmsSign": add_sign,
    "ModifySmsSign": modify_sign,
    "DeleteSmsSign": delete_sign,
    "DescribeSmsSignList": list_signs,
}


class TencentWire:
    """The wire of Tencent Cloud SMS over one sandbox."""

    def __init__(self, sandbox: Sandbox) -> None:
        self._sandbox = sandbox

    def action_of(self, request: Request) -> str:
        """The known action in the header or in a form of algorithm v1, else `?` or nothing."""
        form = read_form(request)
        # An unknown action is counted as `?`: the name comes from outside and may be
        # anything.
        action = (form.request if form else request).headers.get("x-tc-action", "")
        return action if not action or action in ACTIONS or action in NOT_CARRIED_OUT else "?"

    def admit(self, request: Request) -> WireCall | WireReply:
        """Check in the gateway's order: method, size, signature, headers, action, rate, params."""
        form = read_form(request)
        if refusal := check_shape(request, form):
            return _refused(refusal)
        request = form.request if form else request
        flags = self._sandbox.flags
        secrets = {account.secret_id: account.secret_key for account in flags.accounts}
        now_s, unseen = request.at_s, flags.any_credentials
        # Algorithm v1 puts the signature among the parameters, v3 into the Authorization header.
        key = (
            verify_form(form, secrets.get, now_s=now_s, unseen=unseen)
            if form
            else verify(request, secrets.get, now_s=now_s, unseen=unseen)
        )
        if isinstance(key, WireRefusal):
            return _refused(key)
        if refusal := check_headers(request):
            return _refused(refusal)
        action = request.headers["x-tc-action"]
        # Only signed calls count, as the real gateway counts by key.
        self._sandbox.rates.arrive(action, request.tick_s)
        limit = flags.limits.get(action, flags.limits.get("*", LIMITS[action]))
        if not self._sandbox.rates.admit(key, action, limit=limit, now=request.tick_s):
            words = f"More than {limit} requests of {action} in one second; retry later."
            return _refused(WireRefusal("RequestLimitExceeded", words))
        # Parameters come last: a call with a wrong signature must not learn which parameters there
        # are.
        params = read_flat(form.own, action) if form else read_params(request, action)
        if isinstance(params, WireRefusal):
            return _refused(params)
        return WireCall(action, key, params, _subject(action, params))

    def carry_out(self, call: WireCall) -> WireReply:
        """Do what the action says, if the app it names is one of the signer's."""
        # The app is the action's business and not the gateway's, so that a wrong one has used up a
        # place in the second.
        app = call.params.get("SmsSdkAppId")
        if app is not None and (refusal := self._check_app(call.key, app)):
            return _refused(refusal)
        if call.action in _OF_A_KEY:
            result = _OF_A_KEY[call.action](self._sandbox, call.key, call.params)
        else:
            result = _HANDLERS[call.action](self._sandbox, call.params)
        if isinstance(result, WireRefusal):
            return _refused(result)
        return WireReply(_envelope(result.fields), early=result.early)

    def refuse(self, code: str) -> WireReply:
        """An error answer with the code, as the sandbox's flags demand it."""
        return _refused(WireRefusal(code, "The sandbox was told to answer this."))

    def _check_app(self, key: str, app: str) -> WireRefusal | None:
        flags = self._sandbox.flags
        if flags.any_credentials or any(one.secret_id == key and app in one.sdk_app_ids for one in flags.accounts):
            return None
        # Two refusals, as the real service has them: an app of another account, and one that there
        # is not.
        if any(app in one.sdk_app_ids for one in flags.accounts):
            return WireRefusal(
                "UnauthorizedOperation.SmsSdkAppIdVerifyFail", "This SmsSdkAppId belongs to another account."
            )
        return WireRefusal("InvalidParameterValue.SdkAppIdNotExist", "There is no such SmsSdkAppId.")


def check_shape(request: Request, form: Form | None = None) -> WireRefusal | None:
    """Method and size, before anything is hashed."""
    if request.method not in ("GET", "POST"):
        return WireRefusal("UnsupportedProtocol", "Only GET and POST requests are supported.")
    if len(request.body) > (FORM_LIMIT if form else BODY_LIMIT):
        return WireRefusal("RequestSizeLimitExceeded", "A request may have 10 MB, a form 1 MB.")
    if form and len(request.query) > GET_LIMIT:
        return WireRefusal("RequestSizeLimitExceeded", "A GET request may have 32 KB; use POST.")
    return None


def check_headers(request: Request) -> WireRefusal | None:
    """The common parameters besides the signature (document, lines 366-385)."""
    for name in ("X-TC-Action", "X-TC-Version", "X-TC-Region"):
        if not request.headers.get(name.lower()):
            return WireRefusal("MissingParameter", f"The request is missing `{name}`.")
    action = request.headers["x-tc-action"]
    if request.headers["x-tc-version"] != VERSION:
        return WireRefusal("NoSuchVersion", f"SMS has the version {VERSION}.")
    if action in NOT_CARRIED_OUT:
        return WireRefusal("UnsupportedOperation", f"The sandbox does not carry out {action}.")
    if action not in ACTIONS:
        return WireRefusal("InvalidAction", "There is no such action.")
    if request.headers["x-tc-region"] not in REGIONS:
        return WireRefusal("UnsupportedRegion", "SMS is not offered in this region.")
    return None


def _subject(action: str, params: Mapping[str, Any]) -> Subject | None:
    if action == "SendMultiGlobalSms":
        return Subject([one["PhoneNumber"] for one in params["MultiSmsInfoSet"]], "", (), "")
    if action != "SendSms":
        return None
    return Subject(
        params["PhoneNumberSet"],
        params["TemplateId"],
        params.get("TemplateParamSet", ()),
        params.get("SessionContext", ""),
    )


def _refused(refusal: WireRefusal) -> WireReply:
    error = {"Code": refusal.code, "Message": refusal.message}
    return WireReply(_envelope({"Error": error}), code=refusal.code)


def _envelope(fields: Mapping[str, object]) -> bytes:
    # A fresh RequestId for each answer: people quote it to the provider.
    return msgspec.json.encode({"Response": {**fields, "RequestId": str(uuid4())}})
