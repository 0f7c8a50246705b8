"""Receipts of one app on their way: each message id is given once, when it is due."""

from array import array
from collections.abc import Iterable
from heapq import heappop, heappush
from typing import Final

_COMPACT_AT: Final = 65536


class ReceiptQueue:
    """A queue that gives each entry once, by due time: four bytes each, a bucket a millisecond."""

    def __init__(self) -> None:
        self._buckets: dict[int, array[int]] = {}
        # A heap of milliseconds and not of receipts: a campaign's receipts fall due in few of them.
        self._due: list[int] = []
        self._ready: array[int] = array("I")
        self._head = 0
        self.scheduled = 0
        self.given = 0

    def schedule(self, ids: Iterable[int], due_ms: int) -> None:
        """Let receipts be pulled from `due_ms` on; an id that comes twice is given twice."""
        bucket = self._buckets.get(due_ms)
        if bucket is None:
            # Created with its place in the heap, so that each millisecond stands there once.
            bucket = self._buckets[due_ms] = array("I")
            heappush(self._due, due_ms)
        before = len(bucket)
        bucket.extend(ids)
        self.scheduled += len(bucket) - before

    def take(self, limit: int, now_ms: int) -> list[int]:
        """Take up to `limit` due entries off the queue."""
        self._ripen(now_ms)
        taken = self._ready[self._head : self._head + limit].tolist()
        self._head += len(taken)
        self.given += len(taken)
        # Deleting from the front of an array moves all the rest: done rarely, it costs little per
        # entry.
        if self._head > _COMPACT_AT:
            del self._ready[: self._head]
            self._head = 0
        return taken

    def ready(self, now_ms: int) -> int:
        """How many entries could be taken now."""
        self._ripen(now_ms)
        return len(self._ready) - self._head

    def _ripen(self, now_ms: int) -> None:
        while self._due and self._due[0] <= now_ms:
            self._ready.extend(self._buckets.pop(heappop(self._due)))
