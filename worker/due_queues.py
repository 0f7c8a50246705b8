"""The due batch queues of a lane, shared among the threads of a process.

Each thread gets another one as long as there are several.
"""

import threading
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Final, NamedTuple

from smsline.ledger import batch_queues
from smsline.ledger.batch_queues import BatchQueue
from smsline.ledger.link import Ledger
from smsline.ledger.runs import Entry

# Due batch queues that are read in one round trip.
QUEUES_AT_ONCE: Final = 16

# Due batch queues among which one is looked for that this process may serve, when it may not serve
# those in front.
QUEUES_MOST: Final = 512

# For how long what was read is worth trying; after that others have had their turn at it.
FRESH_S: Final = 0.1


class DueQueue(NamedTuple):
    """A batch queue that was due when it was looked at.

    Attributes:
        queue: Which.
        entry: The only one it had then; None when it had more, or was not looked at.
    """

    queue: BatchQueue
    entry: Entry | None = None


@dataclass(slots=True)
class DueQueues:
    """Due batch queues of one lane, read by one thread for all of a process.

    A batch queue comes again with the next reading as long as it is due, so that several threads
    share a long one. What is handed out is not claimed: another process may be faster.

    Attributes:
        lane: Which.
        monotonic_s: Clock for measuring.
    """

    lane: str
    monotonic_s: Callable[[], float]
    _due: deque[DueQueue] = field(default_factory=deque)
    _until_s: float = 0.0
    _lock: threading.Lock = field(default_factory=threading.Lock)
    _accepting: int = 0
    _filled: threading.Condition = field(default_factory=threading.Condition)

    @contextmanager
    def accepting(self) -> Iterator[Callable[[], None]]:
        """While a thread accepts a job's parts; it calls what it is given after each of them."""
        with self._filled:
            self._accepting += 1

        def fill() -> None:
            with self._filled:
                self._filled.notify_all()

        try:
            yield fill
        finally:
            with self._filled:
                self._accepting -= 1
                # Who still waits, waits for nothing more.
                self._filled.notify_all()

    def refilled(self, within_s: float) -> bool:
        """Wait for the next part while a thread of this process accepts a job.

        False at once when none does.
        """
        with self._filled:
            return bool(self._accepting) and self._filled.wait(within_s)

    def add(self, due_queues: Iterable[DueQueue]) -> None:
        """Batch queues that this process has just filled, which need not be looked for."""
        with self._lock:
            if self.monotonic_s() > self._until_s:
                self._due.clear()
            self._due.extend(due_queues)
            self._until_s = self.monotonic_s() + FRESH_S

    def drop(self, alike: BatchQueue) -> None:
        """Drop what was read before a park, or its account's hold, kept this one waiting.

        All that wait for the same are still due: they are read again, and put off together.
        """
        with self._lock:
            kept = [each for each in self._due if each.queue.waits_for != alike.waits_for]
            self._due = deque(kept)

    def next(
        self, ledger: Ledger, takes: Callable[[str], bool], put_off: Callable[[Sequence[BatchQueue]], int]
    ) -> tuple[DueQueue | None, float]:
        """The next batch queue that this process may serve.

        Args:
            ledger: Where.
            takes: Whether this process takes calls of an account now. Those that it does not take
                stay due, for others or for later.
            put_off: Puts off those that a park or a held account keeps waiting; how many.

        Returns:
            A batch queue, or None with the ms until one is due (-1 when that is not known).
        """
        with self._lock:
            while self._due and self.monotonic_s() <= self._until_s:
                due_queue = self._due.popleft()
                if takes(due_queue.queue.account):
                    return due_queue, 0.0
            self._due.clear()
            found, next_ms = batch_queues.due_queues(ledger, self.lane, QUEUES_AT_ONCE)
            # Each message of its own params has a batch queue of its own: thousands of them may
            # wait for one parked template, and one by one they would starve the others.
            while put_off(found):
                found, next_ms = batch_queues.due_queues(ledger, self.lane, QUEUES_MOST)
            found = found[:QUEUES_AT_ONCE]
            usable = [queue for queue in found if takes(queue.account)]
            if not usable and len(found) == QUEUES_AT_ONCE:
                # An account that hangs, or is another process', must not hide the others behind it.
                found, _ = batch_queues.due_queues(ledger, self.lane, QUEUES_MOST)
                usable = [queue for queue in found if takes(queue.account)][:QUEUES_AT_ONCE]
            if not usable:
                return None, -1.0 if found else next_ms
            # Many batch queues are short ones, which need one question less; of a single one
            # it is not worth asking.
            entries = batch_queues.single_entries(ledger, usable) if len(usable) > 1 else [None]
            self._due = deque(map(DueQueue, usable, entries))
            self._until_s = self.monotonic_s() + FRESH_S
            return self._due.popleft(), 0.0
