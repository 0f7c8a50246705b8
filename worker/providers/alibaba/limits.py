"""What Alibaba Cloud allows: an action's name in, calls per second and where that is said out."""

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Final, Literal, TypeAlias

Site: TypeAlias = Literal["mainland", "international"]
"""Which of the two products an account belongs to: each has its own API, endpoint, templates and receipts."""

SEND: Final = "SendSms"
SEND_EACH: Final = "SendBatchSms"
DETAILS: Final = "QuerySendDetails"
SEND_GLOBE: Final = "SendMessageToGlobe"
SEND_GLOBE_BATCH: Final = "BatchSendMessageToGlobe"
SEND_CHINA: Final = "SendMessageWithTemplate"
MESSAGE: Final = "QueryMessage"

NUMBERS_PER_CALL: Final = 200
"""Numbers in one SendSms. The provider takes 1,000 (2017-05-25, SendSms), but a batch of smsline has no more than 200."""

OWN_PER_CALL: Final = 100
"""Numbers in one SendBatchSms, each with its own params (2017-05-25, SendBatchSms)."""

ROWS_PER_PAGE: Final = 50
"""Most rows of a QuerySendDetails (2017-05-25, QuerySendDetails)."""

DAYS_BACK: Final = 30
"""How far back QuerySendDetails looks, days (2017-05-25, QuerySendDetails)."""

_HELP: Final = "help.aliyun.com/en/sms/developer-reference/api-dysmsapi-2017-05-25-"
_INTL: Final = "alibabacloud.com/help/en/sms/api-"


@dataclass(frozen=True, slots=True)
class Limit:
    """How often one action may be called.

    Attributes:
        per_second: Calls per second of one Alibaba Cloud account, whichever of its keys calls.
        source: Where that is said, or why it was chosen.
    """

    per_second: float
    source: str


ACTIONS: Final[Mapping[Site, Mapping[str, Limit]]] = MappingProxyType(
    {
        "mainland": {
            SEND: Limit(5000, f"{_HELP}sendsms"),
            SEND_EACH: Limit(5000, f"{_HELP}sendbatchsms"),
            DETAILS: Limit(5000, f"{_HELP}querysenddetails"),
        },
        "international": {
            SEND_GLOBE: Limit(2000, f"{_INTL}sendmessagetoglobe; an older page says 30"),
            SEND_GLOBE_BATCH: Limit(1, f"{_INTL}batchsendmessagetoglobe"),
            SEND_CHINA: Limit(100, "none documented; a careful guess"),
            MESSAGE: Limit(300, "official SDK 1.0.10 for 2018-05-01, query_message"),
        },
    }
)
"""The actions that are called, by site."""


def documented(site: Site) -> Mapping[str, float]:
    """Calls per second by action of a site, unless an account says otherwise."""
    return {action: limit.per_second for action, limit in ACTIONS[site].items()}
