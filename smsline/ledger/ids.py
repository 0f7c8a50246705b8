"""Ids that are never used twice, whatever Redis forgets.

Each process counts on from a random start of its own.
"""

import secrets
import threading
from typing import Final

# A block's id has five bytes in the index of serials. `accept_part` refuses one that is in use.
BLOCK_BITS: Final = 40

# So many that a million starts of processes hardly ever meet; `take` refuses another
# worker's attempt all the same.
ATTEMPT_BITS: Final = 62


class Ids:
    """Ids of one kind.

    Args:
        bits: They are below 2 to this power, and above 0.
    """

    def __init__(self, bits: int) -> None:
        self._end = 1 << bits
        self._next = self._end
        self._lock = threading.Lock()

    def take(self, count: int = 1) -> int:
        """The first of `count` ids that follow each other."""
        with self._lock:
            # Drawn anew at the end too, and never so near it that the next call would draw again.
            if self._next + count > self._end:
                self._next = 1 + secrets.randbelow(self._end - max(count, self._end >> 10))
            first, self._next = self._next, self._next + count
            return first

    def restart(self) -> None:
        """Count on from another start, because an id was in use."""
        with self._lock:
            self._next = self._end
