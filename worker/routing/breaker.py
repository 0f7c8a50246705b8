"""Circuit breakers as a process sees them: how each account stands, a moment old at most, and how its calls fare.

The truth is in the ledger, for all processes (`smsline.ledger.breaker`); here it is read ahead of choosing an account.
"""

import logging
import threading
import time
from collections import Counter
from collections.abc import Callable
from typing import Final

from config.settings import Settings
from smsline.ledger import breaker
from smsline.ledger.breaker import BreakerState, FailoverTerms
from smsline.ledger.link import Ledger

KNOWN_S: Final = 0.5
"""For how long a process goes by what it has read of an account: a number more or less to a failing account does no harm."""

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
        self._terms = FailoverTerms(
            settings.failover_failures, settings.failover_cooldown_s * 1000, settings.failover_return_s * 1000
        )
        self._known: dict[tuple[str, str], tuple[float, BreakerState]] = {}
        self._good: Counter[str] = Counter()
        self._lock = threading.Lock()

    def state(self, account: str, template: str) -> BreakerState:
        """How an account stands, for a batch queue's template."""
        now_s, key = self._clock_s(), (account, template)
        known = self._known.get(key)
        if known is None or now_s - known[0] > KNOWN_S:
            if len(self._known) > KNOWN_MOST:
                self._known.clear()
            known = self._known[key] = now_s, breaker.read(self._ledger, account, template)
        return known[1]

    def forget(self) -> None:
        """Read anew what is asked for next, because something has changed."""
        self._known.clear()

    def record_success(self, account: str) -> None:
        """Count a call that went well; it is told to the ledger with the next one that fails."""
        with self._lock:
            self._good[account] += 1

    def record_failure(self, account: str, code: str) -> None:
        """Count a call that failed through no fault of its recipients, with its code."""
        with self._lock:
            good = self._good.pop(account, 0)
        if self._terms.failures and breaker.record_failure(self._ledger, account, code, good=good, terms=self._terms):
            self.forget()
            log.error(
                "account %s: too many calls fail, the last with %s; for %g s the next accounts of its routes take over",
                account,
                code,
                self._terms.cooldown_ms / 1000,
            )
