"""Whose turn it is: a process' threads ask for a lane's next due line, and each gets another one as long as there are several."""

import threading
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Final

from smsline.ledger import lines
from smsline.ledger.lines import Line
from smsline.ledger.link import Ledger

LINES_AT_ONCE: Final = 16
"""Due lines that are read in one round trip."""

FRESH_S: Final = 0.05
"""For how long what was read is worth trying; after that others have had their turn at it."""


@dataclass(slots=True)
class Turns:
    """Due lines of one lane, read by one thread for all of a process.

    A line comes again with the next reading as long as it is due, so that several threads share a long one. What is handed out is not
    claimed: another process may be faster, and then there is nothing to take.

    Attributes:
        lane: Which.
        monotonic_s: Clock for measuring.
    """

    lane: str
    monotonic_s: Callable[[], float]
    _lines: deque[Line] = field(default_factory=deque)
    _until_s: float = 0.0
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def next(self, ledger: Ledger) -> tuple[Line | None, float]:
        """The line whose turn it is, or None with the ms until one is due (-1 when there is none)."""
        with self._lock:
            if not self._lines or self.monotonic_s() > self._until_s:
                found, next_ms = lines.due_lines(ledger, self.lane, LINES_AT_ONCE)
                self._lines, self._until_s = deque(found), self.monotonic_s() + FRESH_S
                if not found:
                    return None, next_ms
            return self._lines.popleft(), 0.0
