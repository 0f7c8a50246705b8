"""Times a person types, `2030-05-01T09:00` or `+10m`, as epoch seconds.

And how such a time is said.
"""

import re
from datetime import UTC, datetime, timedelta
from typing import Final

from smsline.errors import BadInput

_SECONDS: Final = {"s": 1.0, "m": 60.0, "h": 3600.0, "d": 86400.0}
_PART: Final = re.compile(r"(\d{1,9}(?:\.\d{1,3})?)([smhd])")
_FROM_NOW: Final = re.compile(rf"\+(?:{_PART.pattern})+")


def parse_at(text: str, *, now_s: float) -> float:
    """When a campaign is to start.

    Args:
        text: ISO 8601 (`2030-05-01T09:00`, `2030-05-01 09:00+08:00`; without an offset it is local
            time), or a time from now such as `+90s`, `+10m`, `+1h30m`, `+2d`.
        now_s: The present by Redis, epoch seconds.

    Returns:
        Epoch seconds, of a part of a second the next whole one, as the job then says it.

    Raises:
        BadInput: Neither of them, in the past, too far away, or a local time that does not exist or
            exists twice.
    """
    from smsline.job_values import start  # noqa: PLC0415 - takes longer to load than --help to print

    at_s = _at_s(text.strip(), now_s)
    try:
        return start({"start_s": at_s}, now_s)
    except BadInput as error:
        raise BadInput("--at", text, error.rule) from None  # as it was written


def _at_s(text: str, now_s: float) -> float:
    if _FROM_NOW.fullmatch(text):
        return now_s + sum(float(number) * _SECONDS[unit] for number, unit in _PART.findall(text))
    try:
        at = datetime.fromisoformat(text)
        at_s = at.timestamp()
        other = at.replace(fold=1).timestamp()  # the other reading of a time that is there twice, or not at all
    except (ValueError, OverflowError, OSError):
        raise BadInput("--at", text, f"must be a time such as {example_at()} (local) or +10m") from None
    if at.tzinfo is None and other != at_s:
        # Before a change the clock's earlier offset holds, after it the later one: both are a right
        # reading, of two moments.
        is_twice = local(at_s).replace(tzinfo=None) == at
        rule = "is there twice, as clocks are put back" if is_twice else "does not exist, as clocks are put forward"
        early, late = sorted((at_s, other))
        raise BadInput("--at", text, f"{rule}; write {local(early).isoformat()} or {local(late).isoformat()}")
    if at_s < now_s:
        raise BadInput("--at", text, f"is in the past ({said(at_s)}); leave it out to start at once")
    return at_s


def span_s(text: str) -> int | None:
    """`90d`, `12h`, `30m` or `45s` in seconds; None for anything else."""
    found = re.fullmatch(r"(\d{1,6})([smhd])", text.strip())
    return int(int(found[1]) * _SECONDS[found[2]]) if found else None


def since_s(text: str, *, now_s: float) -> float:
    """Epoch seconds of a time or of so long ago; 0 for an empty text.

    Raises:
        BadInput: It is neither.
    """
    if not text:
        return 0.0
    if (ago_s := span_s(text.strip().removeprefix("-"))) is not None:
        return now_s - ago_s
    try:
        # Without an offset it is local time: a person types what the clock on the wall shows.
        return datetime.fromisoformat(text).timestamp()
    except ValueError:
        raise BadInput("--since", text, "must be an ISO 8601 time, or so long ago: 30m, 24h, 7d") from None


def local(at_s: float) -> datetime:
    """The moment by the clock of this machine, with its offset."""
    return datetime.fromtimestamp(at_s, UTC).astimezone()


def said(at_s: float) -> str:
    """`2030-05-01T09:00:00+08:00 (CST)`: a moment with its offset and zone."""
    moment = local(at_s)
    return f"{moment.isoformat(timespec='seconds')} ({moment.tzname()})"


def example_at() -> str:
    """Nine o'clock tomorrow: a time that can be typed."""
    return f"{datetime.now(UTC).astimezone() + timedelta(days=1):%Y-%m-%d}T09:00"
