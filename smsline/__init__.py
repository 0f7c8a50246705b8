"""What a producer (`Client`) or a tool for people (`Admin`) imports.

Both, what they take and return, and their errors.

Names are loaded when they are first used: a command that only explains a code does not pay for
Redis.
"""

from importlib import import_module

TYPE_CHECKING = False  # as `typing` has it, which takes longer to load than all the rest of this module
if TYPE_CHECKING:
    from smsline.admin import Admin, DeadGroup, DeadRow, NumberEvent, NumberPage
    from smsline.aio import AsyncClient
    from smsline.client import Client
    from smsline.errors import BadInput, Conflict, NotFound, OtherVersion, SmslineError, Unavailable, Unconfirmed
    from smsline.health import AccountHealth, CreditInfo, Failover, HoldInfo, LateCallsInfo, ParkInfo
    from smsline.job import CampaignOptions, JobOptions, Recipient, Rejected, Summary
    from smsline.ledger.api_keys import ApiKey, KeyOptions, ListedKey
    from smsline.ledger.audit import Act, Actor
    from smsline.ledger.hours import NeverSent
    from smsline.ledger.jobs import Counts, Result, Status
    from smsline.ledger.replies import KeptReply
    from smsline.ledger.users import User
    from smsline.ledger.webhooks import ListedWebhook, WebhookDelivery, WebhookFailure
    from smsline.names import Lane
    from smsline.questions import NumberInfo, SignatureInfo, TemplateInfo
    from smsline.suppressed import SuppressedNumber

__all__ = [
    "AccountHealth",
    "Act",
    "Actor",
    "Admin",
    "ApiKey",
    "AsyncClient",
    "BadInput",
    "CampaignOptions",
    "Client",
    "Conflict",
    "Counts",
    "CreditInfo",
    "DeadGroup",
    "DeadRow",
    "Failover",
    "HoldInfo",
    "JobOptions",
    "KeptReply",
    "KeyOptions",
    "Lane",
    "LateCallsInfo",
    "ListedKey",
    "ListedWebhook",
    "NeverSent",
    "NotFound",
    "NumberEvent",
    "NumberInfo",
    "NumberPage",
    "OtherVersion",
    "ParkInfo",
    "Recipient",
    "Rejected",
    "Result",
    "SignatureInfo",
    "SmslineError",
    "Status",
    "Summary",
    "SuppressedNumber",
    "TemplateInfo",
    "Unavailable",
    "Unconfirmed",
    "User",
    "WebhookDelivery",
    "WebhookFailure",
]

_HOMES = {
    "admin": ("Admin", "DeadGroup", "DeadRow", "NumberEvent", "NumberPage"),
    "aio": ("AsyncClient",),
    "client": ("Client",),
    "errors": ("BadInput", "Conflict", "NotFound", "OtherVersion", "SmslineError", "Unavailable", "Unconfirmed"),
    "health": ("AccountHealth", "CreditInfo", "Failover", "HoldInfo", "LateCallsInfo", "ParkInfo"),
    "job": ("CampaignOptions", "JobOptions", "Recipient", "Rejected", "Summary"),
    "ledger.api_keys": ("ApiKey", "KeyOptions", "ListedKey"),
    "ledger.audit": ("Act", "Actor"),
    "ledger.hours": ("NeverSent",),
    "ledger.jobs": ("Counts", "Result", "Status"),
    "ledger.users": ("User",),
    "ledger.replies": ("KeptReply",),
    "ledger.webhooks": ("ListedWebhook", "WebhookDelivery", "WebhookFailure"),
    "names": ("Lane",),
    "questions": ("NumberInfo", "SignatureInfo", "TemplateInfo"),
    "suppressed": ("SuppressedNumber",),
}
_HOME_OF = {name: home for home, names in _HOMES.items() for name in names}


def __getattr__(name: str) -> object:
    if name not in _HOME_OF:
        raise AttributeError(f"module 'smsline' has no attribute {name!r}")
    return getattr(import_module(f"smsline.{_HOME_OF[name]}"), name)


def __dir__() -> list[str]:
    return __all__
