"""Facts of Alibaba Cloud SMS: API 2017-05-25 of the mainland site, 2018-05-01 of the other."""

from types import MappingProxyType
from typing import Final

from config.facts import ActionLimit, ProviderFacts, SiteFacts

SEND: Final = "SendSms"
SEND_EACH: Final = "SendBatchSms"
DETAILS: Final = "QuerySendDetails"
SEND_GLOBE: Final = "SendMessageToGlobe"
SEND_CHINA: Final = "SendMessageWithTemplate"
MESSAGE: Final = "QueryMessage"

# Numbers in one SendSms. The provider takes 1,000 (2017-05-25, SendSms), but a batch of smsline has
# no more than 200.
NUMBERS_PER_CALL: Final = 200

# Numbers in one SendBatchSms, each with its own params (2017-05-25, SendBatchSms).
OWN_PER_CALL: Final = 100

# Most rows of a QuerySendDetails (2017-05-25, QuerySendDetails).
ROWS_PER_PAGE: Final = 50

# How far back QuerySendDetails looks, days (2017-05-25, QuerySendDetails).
DAYS_BACK: Final = 30

_HELP: Final = "help.aliyun.com/en/sms/developer-reference/api-dysmsapi-2017-05-25-"
_INTL: Final = "alibabacloud.com/help/en/sms/api-"

# Endpoints: official SDKs 4.6.0 for 2017-05-25 and 1.0.10 for 2018-05-01. Limits are of one Alibaba
# Cloud account.
_MAINLAND: Final = SiteFacts(
    "https://dysmsapi.aliyuncs.com",
    MappingProxyType(
        {
            SEND: ActionLimit(5000, f"{_HELP}sendsms"),
            SEND_EACH: ActionLimit(5000, f"{_HELP}sendbatchsms"),
            DETAILS: ActionLimit(5000, f"{_HELP}querysenddetails"),
        }
    ),
)
_INTERNATIONAL: Final = SiteFacts(
    "https://dysmsapi.ap-southeast-1.aliyuncs.com",
    MappingProxyType(
        {
            SEND_GLOBE: ActionLimit(2000, f"{_INTL}sendmessagetoglobe; an older page says 30"),
            SEND_CHINA: ActionLimit(100, "none documented; a careful guess"),
            MESSAGE: ActionLimit(300, "official SDK 1.0.10 for 2018-05-01, query_message"),
        }
    ),
    # Global numbers are sent a whole text, which only the account's settings have.
    takes=frozenset({"texts"}),
    text_regions=frozenset({"global"}),
)

FACTS: Final = ProviderFacts(
    endpoint=_MAINLAND.endpoint,
    actions=MappingProxyType({**_MAINLAND.actions, **_INTERNATIONAL.actions}),
    # The endpoint does not tell the site apart where a proxy stands before it, so the account has
    # to say it.
    needs=frozenset({"secret_id", "site"}),
    # Params are written name=value; which names a template has is not known here.
    named_params=True,
    # The number's owner has unsubscribed (official answer, developer.aliyun.com/ask/631150).
    opt_outs={"CUSTOMER_REFUSED": "marketing"},
    sites={"mainland": _MAINLAND, "international": _INTERNATIONAL},
)
