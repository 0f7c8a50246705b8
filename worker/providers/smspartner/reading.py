"""SMSPartner's JSON, whatever its mood: bytes in, plain fields out. Nothing that arrives raises.

The same thing has several names and kinds on this wire: message_id, messageId and msgId, a number or text; statut and
status; errors and error; a date as epoch text or as a date without a zone.
"""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any, Final, TypeAlias
from zoneinfo import ZoneInfo

import msgspec

from worker.providers.base import Broken

Row: TypeAlias = Mapping[str, Any]

_LONGEST: Final = 512
_FLAGS: Final = {"true": True, "1": True, "false": False, "0": False}
_ZONE: Final = ZoneInfo("Europe/Paris")
"""Of dates without one; the pages name none, the provider and its voice answers are there."""


def opened(body: bytes) -> Row | Broken:
    """The object in an answer's body; what cannot be read may have been carried out."""
    try:
        found = msgspec.json.decode(body)
    except (ValueError, RecursionError) as error:  # msgspec's errors and bad UTF-8 are ValueErrors
        return unreadable(f"{len(body)} bytes that are not JSON ({type(error).__name__})")
    return found if isinstance(found, dict) else unreadable(f"{len(body)} bytes of JSON that are no object")


def unreadable(what: str) -> Broken:
    """An answer that says nothing."""
    return Broken(maybe_sent=True, code="http.NotJson", detail=f"the provider answered {what}")


def field(row: Row, *names: str) -> Any:  # noqa: ANN401 - a field may hold anything
    """The first of these fields that is there and not null."""
    return next((row[name] for name in names if row.get(name) is not None), None)


def text(value: object) -> str:
    """A field documented as text or a number, trimmed and cut at the longest; empty for what is neither."""
    if isinstance(value, bool) or not isinstance(value, (str, int)):
        return ""
    return str(value)[:_LONGEST].strip()


def flag(value: object) -> bool | None:
    """A yes or no, written as true, 1 or "1"; None for what is neither."""
    return _FLAGS.get(text(value).lower() if not isinstance(value, bool) else str(value).lower())


def whole(value: object) -> int:
    """A count, written as a number or digits; 0 for null, nonsense and what no counter holds."""
    if isinstance(value, str):
        value = int(value) if value.isascii() and value.isdigit() and len(value) < 16 else 0
    if isinstance(value, bool) or not isinstance(value, (int, float)) or not 0 <= value < 1e15:
        return 0
    return int(value)


def moment(value: object) -> int:
    """Epoch seconds of a date, written as epoch or as `2015-02-07 22:39:46` in French time; 0 when it is none."""
    if seconds := whole(value):
        return seconds
    try:
        found = datetime.fromisoformat(text(value))
    except ValueError:
        return 0
    return max(0, int((found if found.tzinfo else found.replace(tzinfo=_ZONE)).timestamp()))


def rows(value: object) -> Sequence[Row] | None:
    """The objects of a list; None when it is no list."""
    return [row for row in value if isinstance(row, dict)] if isinstance(value, list) else None
