"""What all handlers of the web process share: settings, ledger, `Client` and `Admin`."""

from dataclasses import dataclass, field
from ipaddress import IPv4Network, IPv6Network, ip_address, ip_network

import anyio
from starlette.requests import HTTPConnection

from config.settings import Settings
from smsline.admin import Admin
from smsline.client import Client
from smsline.ledger.link import Ledger
from worker.web.asking import AskableAccounts
from worker.web.campaigns.store import Uploads
from worker.web.keyring import Keyring
from worker.web.live import Live

# Streamed campaigns a process takes in at the same time; each has a thread and one part in memory.
UPLOADS_AT_ONCE = 4

# Passwords a process checks at the same time: each check takes 64 MB and a tenth of a second, which
# is the point of it.
SIGN_INS_AT_ONCE = 2


@dataclass(slots=True)
class Web:
    """One web process.

    Attributes:
        settings: With what.
        client: The one way in for jobs.
        admin: All that people can do, on the same connections.
        ledger: For what the client has no method for: users, keys, sessions, the audit trail.
        loopback: Whether the process can only be reached from this machine.
        version: Of smsline, for people and for `build_info`.
    """

    settings: Settings
    client: Client
    admin: Admin
    ledger: Ledger
    loopback: bool
    version: str = ""
    proxies: tuple[IPv4Network | IPv6Network, ...] = field(init=False)
    uploads: anyio.CapacityLimiter = field(init=False)
    sign_ins: anyio.CapacityLimiter = field(init=False)
    keyring: Keyring = field(init=False)
    asking: AskableAccounts = field(init=False)
    live: Live = field(default_factory=Live)
    files: Uploads = field(default_factory=Uploads)

    def __post_init__(self) -> None:
        self.proxies = tuple(map(ip_network, self.settings.web.trusted_proxy_addresses))
        self.uploads = anyio.CapacityLimiter(UPLOADS_AT_ONCE)
        self.keyring = Keyring(self.ledger)
        self.asking = AskableAccounts(self.settings, self.ledger)
        self.sign_ins = anyio.CapacityLimiter(SIGN_INS_AT_ONCE)

    def is_proxy(self, address: str) -> bool:
        """Whether a proxy that the settings trust has this address."""
        try:
            found = ip_address(address)
        except ValueError:
            return False
        # Versions differ where a proxy listens on both: an IPv4 address is in no IPv6 network.
        return any(found in network for network in self.proxies if network.version == found.version)


def web_of(connection: HTTPConnection) -> Web:
    """The process that serves a request."""
    found: Web = connection.app.state.web
    return found


def address_of(connection: HTTPConnection) -> str:
    """Where a request comes from: the connection's other end, or what a trusted proxy says of it.

    The header may have been begun by the caller; a proxy adds at its right end. So the rightmost
    address that is no trusted proxy is the caller's.
    """
    web, peer = web_of(connection), connection.client.host if connection.client else ""
    # Anyone may send the header; only a proxy's word counts.
    if not web.is_proxy(peer):
        return peer
    told = [part.strip() for part in ",".join(connection.headers.getlist("x-forwarded-for")).split(",")]
    return next((part for part in reversed(told) if part and not web.is_proxy(part)), peer)


def is_https(connection: HTTPConnection) -> bool:
    """Whether the browser speaks https with us, or with a trusted proxy in front."""
    peer = connection.client.host if connection.client else ""
    told = connection.headers.get("x-forwarded-proto", "") if web_of(connection).is_proxy(peer) else ""
    return (told or connection.url.scheme) == "https"
