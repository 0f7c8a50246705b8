"""A Tencent account besides its messages: templates, signatures, replies, counts by the hour.

All of it is in memory.
"""

import re
from collections import defaultdict, deque
from itertools import count, islice
from typing import Final

from msgspec import Struct

_FIRST_TEMPLATE: Final = 2_000_001
_FIRST_SIGN: Final = 500_001
HOUR_MS: Final = 3_600_000


# A place for a value in a template's text.
PLACE: Final = re.compile(r"\{([^{}]*)\}")


def places_of(content: str) -> int:
    """How many values a template's text takes."""
    return len(set(PLACE.findall(content)))


class ReviewedEntry(Struct):
    """A template or a signature.

    Attributes:
        id: Its id.
        name: What it is called; a signature's own text.
        international: 0 for mainland numbers, 1 for global ones.
        status: 0 approved, 1 pending, 2 approved and not in effect, -1 rejected.
        created_s: Epoch seconds.
        content: A template's text.
        reply: The reviewer's words.
    """

    id: int
    name: str
    international: int
    status: int
    created_s: int
    content: str = ""
    reply: str = ""


class PersonReply(Struct, frozen=True):
    """A message from a person: E.164 integer, text, what was answered, epoch seconds."""

    number: int
    text: str
    sign: str
    extend: str
    at_s: int


class BookCounts(Struct):
    """Messages of one hour: submitted, accepted, and billable parts of the accepted."""

    submitted: int = 0
    accepted: int = 0
    fee: int = 0


class Replies:
    """Replies of one app: a queue that gives each once, and a history that keeps them."""

    def __init__(self) -> None:
        self.queue: deque[PersonReply] = deque()
        self.history: defaultdict[int, list[PersonReply]] = defaultdict(list)

    def add(self, reply: PersonReply) -> None:
        """A person has replied."""
        self.queue.append(reply)
        self.history[reply.number].append(reply)

    def take(self, limit: int) -> list[PersonReply]:
        """The next replies; they are gone from the queue afterwards."""
        return [self.queue.popleft() for _ in range(min(limit, len(self.queue)))]

    def about(self, number: int, *, begin_s: int, end_s: int, limit: int) -> list[PersonReply]:
        """Replies of a number between two epoch seconds, newest first, off no queue."""
        found = (one for one in reversed(self.history.get(number, [])) if begin_s <= one.at_s <= end_s)
        return list(islice(found, limit))


class Book:
    """All of one world: templates and signatures by key, replies and counts by app."""

    def __init__(self) -> None:
        self.templates: defaultdict[str, dict[int, ReviewedEntry]] = defaultdict(dict)
        self.signs: defaultdict[str, dict[int, ReviewedEntry]] = defaultdict(dict)
        self.deleted: set[int] = set()
        self.replies: defaultdict[str, Replies] = defaultdict(Replies)
        self.to_push: defaultdict[str, deque[PersonReply]] = defaultdict(deque)
        self.conversions: dict[str, int] = {}
        self._counts: defaultdict[tuple[str, int], BookCounts] = defaultdict(BookCounts)
        # Never given twice, not even after a deletion: a job that names a deleted template must not
        # find another one.
        self._template_ids = count(_FIRST_TEMPLATE)
        self._sign_ids = count(_FIRST_SIGN)

    def add_template(self, key: str, made: ReviewedEntry) -> int:
        """Keep a template under an id of its own."""
        made.id = next(self._template_ids)
        self.templates[key][made.id] = made
        return made.id

    def add_sign(self, key: str, made: ReviewedEntry) -> int:
        """Keep a signature under an id of its own."""
        made.id = next(self._sign_ids)
        self.signs[key][made.id] = made
        return made.id

    def template(self, template: str) -> ReviewedEntry | None:
        """The template with this id, whosever it is."""
        # Jobs name templates by any text; ids of the provider's are digits.
        if not template.isdecimal():
            return None
        return next((held[int(template)] for held in self.templates.values() if int(template) in held), None)

    def withheld(self, template: str) -> bool:
        """Whether a template was added and is not approved, or was deleted."""
        return int(template) in self.deleted or self.template(template) is not None

    def sign(self, name: str) -> ReviewedEntry | None:
        """A signature of this name, an approved one first."""
        # By name and not by key: a send names a signature, and whose it is follows from the key
        # that signs.
        named = [one for held in self.signs.values() for one in held.values() if one.name == name]
        return min(named, key=lambda one: abs(one.status), default=None)

    def count(self, app: str, at_ms: int, *, submitted: int, fees: list[int]) -> None:
        """Count a send: the numbers it named, and the fee of each that was accepted."""
        counts = self._counts[app, at_ms // HOUR_MS]
        counts.submitted += submitted
        counts.accepted += len(fees)
        counts.fee += sum(fees)

    def counts(self, app: str, first_hour: int, last_hour: int) -> BookCounts:
        """The sum over hours since the epoch, the last one included."""
        total = BookCounts()
        for (owner, hour), counts in self._counts.items():
            if owner == app and first_hour <= hour <= last_hour:
                total.submitted += counts.submitted
                total.accepted += counts.accepted
                total.fee += counts.fee
        return total
