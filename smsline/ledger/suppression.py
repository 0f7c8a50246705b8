"""The suppression list: which numbers must not be texted, in which lanes, and why.

It is looked at right before every call.
"""

from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Final, Literal, NamedTuple, TypeAlias, TypeVar, get_args

from smsline.errors import BadInput
from smsline.ledger.link import Ledger, Value, argv
from smsline.numbers import same_phone

T = TypeVar("T")

# What is stopped: advertisements; notices too; everything, one-time passwords too.
Scope: TypeAlias = Literal["marketing", "notify", "all"]

SCOPES: Final[tuple[Scope, ...]] = get_args(Scope)

PERSON: Final = "person"
CODE: Final = "code"
REPLY: Final = "reply"

# Kinds of source, the first word of `Suppression.source`; a number has one entry of each at most.
_KINDS: Final = (PERSON, CODE, REPLY)

AT_ONCE: Final = 1_000
_ADOPTED: Final = ("person before scopes", "on the list before it had scopes")
_LONGEST: Final = 200
LETTERS_OF_SCOPE: Final[dict[Scope, str]] = {"marketing": "m", "notify": "n", "all": "a"}
# Lane to the scopes that stop it; `begin.lua` has the same table.
_STOPPING: Final = {"marketing": "mna", "notify": "na", "otp": "a"}
BY_LETTER: Final[dict[str, Scope]] = {letter: scope for scope, letter in LETTERS_OF_SCOPE.items()}


class Suppression(NamedTuple):
    """One entry of the list.

    Attributes:
        number: E.164 integer.
        scope: What is stopped.
        source: From where: `person`, `code` or `reply`, and more words about it.
        reason: Why.
        at_ms: When it was put there, epoch ms; 0 for now.
    """

    number: int
    scope: Scope = "all"
    source: str = PERSON
    reason: str = ""
    at_ms: int = 0


def check_scope(scope: str) -> Scope:
    """The scope, when it is one.

    Raises:
        BadInput: It is none.
    """
    for known in SCOPES:
        if scope == known:
            return known
    raise BadInput("scope", scope, f"must be one of {', '.join(SCOPES)}")


def add(ledger: Ledger, entries: Iterable[Suppression]) -> int:
    """Put numbers on the list.

    An entry is widened and never narrowed: `marketing` said of a number that a person has put there
    with `all` changes nothing.

    Args:
        ledger: Where.
        entries: What to put there. When they end in an error, those before it are on the list.

    Returns:
        How many entries are new or wider than before.
    """

    def put(some: Sequence[Suppression]) -> int:
        """One piece of them; a list may be longer than one script should take."""
        facts: list[Value] = []
        for each in some:
            source, letter = _tidy(each.source), LETTERS_OF_SCOPE[each.scope]
            # Another list's own words for its source become a person's: that kind is
            # never taken off by a reply.
            if source.partition(" ")[0] not in _KINDS:
                source = f"{PERSON} {source}".strip()
            number, at_ms, reason = same_phone(each.number), each.at_ms or "", _tidy(each.reason)
            facts += argv("suppress", number=number, scope=letter, at_ms=at_ms, source=source, reason=reason)
        return int(ledger.run("suppress", [ledger.keys.suppressions, *ledger.keys.telling], facts))

    adopt(ledger)
    return _in_pieces(entries, put)


def _tidy(text: str) -> str:
    """A text as one short line: lines and tabs divide the entries."""
    return " ".join(text.split())[:_LONGEST]


def remove(ledger: Ledger, numbers: Iterable[int], *, source: str = "") -> int:
    """Take numbers off the list.

    Args:
        ledger: Where.
        numbers: Which. When they end in an error, those before it are off the list.
        source: Only what this kind of source has put there; empty for all of it.

    Returns:
        How many numbers had something taken off.
    """
    adopt(ledger)
    return _in_pieces(
        numbers,
        lambda some: int(ledger.run("unsuppress", [ledger.keys.suppressions], [source, *map(same_phone, some)])),
    )


def count(ledger: Ledger) -> int:
    """How many numbers are on the list."""
    adopt(ledger)
    return int(ledger.redis.hlen(ledger.keys.suppressions))


def of_number(ledger: Ledger, number: int) -> list[Suppression]:
    """What is on the list about a number, the widest scope first."""
    adopt(ledger)
    held = ledger.redis.hget(ledger.keys.suppressions, str(same_phone(number)))
    return _read(number, held) if held else []


def count_stopped(ledger: Ledger, numbers: Sequence[int], lane: str) -> int:
    """How many of the numbers would not be texted in a lane."""
    adopt(ledger)
    if not numbers:
        return 0
    held = ledger.redis.hmget(ledger.keys.suppressions, [str(same_phone(number)) for number in numbers])
    stopping = _STOPPING[lane]
    return sum(any(line[:1] in stopping for line in each.decode().split("\n")) for each in held if each)


def listed(ledger: Ledger) -> Iterator[Suppression]:
    """Every entry, in no order, streamed; one may come twice while the list is changed."""
    adopt(ledger)
    for number, held in ledger.redis.hscan_iter(ledger.keys.suppressions, count=AT_ONCE):
        yield from _read(int(number), held)


def _read(number: int, held: bytes) -> list[Suppression]:
    parts = [line.split("\t", 3) for line in held.decode().split("\n")]
    return [
        Suppression(number, BY_LETTER[letter], source, reason, int(at_ms)) for letter, at_ms, source, reason in parts
    ]


def adopt(ledger: Ledger) -> None:
    """Move what is on the list as it was before it had scopes.

    See docs/decisions/0019-suppression-has-a-scope.md.
    """
    keys = ledger.keys
    while ledger.redis.exists(keys.suppressed):
        ledger.run("adopt_suppressed", [keys.suppressions, keys.suppressed], [AT_ONCE, *_ADOPTED])


def _in_pieces(whole: Iterable[T], change: Callable[[list[T]], int]) -> int:
    changed, some = 0, list[T]()
    try:
        for one in whole:
            some.append(one)
            if len(some) == AT_ONCE:
                piece, some = some, []
                changed += change(piece)
    finally:
        # When the input breaks off, what came before is done all the same, as the callers promise.
        if some:
            changed += change(some)
    return changed
