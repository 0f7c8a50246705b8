"""Whose turn it is: a process' threads ask for a lane's next due line, and each gets another one as long as there are several."""

import threading
from collections import deque
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from typing import Final, NamedTuple

from smsline.ledger import lines
from smsline.ledger.lines import Line
from smsline.ledger.link import Ledger
from smsline.ledger.runs import Entry

LINES_AT_ONCE: Final = 16
"""Due lines that are read in one round trip."""

FRESH_S: Final = 0.1
"""For how long what was read is worth trying; after that others have had their turn at it."""


class Turn(NamedTuple):
    """A line that was due when it was looked at.

    Attributes:
        line: Which.
        entry: The only one it had then; None when it had more, or nobody looked.
    """

    line: Line
    entry: Entry | None = None


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
    _turns: deque[Turn] = field(default_factory=deque)
    _until_s: float = 0.0
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def add(self, turns: Iterable[Turn]) -> None:
        """Lines that this process has just put something into, which nobody needs to look for."""
        with self._lock:
            if self.monotonic_s() > self._until_s:
                self._turns.clear()
            self._turns.extend(turns)
            self._until_s = self.monotonic_s() + FRESH_S

    def next(self, ledger: Ledger) -> tuple[Turn | None, float]:
        """The line whose turn it is, or None with the ms until one is due (-1 when there is none)."""
        with self._lock:
            if not self._turns or self.monotonic_s() > self._until_s:
                found, next_ms = lines.due_lines(ledger, self.lane, LINES_AT_ONCE)
                if not found:
                    self._turns.clear()
                    return None, next_ms
                # Many lines are short ones, which need one question less; of a single one it is not worth asking.
                entries = lines.single_entries(ledger, found) if len(found) > 1 else [None]
                self._turns = deque(map(Turn, found, entries))
                self._until_s = self.monotonic_s() + FRESH_S
            return self._turns.popleft(), 0.0
