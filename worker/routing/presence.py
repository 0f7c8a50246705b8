"""What this process serves: the accounts it has, without those that its own machine keeps it from.

Rule: what one process lacks (an account, a clock, an allowed address) stops that process' share of
the work, visibly, and no other's.
"""

import logging
import threading
from collections.abc import Callable, Iterable
from typing import Final, NamedTuple

from redis.exceptions import RedisError

from smsline.ledger import presence
from smsline.ledger.link import Ledger
from smsline.ledger.presence import AccountStop, Worker

# Between two announcements of a process; without six of them it counts as gone.
ANNOUNCE_S: Final = 5.0

# For how long a process goes by what it has read of the others.
KNOWN_S: Final = 2.0

# Between two lines in the log about an account that this process lacks.
TOLD_S: Final = 60.0

# For how long work that was met here is left to the processes that have its account.
LEFT_MS: Final = 300.0

# The same when there is no such process.
UNSERVED_MS: Final = 60_000.0

log = logging.getLogger(__name__)


class _Stop(NamedTuple):
    code: str
    since_ms: int
    again_s: float


class Presence:
    """This process among the others.

    Args:
        ledger: Where processes announce themselves.
        worker: This process' name.
        accounts: The accounts it has.
        monotonic_s: Clock for measuring.
    """

    def __init__(self, ledger: Ledger, worker: str, accounts: Iterable[str], monotonic_s: Callable[[], float]) -> None:
        self._ledger, self._worker, self._accounts, self._clock_s = ledger, worker, frozenset(accounts), monotonic_s
        self._stops: dict[str, _Stop] = {}
        self._reads_again_s: dict[str, float] = {}
        self._told_s: dict[str, float] = {}
        self._others: dict[str, Worker] = {}
        self._others_s = self._announced_s = float("-inf")
        self._lock = threading.Lock()

    def announce(self, *, now: bool = False) -> None:
        """Say that this process runs, unless it was said a moment ago.

        Raises:
            redis.exceptions.RedisError: Redis cannot be reached.
        """
        if now or self._clock_s() - self._announced_s > ANNOUNCE_S:
            stopped = {name: AccountStop(code=stop.code, since_ms=stop.since_ms) for name, stop in self._stops.items()}
            presence.announce(self._ledger, self._worker, self._accounts, stopped)
            self._announced_s = self._clock_s()

    def has(self, account: str) -> bool:
        """Whether this process has the account at all."""
        return account in self._accounts

    def lacks(self, account: str, work: str) -> None:
        """Log now and then that something waits for an account that this process does not have."""
        if self._clock_s() - self._told_s.get(account, float("-inf")) > TOLD_S:
            self._told_s[account] = self._clock_s()
            log.warning(
                "this process lacks the account %s and leaves %s to the workers that have it; see `smsline accounts`",
                account,
                work,
            )

    def served_by_others(self, account: str) -> bool:
        """Whether another process that runs has the account and can use it.

        Raises:
            redis.exceptions.RedisError: Redis cannot be reached.
        """
        if self._clock_s() - self._others_s > KNOWN_S:
            found = presence.live(self._ledger)
            # Others only: this process knows itself better than the ledger does.
            found.pop(self._worker, None)
            self._others, self._others_s = found, self._clock_s()
        return any(account in each["accounts"] and account not in each["stopped"] for each in self._others.values())

    def leave_for_ms(self, account: str) -> float | None:
        """When work of an account that this process lacks or may not use is looked at again.

        Another process may take it until then.

        None when this process has the account. A while when no process has it, since then nothing
        can be asked.

        Raises:
            redis.exceptions.RedisError: Redis cannot be reached.
        """
        if self.has(account):
            resting = self._clock_s() < self._reads_again_s.get(account, float("-inf"))
            return LEFT_MS if resting and self.served_by_others(account) else None
        self.lacks(account, "questions about its calls")
        # A moment where another process may take it, a minute where there is none to take it.
        return LEFT_MS if self.served_by_others(account) else UNSERVED_MS

    def stop(self, account: str, code: str, *, for_s: float, meaning: str) -> bool:
        """Leave an account to other processes, because the provider refuses this machine.

        Args:
            account: Which.
            code: Of the refusal.
            for_s: Until one call finds out whether it still does.
            meaning: What the code means, for the log.

        Returns:
            Whether no other process can use the account either, so that it is the account's trouble
            after all.
        """
        with self._lock:
            known = self._stops.get(account)
            # The first refusal counts: each probe that fails would else make the trouble look new.
            since_ms = known.since_ms if known else self._ledger.now_ms()
            self._stops[account] = _Stop(code, since_ms, self._clock_s() + for_s)
        # Read anew: what was known of the others may be from before this trouble.
        self._others_s = float("-inf")
        others = self.served_by_others(account)
        if known is None:
            self.announce(now=True)
            log.error(
                "account %s: this machine (%s) is refused with %s: %s %s; a call every %g s finds out when that is over",
                account,
                self._worker,
                code,
                meaning,
                "other workers go on with the account" if others else "no other worker can use the account now",
                for_s,
            )
        return not others

    def stop_reads(self, account: str, *, for_s: float) -> bool:
        """Leave an account's receipts to other processes for a while; whether there are any.

        The provider refuses this machine.

        Apart from the sends, whose permission may be another one.

        Raises:
            redis.exceptions.RedisError: Redis cannot be reached.
        """
        others = self.served_by_others(account)
        if others:
            self._reads_again_s[account] = self._clock_s() + for_s
        return others

    def go_on(self, account: str) -> None:
        """The provider takes calls of this machine again."""
        with self._lock:
            stopped = self._stops.pop(account, None)
        if stopped:
            log.warning("account %s: this machine (%s) is served again", account, self._worker)
            try:
                self.announce(now=True)
            except RedisError:
                # Announced at the next look of the scheduler.
                self._announced_s = float("-inf")

    def sits_out(self, account: str) -> bool:
        """Whether this process leaves the account alone just now."""
        stop = self._stops.get(account)
        return stop is not None and self._clock_s() < stop.again_s

    def probes(self, account: str, *, for_s: float) -> None:
        """A call finds out whether a stopped account can be used again.

        No other one of this process does meanwhile.
        """
        with self._lock:
            if stop := self._stops.get(account):
                self._stops[account] = stop._replace(again_s=self._clock_s() + for_s)
