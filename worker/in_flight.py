"""Calls in flight of each account in this process: a provider that hangs takes at most its share of the threads.

The share is what a process' threads are minus a quarter, kept for other accounts; it halves with each call that times out or
fails and grows by one with each that goes well, as TCP's window does. A call that takes much longer than usual makes its account
*suspect* before it ends: the next calls carry few recipients, because all of them may end in doubt.
"""

import threading
from collections import defaultdict
from collections.abc import Callable, Collection, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Final

STUCK_S: Final = 0.3
"""The shortest time after which a call counts as stuck."""

STUCK_TIMES: Final = 3.0
"""It is stuck when it takes so many times longer than calls of its account have lately."""

SMOOTHING: Final = 0.2
"""Weight of the newest call in the usual time."""


@dataclass(slots=True)
class Slot:
    """A call in flight.

    Attributes:
        since_s: When it began, by the monotonic clock.
        failed: Whether it timed out, or failed in another way that is the provider's.
        made: Whether a call was made at all.
    """

    since_s: float
    failed: bool = False
    made: bool = False


@dataclass(slots=True)
class _Account:
    limit: float
    slots: list[Slot] = field(default_factory=list)
    usual_s: float = 0.0


class InFlight:
    """The bound of calls in flight.

    Args:
        threads: Threads of this process.
        accounts: The accounts it has.
        monotonic_s: Clock for measuring.
    """

    def __init__(self, threads: int, accounts: Collection[str], monotonic_s: Callable[[], float]) -> None:
        self._most = threads if len(accounts) < 2 else max(1, threads - max(1, threads // 4))
        self._clock_s = monotonic_s
        self._accounts: defaultdict[str, _Account] = defaultdict(lambda: _Account(float(self._most)))
        self._lock = threading.Lock()

    @contextmanager
    def entered(self, account: str) -> Iterator[Slot | None]:
        """A slot for one call, None when the account has as many in flight as it may."""
        known = self._accounts[account]
        with self._lock:
            slot = Slot(self._clock_s()) if len(known.slots) < int(known.limit) else None
            if slot:
                known.slots.append(slot)
        try:
            yield slot
        finally:
            if slot:
                with self._lock:
                    known.slots.remove(slot)
                    self._learn(known, slot)

    def full(self, account: str) -> bool:
        """Whether no further call of the account may begin in this process now."""
        known = self._accounts.get(account)
        return known is not None and len(known.slots) >= int(known.limit)

    def suspect(self, account: str) -> bool:
        """Whether calls of the account are stuck, so that what begins now may end in doubt as well."""
        known = self._accounts.get(account)
        if known is None or not known.slots:
            return False
        stuck_s = self._clock_s() - max(STUCK_S, STUCK_TIMES * known.usual_s)
        return any(slot.since_s < stuck_s for slot in tuple(known.slots))

    def limit(self, account: str) -> int:
        """Calls of the account that may be in flight now."""
        return int(self._accounts[account].limit)

    def _learn(self, known: _Account, slot: Slot) -> None:
        if not slot.made:
            return
        if slot.failed:
            known.limit = max(1.0, known.limit / 2)
            return
        known.limit = min(float(self._most), known.limit + 1)
        took_s = self._clock_s() - slot.since_s
        known.usual_s = took_s if not known.usual_s else known.usual_s + SMOOTHING * (took_s - known.usual_s)
