"""An account at a provider.

It has credentials, limits and a route, checked against what the provider declares in its
`facts.py`.
"""

import difflib
import re
import ssl
from pathlib import Path
from typing import Annotated, Final, Literal, TypeVar

from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    FilePath,
    SecretStr,
    ValidationInfo,
    field_validator,
)
from pydantic_core import PydanticCustomError

from config.fields import Endpoint, PerSecond, Prefixes, Seconds, Templates, Texts, split
from config.providers import PROVIDERS, facts_of
from smsline.windows import parse_window

T = TypeVar("T")

# Types of an error about a setting that an account of its provider must have, or cannot have: as
# types of their own they are told by the setting's rule, not in pydantic's words.
NEEDED: Final = "needed"
SURPLUS: Final = "surplus"


def _header(value: SecretStr | str) -> SecretStr | str:
    # Blanks around a pasted key are a documented cause of a key not being found (Tencent SMS
    # API document, line 4911).
    text = value.get_secret_value() if isinstance(value, SecretStr) else value
    if not text.isascii() or not text.isprintable() or set(" ,") & set(text):
        raise ValueError("goes into an HTTP header: must be printable ASCII without blanks or commas")
    return value


Credential = Annotated[SecretStr, AfterValidator(_header)]

# One secret, or two divided by a comma.
Secrets = Annotated[tuple[SecretStr, ...], BeforeValidator(split), Field(max_length=2)]


class Account(BaseModel):
    """One set of credentials at one provider, with its own limits, receipts and health."""

    # An SmsSdkAppId looks like a number, and TOML reads it as one where the quotes are missing.
    model_config = ConfigDict(frozen=True, extra="forbid", coerce_numbers_to_str=True, str_strip_whitespace=True)

    # The fields stand in the order in which they are checked: the provider and the site come
    # before what depends on them. A default factory is not called when one of those is wrong, so
    # that one mistake is one error.
    provider: str
    """Which adapter speaks for it."""

    secret_id: Credential = Field(default=SecretStr(""), validate_default=True)
    """The provider's SecretId; Alibaba's AccessKey ID."""

    secret_key: Annotated[Credential, Field(min_length=1)]
    """The provider's SecretKey or Alibaba's AccessKey secret, only ever used to sign.

    SMSPartner's API key.
    """

    token: Credential = Field(default=SecretStr(""), validate_default=True)
    """Tencent's token of a temporary key, sent as X-TC-Token; empty for a lasting key."""

    sdk_app_id: str = Field(default="", validate_default=True)
    """Tencent's SmsSdkAppId.

    Receipts are one queue per SmsSdkAppId: two accounts must not share one.
    """

    region: Annotated[str, AfterValidator(_header)] = Field(
        default_factory=lambda data: facts_of(data["provider"]).region
    )
    """Sent as X-TC-Region.

    The international site knows only `ap-singapore` (Tencent SMS API document, line 527).
    """

    site: Literal["mainland", "international"] | None = Field(default=None, validate_default=True)
    """Which of Alibaba Cloud's two products the key belongs to.

    Each has its own API, templates and receipts.
    """

    texts: Texts = Field(default_factory=dict, validate_default=True, repr=False)
    """Where the provider has no templates (SMSPartner; Alibaba's international site for global
    numbers): template id to text, with {1}, {2} … for the params. Ids are lower case."""

    templates: Templates = Field(default_factory=dict)
    """Templates that jobs name, each with the account's own in its place.

    A job whose template is not among them goes through another account. Empty: jobs name the
    account's own templates.
    """

    gamme: Annotated[int, Field(ge=1, le=2)] | None = None
    """SMSPartner's range of service: 1 premium, 2 low cost.

    None leaves it to SMSPartner, which takes premium.
    """

    stop_sms: bool = False
    """Whether SMSPartner adds its STOP line to the text, which the law asks of marketing in
    France."""

    unicode: bool = False
    """Whether SMSPartner sends texts as they are, 70 characters a part, instead of replacing
    characters outside GSM's."""

    callback_secret: Secrets = ()
    """What stands in the path of its callbacks, `/callbacks/<account>/<secret>/status`.

    Two while it is changed. Empty: none are taken.
    """

    callback_url: Endpoint | None = None
    """Where the web process is reached from outside, `https://sms.example.com`.

    For providers that are told with each send where to call back (SMSPartner). Needs
    `callback_secret`."""

    signing: Literal["TC3-HMAC-SHA256", "HmacSHA256", "HmacSHA1"] | None = Field(default=None, validate_default=True)
    """Tencent's signature algorithm; None is TC3-HMAC-SHA256, the other two are older."""

    send_each: bool = False
    """Whether Tencent's SendMultiGlobalSms is switched on.

    It takes global numbers with params of their own 200 to a call, and not every endpoint has it.
    Without it such numbers go one to a SendSms.
    """

    endpoint: Endpoint = Field(default_factory=lambda data: facts_of(data["provider"]).at(data.get("site")).endpoint)
    """Full URL of the provider's API."""

    proxy: str = Field(default="", repr=False)
    """Proxy by which its calls leave, `http://user:password@host:3128`; `none` for no proxy.

    Empty for the one that HTTPS_PROXY names, unless NO_PROXY has the endpoint's host.
    """

    ca_bundle: FilePath | None = None
    """File of CA certificates, PEM, that are believed besides the usual ones.

    Of a proxy or gateway that looks into TLS.
    """

    sign: str = ""
    """Signature used when a job names none; the provider requires one for mainland numbers."""

    timeout_s: Seconds = 10.0
    """Whole time for one call. Must be shorter than `lease_s`; unless set, at most half of it."""

    limits: dict[str, PerSecond] = Field(default_factory=dict)
    """Calls per second by action.

    An action that is not named keeps the provider's documented limit.
    """

    prefixes: Prefixes = ()
    """Country prefixes of the numbers it serves; empty serves every number.

    Where no route says otherwise, the longest match goes first.
    """

    window: str = ""
    """Hours in which marketing goes out, `08:00-22:00` in the recipient's country, or `08:00-22:00
    Asia/Shanghai`.

    Empty for any hour.
    """

    priority: int = 0
    """Among accounts that match equally well, the lower goes first; then the name."""

    @field_validator("provider")
    @classmethod
    def _a_known_provider(cls, provider: str) -> str:
        if provider not in PROVIDERS:
            names = [repr(name) for name in PROVIDERS]
            raise ValueError(f"must be {', '.join(names[:-1])} or {names[-1]}")
        # Here, and not where an answer is recorded: `check` and every start then say what is
        # wrong with the folder.
        try:
            facts_of(provider)
        except (ImportError, AttributeError, TypeError, ValueError, OSError) as error:
            raise ValueError(f"has a folder that cannot be used: {type(error).__name__}: {error}") from error
        return provider

    @field_validator("callback_secret")
    @classmethod
    def _fit_for_a_path(cls, secrets: tuple[SecretStr, ...]) -> tuple[SecretStr, ...]:
        # At least 16 characters: the path is all that keeps a stranger from sending us receipts.
        if not all(re.fullmatch(r"[A-Za-z0-9_-]{16,128}", secret.get_secret_value()) for secret in secrets):
            raise ValueError("must be 16 to 128 letters, digits, - and _, because it stands in a URL")
        return secrets

    @field_validator("proxy")
    @classmethod
    def _a_proxys_url(cls, text: str) -> str:
        if not text or text == "none":
            return text
        scheme, _, place = text.partition("://")
        # By a pattern, not by urlsplit: a password with a / or a # in it would be cut there, and
        # its rest be taken for the host, or shown.
        fits = re.fullmatch(r"(?:[^@/?#\s]*@)?(?:\[[0-9A-Fa-f:]+\]|[A-Za-z0-9_.-]+)(?::\d{1,5})?/?", place)
        if scheme not in {"http", "https"} or not fits:
            unencoded = "; its password must be percent-encoded" if "@" in text else ""
            raise ValueError(f"must be none, or the URL of a proxy such as http://proxy.example:3128{unencoded}")
        return text

    @field_validator("ca_bundle")
    @classmethod
    def _certificates(cls, path: Path | None) -> Path | None:
        try:
            # Loaded once for the error alone: the adapter would meet a bad file
            # only when it is opened.
            if path:
                ssl.create_default_context(cafile=str(path))
        except (OSError, ValueError):  # an SSLError is an OSError
            raise ValueError("must hold CA certificates in PEM") from None
        return path

    @field_validator("window")
    @classmethod
    def _two_times(cls, text: str) -> str:
        if text:
            parse_window(text)
        return text

    @field_validator(
        "secret_id",
        "token",
        "sdk_app_id",
        "region",
        "site",
        "texts",
        "gamme",
        "stop_sms",
        "unicode",
        "callback_url",
        "signing",
        "send_each",
    )
    @classmethod
    def _as_the_provider_needs(cls, value: T, info: ValidationInfo) -> T:
        """A setting that only some providers have is there where it is needed, and nowhere else."""
        # A field that failed its own check is not in `data`: then there is nothing to
        # hold this one against.
        provider, name, site = info.data.get("provider", ""), str(info.field_name), info.data.get("site")
        facts = facts_of(provider) if provider in PROVIDERS else None
        given = bool(value.get_secret_value() if isinstance(value, SecretStr) else value)
        if facts and not given and name in facts.needs:
            raise PydanticCustomError(NEEDED, "is required by the provider {provider}", {"provider": provider})
        if facts and given and name not in facts.at(site).takes:
            whose = f"{provider}'s site {site}" if site else f"the provider {provider}"
            raise PydanticCustomError(SURPLUS, "means nothing to {whose}", {"whose": whose})
        return value

    @field_validator("callback_url")
    @classmethod
    def _with_a_secret(cls, url: str | None, info: ValidationInfo) -> str | None:
        # A secret that failed its own check is not in `data`: one mistake is one error.
        if url and info.data.get("callback_secret") == ():
            raise ValueError("needs CALLBACK_SECRET too: without one no callback is taken")
        return url

    @field_validator("limits")
    @classmethod
    def _spell_actions(cls, limits: dict[str, float], info: ValidationInfo) -> dict[str, float]:
        """Give each action the provider's own spelling; environment variables have lost it."""
        if info.data.get("provider") not in PROVIDERS:
            return limits
        actions = tuple(facts_of(info.data["provider"]).at(info.data.get("site")).actions)
        by_letters = {_letters(action): action for action in actions}
        for name in limits:
            if _letters(name) not in by_letters:
                close = difflib.get_close_matches(_letters(name), by_letters, n=1)
                hint = f"did you mean {by_letters[close[0]]}?" if close else f"it has {', '.join(actions)}"
                raise ValueError(f"the provider has no action {name!r}; {hint}")
        return {by_letters[_letters(name)]: rate for name, rate in limits.items()}

    def callback(self, name: str) -> str:
        """Its callbacks' URL without `/status` and `/reply`, with the first of two secrets.

        Empty where it names none.

        Args:
            name: What smsline calls the account.
        """
        if not self.callback_url:
            return ""
        return f"{self.callback_url}/callbacks/{name}/{self.callback_secret[0].get_secret_value()}"


def _letters(action: str) -> str:
    """An action's name as an environment variable leaves it: without case and dashes."""
    return re.sub(r"[^a-z0-9]", "", action.casefold())
