"""Keys of the HTTP API: random tokens of which only a digest is kept, with what each may do.

A key's record never changes once it is written; that it is revoked, and when it was used last,
stands beside it.
"""

import json
import re
import time
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from hashlib import sha256
from secrets import token_urlsafe
from typing import Final, Literal, TypeAlias, TypedDict, Unpack

from smsline.errors import BadInput, Conflict, NotFound
from smsline.ledger.jobs import iso
from smsline.ledger.link import Ledger
from smsline.names import LANES

Scope: TypeAlias = Literal["send", "read", "operate"]

SCOPES: Final[tuple[Scope, ...]] = ("send", "read", "operate")

# What a key begins with, so that one that leaked is found by a search.
PREFIX: Final = "sl_live_"

MOST_PER_S: Final = 100_000
RATE_TTL_S: Final = 3

_NAME: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9@._+-]{0,63}")


@dataclass(frozen=True, slots=True, kw_only=True)
class ApiKey:
    """What a key may do.

    Attributes:
        name: Whose it is; stands in the audit trail.
        scopes: `send`, `read`, `operate`.
        lanes: Lanes it may send in; empty: all.
        templates: Templates it may send; empty: all.
        per_s: Requests a second; 0: any number.
        created_ms: When it was made, epoch ms.
        expires_ms: When it ends, epoch ms; 0: never.
        tail: Its last four characters, to tell keys apart.
    """

    name: str
    scopes: tuple[str, ...]
    lanes: tuple[str, ...] = ()
    templates: tuple[str, ...] = ()
    per_s: int = 0
    created_ms: int = 0
    expires_ms: int = 0
    tail: str = ""


@dataclass(frozen=True, slots=True)
class ListedKey:
    """A key as it is shown.

    What it may do, its digest, and ISO 8601 times of its revocation and last use, if any.
    """

    key: ApiKey
    digest: str
    revoked_at: str | None
    used_at: str | None


class KeyOptions(TypedDict, total=False):
    """What a new key may do.

    Attributes:
        scopes: At least one of `SCOPES`.
        lanes: Lanes it may send in; none: all.
        templates: Templates it may send; none: all.
        per_s: Requests a second; 0: any number.
        expires_s: Seconds until it ends; 0: never.
    """

    scopes: Sequence[str]
    lanes: Sequence[str]
    templates: Sequence[str]
    per_s: int
    expires_s: float


def create(ledger: Ledger, name: str, **may: Unpack[KeyOptions]) -> str:
    """Make a key.

    Args:
        ledger: Where.
        name: Of 1 to 64 letters, digits or `@._+-`; no other key has it.
        **may: See `KeyOptions`.

    Returns:
        The key. It can never be shown again.

    Raises:
        BadInput: A value breaks its rule.
        Conflict: There is a key of this name.
    """
    scopes, lanes, per_s, expires_s = (
        may.get("scopes", ()),
        may.get("lanes", ()),
        may.get("per_s", 0),
        may.get("expires_s", 0.0),
    )
    if not _NAME.fullmatch(name):
        raise BadInput("name", name, "must be 1 to 64 letters, digits or @._+-, beginning with a letter or digit")
    _among("scope", scopes, SCOPES)
    _among("lanes", lanes, LANES)
    if not scopes:
        raise BadInput("scope", "", f"give at least one of {', '.join(SCOPES)}")
    if not 0 <= per_s <= MOST_PER_S:
        raise BadInput("per_s", per_s, f"must be 0 to {MOST_PER_S}")
    token, now_ms = PREFIX + token_urlsafe(32), ledger.now_ms()
    key = ApiKey(
        name=name,
        scopes=tuple(dict.fromkeys(scopes)),
        lanes=tuple(dict.fromkeys(lanes)),
        templates=tuple(dict.fromkeys(may.get("templates", ()))),
        per_s=per_s,
        created_ms=now_ms,
        expires_ms=int(now_ms + expires_s * 1000) if expires_s else 0,
        tail=token[-4:],
    )
    # The name first, and only if it is free: it stays taken for good, because the audit
    # trail knows a key by it.
    if not ledger.redis.hsetnx(ledger.keys.api_key_names, name, digest(token)):
        raise Conflict(f"there is an API key {name}; choose another name")
    ledger.redis.hset(ledger.keys.api_keys, digest(token), json.dumps(asdict(key)))
    return token


def find(ledger: Ledger, token_digest: str) -> ApiKey | None:
    """The key of a token that is valid now, or None."""
    # Two questions in one round trip: what is revoked stands apart, so that the record
    # of a key never changes.
    pipe = ledger.redis.pipeline(transaction=False)
    pipe.hget(ledger.keys.api_keys, token_digest)
    pipe.hexists(ledger.keys.api_keys_revoked, token_digest)
    record, revoked = pipe.execute()
    key = None if record is None or revoked else _key(record)
    return None if key is None or (key.expires_ms and key.expires_ms <= ledger.now_ms()) else key


def listed(ledger: Ledger) -> list[ListedKey]:
    """All keys by name, the revoked ones too: the audit trail speaks of them."""
    keys = ledger.keys
    pipe = ledger.redis.pipeline(transaction=False)
    for name in (keys.api_keys, keys.api_keys_revoked, keys.api_keys_used):
        pipe.hgetall(name)
    records, revoked, used = pipe.execute()
    found = [
        ListedKey(_key(record), of.decode(), iso(float(revoked.get(of, 0))), iso(float(used.get(of, 0))))
        for of, record in records.items()
    ]
    return sorted(found, key=lambda each: each.key.name)


def revoke(ledger: Ledger, name: str) -> None:
    """End a key; every web process follows within a second. Its name stays taken.

    Raises:
        NotFound: There is no such key.
    """
    of = ledger.redis.hget(ledger.keys.api_key_names, name)
    if of is None:
        raise NotFound(f"no API key {name}; `smsline keys list` has all")
    # NX: revoked twice, it keeps the time of the first.
    ledger.redis.hsetnx(ledger.keys.api_keys_revoked, of, ledger.now_ms())


def note_use(ledger: Ledger, token_digest: str) -> None:
    """Remember that a key was used now."""
    ledger.redis.hset(ledger.keys.api_keys_used, token_digest, ledger.now_ms())


def within_rate(ledger: Ledger, token_digest: str, per_s: int) -> bool:
    """Count a request of a key, over all web processes: is it within its rate in this second?"""
    counter = ledger.keys.api_rate(token_digest, int(time.time()))
    pipe = ledger.redis.pipeline(transaction=True)
    # By this machine's clock, which saves a question; machines whose clocks differ count
    # the same second apart.
    pipe.incr(counter)
    pipe.expire(counter, RATE_TTL_S)
    return bool(pipe.execute()[0] <= per_s)


def digest(token: str) -> str:
    """What is kept in the place of a token. A plain hash will do: 256 bits cannot be guessed."""
    return sha256(token.encode()).hexdigest()


def _key(record: bytes) -> ApiKey:
    held = json.loads(record)
    for name in ("scopes", "lanes", "templates"):
        held[name] = tuple(held[name])
    return ApiKey(**held)


def _among(field: str, values: Sequence[str], known: Sequence[str]) -> None:
    for value in values:
        if value not in known:
            raise BadInput(field, value, f"must be one of {', '.join(known)}")
