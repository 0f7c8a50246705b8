"""Which account gets a number now: the accounts of its way go in, the first that stands well comes out; calls that fail are counted."""

import logging
import threading
import time
from collections import Counter
from collections.abc import Callable, Sequence
from typing import Final

from config.settings import Settings
from smsline.ledger import standing
from smsline.ledger.link import Ledger
from smsline.ledger.standing import Failover, Standing
from worker.routing.routes import chance

KNOWN_S: Final = 0.5
"""For how long a process goes by what it has read of an account."""

KNOWN_MOST: Final = 10_000

log = logging.getLogger(__name__)


class Standings:
    """What this process knows of how accounts stand, a moment old at most.

    Args:
        settings: When others stand in.
        ledger: Where it is kept, for all processes.
        monotonic_s: Clock for measuring.
    """

    def __init__(self, settings: Settings, ledger: Ledger, monotonic_s: Callable[[], float] = time.monotonic) -> None:
        self._ledger = ledger
        self._clock_s = monotonic_s
        self._terms = Failover(
            settings.failover_failures, settings.failover_cooldown_s * 1000, settings.failover_return_s * 1000
        )
        self._known: dict[tuple[str, str], tuple[float, Standing]] = {}
        self._good: Counter[str] = Counter()
        self._lock = threading.Lock()

    def of(self, account: str, template: str) -> Standing:
        """How an account stands, for a batch queue's template."""
        now_s, key = self._clock_s(), (account, template)
        known = self._known.get(key)
        if known is None or now_s - known[0] > KNOWN_S:
            if len(self._known) > KNOWN_MOST:
                self._known.clear()
            known = self._known[key] = now_s, standing.read(self._ledger, account, template)
        return known[1]

    def forget(self) -> None:
        """Read anew what is asked for next, because something has changed."""
        self._known.clear()

    def first(self, order: Sequence[str], template: str, number: int, now_ms: float) -> str:
        """The first of the accounts that takes the number now; empty when none does."""
        return next((name for name in order if self._takes(name, template, number, now_ms)), "")

    def _takes(self, account: str, template: str, number: int, now_ms: float) -> bool:
        share = self.of(account, template).share(now_ms)
        return share >= 1 or (share > 0 and chance(number, f"return {account}") < share)

    def note(self, account: str, code: str) -> None:
        """Count a call: one that failed, with its code, or one that went well."""
        with self._lock:
            if not code:
                self._good[account] += 1
                return
            good = self._good.pop(account, 0)
        if self._terms.failures and standing.failed(self._ledger, account, code, good=good, terms=self._terms):
            self.forget()
            log.error(
                "account %s: too many calls fail, the last with %s; for %g s others stand in for it where a route names any",
                account,
                code,
                self._terms.cooldown_ms / 1000,
            )
