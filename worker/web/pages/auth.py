"""Who may see a page of the console: a signed-in user, or one that a trusted proxy names.

While there are no users, one at this machine is admitted.
"""

from collections.abc import Callable
from functools import wraps
from typing import Final, TypeAlias
from urllib.parse import quote

from starlette.concurrency import run_in_threadpool
from starlette.datastructures import FormData
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from smsline.errors import SmslineError
from smsline.ledger import sessions, users
from smsline.ledger.users import Role, User
from worker.web.context import address_of, is_https, web_of
from worker.web.pages.failures import answer_to, refused
from worker.web.pages.visitor import Visitor

COOKIE: Final = "smsline_session"

# Name of a visitor at this machine as long as there are no users.
LOCAL: Final = "local"


Page: TypeAlias = Callable[[Request, Visitor], Response]
Act: TypeAlias = Callable[[Request, Visitor, FormData], Response]


def visitor_of(request: Request) -> Visitor | None:
    """Who makes this request; None when they have to sign in first."""
    web, address = web_of(request), address_of(request)
    peer = request.client.host if request.client else ""
    header = web.settings.web.trusted_proxy_header
    # Any client can send the header: it counts from an address of the proxy alone.
    if header and web.is_proxy(peer) and (named := request.headers.get(header, "").strip()):
        # A role that is given here counts before the proxy's usual one.
        known = users.get(web.ledger, named)
        return Visitor(named, known.role if known else web.settings.web.trusted_proxy_role, address, by_proxy=True)
    # The session names the user and not the role: one that was changed acts at once.
    if user := sessions.user_of(web.ledger, request.cookies.get(COOKIE, "")):
        return Visitor(user.name, user.role, address)
    # A page elsewhere may let its own name resolve to 127.0.0.1 and ask us in this browser as if we
    # were its own server; then the host it asks for is not ours.
    is_ours = request.url.hostname in {"127.0.0.1", "localhost", "::1"}
    if web.loopback and is_ours and not web.settings.web.trusts_a_proxy and not users.any_user(web.ledger):
        return Visitor(LOCAL, "admin", address, open=True)
    return None


def page(role: Role = "read") -> Callable[[Page], Callable[[Request], Response]]:
    """A page of the console that a role may see.

    Who is not signed in is sent to the form, and comes back.
    """

    def decorate(handler: Page) -> Callable[[Request], Response]:
        @wraps(handler)
        def endpoint(request: Request) -> Response:
            return served(request, role, lambda visitor: handler(request, visitor))

        return endpoint

    return decorate


def act(role: Role = "operate") -> Callable[[Act], Callable[[Request], object]]:
    """What a form of the console does, refused to visitors below the role.

    What the page has shown them does not count.
    """

    def decorate(handler: Act) -> Callable[[Request], object]:
        """An endpoint that reads the form and runs the handler in a thread."""

        @wraps(handler)
        async def endpoint(request: Request) -> Response:
            # Read in the event loop, handled in a thread: the ledger blocks.
            form = await request.form(max_files=0, max_fields=1000)
            return await run_in_threadpool(served, request, role, lambda visitor: handler(request, visitor, form))

        return endpoint

    return decorate


def signed_in(request: Request, user: User, *, next_path: str) -> Response:
    """The answer to a right password: the way on, and a new session whatever cookie came."""
    web = web_of(request)
    sessions.end(web.ledger, request.cookies.get(COOKIE, ""))
    ttl_s = web.settings.web.session_hours * 3600
    token = sessions.begin(web.ledger, user, ttl_s=ttl_s)
    answer = RedirectResponse(next_path, 303)
    # strict: a link from another site arrives signed out once, and no other site can act.
    answer.set_cookie(
        COOKIE, token, max_age=int(ttl_s), httponly=True, samesite="strict", secure=is_https(request), path="/"
    )
    return answer


def signed_out(request: Request) -> Response:
    """End the session, and send to the form."""
    sessions.end(web_of(request).ledger, request.cookies.get(COOKIE, ""))
    answer = RedirectResponse("/sign-in", 303)
    answer.delete_cookie(COOKIE, path="/", httponly=True, samesite="strict", secure=is_https(request))
    return answer


def own_path(text: str) -> str:
    """A path of this console to go on to, or its first page.

    Never another host, in whatever spelling.
    """
    # `//host` and `/\host` are other hosts to a browser.
    plain = text.startswith("/") and not text.startswith("//") and "\\" not in text and text.isprintable()
    return text if plain and text.isascii() else "/"


def served(request: Request, role: Role, handler: Callable[[Visitor], Response]) -> Response:
    """What a handler answers to a visitor who may, or where the others are sent.

    Errors of ours become pages.
    """
    try:
        visitor = visitor_of(request)
        if visitor is None:
            asked = request.url.path + (f"?{request.url.query}" if request.url.query else "")
            # Only a page is come back to: a form that was posted would be asked for without its
            # fields.
            on = f"?next={quote(asked, safe='')}" if request.method == "GET" and asked != "/" else ""
            return RedirectResponse(f"/sign-in{on}", 303)
        request.state.visitor = visitor
        return handler(visitor) if visitor.may(role) else refused(request, visitor, role)
    except SmslineError as error:
        return answer_to(request, error)
