"""The way out of an account's calls: by a proxy or not, and which certificates are believed."""

from ssl import SSLContext
from typing import Final, NamedTuple
from urllib.parse import unquote, urlsplit
from urllib.request import getproxies, proxy_bypass

import httpx

from config.accounts import Account

# The setting of an account that takes no proxy, whatever the environment says.
DIRECT: Final = "none"


class Egress(NamedTuple):
    """How the provider is reached.

    Attributes:
        proxy: The proxy's URL without credentials; empty for none.
        credentials: User and password of the proxy.
        ca_bundle: File of certificates that are believed besides the usual ones; empty for none.
    """

    proxy: str = ""
    credentials: tuple[str, str] | None = None
    ca_bundle: str = ""

    def trust(self) -> SSLContext:
        """The usual certificates, those that `SSL_CERT_FILE` names, and the account's own."""
        context = httpx.create_ssl_context()
        if self.ca_bundle:
            context.load_verify_locations(cafile=self.ca_bundle)
        return context


DIRECTLY: Final = Egress()


def egress_of(account: Account) -> Egress:
    """How calls leave: by the account's proxy, else that of HTTPS_PROXY unless NO_PROXY."""
    wanted = "" if account.proxy == DIRECT else account.proxy or _of_environment(account.endpoint)
    parts = urlsplit(wanted)
    credentials = (unquote(parts.username), unquote(parts.password or "")) if parts.username else None
    place = f"{parts.scheme}://{parts.netloc.rpartition('@')[2]}" if wanted else ""
    return Egress(place, credentials, str(account.ca_bundle or ""))


def _of_environment(endpoint: str) -> str:
    """The environment's proxy for an endpoint; none for this machine's own, the sandbox."""
    parts = urlsplit(endpoint)
    host = parts.hostname or ""
    if host in {"localhost", "::1"} or host.startswith("127."):
        return ""
    proxies = getproxies()
    if proxy_bypass(parts.netloc.rpartition("@")[2], proxies):
        return ""
    found = proxies.get(parts.scheme) or proxies.get("all") or ""
    return found if "://" in found or not found else f"http://{found}"
