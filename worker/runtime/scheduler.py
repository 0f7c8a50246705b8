"""The scheduler of a worker process: publish wake-ups on its queues for what is due.

No beat, no ETA: every worker looks, a wake-up is published only when something is due, and only as
many as can start soon. A lost wake-up is published again; a doubled one finds its work claimed.
"""

import logging
import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

from redis.exceptions import RedisError

from smsline.errors import OtherVersion
from smsline.ledger import batch_queues, due, waits
from smsline.ledger.refusals import explain
from smsline.names import (
    LANES,
    RECEIPTS_QUEUE,
    TASK_ACCEPT,
    TASK_CLOSE,
    TASK_DRAIN,
    TASK_PROBE,
    TASK_SEND,
    TASK_WEBHOOKS,
    WEBHOOKS_QUEUE,
    lane_queue,
)
from worker.alive import AliveFile
from worker.due_queues import QUEUES_MOST
from worker.engine import Engine
from worker.intake.accept import JOBS_AT_ONCE
from worker.maintenance import rescuer, statistics
from worker.maintenance.witness import Witness

# Members of one due set that are woken for in one look; the next look is a moment away.
MEMBERS: Final = 20

TROUBLE_S: Final = 1.0

Publish = Callable[[str, str, dict[str, Any]], None]

log = logging.getLogger(__name__)


@dataclass(slots=True)
class Scheduler:
    """Looks at the due sets and publishes what is due.

    Attributes:
        engine: The process' engine.
        queues: The queues this process works on; only for these it publishes.
        publish: Sends a task: name, queue, kwargs.
        started: Called once before the first look, again until it succeeds.
    """

    engine: Engine
    queues: Sequence[str]
    publish: Publish
    started: Callable[[Engine], None] = lambda _engine: None
    _bell: threading.Condition = field(default_factory=threading.Condition)
    _next_s: float = 0.0
    _over: bool = False
    _thread: threading.Thread | None = None

    def start(self) -> None:
        """Begin to look, in a thread of its own."""
        self.engine.look_again = self.look_again
        self._thread = threading.Thread(target=self._run, name="scheduler", daemon=True)
        self._thread.start()

    def stop(self) -> None:
        """Look no more; what was published is worked on by the process that takes it."""
        with self._bell:
            self._over = True
            self._bell.notify()
        if self._thread is not None:
            # Bounded: a look that hangs in Redis must not keep Celery's shutdown waiting.
            self._thread.join(timeout=10)

    def look_again(self, in_ms: float) -> None:
        """Look again in so many ms at the latest."""
        with self._bell:
            at_s = time.monotonic() + in_ms / 1000
            if at_s < self._next_s:
                self._next_s = at_s
                self._bell.notify()

    def _run(self) -> None:
        registered, beat, witness = False, AliveFile(" ".join(self.queues)), Witness(self.engine)
        while not self._over:
            alive = beat.touch()
            try:
                # First: in a ledger of another layout nothing may be looked at, and after a loss
                # all caches are void.
                witness.look()
                if not registered:
                    self.started(self.engine)
                    registered = True
                if alive:
                    due.note_scheduler(self.engine.ledger, self.queues)
                wait_s = self.look()
            except RedisError as error:
                log.warning("the scheduler cannot use Redis (%s); looking again in %g s", explain(error), TROUBLE_S)
                wait_s = TROUBLE_S
            except OtherVersion as error:
                log.error("nothing is done: %s", error)  # noqa: TRY400 - its message says it all
                wait_s = TROUBLE_S
            except Exception:
                log.exception("the scheduler failed; looking again in %g s", TROUBLE_S)
                wait_s = TROUBLE_S
            self._wait(wait_s)
        beat.end()

    def _wait(self, wait_s: float) -> None:
        with self._bell:
            self._next_s = time.monotonic() + wait_s
            # Asked again after each wake-up: `look_again` only moves the time of the next look.
            while not self._over and (left_s := self._next_s - time.monotonic()) > 0:
                self._bell.wait(left_s)

    def look(self) -> float:
        """Publish what is due now; returns seconds until the next look."""
        self.engine.presence.announce()
        self.engine.dropped.tell()
        for account in self.engine.in_flight.newly_suspect():
            self.engine.router.breakers.suspect(account)
        watched = self._watched()
        heads, now_ms = due.next_due(self.engine.ledger, [key for key, _ in watched])
        tick_ms = float(self.engine.settings.pulse_ms)
        for (key, wake), head_ms in zip(watched, heads, strict=True):
            if head_ms is None:
                continue
            # Both times are Redis' own.
            if head_ms <= now_ms:
                try:
                    wake(key, now_ms)
                except RedisError:
                    raise
                except Exception:
                    # What cannot be worked off in one due set stops none of the others.
                    log.exception("what is due in %s could not be woken for; looking again in %g s", key, TROUBLE_S)
                    self.look_again(TROUBLE_S * 1000)
            else:
                tick_ms = min(tick_ms, head_ms - now_ms)
        # At least a millisecond: a head due within one would be looked at many times before it is.
        return max(1.0, tick_ms) / 1000

    def _watched(self) -> list[tuple[str, Callable[[str, float], object]]]:
        """The due sets of this process' queues, and what to do when the head of one is due."""
        keys = self.engine.ledger.keys

        def move_later(key: str, _now_ms: float) -> None:
            while waits.move_due(self.engine.ledger, key, only_due=True):
                self.look_again(0)

        def wake_accept(key: str, now_ms: float) -> None:
            if self._idle():
                self._wake_lane(TASK_ACCEPT, key, -(-len(self._members(key, now_ms)) // JOBS_AT_ONCE))

        watched: list[tuple[str, Callable[[str, float], object]]] = [
            (keys.later, move_later),
            (keys.lease, lambda _key, _now_ms: rescuer.rescue(self.engine)),
            (keys.stats_due, lambda _key, _now_ms: statistics.write(self.engine)),
        ]
        for lane in [lane for lane in LANES if lane_queue(lane) in self.queues]:
            watched += [(keys.inbox(lane), wake_accept), (keys.send(lane), self._wake_send)]
        if RECEIPTS_QUEUE in self.queues:
            watched += [
                (keys.drain, self._waker(TASK_DRAIN, lambda member: {"account": member})),
                (keys.pushed_due, self._waker(TASK_DRAIN, lambda member: {"account": member, "what": "pushed"})),
                (keys.replies_due, self._waker(TASK_DRAIN, lambda member: {"account": member, "what": "replies"})),
                (keys.questions_due, self._waker(TASK_DRAIN, lambda member: {"account": member, "what": "question"})),
                (keys.unsure_due, self._waker(TASK_PROBE, lambda member: {"attempt": member})),
                (keys.probe, self._waker(TASK_PROBE, lambda member: {"block": member})),
                (keys.credit, self._waker(TASK_PROBE, lambda member: {"account": member})),
                (keys.expire, lambda _key, _now_ms: self._wake_close(end=True)),
                (keys.closing, lambda _key, _now_ms: self._wake_close(end=False)),
            ]
        if WEBHOOKS_QUEUE in self.queues:
            waker = self._waker(TASK_WEBHOOKS, lambda member: {"member": member}, queue=WEBHOOKS_QUEUE)
            watched.append((keys.webhooks_due, waker))
        return watched

    def _members(self, key: str, now_ms: float) -> list[str]:
        return due.members(self.engine.ledger, key, now_ms, most=MEMBERS)

    def _wake_send(self, key: str, now_ms: float) -> None:
        if self._idle():
            members = self._members(key, now_ms)
            due_now = [queue for queue in members if self._takes(queue)]
            if not due_now and len(members) == MEMBERS:
                # What this process leaves to others, or to later, must not hide what stands behind
                # it.
                behind = due.members(self.engine.ledger, key, now_ms, most=QUEUES_MOST)
                due_now = [queue for queue in behind if self._takes(queue)][:MEMBERS]
            # An empty batch queue is still due once, to be taken off the set.
            work = sum(max(1, entries) for entries in batch_queues.lengths(self.engine.ledger, due_now))
            self._wake_lane(TASK_SEND, key, work)

    def _takes(self, queue: str) -> bool:
        """Whether this process may work on a batch queue.

        It stays due all the same, for others or for later.
        """
        named = batch_queues.parse_queue(queue)
        account, takes = named.account, self.engine.takes(named.account, named.lane)
        if not takes and not self.engine.presence.has(account):
            self.engine.presence.lacks(account, "what waits for it")
        return takes

    def _idle(self) -> int:
        """Threads of this process that work on no lane.

        Those that do ask for another look when they stop with work left.
        """
        return max(0, self.engine.settings.worker_threads - self.engine.at_work)

    def _wake_lane(self, task: str, key: str, work: int) -> None:
        """Have as many wake-ups under way as there is work, and idle threads for it."""
        # More wake-ups than idle threads would only wait in the queue, and find their work done.
        lane, most = key.rsplit(":", 1)[1], min(self._idle(), work)
        for _ in range(most):
            if not self._wake(task, lane_queue(lane), {"lane": lane}, most=most):
                break

    def _wake_close(self, *, end: bool) -> None:
        """One wake-up for all jobs that end, or are closed, now.

        Who follows it takes them by the hundred.
        """
        self._wake(TASK_CLOSE, RECEIPTS_QUEUE, {"end": end}, wake="expire" if end else "close")

    def _waker(
        self, task: str, kwargs_of: Callable[[str], dict[str, Any]], *, queue: str = RECEIPTS_QUEUE
    ) -> Callable[[str, float], None]:
        def wake(key: str, now_ms: float) -> None:
            for member in self._members(key, now_ms):
                self._wake(task, queue, kwargs_of(member), wake=f"{key.rsplit(':', 1)[1]} {member}")

        return wake

    def _wake(self, task: str, queue: str, kwargs: dict[str, Any], *, wake: str = "", most: int = 1000) -> bool:
        """Publish a wake-up, unless enough (or this one) are under way; whether it was done."""
        # A lane's wake-ups are counted for each process, those for one member for all processes
        # together.
        publisher = queue if wake else f"{queue}:{self.engine.worker}"
        # `leave` counts this wake-up as under way until its task reports; a lost one is forgotten
        # by the ledger in time.
        leave = due.may_wake(self.engine.ledger, publisher, wake=wake, most=most)
        if not leave:
            return False
        try:
            self.publish(task, queue, {**kwargs, "wake": [publisher, leave]})
        except Exception as error:  # noqa: BLE001 - whatever the broker's client raises: the item stays due
            due.awake(self.engine.ledger, publisher, leave)
            log.warning(
                "a wake-up could not be published (%s); the broker may be away, trying again", type(error).__name__
            )
            self.look_again(TROUBLE_S * 1000)
            return False
        return True
