"""Read fields of providers' answers, one at a time.

Nothing that arrives raises, and no field is trusted to be of its documented type.
"""

import re
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta, timezone, tzinfo
from email.utils import parsedate_to_datetime
from typing import Any, Final, TypeAlias, TypeVar, get_type_hints

import msgspec

from worker.providers.base import Broken, Item, Receipt, ReceiptPage, Reply, ReplyPage
from worker.providers.cleaning import Clean

# Characters kept of a field. The longest that counts is Tencent's SessionContext, under 512 bytes
# (its document, line 3784).
LONGEST: Final = 512

Row: TypeAlias = dict[str, Any]

Held = TypeVar("Held", dict[str, Any], list[Any])
Made = TypeVar("Made")

# The zone of Tencent's and Alibaba's dates. It has had no summer time since 1991, so that eight
# hours are its whole rule.
BEIJING: Final = timezone(timedelta(hours=8))

# Only what people and systems put between digits; letters make it no number at all.
DECORATION: Final = re.compile(r"[\s().-]")
_E164: Final = re.compile(r"[1-9][0-9]{6,14}")

_FLAGS: Final = {"true": True, "1": True, "false": False, "0": False}


@dataclass(frozen=True, slots=True)
class Oddities:
    """What was left out of an answer to a send.

    Attributes:
        strangers: Items for numbers that were not in the call.
        repeats: Further items for a number that had one; the first counts.
        unreadable: Items without a number, or without a word on it.
    """

    strangers: int = 0
    repeats: int = 0
    unreadable: int = 0

    def __bool__(self) -> bool:
        return bool(self.strangers or self.repeats or self.unreadable)


def opened(body: bytes) -> Row | Broken:
    """The object in an answer's body."""
    try:
        found = msgspec.json.decode(body)
    except (ValueError, RecursionError) as error:  # msgspec's errors and bad UTF-8 are ValueErrors
        return unreadable(f"{len(body)} bytes that are not JSON ({type(error).__name__})")
    return found if isinstance(found, dict) else unreadable(f"{len(body)} bytes of JSON that are no object")


def unreadable(what: str) -> Broken:
    """An answer that says nothing that could be understood: the call may have been carried out."""
    # A server that answers something unreadable may have acted on the request before.
    return Broken(maybe_sent=True, code="http.NotJson", detail=f"the provider answered {what}")


def without_a_word(status: int, *, answered: bool = False) -> Broken:
    """A status other than 200 without an error of the provider's own.

    It comes from what stands in front of the provider: a 3xx or a 4xx has turned the request away,
    except 408, which waited for something; a 5xx may have let it through first.

    Args:
        status: The HTTP status.
        answered: Whether the body is the provider's all the same: then it is a riddle, and anything
            may have happened.
    """
    turned_away = 300 <= status < 500 and status != 408 and not answered
    detail = f"HTTP status {status} without an error of the provider's own"
    return Broken(maybe_sent=not turned_away, code=f"http.{status}", detail=detail)


def text(value: object, longest: int = LONGEST) -> str:
    """A field documented as text, cut at the longest; empty for what is no text or integer."""
    if isinstance(value, str):
        return value if len(value) <= longest else value[:longest]
    return str(value)[:longest] if isinstance(value, int) and not isinstance(value, bool) else ""


def word(value: object) -> str:
    """A field documented as text in which blanks around it mean nothing."""
    return text(value).strip()


def whole(value: object) -> int:
    """A count, written as a number or digits; 0 for null, nonsense and what no counter holds."""
    if isinstance(value, str):
        value = value.strip()
        value = int(value) if value.isascii() and value.isdigit() and len(value) < 16 else 0
    if isinstance(value, bool) or not isinstance(value, int | float) or not 0 <= value < 1e15:
        return 0
    return int(value)


def signed(value: object) -> int | None:
    """A field documented as a whole number that may be below 0; None for anything else."""
    digits = word(value)
    return int(digits) if digits.removeprefix("-").isdecimal() and digits.isascii() and len(digits) < 16 else None


def dated(value: object, zone: tzinfo) -> int:
    """Epoch seconds of a date, in ISO 8601 or as RFC 2822 has it; 0 for what is none.

    Args:
        value: As it came.
        zone: Of an ISO date that names none; without one a date of RFC 2822 is in UTC.
    """
    written = word(value)
    try:
        found = datetime.fromisoformat(written)
    except ValueError:
        try:
            found, zone = parsedate_to_datetime(written), UTC
        except (ValueError, TypeError, OverflowError):
            return 0
    return max(0, int((found if found.tzinfo else found.replace(tzinfo=zone)).timestamp()))


def number_of(written: str) -> int | None:
    """The number of digits with their country code, whatever stands between them; or None."""
    digits = DECORATION.sub("", written).removeprefix("+").removeprefix("00")
    return int(digits) if _E164.fullmatch(digits) else None


def flag(value: object) -> bool | None:
    """A yes or no, written as true, 1 or "1"; None for what is neither."""
    return _FLAGS.get(str(value).lower() if isinstance(value, bool) else word(value).lower())


def first(row: Mapping[str, Any], *names: str) -> Any:  # noqa: ANN401 - a field may hold anything
    """The first of these fields that is there and not null."""
    return next((row[name] for name in names if row.get(name) is not None), None)


def held(row: Row, name: str, kind: type[Held]) -> Held | Broken:
    """The object or list that an answer must have; a list that is null is an empty one."""
    found = row.get(name, ...)
    if found is None and kind is list:
        return kind()
    # A success without its object is no success: whether the action was carried out is then in
    # doubt.
    return found if isinstance(found, kind) else unreadable(f"neither an error nor the field {name}")


def words(value: object) -> str:
    """Reads, in `made`, a text of the provider's that is cleaned before it is kept."""
    return text(value)


def made(kind: type[Made], row: Row, clean: Clean = str) -> Made:
    """A dataclass of fields, each `Annotated[type, how it is read, *its names]`.

    The first of the names that is there and not null counts; without names the whole row is read.
    """
    values = []
    for hint in get_type_hints(kind, include_extras=True).values():
        read, *names = hint.__metadata__
        value = read(first(row, *names) if names else row)
        values.append(clean(value) if read is words else value)
    return kind(*values)


def items_of(
    listed: Iterable[object],
    numbers: Collection[int],
    *,
    spelled: Callable[[Row], str],
    asked: Callable[[str, Collection[int]], int | None],
    item: Callable[[Row, int], Item],
) -> tuple[tuple[Item, ...], Oddities]:
    """The items of an answer's rows, matched to the numbers by number, never by position.

    Args:
        listed: The rows.
        numbers: Of the call.
        spelled: The number in a row as it is written; empty for a row without one, or without a
            word on it.
        asked: Which of the numbers a written one means.
        item: Reads the row of a number.
    """
    known, found = frozenset(numbers), dict[int, Item]()
    strangers = repeats = spoilt = 0
    for row in listed:
        if not isinstance(row, dict) or not (written := spelled(row)):
            spoilt += 1
        elif (number := asked(written, known)) is None:
            strangers += 1
        elif number in found:
            repeats += 1
        else:
            found[number] = item(row, number)
    return tuple(found.values()), Oddities(strangers, repeats, spoilt)


def receipts_of(listed: Sequence[object], read: Callable[[Row], Receipt | str | None]) -> ReceiptPage:
    """The receipts of rows; without a value a row is bad, with a word only counted."""
    found = [read(row) if isinstance(row, dict) else None for row in listed]
    receipts = tuple(each for each in found if isinstance(each, Receipt))
    return ReceiptPage(receipts, bad_rows=found.count(None), rows=len(found))


def replies_of(listed: Sequence[object], read: Callable[[Row], Reply | None]) -> ReplyPage:
    """The replies of rows, and how many of them could not be read."""
    found = tuple(reply for row in listed if isinstance(row, dict) and (reply := read(row)))
    return ReplyPage(found, len(listed) - len(found))


def rows(value: object) -> list[Row] | None:
    """The objects of a list; None when it is no list."""
    return [row for row in value if isinstance(row, dict)] if isinstance(value, list) else None
