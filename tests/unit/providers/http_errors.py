"""Everything that httpx can raise, and which of it means that a request certainly never left."""

from collections.abc import Iterator
from typing import Final

import httpx

NEVER_LEFT: Final = {
    "ConnectError",
    "ConnectTimeout",
    "PoolTimeout",
    "ProxyError",
    "UnsupportedProtocol",
    "LocalProtocolError",
}


def _kinds(base: type[Exception]) -> Iterator[type[Exception]]:
    yield base
    for kind in base.__subclasses__():
        yield from _kinds(kind)


HTTPX_ERRORS: Final = sorted(
    {
        kind
        for base in (httpx.HTTPError, httpx.StreamError, httpx.InvalidURL, httpx.CookieConflict)
        for kind in _kinds(base)
        if kind.__module__ == "httpx"
    },
    key=lambda kind: kind.__name__,
)
