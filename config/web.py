"""Settings of the web process and of webhooks."""

from typing import Annotated, Final

from pydantic import AfterValidator, BaseModel, ConfigDict, SecretStr

SHORTEST_TOKEN: Final = 16


def _long_enough(token: SecretStr) -> SecretStr:
    if 0 < len(token.get_secret_value()) < SHORTEST_TOKEN:
        raise ValueError(f"must have at least {SHORTEST_TOKEN} characters")
    return token


def _header(name: str) -> str:
    if name and not name.replace("-", "").isalnum():
        raise ValueError("must be the name of an HTTP header, such as X-Forwarded-User")
    return name


Token = Annotated[SecretStr, AfterValidator(_long_enough)]


class Web(BaseModel):
    """The web process: console, API, callbacks, metrics."""

    model_config = ConfigDict(frozen=True, extra="forbid", str_strip_whitespace=True)

    metrics_token: Token = SecretStr("")
    """Bearer token of `/metrics` for those who do not come from loopback; empty lets none of them in."""

    trusted_proxy_header: Annotated[str, AfterValidator(_header)] = ""
    """Header in which a proxy in front names the user it has signed in; empty trusts none."""


class Webhooks(BaseModel):
    """Deliveries of events to other services."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    allow_private: bool = False
    """Whether an endpoint may have a private or loopback address."""
