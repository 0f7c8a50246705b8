"""Which addresses events may be sent to: only public ones, looked at where the connection is made.

The name is resolved once and the connection goes to what was looked at, so that a name which points
elsewhere a moment later gains nothing.
"""

from collections.abc import Callable
from ipaddress import IPv6Address, ip_address, ip_network
from typing import Final

import httpcore

from worker.transport.deadline import Resolve, resolve

_NAT64: Final = tuple(map(ip_network, ("64:ff9b::/96", "64:ff9b:1::/48")))
_NOT_PUBLIC: Final = tuple(
    map(
        ip_network,
        (
            "0.0.0.0/8",
            "100.64.0.0/10",  # carriers' NAT
            "192.0.0.0/24",
            "192.88.99.0/24",  # relays of 6to4
            "198.18.0.0/15",
            "2001::/23",  # Teredo and other protocols
            "::/96",  # IPv4-compatible
            "fec0::/10",  # site-local
        ),
    )
)


class AddressRefused(httpcore.ConnectError):
    """The endpoint's name stands for an address that is not public."""


def is_public(text: str) -> bool:
    """Whether an address is one of the public Internet, in whatever form it is written.

    6to4, NAT64 and mapped forms carry an IPv4 address that a gateway connects to: these are refused
    whole.
    """
    # The zone of a link-local address says nothing of whose it is.
    address = ip_address(text.partition("%")[0])
    if isinstance(address, IPv6Address) and (address.ipv4_mapped or address.sixtofour or address.teredo):
        return False
    return (
        address.is_global
        and not address.is_multicast
        and not address.is_reserved
        and not any(address in net for net in (*_NAT64, *_NOT_PUBLIC))
    )


def only_public(lookup: Resolve = resolve) -> Callable[[str, int], list[str]]:
    """A lookup that gives a host's addresses when all of them are public.

    Raises:
        AddressRefused: From the lookup: one is not. One is enough: such a name is a mistake or an
            attack.
    """

    def look_up(host: str, port: int) -> list[str]:
        """All addresses must be public: which of them is connected to is not decided here."""
        found = lookup(host, port)
        if not all(map(is_public, found)):
            raise AddressRefused(
                "its name stands for a private or loopback address; SMSLINE_WEBHOOKS__ALLOW_PRIVATE=true allows these"
            )
        return found

    return look_up
