"""The application: every route of the web process in one table, and what stands around all of them."""

from collections.abc import Sequence
from typing import Final

from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.routing import BaseRoute

from worker.web import metrics, probes
from worker.web.context import Web
from worker.web.csrf import SameOriginOnly
from worker.web.security_headers import SecurityHeaders

ROUTES: Final[Sequence[BaseRoute]] = (
    *probes.routes,
    *metrics.routes,
)
"""First come, first served: the console stands last, it takes all that nothing else has taken."""


def build_app(web: Web) -> Starlette:
    """The ASGI application of one web process."""
    app = Starlette(
        routes=list(ROUTES),
        middleware=[Middleware(SecurityHeaders), Middleware(SameOriginOnly)],
    )
    app.state.web = web
    return app
