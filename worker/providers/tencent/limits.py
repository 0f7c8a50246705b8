"""What Tencent allows: an action's name in, calls per second and the line that says so out."""

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Final

SEND: Final = "SendSms"
SEND_EACH: Final = "SendMultiGlobalSms"
PULL: Final = "PullSmsSendStatus"
ASK: Final = "PullSmsSendStatusByPhoneNumber"
REPLIES: Final = "PullSmsReplyStatus"
REPLIES_OF: Final = "PullSmsReplyStatusByPhoneNumber"
SENDS: Final = "SendStatusStatistics"
RECEIPTS: Final = "CallbackStatusStatistics"
NUMBERS: Final = "DescribePhoneNumberInfo"
CONVERSION: Final = "ReportConversion"
ADD_SIGN: Final = "AddSmsSign"
DELETE_SIGN: Final = "DeleteSmsSign"
LIST_SIGNS: Final = "DescribeSmsSignList"
MODIFY_SIGN: Final = "ModifySmsSign"
ADD_TEMPLATE: Final = "AddSmsTemplate"
DELETE_TEMPLATE: Final = "DeleteSmsTemplate"
LIST_TEMPLATES: Final = "DescribeSmsTemplateList"
MODIFY_TEMPLATE: Final = "ModifySmsTemplate"

NUMBERS_PER_CALL: Final = 200
"""Numbers in one SendSms, all mainland or all global (Tencent SMS API document, lines 3776-3778); the same in a
SendMultiGlobalSms (tencentcloud-sdk-python-sms 3.1.153, `models.MultiSmsInfo`) and a DescribePhoneNumberInfo (line 3967)."""

ROWS_PER_PAGE: Final = 100
"""Receipts in one answer to either pull action (Tencent SMS API document, lines 2675 and 2814)."""

ASK_BACK_S: Final = 7 * 24 * 3600
"""How far back a number can be asked about, seconds (Tencent SMS API document, line 2812)."""


@dataclass(frozen=True, slots=True)
class Limit:
    """How often one action may be called.

    Attributes:
        per_second: Calls per second.
        line: Line of the Tencent SMS API document that says so on the action's own page.
        listed: Line of the same figure in that document's list of all actions.
    """

    per_second: float
    line: int
    listed: int


ACTIONS: Final[Mapping[str, Limit]] = MappingProxyType(
    {
        SEND: Limit(3000, line=3759, listed=299),
        PULL: Limit(100, line=2658, listed=283),
        ASK: Limit(20, line=2795, listed=284),
        REPLIES: Limit(100, line=2369, listed=281),
        REPLIES_OF: Limit(20, line=2507, listed=282),
        SENDS: Limit(10, line=2947, listed=260),
        RECEIPTS: Limit(10, line=3081, listed=259),
        NUMBERS: Limit(1000, line=3949, listed=289),
        CONVERSION: Limit(1000, line=4071, listed=294),
        ADD_SIGN: Limit(1, line=3225, listed=273),
        DELETE_SIGN: Limit(1, line=3365, listed=274),
        LIST_SIGNS: Limit(20, line=3476, listed=275),
        MODIFY_SIGN: Limit(1, line=3611, listed=276),
        ADD_TEMPLATE: Limit(2, line=4176, listed=265),
        DELETE_TEMPLATE: Limit(1, line=4310, listed=266),
        LIST_TEMPLATES: Limit(20, line=4422, listed=267),
        MODIFY_TEMPLATE: Limit(20, line=4569, listed=268),
    }
)
"""Every action of the Tencent SMS API document; its pages and its list agree on each figure."""

DOCUMENTED: Final[Mapping[str, float]] = MappingProxyType(
    {action: limit.per_second for action, limit in ACTIONS.items()}
)
"""Calls per second by action, as documented."""

DEFAULTS: Final[Mapping[str, float]] = MappingProxyType({**DOCUMENTED, SEND_EACH: DOCUMENTED[SEND]})
"""Calls per second by action unless an account says otherwise. SendMultiGlobalSms is in the SDKs and not in the document, so
nothing is documented for it; it is taken to be as SendSms."""
