"""Users of the console: their roles, and their passwords as argon2 hashes."""

import json
import re
from dataclasses import dataclass
from secrets import token_hex
from typing import Final, Literal, TypeAlias, cast

from smsline.errors import BadInput, Conflict, NotFound
from smsline.ledger.jobs import iso
from smsline.ledger.link import Ledger

Role: TypeAlias = Literal["read", "operate", "admin"]

# Each may do what those before it may.
ROLES: Final[tuple[Role, ...]] = ("read", "operate", "admin")

_NAME: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9@._+-]{0,63}")


@dataclass(frozen=True, slots=True)
class User:
    """A person who may sign in.

    Attributes:
        name: What they call themselves.
        role: What they may do.
        password: The argon2 hash; empty for a user that a proxy signs in.
        epoch: Changes with the password, so that sessions from before end.
        since: When the password was set, ISO 8601.
    """

    name: str
    role: Role
    password: str
    epoch: str
    since: str | None


def may(role: str, wanted: Role) -> bool:
    """Whether a role includes another."""
    return role in ROLES and ROLES.index(role) >= ROLES.index(wanted)


def check_name(name: str) -> str:
    """The name, when it can be one.

    Raises:
        BadInput: It cannot.
    """
    if not _NAME.fullmatch(name):
        raise BadInput("name", name, "must be 1 to 64 letters, digits or @._+-, beginning with a letter or digit")
    return name


def check_role(role: str) -> Role:
    """The role, when there is such a one.

    Raises:
        BadInput: There is not.
    """
    if role not in ROLES:
        raise BadInput("role", role, f"must be one of {', '.join(ROLES)}")
    return role


def add(ledger: Ledger, name: str, role: str, password: str) -> None:
    """Add a user.

    Args:
        ledger: Where.
        name: Of 1 to 64 letters, digits or `@._+-`.
        role: One of `ROLES`.
        password: Its hash; empty for a user that a proxy signs in.

    Raises:
        BadInput: The name or the role cannot be.
        Conflict: There is such a user.
    """
    name, role = check_name(name), check_role(role)
    # NX, so that of two who add the same name at once one is told; the role is there before the
    # password, and a user without one cannot sign in.
    if not ledger.redis.hsetnx(ledger.keys.users, name, role):
        raise Conflict(f"there is a user {name}; change it with `smsline users set {name}`, or remove it first")
    set_password(ledger, name, password)


def set_role(ledger: Ledger, name: str, role: str) -> None:
    """Change what a user may do, from the next request on.

    Raises:
        NotFound: There is no such user.
    """
    _known(ledger, name)
    ledger.redis.hset(ledger.keys.users, name, check_role(role))


def set_password(ledger: Ledger, name: str, password: str) -> None:
    """Give a user another password, which ends every session of theirs.

    Raises:
        NotFound: There is no such user.
    """
    _known(ledger, name)
    # A new epoch ends every session: each holds the one that it began under.
    record = {"hash": password, "epoch": token_hex(8), "since_ms": ledger.now_ms()}
    ledger.redis.hset(ledger.keys.passwords, name, json.dumps(record))


def remove(ledger: Ledger, name: str) -> None:
    """Remove a user; every session of theirs ends.

    Raises:
        NotFound: There is no such user.
    """
    # Both or none: a password that stayed would be the next user's of that name.
    pipe = ledger.redis.pipeline(transaction=True)
    pipe.hdel(ledger.keys.users, name)
    pipe.hdel(ledger.keys.passwords, name)
    if not pipe.execute()[0]:
        raise NotFound(f"no user {name}; `smsline users list` has all")


def get(ledger: Ledger, name: str) -> User | None:
    """A user, or None when there is no such one."""
    pipe = ledger.redis.pipeline(transaction=False)
    pipe.hget(ledger.keys.users, name)
    pipe.hget(ledger.keys.passwords, name)
    role, record = pipe.execute()
    return None if role is None else _user(name, role, record)


def listed(ledger: Ledger) -> list[User]:
    """All users, by name."""
    roles = ledger.redis.hgetall(ledger.keys.users)
    records = ledger.redis.hgetall(ledger.keys.passwords)
    return [_user(name.decode(), roles[name], records.get(name)) for name in sorted(roles)]


def any_user(ledger: Ledger) -> bool:
    """Whether there is a user at all."""
    return bool(ledger.redis.exists(ledger.keys.users))


def _user(name: str, role: bytes, record: bytes | None) -> User:
    held = json.loads(record) if record else {}
    since = iso(held.get("since_ms"))
    return User(name, cast("Role", role.decode()), held.get("hash", ""), held.get("epoch", ""), since)


def _known(ledger: Ledger, name: str) -> None:
    if not ledger.redis.hexists(ledger.keys.users, name):
        raise NotFound(f"no user {name}; `smsline users list` has all")
