"""Times a person types: `2030-05-01T09:00` or `+10m` goes in, epoch seconds come out."""

import re
from datetime import datetime
from typing import Final

from smsline.errors import BadInput

_SECONDS: Final = {"s": 1.0, "m": 60.0, "h": 3600.0, "d": 86400.0}
_PART: Final = re.compile(r"(\d{1,9}(?:\.\d{1,3})?)([smhd])")
_FROM_NOW: Final = re.compile(rf"\+(?:{_PART.pattern})+")


def parse_at(text: str, *, now_s: float) -> float:
    """When a campaign is to start.

    Args:
        text: ISO 8601 (`2030-05-01T09:00`, `2030-05-01 09:00+08:00`; without an offset it is local time), or a time
            from now such as `+90s`, `+10m`, `+1h30m`, `+2d`.
        now_s: The present, epoch seconds.

    Returns:
        Epoch seconds.

    Raises:
        BadInput: Neither of them, or in the past.
    """
    wanted = text.strip()
    if _FROM_NOW.fullmatch(wanted):
        return now_s + sum(float(number) * _SECONDS[unit] for number, unit in _PART.findall(wanted))
    try:
        at_s = datetime.fromisoformat(wanted).timestamp()
    except (ValueError, OverflowError, OSError):
        raise BadInput("--at", text, "must be a time such as 2030-05-01T09:00 (local) or +10m") from None
    if at_s < now_s:
        raise BadInput("--at", text, "is in the past; leave it out to start at once")
    return at_s
