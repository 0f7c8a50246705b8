"""Calls in flight per account: a provider that hangs takes at most its share of the threads.

The share is what a process' threads are minus a quarter, kept for other accounts; it halves with
each call that times out or fails and grows by one with each that goes well, as TCP's window does.

Besides, what a lane's calls carry together has a window of recipients. When a provider goes down,
all of them are in doubt at once, so that a process has no more under way than it has lately needed
twice over: it begins with one whole call, grows by a call where one had to wait, and shrinks while
it is not used. What a stall has held up, or a paced job's second, does not leave in one salvo.

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

WINDOW: Final = 200
"""Recipients of a lane's calls under way below which another one may begin, to start with: the
largest call of any provider."""

WINDOW_S: Final = 1.0
"""How long a window that is less than half used stays as it is."""


@dataclass(slots=True)
class _Flow:
    """What an account's calls of one lane carry.

    Attributes:
        usual: Recipients of its newest call: those of a call that has not taken any yet.
        carried: Recipients of all calls under way.
        window: Another call may begin while fewer are under way.
        wanted: Whether a call has had to wait since the window grew.
        peak: Most that were under way since `since_s`.
    """

    usual: int
    carried: int = 0
    window: float = WINDOW
    wanted: bool = False
    peak: int = 0
    since_s: float = 0.0


# Not equal by value: a slot that leaves must not take another one like it out of the list.
@dataclass(slots=True, eq=False)
class Slot:
    """A call in flight.

    Attributes:
        account: Whose.
        flow: Of its lane.
        recipients: How many it carries, as far as that is known.
        called_s: When the request was made, by the monotonic clock; None before that.
        failed: Whether it timed out, or failed in another way that is the provider's.
        overtaken: Whether a call that was begun later has been answered: the provider works, this
            one call is lost.
        told: Whether the other processes know that it is stuck.
    """

    account: str
    flow: _Flow
    recipients: int
    called_s: float | None = None
    failed: bool = False
    overtaken: bool = False
    told: bool = False


@dataclass(slots=True)
class _Account:
    limit: float
    slots: list[Slot] = field(default_factory=list)
    usual_s: float = 0.0
    flows: dict[str, _Flow] = field(default_factory=dict)

    def flow(self, lane: str) -> _Flow:
        """Of a lane, which has had no call before it is asked for."""
        # An otp is one message; of other lanes a whole call is expected until there has been one.
        return self.flows.setdefault(lane, _Flow(1 if lane == "otp" else WINDOW))


class InFlight:
    """The bound of calls in flight.

    Args:
        threads: Threads of this process.
        accounts: The accounts it has.
        monotonic_s: Clock for measuring.
        go_on: Told when a call that had to wait may begin: its thread has gone idle, and at the
            scheduler's own pace a campaign would begin half a second later.
    """

    def __init__(
        self,
        threads: int,
        accounts: Collection[str],
        monotonic_s: Callable[[], float],
        go_on: Callable[[], object] = lambda: None,
    ) -> None:
        self._go_on = go_on
        self._most = threads if len(accounts) < 2 else max(1, threads - max(1, threads // 4))
        self._clock_s = monotonic_s
        self._accounts: defaultdict[str, _Account] = defaultdict(lambda: _Account(float(self._most)))
        self._lock = threading.Lock()

    @contextmanager
    def entered(self, account: str, lane: str = "") -> Iterator[Slot | None]:
        """A slot for one call, None when the account has as many in flight as it may."""
        known, slot = self._accounts[account], None
        with self._lock:
            if not self._is_full(known, lane):
                flow = known.flow(lane)
                # Counted before its recipients are known: threads that begin
                # together must see each other.
                slot = Slot(account, flow, flow.usual)
                flow.carried += slot.recipients
                known.slots.append(slot)
        try:
            yield slot
        finally:
            if slot:
                with self._lock:
                    self._leave(known, slot)
                    slot.flow.carried -= slot.recipients

    def answered(self, slot: Slot, *, failed: bool) -> None:
        """The slot's call has ended; what it came to is still to be written."""
        with self._lock:
            slot.failed = failed
            self._leave(self._accounts[slot.account], slot)

    def call(self, slot: Slot, recipients: int = 1) -> None:
        """The slot's request is made now, to so many recipients."""
        flow = slot.flow
        with self._lock:
            flow.carried += recipients - slot.recipients
            flow.usual = slot.recipients = recipients
            flow.peak = max(flow.peak, flow.carried)
            slot.called_s = self._clock_s()

    def full(self, account: str, lane: str = "") -> bool:
        """Whether no further call of the account's lane may begin in this process now."""
        with self._lock:
            known = self._accounts.get(account)
            return known is not None and self._is_full(known, lane)

    def suspect(self, account: str) -> bool:
        """Whether calls of the account are stuck: one that begins now may end in doubt too."""
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

    def _is_full(self, known: _Account, lane: str) -> bool:
        if len(known.slots) >= int(known.limit):
            return True
        flow, now_s = known.flow(lane), self._clock_s()
        if periods := int((now_s - flow.since_s) / WINDOW_S):
            flow.window = max(WINDOW, max(4 * flow.peak, flow.window) / 2 ** min(periods, 30))
            flow.peak, flow.since_s = flow.carried, now_s
        if flow.carried >= flow.window:
            flow.wanted = True
            return True
        stuck = self._stuck(known)
        if not stuck:
            return False
        # One call finds out; with each that is stuck as well the next one waits for longer.
        if any(slot not in stuck and not slot.overtaken for slot in known.slots):
            return True
        newest_s = max(slot.called_s or 0.0 for slot in stuck)
        return len(stuck) > 1 and self._clock_s() < newest_s + PROBE_PAUSE_S * 2 ** (len(stuck) - 2)

    def _leave(self, known: _Account, slot: Slot) -> None:
        if slot not in known.slots:
            return
        known.slots.remove(slot)
        if slot.called_s is None:
            return
        if slot.failed:
            known.limit = max(1.0, known.limit / 2)
            slot.flow.window = WINDOW
            return
        known.limit = min(float(self._most), known.limit + 1)
        if slot.flow.wanted:
            slot.flow.window += slot.recipients
            slot.flow.wanted = False
            self._go_on()
        for other in known.slots:
            other.overtaken = other.overtaken or (other.called_s is not None and other.called_s <= slot.called_s)
        took_s = self._clock_s() - slot.called_s
        known.usual_s = took_s if not known.usual_s else known.usual_s + SMOOTHING * (took_s - known.usual_s)
