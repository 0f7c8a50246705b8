"""Positions within a block as text and back: `0-4,7` for [0, 1, 2, 3, 4, 7].

Entries, too, which name a job, a block and positions.
"""

from collections.abc import Iterable
from typing import NamedTuple


class Entry(NamedTuple):
    """Recipients of one block that wait, or are tried, together.

    Attributes:
        job: Job id.
        block: Block id.
        runs: Positions in the block, as `encode` writes them.
    """

    job: str
    block: int
    runs: str

    def text(self) -> str:
        """The entry as it stands in a batch queue: `<job>|<block>|<runs>`."""
        return f"{self.job}|{self.block}|{self.runs}"


def parse_entry(text: str) -> Entry:
    """The inverse of `Entry.text`."""
    job, block, runs = text.split("|")
    return Entry(job, int(block), runs)


def encode(positions: Iterable[int]) -> str:
    """Ascending positions as runs."""
    parts: list[str] = []
    start = last = -2  # not -1: position 0 would look like the one that follows
    for position in positions:
        if position != last + 1:
            _close(parts, start, last)
            start = position
        last = position
    _close(parts, start, last)
    return ",".join(parts)


def _close(parts: list[str], start: int, last: int) -> None:
    if start >= 0:
        parts.append(str(start) if start == last else f"{start}-{last}")


def decode(runs: str) -> list[int]:
    """Runs as ascending positions; empty text is no position."""
    positions: list[int] = []
    for part in runs.split(",") if runs else ():
        first, _, last = part.partition("-")
        positions.extend(range(int(first), int(last or first) + 1))
    return positions
