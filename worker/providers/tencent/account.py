"""One set of Tencent credentials: what an operator has set in, a checked value that hides its secrets out."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final

import httpx

from smsline.errors import BadInput
from worker.providers.tencent.form import METHODS
from worker.providers.tencent.limits import DEFAULTS
from worker.providers.tencent.signing import ALGORITHM

ENDPOINT: Final = "https://sms.tencentcloudapi.com"
"""Nearest site (Tencent SMS API document, line 318)."""

_HEADER_RULE: Final = "goes into an HTTP header: printable ASCII without spaces, not empty"


@dataclass(frozen=True, slots=True)
class TencentAccount:
    """One SmsSdkAppId and the key that may use it.

    Attributes:
        name: What smsline calls the account.
        secret_id: The key's SecretId.
        secret_key: The key's SecretKey; only ever used to sign.
        sdk_app_id: SmsSdkAppId. Receipts are one queue per SmsSdkAppId: two accounts must not share one.
        region: Sent as X-TC-Region.
        endpoint: Full URL; its host is the one that is signed. A path is requested but not signed: it is for a proxy.
        timeout_s: Whole time for one pull or ask, seconds. A send brings its own in `Call.timeout_s`.
        limits: Calls per second by action; an action that is not named keeps its default.
        token: Of a temporary key, or empty (Tencent SMS API document, line 379).
        signs: Whether its messages carry a signature of the account's own where a job names none.
        signing: The signature algorithm: `TC3-HMAC-SHA256`, or one of the older `HmacSHA256` and `HmacSHA1`.

    Raises:
        BadInput: A value that could never make a call; secrets are not repeated in it.
    """

    name: str
    secret_id: str = field(repr=False)
    secret_key: str = field(repr=False)
    sdk_app_id: str
    region: str = "ap-guangzhou"
    endpoint: str = ENDPOINT
    timeout_s: float = 10.0
    limits: Mapping[str, float] = field(default_factory=lambda: DEFAULTS, hash=False)
    token: str = field(default="", repr=False)
    signing: str = ALGORITHM
    signs: bool = False

    def __post_init__(self) -> None:
        """Refuse here what would otherwise fail in every call."""
        for name in ("secret_id", "secret_key", "token"):
            _check_header(name, getattr(self, name), shown="****", empty_ok=name == "token")
        _check_header("region", self.region, shown=self.region)
        if not self.sdk_app_id:
            raise BadInput("sdk_app_id", self.sdk_app_id, "is empty; the SMS console shows it, such as '1400006666'")
        if self.signing not in (ALGORITHM, *METHODS):
            raise BadInput("signing", self.signing, f"must be {ALGORITHM}, {' or '.join(METHODS)}")
        _check_endpoint(self.endpoint)
        if not self.timeout_s > 0:
            raise BadInput("timeout_s", self.timeout_s, "must be more than 0 seconds")
        for action, per_second in self.limits.items():
            if not per_second > 0:
                raise BadInput(f"limits.{action}", per_second, "must be more than 0 calls per second")


def host_of(endpoint: str) -> str:
    """The Host header of requests to the endpoint, which is what gets signed: no port where it is the scheme's own."""
    return httpx.URL(endpoint).netloc.decode("ascii")


def _check_header(name: str, value: str, *, shown: str, empty_ok: bool = False) -> None:
    # Blanks around a pasted key are a documented cause of a key not being found (document, line 4911).
    plain = value.isascii() and value.isprintable() and " " not in value
    if not plain or not (value or empty_ok):
        raise BadInput(name, shown, _HEADER_RULE)


def _check_endpoint(endpoint: str) -> None:
    rule = f"must be a full URL with nothing behind its path, no user and a port under 65536, such as {ENDPOINT!r}"
    try:
        url = httpx.URL(endpoint)
    except (httpx.InvalidURL, UnicodeError):
        raise BadInput("endpoint", "****", rule) from None
    surplus = url.userinfo or url.query or url.fragment or (url.port or 1) > 65535
    if url.scheme not in ("http", "https") or not url.host or surplus:
        # The URL may hold a password: show no more of it than the host.
        raise BadInput("endpoint", url.host, rule)
