"""What signatures and templates have in common: the state of a review, the id of what was handed in, and what was deleted."""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum

from worker.providers import reading
from worker.providers.base import Broken, Refused
from worker.providers.tencent.api import Api


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
class Deletion:
    """Something was deleted: the provider's words, and when, epoch seconds."""

    status: str
    at_s: int


def submit(api: Api, action: str, params: Mapping[str, object], *, field: str, name: str) -> int | Refused | Broken:
    """Hand something in; its id comes as text or as a number (Tencent SMS API document, lines 4689-4704 and 4786)."""
    row = api.row(action, params, field)
    if not isinstance(row, dict):
        return row
    return reading.whole(row.get(name)) or reading.unreadable(f"{field} without a {name}")


def remove(api: Api, action: str, params: Mapping[str, object], *, field: str) -> Deletion | Refused | Broken:
    """Delete something."""
    row = api.row(action, params, field)
    if not isinstance(row, dict):
        return row
    return Deletion(reading.text(row.get("DeleteStatus")), reading.whole(row.get("DeleteTime")))
