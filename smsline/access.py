"""Who may do what, and who has done what.

Users of the console, keys of the HTTP API, the audit trail. A part of `Admin`.
"""

from collections.abc import Iterator
from typing import Unpack

from smsline.calls import reachable
from smsline.control import JobControl
from smsline.ledger import api_keys, audit, users
from smsline.ledger.api_keys import KeyOptions, ListedKey
from smsline.ledger.audit import Act
from smsline.ledger.users import User


class Access(JobControl):
    """Manages users and API keys, and reads the audit trail."""

    def users(self) -> list[User]:
        """Who may sign in to the console, by name."""
        with reachable():
            return users.listed(self._ledger)

    def add_user(self, name: str, role: str, password_hash: str) -> None:
        """Let a person sign in to the console.

        Args:
            name: Of 1 to 64 letters, digits or `@._+-`.
            role: `read`, `operate` or `admin`.
            password_hash: Made by `smsline.passwords.hashed`; empty for a user that a trusted proxy
                signs in.

        Raises:
            BadInput: The name or the role cannot be.
            Conflict: There is such a user.
        """
        with reachable():
            users.add(self._ledger, name, role, password_hash)
        self._note("user.add", {"user": name, "role": role})

    def change_user(self, name: str, *, role: str = "", password_hash: str = "") -> None:
        """Change a user's role, password, or both; a new password ends the user's sessions.

        Raises:
            BadInput: There is no such role.
            NotFound: There is no such user.
        """
        with reachable():
            if role:
                users.set_role(self._ledger, name, role)
            if password_hash:
                users.set_password(self._ledger, name, password_hash)
        # Whether the password was changed, never to what.
        self._note("user.change", {"user": name, "role": role, "password": bool(password_hash)})

    def remove_user(self, name: str) -> None:
        """Remove a user; every session of theirs ends.

        Raises:
            NotFound: There is no such user.
        """
        with reachable():
            users.remove(self._ledger, name)
        self._note("user.remove", {"user": name})

    def api_keys(self) -> list[ListedKey]:
        """Keys of the HTTP API by name, the revoked ones too."""
        with reachable():
            return api_keys.listed(self._ledger)

    def create_api_key(self, name: str, **may: Unpack[KeyOptions]) -> str:
        """Make a key of the HTTP API.

        Args:
            name: Whose it is; no other key has it.
            **may: See `KeyOptions`.

        Returns:
            The key. It can never be shown again.

        Raises:
            BadInput: A value breaks its rule.
            Conflict: There is a key of this name.
        """
        with reachable():
            token = api_keys.create(self._ledger, name, **may)
        about: dict[str, str | float | list[str] | None] = {"key": name, "scopes": list(may.get("scopes", ()))}
        about |= {"lanes": list(may.get("lanes", ())), "templates": list(may.get("templates", ()))}
        about |= {"per_s": may.get("per_s") or None, "expires_s": may.get("expires_s") or None}
        self._note("key.create", about)
        return token

    def revoke_api_key(self, name: str) -> None:
        """End a key; the API refuses it within a second.

        Raises:
            NotFound: There is no such key.
        """
        with reachable():
            api_keys.revoke(self._ledger, name)
        self._note("key.revoke", {"key": name})

    def audit(self, *, who: str = "", act: str = "", limit: int = 50) -> Iterator[Act]:
        """What was done on the service, newest first.

        Args:
            who: Only what this user, key or account of the operating system did.
            act: Only acts whose name begins so: `job`, `dead.requeue`.
            limit: At most so many.
        """
        # Page by page and filtered here: the trail is a stream, which Redis reads by time alone.
        before = ""
        with reachable():
            while limit and (found := audit.acts(self._ledger, before=before, limit=500)):
                for each in found:
                    if limit and who in {"", each["who"]} and each["act"].startswith(act):
                        limit -= 1
                        yield each
                before = found[-1]["id"]
