"""What signatures and templates have in common: the state of a review, the id of what was handed in, and what was deleted."""

from dataclasses import dataclass
from enum import StrEnum

from worker.providers import reading
from worker.providers.base import Broken, Refused
from worker.providers.reading import Row
from worker.providers.tencent import answers


class Review(StrEnum):
    """What became of a review: `StatusCode` (Tencent SMS API document, lines 4755 and 4769)."""

    APPROVED = "approved"
    PENDING = "pending"
    NOT_YET = "approved, not in effect yet"
    REJECTED = "rejected"
    UNKNOWN = "unknown"

    @classmethod
    def of(cls, code: object) -> "Review":
        """The state that a code stands for."""
        known = {0: cls.APPROVED, 1: cls.PENDING, 2: cls.NOT_YET, -1: cls.REJECTED}
        number = reading.signed(code)
        return cls.UNKNOWN if number is None else known.get(number, cls.UNKNOWN)


@dataclass(frozen=True, slots=True)
class Deleted:
    """Something was deleted: the provider's words, and when, epoch seconds."""

    status: str
    at_s: int


def ids_of(response: Row | Refused | Broken, field: str, name: str) -> int | Refused | Broken:
    """The id in an answer; it comes as text or as a number (Tencent SMS API document, lines 4689-4704 and 4786)."""
    if not isinstance(response, dict):
        return response
    row = answers.row(response, field)
    if isinstance(row, Broken):
        return row
    return reading.whole(row.get(name)) or reading.unreadable(f"{field} without a {name}")


def deleted_of(response: Row | Refused | Broken, field: str) -> Deleted | Refused | Broken:
    """What an answer says of what was deleted."""
    if not isinstance(response, dict):
        return response
    row = answers.row(response, field)
    if isinstance(row, Broken):
        return row
    return Deleted(reading.text(row.get("DeleteStatus")), reading.whole(row.get("DeleteTime")))
