"""Settings of the web process and of webhooks."""

from ipaddress import ip_network
from typing import Annotated, Final, Literal

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field, SecretStr, field_validator

from config.fields import LowerCase, matching, split

# Of letters and digits alone that is some 95 bits; a short one could be guessed, because
# nothing slows down who tries.
SHORTEST_TOKEN: Final = 16


def _network(text: str) -> str:
    try:
        return str(ip_network(text))
    except ValueError:
        raise ValueError(f"must be addresses or networks such as 10.0.0.1 or 10.0.0.0/8, not {text!r}") from None


# Addresses and networks: `10.0.0.1,192.168.0.0/16` or a list.
Networks = Annotated[tuple[Annotated[str, AfterValidator(_network)], ...], BeforeValidator(split)]


class WebSettings(BaseModel):
    """The web process: console, API, callbacks, metrics."""

    model_config = ConfigDict(frozen=True, extra="forbid", str_strip_whitespace=True)

    metrics_token: SecretStr = SecretStr("")
    """Bearer token of `/metrics` for clients that do not come from loopback.

    Empty lets none of them in.
    """

    trusted_proxy_header: Annotated[
        str, matching(r"[A-Za-z0-9-]*", "must be the name of an HTTP header, such as X-Forwarded-User")
    ] = ""
    """Header in which a proxy in front names the user it has signed in; empty trusts none."""

    trusted_proxy_addresses: Networks = ()
    """Where such proxies are.

    Only from there are this header, `X-Forwarded-For` and `X-Forwarded-Proto` believed.
    """

    trusted_proxy_role: Annotated[Literal["read", "operate", "admin"], LowerCase] = "read"
    """Role of a user that they name and `smsline users` does not know."""

    session_hours: Annotated[float, Field(gt=0, le=720)] = 12.0
    """How long a sign-in lasts."""

    upload_mb: Annotated[int, Field(ge=1, le=10_000)] = 200
    """Largest campaign file that the console takes. The API streams and has no limit of its own."""

    @field_validator("metrics_token")
    @classmethod
    def _long_enough(cls, token: SecretStr) -> SecretStr:
        if 0 < len(token.get_secret_value()) < SHORTEST_TOKEN:
            raise ValueError(f"must have at least {SHORTEST_TOKEN} characters")
        return token

    @property
    def trusts_a_proxy(self) -> bool:
        """Whether a proxy's word for who the user is counts."""
        # Both: a header that is believed from everywhere would let anyone sign in as an admin.
        return bool(self.trusted_proxy_header and self.trusted_proxy_addresses)


class WebhookSettings(BaseModel):
    """Deliveries of events to other services."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    allow_private: bool = False
    """Whether an endpoint may have a private or loopback address."""
