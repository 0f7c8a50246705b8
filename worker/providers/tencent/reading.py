"""What comes out of Tencent's answers one field at a time: any value in; text, a whole number, an envelope or a list of rows out.

Nothing that arrives raises, and no field is trusted to be of its documented type.
"""

from typing import Any, Final, TypeAlias

import msgspec

from smsline.numbers import e164
from worker.providers.base import Broken, Refused
from worker.providers.cleaning import Clean
from worker.providers.tencent.spelling import received

LONGEST: Final = 512
"""Characters; SessionContext is the longest field of a send, under 512 bytes (Tencent SMS API document, line 3784)."""

Row: TypeAlias = dict[str, Any]


def text(value: object, longest: int = LONGEST) -> str:
    """A field documented as text, cut at the longest; empty for null and for what is no text or integer."""
    if isinstance(value, str):
        return value if len(value) <= longest else value[:longest]
    return str(value)[:longest] if isinstance(value, int) and not isinstance(value, bool) else ""


def word(value: object) -> str:
    """A field documented as text in which blanks around it mean nothing."""
    return text(value).strip()


def whole(value: object) -> int:
    """The value as a whole number, for fields documented as one; 0 for null, nonsense and what no counter holds."""
    if isinstance(value, str):
        value = int(value) if value.isascii() and value.isdigit() and len(value) < 16 else 0
    if not isinstance(value, (int, float)) or not 0 <= value < 1e15:
        return 0
    return int(value)


def signed(value: object) -> int | None:
    """A field documented as a whole number that may be below 0; None for anything else."""
    if isinstance(value, bool) or not isinstance(value, (int, str)):
        return None
    digits = str(value).strip()
    return int(digits) if digits.removeprefix("-").isdecimal() and digits.isascii() and len(digits) < 16 else None


def phone(row: Row) -> str:
    """The number of a row in E.164 where it can be read, else as it is written."""
    written = word(row.get("PhoneNumber"))
    number = received(written, word(row.get("CountryCode")), word(row.get("SubscriberNumber")))
    return written if number is None else e164(number)


def opened(body: bytes, *, clean: Clean) -> Row | Refused | Broken:
    """What stands in an answer's `Response`, or the error that stands there instead.

    Args:
        body: The answer's body.
        clean: Applied to the provider's message.
    """
    try:
        envelope = msgspec.json.decode(body)
    except (ValueError, RecursionError) as error:  # msgspec's errors and bad UTF-8 are ValueErrors
        return unreadable(f"{len(body)} bytes that are not JSON ({type(error).__name__})")
    response = envelope.get("Response") if isinstance(envelope, dict) else None
    if not isinstance(response, dict):
        return unreadable(f"{len(body)} bytes of JSON without a Response")
    said = response.get("Error")
    if isinstance(said, dict) and (code := word(said.get("Code"))):
        return Refused(code, clean(text(said.get("Message"))), text(response.get("RequestId")))
    return response


def row(response: Row, field: str) -> Row | Broken:
    """A field that holds one object."""
    found = response.get(field)
    return found if isinstance(found, dict) else unreadable(f"an answer with neither an Error nor an object {field}")


def rows(response: Row, field: str) -> list[Any] | Broken:
    """A field that holds a list; null is an empty one."""
    found = response.get(field, ...)
    if found is None:
        return []
    return found if isinstance(found, list) else unreadable(f"an answer with neither an Error nor a list {field}")


def unreadable(what: str) -> Broken:
    """An answer that says nothing that could be understood: the call may have been carried out."""
    return Broken(maybe_sent=True, code="http.NotJson", detail=f"the provider answered {what}")
