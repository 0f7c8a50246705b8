"""An account at a provider: its credentials, limits and route as settings in, one checked value out.

The table `PROVIDERS` holds what must be known of a provider before its adapter is imported: which settings it needs,
which actions can be limited, and where the provider listens.
"""

import difflib
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Annotated, Any, Final, Literal, TypeVar

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, SecretStr, ValidationInfo, field_validator
from pydantic_core import PydanticCustomError

from config.fields import Endpoint, PerSecond, Prefixes, Seconds, Templates, Texts

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class SiteFacts:
    """What is different at one of a provider's sites; the attributes are those of `ProviderFacts`."""

    endpoint: str
    actions: tuple[str, ...]
    takes: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class ProviderFacts:
    """What the settings must know of a provider.

    Attributes:
        endpoint: Where it listens unless an account says otherwise.
        region: The region sent unless an account says otherwise.
        actions: The actions that may be limited, as the provider spells them.
        needs: Settings not every provider has that an account of it must have.
        takes: Further ones that it may have; the others mean nothing to the provider and are refused.
        named_params: Whether its templates' params have names.
        sites: Where the provider has several sites, of which an account names one: site to what is different there.
    """

    endpoint: str
    region: str
    actions: tuple[str, ...]
    needs: frozenset[str] = frozenset()
    takes: frozenset[str] = frozenset()
    named_params: bool = False
    sites: Mapping[str, SiteFacts] = field(default_factory=dict)

    def at(self, site: str | None) -> SiteFacts:
        """What holds for an account of this site, or of a provider without sites."""
        found = self.sites.get(site or "", SiteFacts(self.endpoint, self.actions))
        return SiteFacts(found.endpoint, found.actions, found.takes | self.needs | self.takes)


_MAINLAND: Final = SiteFacts("https://dysmsapi.aliyuncs.com", ("SendSms", "SendBatchSms", "QuerySendDetails"))
_INTERNATIONAL: Final = SiteFacts(
    "https://dysmsapi.ap-southeast-1.aliyuncs.com",
    ("SendMessageToGlobe", "BatchSendMessageToGlobe", "SendMessageWithTemplate", "QueryMessage"),
    takes=frozenset({"texts"}),
)
"""Alibaba Cloud's two products (official SDKs for 2017-05-25 and 2018-05-01)."""

_TENCENT_ACTIONS: Final = (
    *("SendSms", "SendMultiGlobalSms", "PullSmsSendStatus", "PullSmsSendStatusByPhoneNumber"),
    *("PullSmsReplyStatus", "PullSmsReplyStatusByPhoneNumber", "SendStatusStatistics", "CallbackStatusStatistics"),
    *("DescribePhoneNumberInfo", "ReportConversion"),
    *("AddSmsSign", "DeleteSmsSign", "DescribeSmsSignList", "ModifySmsSign"),
    *("AddSmsTemplate", "DeleteSmsTemplate", "DescribeSmsTemplateList", "ModifySmsTemplate"),
)

NEEDED: Final = "needed"
SURPLUS: Final = "surplus"
"""Types of an error about a setting that an account of its provider must have, or cannot have."""

PROVIDERS: Final[dict[str, ProviderFacts]] = {
    # Endpoint: Tencent SMS API document, line 318. Actions: lines 256-299; SendMultiGlobalSms is in the provider's SDKs only.
    "tencent": ProviderFacts(
        endpoint="https://sms.tencentcloudapi.com",
        region="ap-guangzhou",
        actions=_TENCENT_ACTIONS,
        needs=frozenset({"secret_id", "sdk_app_id", "region"}),
        takes=frozenset({"signing"}),
    ),
    # Endpoint and actions: SMSPartner API pages; an action is the path behind /v1/.
    "smspartner": ProviderFacts(
        endpoint="https://api.smspartner.fr",
        region="",
        actions=("bulk-send", "multi-status", "bulk-status-by-tag", "me"),
        needs=frozenset({"texts"}),
        takes=frozenset({"gamme", "stop_sms", "unicode"}),
    ),
    "alibaba": ProviderFacts(
        endpoint=_MAINLAND.endpoint,
        region="",
        actions=(*_MAINLAND.actions, *_INTERNATIONAL.actions),
        needs=frozenset({"secret_id", "site"}),
        named_params=True,
        sites={"mainland": _MAINLAND, "international": _INTERNATIONAL},
    ),
}


def _of_provider(field: str) -> Any:  # noqa: ANN401 - a pydantic default, typed by the field it is given to
    """A default that depends on the provider; never asked for when the provider itself is wrong."""
    return Field(default_factory=lambda data: getattr(PROVIDERS[data["provider"]], field))


def _of_site() -> Any:  # noqa: ANN401 - as above
    """Where the account's site listens; never asked for when the provider itself is wrong."""
    return Field(default_factory=lambda data: PROVIDERS[data["provider"]].at(data.get("site")).endpoint)


def _hours() -> AfterValidator:
    def check(text: str) -> str:
        pattern = r"(?:[01]\d|2[0-3]):[0-5]\d"
        if text and not (re.fullmatch(f"{pattern}-{pattern}", text) and text[:5] < text[6:]):
            raise ValueError("must be two times of a day, the earlier first, such as 08:00-22:00")
        return text

    return AfterValidator(check)


class Account(BaseModel):
    """One set of credentials at one provider, with its own limits, receipts and health."""

    model_config = ConfigDict(frozen=True, extra="forbid", coerce_numbers_to_str=True, str_strip_whitespace=True)

    provider: Literal["tencent", "smspartner", "alibaba"]
    """Which adapter speaks for it."""

    secret_id: SecretStr = Field(default=SecretStr(""), validate_default=True)
    """The provider's SecretId; Alibaba's AccessKey ID."""

    secret_key: Annotated[SecretStr, Field(min_length=1)]
    """The provider's SecretKey or Alibaba's AccessKey secret, only ever used to sign; SMSPartner's API key."""

    sdk_app_id: str = Field(default="", validate_default=True)
    """Tencent's SmsSdkAppId. Receipts are one queue per SmsSdkAppId: two accounts must not share one."""

    region: str = _of_provider("region")
    """Sent as X-TC-Region; the international site knows only `ap-singapore` (Tencent SMS API document, line 527)."""

    site: Literal["mainland", "international"] | None = Field(default=None, validate_default=True)
    """Which of Alibaba Cloud's two products the key belongs to; each has its own API, templates and receipts."""

    texts: Texts = Field(default_factory=dict, validate_default=True)
    """Where the provider has no templates (SMSPartner; Alibaba's international site for global numbers): template id to text,
    with {1}, {2} … for the params. Ids are lower case."""

    templates: Templates = Field(default_factory=dict)
    """Templates that jobs name, each with the account's own in its place; a job whose template is not among them goes through
    another account. Empty: jobs name the account's own templates."""

    gamme: Annotated[int, Field(ge=1, le=2)] | None = None
    """SMSPartner's range of service: 1 premium, 2 low cost; None leaves it to SMSPartner, which takes premium."""

    stop_sms: bool = False
    """Whether SMSPartner adds its STOP line to the text, which the law asks of marketing in France."""

    unicode: bool = False
    """Whether SMSPartner sends texts as they are, 70 characters a part, instead of replacing characters outside GSM's."""

    signing: Literal["TC3-HMAC-SHA256", "HmacSHA256", "HmacSHA1"] | None = Field(default=None, validate_default=True)
    """Tencent's signature algorithm; None is TC3-HMAC-SHA256, the other two are older."""

    endpoint: Endpoint = _of_site()
    """Full URL of the provider's API."""

    sign: str = ""
    """Signature used when a job names none; the provider requires one for mainland numbers."""

    timeout_s: Seconds = 10.0
    """Whole time for one call. Must be shorter than `lease_s`; unless set, at most half of it."""

    limits: dict[str, PerSecond] = Field(default_factory=dict)
    """Calls per second by action; an action that is not named keeps the provider's documented limit."""

    prefixes: Prefixes = ()
    """Country prefixes of the numbers it serves; empty serves every number. Where no route says otherwise, the longest match
    goes first."""

    window: Annotated[str, _hours()] = ""
    """Hours in which marketing goes out, `08:00-22:00`, in the recipient's country; empty for any hour."""

    priority: int = 0
    """Among accounts that match equally well, the lower goes first; then the name."""

    @field_validator("secret_id", "sdk_app_id", "region", "site", "texts", "gamme", "stop_sms", "unicode", "signing")
    @classmethod
    def _as_the_provider_needs(cls, value: T, info: ValidationInfo) -> T:
        """A setting that only some providers have is there where it is needed, and nowhere where it would mean nothing."""
        provider, name, site = info.data.get("provider", ""), str(info.field_name), info.data.get("site")
        facts = PROVIDERS.get(provider)
        given = bool(value.get_secret_value() if isinstance(value, SecretStr) else value)
        if facts and not given and name in facts.needs:
            raise PydanticCustomError(NEEDED, "is required by the provider {provider}", {"provider": provider})
        if facts and given and name not in facts.at(site).takes:
            whose = f"{provider}'s site {site}" if site else f"the provider {provider}"
            raise PydanticCustomError(SURPLUS, "means nothing to {whose}", {"whose": whose})
        return value

    @field_validator("limits")
    @classmethod
    def _spell_actions(cls, limits: dict[str, float], info: ValidationInfo) -> dict[str, float]:
        """Give each action the provider's own spelling; environment variables have lost it."""
        if not (facts := PROVIDERS.get(info.data.get("provider", ""))):
            return limits
        actions = facts.at(info.data.get("site")).actions
        return {_action(name, actions): rate for name, rate in limits.items()}


def _action(name: str, actions: tuple[str, ...]) -> str:
    spelt = {_letters(action): action for action in actions}
    if found := spelt.get(_letters(name)):
        return found
    close = difflib.get_close_matches(_letters(name), spelt, n=1)
    hint = f"did you mean {spelt[close[0]]}?" if close else f"it has {', '.join(actions)}"
    raise ValueError(f"the provider has no action {name!r}; {hint}")


def _letters(action: str) -> str:
    """What is left of an action's name in an environment variable, which has neither case nor dashes."""
    return re.sub(r"[^a-z0-9]", "", action.casefold())
