"""Whose turn it is: a process' threads ask for a lane's next due batch queue, and each gets another one as long as there are several."""

import threading
from collections import deque
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from typing import Final, NamedTuple

from smsline.ledger import batch_queues
from smsline.ledger.batch_queues import BatchQueue
from smsline.ledger.link import Ledger
from smsline.ledger.runs import Entry

QUEUES_AT_ONCE: Final = 16
"""Due batch queues that are read in one round trip."""

FRESH_S: Final = 0.1
"""For how long what was read is worth trying; after that others have had their turn at it."""


class DueQueue(NamedTuple):
    """A batch queue that was due when it was looked at.

    Attributes:
        queue: Which.
        entry: The only one it had then; None when it had more, or nobody looked.
    """

    queue: BatchQueue
    entry: Entry | None = None


@dataclass(slots=True)
class DueQueues:
    """Due batch queues of one lane, read by one thread for all of a process.

    A batch queue comes again with the next reading as long as it is due, so that several threads share a
    long one. What is handed out is not claimed: another process may be faster.

    Attributes:
        lane: Which.
        monotonic_s: Clock for measuring.
    """

    lane: str
    monotonic_s: Callable[[], float]
    _due: deque[DueQueue] = field(default_factory=deque)
    _until_s: float = 0.0
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def add(self, due_queues: Iterable[DueQueue]) -> None:
        """Lines that this process has just put something into, which nobody needs to look for."""
        with self._lock:
            if self.monotonic_s() > self._until_s:
                self._due.clear()
            self._due.extend(due_queues)
            self._until_s = self.monotonic_s() + FRESH_S

    def next(self, ledger: Ledger) -> tuple[DueQueue | None, float]:
        """The batch queue whose turn it is, or None with the ms until one is due (-1 when there is none)."""
        with self._lock:
            if not self._due or self.monotonic_s() > self._until_s:
                found, next_ms = batch_queues.due_queues(ledger, self.lane, QUEUES_AT_ONCE)
                if not found:
                    self._due.clear()
                    return None, next_ms
                # Many batch queues are short ones, which need one question less; of a single one it is not worth asking.
                entries = batch_queues.single_entries(ledger, found) if len(found) > 1 else [None]
                self._due = deque(map(DueQueue, found, entries))
                self._until_s = self.monotonic_s() + FRESH_S
            return self._due.popleft(), 0.0
