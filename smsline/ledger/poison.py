"""Members of due sets that cannot be read.

They are set aside with the reason, so that they stop nothing else, and kept to be looked at.
"""

import json
import logging
import re
from collections.abc import Sequence
from typing import Final, TypedDict

from smsline.ledger.link import Ledger

# More than so many are not kept, only told in the log.
KEPT: Final = 1_000

log = logging.getLogger(__name__)

_JOB: Final = r"[a-z0-9]{1,40}"
_QUEUE: Final = r"[^| ]*(?:\|[^| ]*){5,6}"
_NUMBER: Final = r"[0-9]{1,20}"

# What a member of each kind of due set looks like.
_SHAPES: Final = {
    "later": re.compile(rf"{_QUEUE} {_JOB}\|{_NUMBER}\|[0-9,-]+"),
    "lease": re.compile(_NUMBER),
    "unsure": re.compile(_NUMBER),
    "probe": re.compile(rf"\S+ {_NUMBER}"),
    "drain": re.compile(r"\S+"),
    "credit": re.compile(r"\S+"),
    "stats": re.compile(r"\S+"),
    "pushed": re.compile(r"\S+"),
    "replies": re.compile(r"\S+"),
    "questions": re.compile(r"\S+ [0-9a-f]{16,24}"),
    "send": re.compile(_QUEUE),
    "inbox": re.compile(_JOB),
    "expire": re.compile(_JOB),
    "close": re.compile(rf"{_JOB}|hour:{_NUMBER}"),
    "webhooks": re.compile(r"outbox|to [a-z0-9][a-z0-9_-]{0,39}"),
}


class PoisonRecord(TypedDict):
    """What was set aside. `at_ms` is epoch ms."""

    where: str
    member: str
    why: str
    at_ms: int


def readable(ledger: Ledger, due_key: str, members: Sequence[bytes]) -> list[str]:
    """Those members of a due set that can be read; the others are set aside."""
    kind = due_key.removeprefix(ledger.keys.due("")).split(":")[0]
    good = []
    for member in members:
        text = member.decode("utf-8", "replace")
        if _SHAPES[kind].fullmatch(text):
            good.append(text)
        else:
            set_aside(ledger, due_key, member, f"no member of due:{kind} looks like this")
    return good


def set_aside(ledger: Ledger, due_key: str, member: bytes | str, why: str) -> None:
    """Take a member out of its due set and keep it with the reason."""
    # Shown by repr and cut: what could not be read may be anything, and stands in a log line.
    shown = repr(member)[:80]
    where = due_key.removeprefix(ledger.keys.prefix)
    kept = PoisonRecord(where=where, member=shown, why=why, at_ms=ledger.now_ms())
    if ledger.redis.hlen(ledger.keys.poison) < KEPT:
        ledger.redis.hset(ledger.keys.poison, f"{where} {shown}", json.dumps(kept))
    # Kept first: a process that dies in between leaves it in both places, which loses nothing.
    ledger.redis.zrem(due_key, member)
    log.error("%s: %s was set aside, because %s; `python -m worker check` shows it", where, shown, why)


def poisoned(ledger: Ledger) -> list[PoisonRecord]:
    """Everything that was set aside."""
    return [json.loads(text) for text in ledger.redis.hvals(ledger.keys.poison)]
