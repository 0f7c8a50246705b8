"""Arguments of actions, checked before a call is made; an error names field and rule."""

from collections.abc import Sequence
from datetime import datetime
from typing import Final
from zoneinfo import ZoneInfo

from smsline.errors import BadInput

ZONE: Final = ZoneInfo("Asia/Shanghai")
"""Whose hours the provider's statistics are taken to be in; the document does not say."""

IDS_AT_ONCE: Final = 100
"""Ids, or rows, in one list (Tencent SMS API document, lines 3493 and 4442; the official SDK's models say the same)."""


def filled(field: str, value: str) -> str:
    """Text without blanks around it.

    Raises:
        BadInput: Nothing is left of it.
    """
    if not (found := value.strip()):
        raise BadInput(field, value, "is empty")
    return found


def positive(field: str, value: int) -> int:
    """A whole number from 1 up, as ids are.

    Raises:
        BadInput: It is not.
    """
    if isinstance(value, bool) or value < 1:
        raise BadInput(field, value, "must be a whole number from 1 up")
    return value


def page(field: str, ids: Sequence[int], *, limit: int, offset: int) -> dict[str, object]:
    """The parameters that say which rows of a list are wanted: some by their ids, or a page of all.

    Raises:
        BadInput: Too many ids, an id that cannot be one, or a page that cannot be.
    """
    # Limit and Offset count only where the list of ids is empty (document, lines 4441-4442), so one
    # of the two is sent.
    if len(ids) > IDS_AT_ONCE:
        raise BadInput(field, len(ids), f"at most {IDS_AT_ONCE} at once")
    if ids:
        return {field: [positive(field, one) for one in ids]}
    if not 1 <= limit <= IDS_AT_ONCE:
        raise BadInput("limit", limit, f"must be 1 to {IDS_AT_ONCE}")
    if offset < 0:
        raise BadInput("offset", offset, "must be 0 or more")
    return {"Limit": limit, "Offset": offset}


def hour(field: str, at: datetime) -> str:
    """`yyyymmddhh` of the hour that a time lies in, by the provider's clock.

    Raises:
        BadInput: The time has no zone, so its hour is not known.
    """
    if at.tzinfo is None:
        raise BadInput(field, at.isoformat(), "must have a time zone")
    # Converted and not just printed: the hour of a time in another zone is another hour there.
    return at.astimezone(ZONE).strftime("%Y%m%d%H")


def scope(international: bool) -> int:  # noqa: FBT001 - the one thing it is told
    """`International`: 0 for mainland China, 1 for all other countries."""
    return int(international)
