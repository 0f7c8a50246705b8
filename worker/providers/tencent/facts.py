"""Facts of Tencent Cloud SMS, API version 2021-01-11, by the international site's document."""

from types import MappingProxyType
from typing import Final

from config.facts import ActionLimit, ProviderFacts

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

# Numbers in one SendSms, all mainland or all global (Tencent SMS API document, lines 3776-3778);
# the same in a SendMultiGlobalSms (tencentcloud-sdk-python-sms 3.1.153, `models.MultiSmsInfo`) and
# a DescribePhoneNumberInfo (line 3967).
NUMBERS_PER_CALL: Final = 200

# Receipts in one answer to either pull action (Tencent SMS API document, lines 2675 and 2814).
ROWS_PER_PAGE: Final = 100

# How far back a number can be asked about, seconds (Tencent SMS API document, line 2812).
ASK_BACK_S: Final = 7 * 24 * 3600


def _limit(per_second: float, line: int, listed: int) -> ActionLimit:
    """A figure that stands on the action's own page and in the document's list of all actions."""
    return ActionLimit(per_second, f"Tencent SMS API document, lines {line} and {listed}")


FACTS: Final = ProviderFacts(
    endpoint="https://sms.tencentcloudapi.com",  # nearest site (line 318)
    region="ap-guangzhou",
    actions=MappingProxyType(
        {
            SEND: _limit(3000, 3759, 299),
            SEND_EACH: ActionLimit(3000, "in the SDKs and not in the document: taken to be as SendSms"),
            PULL: _limit(100, 2658, 283),
            ASK: _limit(20, 2795, 284),
            REPLIES: _limit(100, 2369, 281),
            REPLIES_OF: _limit(20, 2507, 282),
            SENDS: _limit(10, 2947, 260),
            RECEIPTS: _limit(10, 3081, 259),
            NUMBERS: _limit(1000, 3949, 289),
            CONVERSION: _limit(1000, 4071, 294),
            ADD_SIGN: _limit(1, 3225, 273),
            DELETE_SIGN: _limit(1, 3365, 274),
            LIST_SIGNS: _limit(20, 3476, 275),
            MODIFY_SIGN: _limit(1, 3611, 276),
            ADD_TEMPLATE: _limit(2, 4176, 265),
            DELETE_TEMPLATE: _limit(1, 4310, 266),
            LIST_TEMPLATES: _limit(20, 4422, 267),
            MODIFY_TEMPLATE: _limit(20, 4569, 268),
        }
    ),
    needs=frozenset({"secret_id", "sdk_app_id", "region"}),
    # Settings that mean something to this provider alone; with another provider they are refused as
    # misspelt.
    takes=frozenset({"signing", "token", "send_each"}),
    # Codes that say that a person has opted out: the number joins the suppressions of this scope.
    opt_outs={"FailedOperation.PhoneNumberInBlacklist": "marketing", "optout_list": "marketing"},
    # The international site's document names one region (line 527), the mainland site's SDK the
    # other three.
    regions={
        ".intl.": ("ap-singapore",),
        ".ap-singapore.": ("ap-singapore",),
        "sms.tencentcloudapi.com": ("ap-guangzhou", "ap-beijing", "ap-nanjing", "ap-singapore"),
    },
)
