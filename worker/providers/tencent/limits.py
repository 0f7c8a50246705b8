"""What Tencent allows: an action's name in, calls per second and the line that says so out."""

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Final

SEND: Final = "SendSms"
PULL: Final = "PullSmsSendStatus"
ASK: Final = "PullSmsSendStatusByPhoneNumber"

NUMBERS_PER_CALL: Final = 200
"""Numbers in one SendSms, all mainland or all global (Tencent SMS API document, lines 3776-3778)."""

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
        "PullSmsReplyStatus": Limit(100, line=2369, listed=281),
        "PullSmsReplyStatusByPhoneNumber": Limit(20, line=2507, listed=282),
        "SendStatusStatistics": Limit(10, line=2947, listed=260),
        "CallbackStatusStatistics": Limit(10, line=3081, listed=259),
        "DescribePhoneNumberInfo": Limit(1000, line=3949, listed=289),
        "ReportConversion": Limit(1000, line=4071, listed=294),
        "AddSmsSign": Limit(1, line=3225, listed=273),
        "DeleteSmsSign": Limit(1, line=3365, listed=274),
        "DescribeSmsSignList": Limit(20, line=3476, listed=275),
        "ModifySmsSign": Limit(1, line=3611, listed=276),
        "AddSmsTemplate": Limit(2, line=4176, listed=265),
        "DeleteSmsTemplate": Limit(1, line=4310, listed=266),
        "DescribeSmsTemplateList": Limit(20, line=4422, listed=267),
        "ModifySmsTemplate": Limit(20, line=4569, listed=268),
    }
)
"""Every action of the Tencent SMS API document; its pages and its list agree on each figure."""

DOCUMENTED: Final[Mapping[str, float]] = MappingProxyType(
    {action: limit.per_second for action, limit in ACTIONS.items()}
)
"""Calls per second by action, as documented."""
