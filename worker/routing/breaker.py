"""Circuit breakers as a process sees them: the state of each account, and how its calls fare.

The state is a moment old at most.

The truth is in the ledger, for all processes (`smsline.ledger.breaker`); here it is read ahead of
choosing an account.
"""

import logging
import threading
import time
from collections import Counter
from collections.abc import Callable
from typing import Final

from config.settings import Settings
from smsline.ledger import breaker
from smsline.ledger.batch_queues import BatchQueue
from smsline.ledger.breaker import BreakerEvent, BreakerState, BreakerTerms, CallReport
from smsline.ledger.link import Ledger
from worker.outcome import Outcome

# For how long a process goes by what it has read of an account: a number more or less to a failing
# account does no harm.
KNOWN_S: Final = 0.5

# For how long global numbers wait country by country after a failed call. Long enough
# for a campaign to find the country that fails, short enough that a lost call does not
# split the next day's calls.
APART_S: Final = 300.0

KNOWN_MOST: Final = 10_000

log = logging.getLogger(__name__)


class Breakers:
    """The circuit breakers of all accounts.

    Args:
        settings: When an account trips them.
        ledger: Where their state is kept, for all processes.
        monotonic_s: Clock for measuring.
    """

    def __init__(self, settings: Settings, ledger: Ledger, monotonic_s: Callable[[], float] = time.monotonic) -> None:
        self._ledger = ledger
        self._clock_s = monotonic_s
        self._terms = BreakerTerms(
            row=settings.breaker_failures,
            first_ms=settings.breaker_pause_s * 1000,
            most_ms=settings.breaker_pause_most_s * 1000,
            # No other account could take over from a single one.
            failures=settings.failover_failures if len(settings.accounts) > 1 else 0,
            cooldown_ms=settings.failover_cooldown_s * 1000,
            return_ms=settings.failover_return_s * 1000,
            # Beyond the next probe of what is parked: one that fails says that they stay apart.
            apart_ms=max(APART_S, 2 * settings.park_probe_s) * 1000,
        )
        self._timeouts_s = {name: account.timeout_s for name, account in settings.accounts.items()}
        self._known: dict[tuple[str, tuple[str, ...]], tuple[float, BreakerState]] = {}
        self._good: Counter[str] = Counter()
        self._lock = threading.Lock()

    def state(self, account: str, subjects: tuple[str, ...]) -> BreakerState:
        """How an account stands, for a number for which `subjects` of it may be parked."""
        now_s, key = self._clock_s(), (account, subjects)
        known = self._known.get(key)
        if known is None or now_s - known[0] > KNOWN_S:
            if len(self._known) > KNOWN_MOST:
                self._known.clear()
            known = self._known[key] = now_s, breaker.read(self._ledger, account, subjects)
        return known[1]

    def forget(self) -> None:
        """Read anew what is asked for next, because something has changed."""
        self._known.clear()

    def heard(self, queue: BatchQueue, outcome: Outcome) -> CallReport:
        """What a call says of its account, to be recorded with the call."""
        account = queue.account
        # A call that was not made says nothing of the account.
        if outcome.silent:
            return CallReport()
        if outcome.fault:
            return CallReport("fault", f"{outcome.fault} {queue.own}")
        with self._lock:
            if not outcome.failed:
                self._good[account] += 1
                return CallReport("ok", queue.template if outcome.worked else "")
            # Told with the next failure, which counts only as a share of all calls.
            good = self._good.pop(account, 0)
        return CallReport("failed", self._terms.with_failure(outcome.failed, good))

    def suspect(self, account: str) -> None:
        """A call of the account is stuck: have all processes send to one recipient at a time.

        That ends when a call is answered.

        Raises:
            redis.exceptions.RedisError: Redis cannot be reached.
        """
        log.info(
            "account %s: a call takes much longer than usual; until one is answered calls carry one recipient", account
        )
        breaker.suspect(self._ledger, account, self._timeouts_s[account] * 1000)

    def tell(self, account: str, event: BreakerEvent, code: str) -> None:
        """Say what is new of a breaker, and let what waited for the account go on when it may.

        Raises:
            redis.exceptions.RedisError: Redis cannot be reached; what waits goes on by itself, a
                little later.
        """
        # What fails alone is parked, which is told there.
        if event in {"", "side", "country", "template"}:
            return
        self.forget()
        if event == "held":
            log.error(
                "account %s is held: %d calls in a row failed, the last with %s; a probe goes out in %g s, then with growing pauses",
                account,
                self._terms.row,
                code,
                self._terms.first_ms / 1000,
            )
        elif event == "out":
            log.error(
                "account %s: too many calls fail, the last with %s; for %g s the next accounts of its routes take over",
                account,
                code,
                self._terms.cooldown_ms / 1000,
            )
        else:
            log.warning(
                "account %s: %s", account, "works again" if event == "closed" else "a probe went well, more follow"
            )
            # What was put off for the breaker is due now, and not at the end of its pause.
            breaker.hurry(self._ledger, account)
