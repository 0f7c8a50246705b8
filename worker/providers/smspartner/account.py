"""One SMSPartner account: what an operator has set in, a checked value that hides its key out."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final

import httpx

from smsline.errors import BadInput
from worker.providers.smspartner.limits import DEFAULTS

ENDPOINT: Final = "https://api.smspartner.fr"
"""Without the version, which begins every path (SMSPartner API pages)."""


@dataclass(frozen=True, slots=True)
class SmsPartnerAccount:
    """One API key and what is sent with it.

    Attributes:
        name: What smsline calls the account.
        api_key: Goes with every call, in a POST's body and a GET's query.
        texts: Template id, lower case, to text with {1}, {2} … for the params; SMSPartner has no templates of its own.
        endpoint: Full URL before `/v1/`.
        timeout_s: Whole time for one call that sends nothing, seconds. A send brings its own in `Call.timeout_s`.
        limits: Calls per second by action; an action that is not named keeps its default.
        gamme: The range of service: 1 premium, 2 low cost, None SMSPartner's choice (premium).
        stop_sms: Whether SMSPartner adds its STOP line.
        unicode: Whether texts go out unchanged, 70 characters a part.

    Raises:
        BadInput: A value that could never make a call; the key is not repeated in it.
    """

    name: str
    api_key: str = field(repr=False)
    texts: Mapping[str, str] = field(default_factory=dict, repr=False, hash=False)
    endpoint: str = ENDPOINT
    timeout_s: float = 10.0
    limits: Mapping[str, float] = field(default_factory=lambda: DEFAULTS, hash=False)
    gamme: int | None = None
    stop_sms: bool = False
    unicode: bool = False

    def __post_init__(self) -> None:
        """Refuse here what would otherwise fail in every call."""
        if not self.api_key or not self.api_key.isascii() or not self.api_key.isprintable() or " " in self.api_key:
            raise BadInput("api_key", "****", "must be printable ASCII without spaces, not empty")
        _check_endpoint(self.endpoint)
        if not self.timeout_s > 0:
            raise BadInput("timeout_s", self.timeout_s, "must be more than 0 seconds")
        if self.gamme not in (None, 1, 2):
            raise BadInput("gamme", self.gamme, "must be 1 (premium) or 2 (low cost), or left out")
        for action, per_second in self.limits.items():
            if not per_second > 0:
                raise BadInput(f"limits.{action}", per_second, "must be more than 0 calls per second")


def _check_endpoint(endpoint: str) -> None:
    rule = f"must be a full URL without user, query and fragment, such as {ENDPOINT!r}"
    try:
        url = httpx.URL(endpoint)
    except (httpx.InvalidURL, UnicodeError):
        raise BadInput("endpoint", "****", rule) from None
    surplus = url.userinfo or url.query or url.fragment or (url.port or 1) > 65535
    if url.scheme not in ("http", "https") or not url.host or surplus:
        # The URL may hold a password or a key: show no more of it than the host.
        raise BadInput("endpoint", url.host, rule)
