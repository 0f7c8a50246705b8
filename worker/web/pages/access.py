"""Users and API keys. The command line makes new keys and passwords, and shows them once."""

from typing import Final

from starlette.datastructures import FormData
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from smsline.ledger.jobs import iso
from worker.web.context import web_of
from worker.web.pages.auth import act, page
from worker.web.pages.notices import done
from worker.web.pages.rendering import render
from worker.web.pages.visitor import Visitor


@page("admin")
def access(request: Request, _: Visitor) -> Response:
    """Users and keys."""
    admin = web_of(request).admin
    keys = [
        {
            "key": each.key,
            "used_at": each.used_at,
            "revoked_at": each.revoked_at,
            # The key itself is not here: only its digest is kept.
            "expires_at": iso(each.key.expires_ms),
        }
        for each in admin.api_keys()
    ]
    return render(request, "access.html", users=admin.users(), keys=keys)


@act("admin")
def set_role(request: Request, visitor: Visitor, form: FormData) -> Response:
    """Change what a user may do."""
    name, role = request.path_params["name"], str(form.get("role", ""))
    web_of(request).admin.acting(visitor.actor).change_user(name, role=role)
    return done("/access", "user-changed")


@act("admin")
def remove(request: Request, visitor: Visitor, form: FormData) -> Response:
    """Remove a user, when what that means was seen."""
    name = request.path_params["name"]
    if not form.get("seen"):
        told = f"{name} can sign in no more, and every session of theirs ends at once."
        if len(web_of(request).admin.users()) == 1:
            told += " No user is left then, and the console asks no one at this machine to sign in."
        return render(request, "confirm.html", what=f"Remove {name}", told=told, back="/access")
    web_of(request).admin.acting(visitor.actor).remove_user(name)
    return done("/access", "user-removed")


@act("admin")
def revoke(request: Request, visitor: Visitor, form: FormData) -> Response:
    """End a key, when what that means was seen."""
    name = request.path_params["name"]
    if not form.get("seen"):
        told = "Every program that uses this key is refused within a second."
        return render(request, "confirm.html", what=f"Revoke {name}", told=told, back="/access")
    web_of(request).admin.acting(visitor.actor).revoke_api_key(name)
    return done("/access", "key-revoked")


routes: Final = [
    Route("/access", access),
    Route("/access/users/{name}/role", set_role, methods=["POST"]),
    Route("/access/users/{name}/remove", remove, methods=["POST"]),
    Route("/access/keys/{name}/revoke", revoke, methods=["POST"]),
]
