"""One Alibaba Cloud access key: what an operator has set in, a checked value that hides its secret out."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final

import httpx

from smsline.errors import BadInput
from worker.providers.alibaba.limits import Site

ENDPOINTS: Final[Mapping[Site, str]] = {
    "mainland": "https://dysmsapi.aliyuncs.com",
    "international": "https://dysmsapi.ap-southeast-1.aliyuncs.com",
}
"""Where each site's API listens (official SDKs 4.6.0 for 2017-05-25 and 1.0.10 for 2018-05-01)."""

_HEADER_RULE: Final = "goes into an HTTP header: printable ASCII without spaces or commas, not empty"


@dataclass(frozen=True, slots=True)
class AlibabaAccount:
    """An access key and the site it is used with.

    Attributes:
        name: What smsline calls the account.
        access_key_id: Public half of the key.
        access_key_secret: Secret half; only ever used to sign.
        site: `mainland` for the API of 2017-05-25, `international` for that of 2018-05-01.
        endpoint: Full URL, or empty for the site's own. Its host is signed; a path is requested but not signed: it is for a
            proxy.
        timeout_s: Whole time for one query, seconds. A send brings its own in `Call.timeout_s`.
        limits: Calls per second by action; an action that is not named keeps the documented limit.
        texts: What global numbers are sent by an international account, which has no templates for them: template id, lower
            case, to text with {1}, {2} … for the params.

    Raises:
        BadInput: A value that could never make a call; the secret is not repeated in it.
    """

    name: str
    access_key_id: str = field(repr=False)
    access_key_secret: str = field(repr=False)
    site: Site
    endpoint: str = ""
    timeout_s: float = 10.0
    limits: Mapping[str, float] = field(default_factory=dict, hash=False)
    texts: Mapping[str, str] = field(default_factory=dict, repr=False, hash=False)

    def __post_init__(self) -> None:
        """Refuse here what would otherwise fail in every call."""
        for name in ("access_key_id", "access_key_secret"):
            value = getattr(self, name)
            if not value or not value.isascii() or not value.isprintable() or set(" ,") & set(value):
                raise BadInput(name, "****", _HEADER_RULE)
        if self.site not in ENDPOINTS:
            raise BadInput("site", self.site, "must be 'mainland' or 'international'")
        _check_endpoint(self.url)
        if not self.timeout_s > 0:
            raise BadInput("timeout_s", self.timeout_s, "must be more than 0 seconds")
        for action, per_second in self.limits.items():
            if not per_second > 0:
                raise BadInput(f"limits.{action}", per_second, "must be more than 0 calls per second")

    @property
    def url(self) -> str:
        """Where its calls go."""
        return self.endpoint or ENDPOINTS[self.site]


def host_of(url: str) -> str:
    """The Host header of requests to the URL, which is what gets signed: no port where it is the scheme's own."""
    return httpx.URL(url).netloc.decode("ascii")


def _check_endpoint(endpoint: str) -> None:
    example = ENDPOINTS["mainland"]
    rule = f"must be a full URL with nothing behind its path, no user and a port under 65536, such as {example!r}"
    try:
        url = httpx.URL(endpoint)
    except (httpx.InvalidURL, UnicodeError):
        raise BadInput("endpoint", "****", rule) from None
    surplus = url.userinfo or url.query or url.fragment or (url.port or 1) > 65535
    if url.scheme not in ("http", "https") or not url.host or surplus:
        # The URL may hold a password: show no more of it than the host.
        raise BadInput("endpoint", url.host, rule)
