"""Replies of people.

They are kept as long as results; what they say about the suppression list is done in the same step.
"""

import json
from collections.abc import Iterator
from hashlib import blake2b
from typing import Final, NamedTuple, TypedDict

from smsline.ledger.jobs import iso
from smsline.ledger.keys import Keys
from smsline.ledger.link import Ledger, argv
from smsline.ledger.suppression import LETTERS_OF_SCOPE, REPLY, Scope
from smsline.ledger.talk import Talk, ask, carry
from smsline.numbers import e164, same_phone

AT_ONCE: Final = 500


class KeptReply(TypedDict):
    """One reply. `does` is what was done.

    `stop` and `start` acted, `near` waits for a person, empty says nothing.
    """

    phone: str
    text: str
    account: str
    at: str | None
    received_at: str | None
    sign: str
    extend: str
    does: str
    scope: str
    word: str


class NewReply(NamedTuple):
    """A reply and what it says.

    Attributes:
        account: Through which it came.
        number: E.164 integer.
        text: What was written.
        at_s: When, by the provider, epoch seconds; 0 unknown.
        sign: Signature that was answered, or empty.
        extend: Number or extend code that was answered, or empty.
        does: `stop`, `start`, `near` or empty.
        scope: What a stop stops.
        word: The word of the table that was seen.
    """

    account: str
    number: int
    text: str
    at_s: int
    sign: str
    extend: str
    does: str
    scope: Scope | None
    word: str


def keep(ledger: Ledger, reply: NewReply, *, retention_ms: float) -> bool:
    """Keep a reply and do what it says; whether it is new.

    Pushed and pulled, and read again after a crash, it counts once.
    """
    now_ms = ledger.now_ms()
    facts = f"{reply.account} {reply.number} {reply.at_s} {reply.text}"
    phone = same_phone(reply.number)
    held = {**reply._asdict(), "received_ms": now_ms, "phone": phone}
    # A provider gives replies no id: the same words of the same number within
    # a second are one reply.
    acts = reply.does if reply.does in {"stop", "start"} else ""
    keys = ledger.keys
    return bool(
        ledger.run(
            "reply",
            [keys.replies, keys.replies_at, keys.suppressions, keys.replies_of, *keys.telling],
            argv(
                "reply",
                id=blake2b(facts.encode(), digest_size=12).hexdigest(),
                row=json.dumps(held, ensure_ascii=False, separators=(",", ":")),
                at_ms=now_ms,
                oldest_ms=round(now_ms - retention_ms),
                does=acts,
                number=phone,
                scope=LETTERS_OF_SCOPE[reply.scope or "marketing"],
                source=f"{REPLY} {reply.account}",
                reason=f"the word {reply.word}",
            ),
        )
    )


def since(ledger: Ledger, since_ms: float = 0) -> Iterator[KeptReply]:
    """Replies that came at that time or later, oldest first, streamed."""
    reader = ReplyReader(ledger.keys, since_ms)
    while (page := carry(ledger.redis, reader.page())) is not None:
        yield from page


class ReplyReader:
    """Reads replies page by page, oldest first, over whichever connection carries the talks.

    Args:
        keys: Names of the ledger's keys.
        since_ms: Epoch ms at which they came, or later.
    """

    def __init__(self, keys: Keys, since_ms: float = 0) -> None:
        self._keys, self._last = keys, since_ms
        self._seen = set[bytes]()

    def page(self) -> Talk[list[KeptReply] | None]:
        """The next ones; None when all were given."""
        # By time and not by rank: replies that come or go meanwhile move ranks. Those of the last
        # millisecond are asked for again with the next page, so they are remembered.
        limit = ("LIMIT", 0, AT_ONCE + len(self._seen))
        asked = ("ZRANGEBYSCORE", self._keys.replies_at, self._last, "+inf", "WITHSCORES", *limit)
        (found,) = yield from ask(asked)
        # The scores come in pairs, or as a flat list: it depends on the connection's protocol.
        pairs = (
            found if found and isinstance(found[0], list | tuple) else list(zip(found[::2], found[1::2], strict=True))
        )
        fresh = [(name, float(score)) for name, score in pairs if name not in self._seen]
        if not fresh:
            return None
        (texts,) = yield from ask(("HMGET", self._keys.replies, *(name for name, _ in fresh)))
        self._last = fresh[-1][1]
        self._seen = {name for name, score in pairs if float(score) == self._last}
        return [shown(json.loads(text)) for text in texts if text]


def newest(ledger: Ledger, *, before_ms: float = 0, limit: int = 100) -> list[KeptReply]:
    """The replies that came before a time (epoch ms; 0 is now), newest first."""
    top = f"({before_ms:.0f}" if before_ms else "+inf"
    names = ledger.redis.zrevrangebyscore(ledger.keys.replies_at, top, "-inf", start=0, num=limit)
    found = ledger.redis.hmget(ledger.keys.replies, names) if names else []
    return [shown(json.loads(held)) for held in found if held]


def of_number(ledger: Ledger, number: int) -> list[KeptReply]:
    """The replies of a number in any of its spellings, newest first."""
    names = (ledger.redis.hget(ledger.keys.replies_of, str(same_phone(number))) or b"").split()
    found = ledger.redis.hmget(ledger.keys.replies, names[::-1]) if names else []
    return [shown(json.loads(held)) for held in found if held]


def shown(held: dict[str, object]) -> KeptReply:
    """A reply as people see it, from how it is kept."""
    number, at_s, received_ms = held["number"], held["at_s"], held["received_ms"]
    return KeptReply(
        phone=e164(int(str(number))),
        text=str(held["text"]),
        account=str(held["account"]),
        at=iso(int(str(at_s)) * 1000),
        received_at=iso(int(str(received_ms))),
        sign=str(held["sign"]),
        extend=str(held["extend"]),
        does=str(held["does"]),
        scope=str(held["scope"] or ""),
        word=str(held["word"]),
    )
