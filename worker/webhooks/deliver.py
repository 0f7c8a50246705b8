"""Deliver events: a wake-up for the outbox or an endpoint is worked on in a thread of its own.

Sends need none of these threads.
"""

import logging
import threading
from collections import Counter
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Final

from redis.exceptions import RedisError

from smsline.errors import NotFound
from smsline.ledger import due, webhooks, webhooks_outbox, webhooks_queue
from smsline.ledger.audit import Actor
from smsline.ledger.audit import note as note_act
from smsline.ledger.refusals import explain
from smsline.ledger.webhooks import Endpoint
from worker.engine import Engine
from worker.webhooks.post import TIMEOUT_S, Poster
from worker.webhooks.retries import PATIENCE_S, EndpointAnswer, judge
from worker.webhooks.signing import headers_of

# The member of the due set that stands for the outbox; an endpoint's is `to <name>`.
OUTBOX: Final = "outbox"

# Requests of a process that are under way to endpoints whose last one was good; a thread that waits
# costs next to nothing.
THREADS: Final = 48

# The same for those whose last one failed, so that however many of them hang, the others go on.
THREADS_IN_TROUBLE: Final = 4

# Threads of a process that work for one endpoint at once, as long as half of all are free.
AT_ONE_ENDPOINT: Final = 16

# The same when they are not, so that some endpoints that are slow leave threads to the others.
AT_ONE_WHEN_BUSY: Final = 2

SLICE_S: Final = 5.0
# A request ends within 15 s; 10 s more are for Redis.
LEASE_MS: Final = (TIMEOUT_S + 10) * 1000

# Short, because a process that is killed meanwhile keeps the outbox of all endpoints waiting for
# the rest of its lease.
FAN_SLICE_S: Final = 1.0
FAN_LEASE_MS: Final = 5_000.0
# Nearly a second after the last look: rows that come one by one then share an event,
# and none is a second old.
LOOK_AGAIN_MS: Final = 700.0

log = logging.getLogger(__name__)


@dataclass(slots=True)
class Deliveries:
    """The threads of one process that deliver events.

    Attributes:
        engine: The process' engine.
        busy: What each thread works for now.
    """

    engine: Engine
    poster: Poster = field(init=False)
    busy: "Counter[str]" = field(default_factory=Counter)
    _in_trouble: int = 0
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def __post_init__(self) -> None:
        allow_private = self.engine.settings.webhooks.allow_private
        self.poster = Poster(requests=THREADS + THREADS_IN_TROUBLE, allow_private=allow_private)

    def start(self, member: str, awake: Callable[[], None]) -> bool:
        """Work for a member of the due set in a thread of its own.

        Args:
            member: The outbox, or an endpoint.
            awake: Says that another wake-up for it may be published; said only when there was a
                thread, so that one which has to wait does not fill the queue.

        Returns:
            Whether there was a thread.
        """
        trouble = False
        if member != OUTBOX:
            # Asked outside the lock: it is a round trip.
            with suppress(NotFound):
                trouble = webhooks_queue.failures_in_row(self.engine.ledger, self._endpoint(member)) > 0
        with self._lock:
            at_work = self.busy.total() - self._in_trouble
            full = self._in_trouble >= THREADS_IN_TROUBLE if trouble else at_work >= THREADS
            most = 1 if member == OUTBOX else AT_ONE_ENDPOINT if at_work < THREADS // 2 else AT_ONE_WHEN_BUSY
            if full or self.busy[member] >= most:
                return False
            # Counted under the lock and before the thread runs, or two wake-ups would take the last
            # place.
            self.busy[member] += 1
            self._in_trouble += trouble
        awake()
        work = threading.Thread(target=self._work, args=(member, trouble), name=f"webhooks {member}", daemon=True)
        work.start()
        return True

    def close(self) -> None:
        """Close kept-alive connections."""
        self.poster.close()

    def _work(self, member: str, trouble: bool) -> None:  # noqa: FBT001 - a thread's argument
        try:
            self.work(member)
        except RedisError as error:
            log.warning("webhooks cannot use Redis (%s); %s stays due", explain(error), member)
        except Exception:
            log.exception("webhooks: %s broke; it stays due", member)
        finally:
            with self._lock:
                self.busy[member] -= 1
                self._in_trouble -= trouble

    def _endpoint(self, member: str) -> Endpoint:
        return webhooks.find(self.engine.ledger, member.removeprefix("to "))

    def work(self, member: str) -> int:
        """Do what is due for a member of the due set, for some seconds.

        Returns how many events or entries that were.
        """
        if member == OUTBOX:
            return fan_out(self.engine)

        ledger, over, done = self.engine.ledger, self.engine.slice_ends(SLICE_S), 0
        try:
            endpoint = self._endpoint(member)
        except NotFound:
            # Removed while its wake-up was under way.
            due.drop(ledger, ledger.keys.webhooks_due, member)
            return 0
        taken = webhooks_queue.take(ledger, endpoint, lease_ms=LEASE_MS)
        while taken:
            done += 1
            headers = headers_of(taken.id, taken.body, secret=endpoint.secret, now_s=taken.now_s)
            answer = self.poster.post(endpoint.url, taken.body, headers, now_s=taken.now_s)
            if answer.good and not over():
                tried = judge(answer, tries=taken.tries, in_row=0)
                taken = webhooks_queue.delivered(ledger, endpoint, taken.id, tried, lease_ms=LEASE_MS)
            else:
                self._note(endpoint, taken, answer)
                taken = None
        self.engine.look_again(0)
        return done

    def _note(self, endpoint: Endpoint, taken: webhooks_queue.EventLease, answer: EndpointAnswer) -> None:
        """Write down what the last request of this slice came to."""
        ledger = self.engine.ledger
        in_row = 0 if answer.good else webhooks_queue.failures_in_row(ledger, endpoint)
        tried = judge(answer, tries=taken.tries, in_row=in_row)
        suspended = webhooks_queue.note(ledger, endpoint, taken.id, tried, patience_ms=PATIENCE_S * 1000)
        if tried.outcome == "ok":
            return
        if tried.outcome == "gone":
            # 410 is meant for good (RFC 9110), and Standard Webhooks asks to stop then.
            webhooks.remove(ledger, endpoint.name)
            _note(self.engine, "webhook.remove", endpoint, tried.answer)
            log.warning("webhook endpoint %s says that it is gone (410); it is removed", endpoint.name)
        elif suspended:
            _note(self.engine, "webhook.suspend", endpoint, tried.answer)
            log.error(
                "webhook endpoint %s has failed for five days (%s) and is suspended; once it is mended, "
                "`smsline webhooks replay %s --since T` sends what it missed",
                *(endpoint.name, tried.answer, endpoint.name),
            )
        # The first failure alone: an endpoint that is down for a day is one line, not thousands.
        elif in_row == 0:
            log.warning(
                "webhook endpoint %s failed: %s; `smsline webhooks failures` has more", endpoint.name, tried.answer
            )


def _note(engine: Engine, act: str, endpoint: Endpoint, answer: str) -> None:
    actor = Actor("smsline", "worker", engine.worker)
    note_act(engine.ledger, actor, act, {"endpoint": endpoint.name, "answer": answer})


def fan_out(engine: Engine) -> int:
    """Move what is in the outbox into the queues of the endpoints, as the one process that does.

    Returns how many entries.
    """
    ledger = engine.ledger
    lease = due.claim_one(ledger, ledger.keys.webhooks_due, OUTBOX, lease_ms=FAN_LEASE_MS)
    if lease is None:
        return 0
    over, moved = engine.slice_ends(FAN_SLICE_S), 0
    keep_s = webhooks_outbox.kept_s(engine.settings.retention_days)
    while not over() and (some := webhooks_outbox.fan_out(ledger, keep_s=keep_s)):
        moved += some
    webhooks_outbox.fanned(ledger, again_ms=0 if over() else LOOK_AGAIN_MS)
    engine.look_again(0)
    return moved
