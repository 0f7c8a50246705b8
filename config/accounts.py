"""An account at a provider: its credentials, limits and route as settings in, one checked value out.

The table `PROVIDERS` holds what must be known of a provider before its adapter is imported: which actions can be
limited, and where the provider listens.
"""

import difflib
from dataclasses import dataclass
from typing import Annotated, Any, Final, Literal

from pydantic import BaseModel, ConfigDict, Field, SecretStr, ValidationInfo, field_validator

from config.fields import Endpoint, PerSecond, Prefixes, Seconds


@dataclass(frozen=True, slots=True)
class ProviderFacts:
    """What the settings must know of a provider.

    Attributes:
        endpoint: Where it listens unless an account says otherwise.
        region: The region sent unless an account says otherwise.
        actions: The actions that may be limited, as the provider spells them.
    """

    endpoint: str
    region: str
    actions: tuple[str, ...]


PROVIDERS: Final[dict[str, ProviderFacts]] = {
    # Endpoint: Tencent SMS API document, line 318. Actions: lines 256-299, the ones that smsline calls;
    # SendMultiGlobalSms is in the provider's SDKs only.
    "tencent": ProviderFacts(
        endpoint="https://sms.tencentcloudapi.com",
        region="ap-guangzhou",
        actions=("SendSms", "SendMultiGlobalSms", "PullSmsSendStatus", "PullSmsSendStatusByPhoneNumber"),
    ),
}


def _of_provider(field: str) -> Any:  # noqa: ANN401 - a pydantic default, typed by the field it is given to
    """A default that depends on the provider; never asked for when the provider itself is wrong."""
    return Field(default_factory=lambda data: getattr(PROVIDERS[data["provider"]], field))


class Account(BaseModel):
    """One set of credentials at one provider, with its own limits, receipts and health."""

    model_config = ConfigDict(frozen=True, extra="forbid", coerce_numbers_to_str=True, str_strip_whitespace=True)

    provider: Literal["tencent"]
    """Which adapter speaks for it."""

    secret_id: Annotated[SecretStr, Field(min_length=1)]
    """The provider's SecretId."""

    secret_key: Annotated[SecretStr, Field(min_length=1)]
    """The provider's SecretKey; only ever used to sign."""

    sdk_app_id: Annotated[str, Field(min_length=1)]
    """Tencent's SmsSdkAppId. Receipts are one queue per SmsSdkAppId: two accounts must not share one."""

    region: Annotated[str, Field(min_length=1)] = _of_provider("region")
    """Sent as X-TC-Region; the international site knows only `ap-singapore` (Tencent SMS API document, line 527)."""

    endpoint: Endpoint = _of_provider("endpoint")
    """Full URL of the provider's API."""

    sign: str = ""
    """Signature used when a job names none; the provider requires one for mainland numbers."""

    timeout_s: Seconds = 10.0
    """Whole time for one call. Must be shorter than `lease_s`; unless set, at most half of it."""

    limits: dict[str, PerSecond] = Field(default_factory=dict)
    """Calls per second by action; an action that is not named keeps the provider's documented limit."""

    prefixes: Prefixes = ()
    """Country prefixes of the numbers it serves; empty serves every number. The longest match goes first."""

    priority: int = 0
    """Among accounts that match equally well, the lower goes first; then the name."""

    @field_validator("limits")
    @classmethod
    def _spell_actions(cls, limits: dict[str, float], info: ValidationInfo) -> dict[str, float]:
        """Give each action the provider's own spelling; environment variables have lost it."""
        facts = PROVIDERS.get(info.data.get("provider", ""))
        return {_action(name, facts.actions): rate for name, rate in limits.items()} if facts else limits


def _action(name: str, actions: tuple[str, ...]) -> str:
    spelt = {action.casefold(): action for action in actions}
    if found := spelt.get(name.casefold()):
        return found
    close = difflib.get_close_matches(name.casefold(), spelt, n=1)
    hint = f"did you mean {spelt[close[0]]}?" if close else f"it has {', '.join(actions)}"
    raise ValueError(f"the provider has no action {name!r}; {hint}")
