"""Calls in flight per account: a provider that hangs takes at most its share of the threads.

The share is what a process' threads are minus a quarter, kept for other accounts; it halves with
each call that times out or fails and grows by one with each that goes well, as TCP's window does.

A hang is noticed before any call has timed out: a call that takes much longer than usual, while
none begun after it was answered, makes its account *suspect*. From then on calls carry one
recipient, one of them at a time, with growing pauses, until one is answered; all others would end
in doubt with it.
"""

import threading
from collections import defaultdict
from collections.abc import Callable, Collection, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Final

# The shortest time after which a call counts as stuck.
STUCK_S: Final = 0.1

# The same while none has been answered, so that nothing is known of how long calls take.
FIRST_STUCK_S: Final = 1.0

# It is stuck when it takes so many times longer than calls of its account have lately.
STUCK_TIMES: Final = 3.0

# Between the first two calls of a suspect account; doubled for every further one.
PROBE_PAUSE_S: Final = 1.0

# Weight of the newest call in the usual time.
SMOOTHING: Final = 0.2


# Not equal by value: a slot that leaves must not take another one like it out of the list.
@dataclass(slots=True, eq=False)
class Slot:
    """A call in flight.

    Attributes:
        called_s: When the request was made, by the monotonic clock; None before that.
        failed: Whether it timed out, or failed in another way that is the provider's.
        overtaken: Whether a call that was begun later has been answered: the provider works, this one call is lost.
        told: Whether the other processes know that it is stuck.
    """

    called_s: float | None = None
    failed: bool = False
    overtaken: bool = False
    told: bool = False


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
        known, slot = self._accounts[account], None
        with self._lock:
            if not self._is_full(known):
                slot = Slot()
                known.slots.append(slot)
        try:
            yield slot
        finally:
            if slot:
                with self._lock:
                    known.slots.remove(slot)
                    self._learn(known, slot)

    def call(self, slot: Slot) -> None:
        """The slot's request is made now."""
        slot.called_s = self._clock_s()

    def full(self, account: str) -> bool:
        """Whether no further call of the account may begin in this process now."""
        with self._lock:
            known = self._accounts.get(account)
            return known is not None and self._is_full(known)

    def suspect(self, account: str) -> bool:
        """Whether calls of the account are stuck, so that what begins now may end in doubt as well."""
        with self._lock:
            known = self._accounts.get(account)
            return known is not None and bool(self._stuck(known))

    def newly_suspect(self) -> list[str]:
        """Accounts with a stuck call of which this was not asked before."""
        found = []
        with self._lock:
            for account, known in self._accounts.items():
                news = [slot for slot in self._stuck(known) if not slot.told]
                for slot in news:
                    slot.told = True
                found += [account] if news else []
        return found

    def limit(self, account: str) -> int:
        """Calls of the account that may be in flight now."""
        return int(self._accounts[account].limit)

    def _stuck(self, known: _Account) -> list[Slot]:
        since_s = self._clock_s() - (max(STUCK_S, STUCK_TIMES * known.usual_s) if known.usual_s else FIRST_STUCK_S)
        return [
            slot for slot in known.slots if slot.called_s is not None and slot.called_s < since_s and not slot.overtaken
        ]

    def _is_full(self, known: _Account) -> bool:
        if len(known.slots) >= int(known.limit):
            return True
        stuck = self._stuck(known)
        if not stuck:
            return False
        # One call finds out; with each that is stuck as well the next one waits for longer.
        if any(slot not in stuck and not slot.overtaken for slot in known.slots):
            return True
        newest_s = max(slot.called_s or 0.0 for slot in stuck)
        return len(stuck) > 1 and self._clock_s() < newest_s + PROBE_PAUSE_S * 2 ** (len(stuck) - 2)

    def _learn(self, known: _Account, slot: Slot) -> None:
        if slot.called_s is None:
            return
        if slot.failed:
            known.limit = max(1.0, known.limit / 2)
            return
        known.limit = min(float(self._most), known.limit + 1)
        for other in known.slots:
            other.overtaken = other.overtaken or (other.called_s is not None and other.called_s <= slot.called_s)
        took_s = self._clock_s() - slot.called_s
        known.usual_s = took_s if not known.usual_s else known.usual_s + SMOOTHING * (took_s - known.usual_s)
