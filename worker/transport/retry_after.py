"""What `Retry-After` asks for (RFC 9110, 10.2.3)."""

from collections.abc import Mapping
from email.utils import parsedate_to_datetime
from typing import Final

# A longer Retry-After is a mistake, or a person's matter.
LONGEST_WAIT_S: Final = 3600.0


def retry_after_s(headers: Mapping[str, str], *, now_s: float) -> float | None:
    """Seconds that `Retry-After` asks to wait; None without one that can be read."""
    value = next((value.strip() for name, value in headers.items() if name.lower() == "retry-after"), "")
    if value.isascii() and value.isdigit() and len(value) < 9:
        return min(float(value), LONGEST_WAIT_S)
    try:
        at_s = parsedate_to_datetime(value).timestamp()
    except (ValueError, TypeError, OverflowError):
        return None
    return min(max(at_s - now_s, 0.0), LONGEST_WAIT_S)
