"""The runtime context: settings, ledger, one provider per account, clocks, and a sign to stop."""

import os
import socket
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field

from config.settings import Settings
from smsline.ledger import recipients
from smsline.ledger.attempts import PollSchedule
from smsline.ledger.buckets import Limit
from smsline.ledger.link import Ledger
from smsline.names import LANES
from worker.contexts import Contexts
from worker.dropped import DroppedMessages
from worker.due_queues import DueQueues
from worker.failed_reads import FailedReads
from worker.in_flight import InFlight
from worker.providers.base import Provider
from worker.routing.presence import Presence
from worker.routing.router import Router
from worker.traces import Traces


@dataclass(slots=True)
class Engine:
    """What one worker process works with; each part keeps its own state.

    Attributes:
        settings: With what.
        ledger: The truth.
        providers: Account name -> adapter.
        look_again: Asks the scheduler for a look in so many ms.
        stopping: Set when the process should finish what is in flight and take nothing more.
        monotonic_s: Clock for measuring.
        pause: Waits so many seconds, also while stopping.
        worker: This process' name in claims.
        router: Which account sends to a number.
        presence: Which accounts this process serves, and which others do.
        in_flight: How many calls of each account are under way here, and may be.
        due_queues: The due batch queues of each lane, as the process' threads share them out.
        at_work: Threads that are working on a lane at this moment.
        traces: What it adds to traces.
        contexts: Which calls name their block, so that their receipts need no index.
        reads: Reads of providers that failed in a row.
        dropped: Messages that no task could be given.
    """

    settings: Settings
    ledger: Ledger
    providers: Mapping[str, Provider]
    look_again: Callable[[float], None] = lambda _ms: None
    stopping: threading.Event = field(default_factory=threading.Event)
    monotonic_s: Callable[[], float] = time.monotonic
    pause: Callable[[float], None] = time.sleep
    # Host and process id, as in the log: a claim in the ledger leads to the process that holds it.
    worker: str = field(default_factory=lambda: f"{socket.gethostname()}:{os.getpid()}")
    reads: FailedReads = field(default_factory=FailedReads)
    due_queues: dict[str, DueQueues] = field(init=False)
    contexts: Contexts = field(init=False)
    at_work: int = 0
    _lock: threading.Lock = field(default_factory=threading.Lock)
    router: Router = field(init=False)
    presence: Presence = field(init=False)
    in_flight: InFlight = field(init=False)
    traces: Traces = field(init=False)
    dropped: DroppedMessages = field(init=False)

    def __post_init__(self) -> None:
        # Made here and not given: each has the engine's own clock and ledger, in tests too.
        self.router = Router(self.settings, self.ledger, self.monotonic_s)
        self.presence = Presence(self.ledger, self.worker, self.providers, self.monotonic_s)
        self.in_flight = InFlight(
            self.settings.worker_threads, self.providers, self.monotonic_s, go_on=lambda: self.look_again(0)
        )
        self.traces = Traces(self.ledger)
        self.dropped = DroppedMessages(self.ledger)
        self.due_queues = {lane: DueQueues(lane, self.monotonic_s) for lane in LANES}
        self.contexts = Contexts(self.settings, self.ledger, self.providers, self.monotonic_s)

    @contextmanager
    def working(self) -> Iterator[None]:
        """Count this thread among those at work."""
        # Under a lock: += is a read and a write, and the threads of the process
        # come and go side by side.
        with self._lock:
            self.at_work += 1
        try:
            yield
        finally:
            with self._lock:
                self.at_work -= 1

    def next_attempt(self) -> int:
        """An attempt id that was never used."""
        return self.ledger.attempt_ids.take()

    def serves(self, account: str, lane: str = "") -> bool:
        """Whether this process makes calls of the account's lane just now.

        It has it, may use it, and has not too many under way.
        """
        presence = self.presence
        return presence.has(account) and not presence.sits_out(account) and not self.in_flight.full(account, lane)

    def takes(self, account: str, lane: str = "") -> bool:
        """Whether this process looks after what is due of the account just now.

        It serves it, or no process does.

        Raises:
            redis.exceptions.RedisError: Redis cannot be reached.
        """
        # What no process has must be kept by one (`worker.sending.unserved`), or its
        # recipients would never end.
        presence = self.presence
        return self.serves(account, lane) or not (presence.has(account) or presence.served_by_others(account))

    def sleep(self, seconds: float) -> None:
        """Wait, unless the process should stop."""
        self.stopping.wait(seconds)

    def slice_ends(self, seconds: float = 1.0) -> Callable[[], bool]:
        """A question to ask between steps: is this task's time up, or should the process stop?"""
        deadline = self.monotonic_s() + seconds
        return lambda: self.stopping.is_set() or self.monotonic_s() >= deadline

    def now_ms(self) -> int:
        """The present by Redis, epoch ms; the worker's own clock may be wrong."""
        return self.ledger.now_ms()

    @property
    def lease_ms(self) -> float:
        """How long what a worker claims is its own."""
        return self.settings.lease_s * 1000

    def limit(self, account: str, action: str) -> Limit:
        """The rate limit of an account's action."""
        return Limit(self.providers[account].limits[action], self.settings.otp_reserve)

    def polls(self, lane: str) -> PollSchedule:
        """When to ask about what a call of this lane leaves open."""
        settings = self.settings
        return PollSchedule(
            first_poll_ms=settings.first_poll_s[lane] * 1000,
            # A horizon before the first look would let an otp wait for nothing.
            first_look_ms=min(settings.unsure_probes_s[0], settings.unsure_horizon_s[lane]) * 1000,
            probe_ms=min(settings.receipt_probes_s[0], settings.receipt_deadline_s) * 1000,
        )

    def context(self, attempt: int, blocks: Sequence[int] = ()) -> str:
        """What is sent along so that a receipt names its attempt, and the blocks of its call.

        See `recipients.find`.
        """
        return recipients.context_of(self.ledger, attempt, blocks)

    def attempt_of(self, context: str) -> int | None:
        """The attempt that a context names; None when it is not ours."""
        call = recipients.call_of(self.ledger, context)
        return call.attempt if call else None
