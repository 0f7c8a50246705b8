"""Signing in and out."""

from typing import Final

import anyio.to_thread
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.routing import Route

from smsline.errors import SmslineError
from smsline.ledger import audit, sessions, users
from smsline.ledger.audit import Actor
from smsline.passwords import fits
from worker.web.context import address_of, web_of
from worker.web.pages.auth import own_path, signed_in, signed_out, visitor_of
from worker.web.pages.failures import answer_to
from worker.web.pages.rendering import render

LONGEST_NAME: Final = 64


def form(request: Request) -> Response:
    """The form, or the console for a visitor who needs none."""
    try:
        if visitor_of(request):
            return RedirectResponse(own_path(request.query_params.get("next", "")), 303)
        return _form(request, 200, no_users=not users.any_user(web_of(request).ledger))
    except SmslineError as error:
        return answer_to(request, error)


async def sign_in(request: Request) -> Response:
    """Check a password. However it fails, the answer is the same, and takes as long."""
    given = await request.form(max_files=0, max_fields=10)
    name, password, on = (str(given.get(field, "")) for field in ("name", "password", "next"))
    limiter = web_of(request).sign_ins
    # A limiter of its own: someone who tries passwords must not use up memory, nor the threads of
    # others.
    return await anyio.to_thread.run_sync(_checked, request, (name[:LONGEST_NAME], password, on), limiter=limiter)


def sign_out(request: Request) -> Response:
    """End the session."""
    return signed_out(request)


def _checked(request: Request, given: tuple[str, str, str]) -> Response:
    (name, password, on), ledger, address = given, web_of(request).ledger, address_of(request)
    if wait_s := sessions.wait_s(ledger, name, address):
        told = f"Too many wrong passwords; try again in {wait_s} s."
        answer = _form(request, 429, told=told, name=name, on=on)
        answer.headers["retry-after"] = str(wait_s)
        return answer
    user = users.get(ledger, name)
    # `fits` also hashes for a name that is not there: the time must not tell which names exist.
    if not fits(password, user.password if user else "") or user is None:
        # The name as it was given: a trail of attempts tells what was tried.
        audit.note(ledger, Actor(name, "page", address), "sign-in.failed", {})
        return _form(request, 401, told="No such user, or another password.", name=name, on=on)
    sessions.forgive(ledger, name, address)
    audit.note(ledger, Actor(name, "page", address), "sign-in", {"role": user.role})
    return signed_in(request, user, next_path=own_path(on))


def _form(
    request: Request, status: int, *, told: str = "", name: str = "", on: str = "", no_users: bool = False
) -> Response:
    on = on or request.query_params.get("next", "")
    return render(request, "sign_in.html", status, told=told, name=name, on=own_path(on), no_users=no_users)


routes: Final = [
    Route("/sign-in", form, methods=["GET"]),
    Route("/sign-in", sign_in, methods=["POST"]),
    Route("/sign-out", sign_out, methods=["POST"]),
]
