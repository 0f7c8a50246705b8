"""Templates of a key: AddSmsTemplate, ModifySmsTemplate, DeleteSmsTemplate, the list."""

import re
from collections.abc import Mapping
from typing import Any, Final

from worker.sandbox.book import PLACE
from worker.sandbox.sandbox import Sandbox
from worker.sandbox.tencent.result import TencentResult
from worker.sandbox.tencent.reviews import APPROVED, check_scope, deleted, page, reviewed, row
from worker.sandbox.wire import WireRefusal

MARKETING: Final = 1
_UNSUBSCRIBE: Final = re.compile(r"退订|拒收|unsubscribe|opt.?out|\bSTOP\b|\bTD\b", re.IGNORECASE)


def add_template(sandbox: Sandbox, key: str, params: Mapping[str, Any]) -> TencentResult | WireRefusal:
    """AddSmsTemplate."""
    if refusal := _check(params):
        return refusal
    made = reviewed(sandbox.flags, params["TemplateName"], params["International"], params["TemplateContent"])
    # Text here and a number in ModifyTemplateStatus, as the document has it (lines 4689-4704 and
    # 4786).
    return TencentResult({"AddTemplateStatus": {"TemplateId": str(sandbox.book.add_template(key, made))}})


def modify_template(sandbox: Sandbox, key: str, params: Mapping[str, Any]) -> TencentResult | WireRefusal:
    """ModifySmsTemplate: only what is not approved, within its scope (document, line 4564)."""
    held = sandbox.book.templates[key]
    template = held.get(params["TemplateId"])
    if template is None:
        return WireRefusal("FailedOperation.MissingTemplateToModify", "There is no such template to modify.")
    if template.status == APPROVED:
        return WireRefusal("FailedOperation.TemplateAlreadyPassedCheck", "An approved template cannot be modified.")
    if refusal := _check(params):
        return refusal
    if template.international != params["International"]:
        return WireRefusal("InvalidParameterValue.InvalidInternational", "A template stays in its scope.")
    made = reviewed(sandbox.flags, params["TemplateName"], params["International"], params["TemplateContent"])
    made.id = template.id
    held[template.id] = made
    return TencentResult({"ModifyTemplateStatus": {"TemplateId": made.id}})


def delete_template(sandbox: Sandbox, key: str, params: Mapping[str, Any]) -> TencentResult | WireRefusal:
    """DeleteSmsTemplate; the id cannot be sent with any more."""
    if sandbox.book.templates[key].pop(params["TemplateId"], None) is None:
        return WireRefusal("FailedOperation.TemplateIdNotExist", "There is no such template.")
    sandbox.book.deleted.add(params["TemplateId"])
    return TencentResult({"DeleteTemplateStatus": deleted()})


def list_templates(sandbox: Sandbox, key: str, params: Mapping[str, Any]) -> TencentResult | WireRefusal:
    """DescribeSmsTemplateList; a page without a length has no rows (document, line 4442)."""
    found = page(sandbox.book.templates[key].values(), params, "TemplateIdSet", usual=0)
    if isinstance(found, WireRefusal):
        return found
    return TencentResult({"DescribeTemplateStatusSet": [row(one, "Template") for one in found]})


def _check(params: Mapping[str, Any]) -> WireRefusal | None:
    content: str = params["TemplateContent"]
    if refusal := check_scope(params):
        return refusal
    if params["SmsType"] not in range(4) or not content.strip():
        return WireRefusal("InvalidParameter.InvalidParameters", "`SmsType` is 0 to 3, and a template has a text.")
    # {1}, {3} would leave a value without a place.
    places = PLACE.findall(content)
    if {*places} != {str(place) for place in range(1, len({*places}) + 1)}:
        return WireRefusal(
            "InvalidParameterValue.InvalidTemplateFormat", "Places are {1}, {2} and so on, none left out."
        )
    if params["SmsType"] == MARKETING and not params["International"] and not _UNSUBSCRIBE.search(content):
        return WireRefusal(
            "InvalidParameterValue.MarketingTemplateWithoutUnsubscribe", "A marketing text says how to unsubscribe."
        )
    return None
