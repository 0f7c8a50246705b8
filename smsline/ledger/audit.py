"""The audit trail: every act of a person or a program, by page, command line or API."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final, Literal, TypeAlias, TypedDict

from smsline.ledger.jobs import iso
from smsline.ledger.link import Ledger

# The newest acts; some 20 MB.
KEPT_ACTS: Final = 100_000

How: TypeAlias = Literal["page", "cli", "api", "worker"]
About: TypeAlias = Mapping[str, str | int | float | bool | list[str] | None]


@dataclass(frozen=True, slots=True)
class Actor:
    """Who acts.

    Attributes:
        who: The user, the API key's name, or the account of the operating system.
        how: By which way.
        where: The address, or the machine.
    """

    who: str
    how: How
    where: str


class Act(TypedDict):
    """One entry.

    `about` is the filter or the thing that was acted on, `count` how many recipients or numbers it
    touched.
    """

    id: str
    at: str | None
    who: str
    how: str
    where: str
    act: str
    about: dict[str, Any]
    count: int | None


def note(ledger: Ledger, actor: Actor | None, act: str, about: About, *, count: int | None = None) -> None:
    """Write one act down; without an actor there is nothing to write.

    Args:
        ledger: Where.
        actor: Who did it.
        act: What, such as `job.pause`.
        about: On what; no secrets, numbers masked. Empty values are left out.
        count: How many recipients or numbers it touched, if it is about such.
    """
    if actor is None:
        return
    told = {name: value for name, value in about.items() if value not in ("", None, [])}
    fields = {
        "who": actor.who,
        "how": actor.how,
        "where": actor.where,
        "act": act,
        "about": json.dumps(told, ensure_ascii=False),
        "count": "" if count is None else count,
    }
    # Approximate: Redis cuts whole nodes of the stream, so that an entry costs no
    # more than its own write.
    ledger.redis.xadd(ledger.keys.audit, fields, maxlen=KEPT_ACTS, approximate=True)


def acts(ledger: Ledger, *, before: str = "", limit: int = 50) -> list[Act]:
    """The newest acts, newest first.

    Args:
        ledger: Where.
        before: The id of the act that the last page ended with.
        limit: At most so many.
    """
    found = ledger.redis.xrevrange(ledger.keys.audit, max=f"({before}" if before else "+", count=limit)
    shown = list[Act]()
    for name, fields in found:
        held = {field.decode(): value.decode() for field, value in fields.items()}
        act = Act(
            id=name.decode(),
            at=iso(int(name.partition(b"-")[0])),  # a stream's id begins with the millisecond of Redis' clock
            who=held["who"],
            how=held["how"],
            where=held["where"],
            act=held["act"],
            about=json.loads(held["about"]),
            count=int(held["count"]) if held["count"] else None,
        )
        shown.append(act)
    return shown
