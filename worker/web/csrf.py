"""Cross-site requests: a form on another site must not act here with the visitor's cookie.

Every browser since 2023 says where a request comes from in `Sec-Fetch-Site`, which no page can
change; older ones send `Origin` with every form. A request that has neither is no browser's;
programs use the API, which knows no cookies.
"""

from collections.abc import Mapping
from typing import Final
from urllib.parse import urlsplit

from starlette.datastructures import Headers
from starlette.responses import PlainTextResponse
from starlette.types import ASGIApp, Receive, Scope, Send

SAFE_METHODS: Final = frozenset({"GET", "HEAD", "OPTIONS"})
# Paths whose callers say who they are by other means than a cookie, so that no other site can act
# in their name.
COOKIELESS: Final = ("/v1/", "/callbacks/")


def is_own(headers: Mapping[str, str]) -> bool:
    """Whether a request that changes something was made by one of our own pages.

    Args:
        headers: The request's, names in lower case.
    """
    if site := headers.get("sec-fetch-site"):
        # `none` is an address typed in, which no form sends; `same-site` is a neighbour that is not
        # ours.
        return site == "same-origin"
    # The scheme is left out of the comparison: behind a proxy that ends TLS we do not see it.
    origin = urlsplit(headers.get("origin", "")).netloc
    return bool(origin) and origin == headers.get("host", "")


class SameOriginOnly:
    """ASGI middleware that refuses what another site asks for."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve, or answer 403."""
        if (
            scope["type"] == "http"
            and scope["method"] not in SAFE_METHODS
            and not scope["path"].startswith(COOKIELESS)
            and not is_own(Headers(scope=scope))
        ):
            refusal = PlainTextResponse("This request was not made by a page of this console; nothing was done.\n", 403)
            await refusal(scope, receive, send)
            return
        await self._app(scope, receive, send)
