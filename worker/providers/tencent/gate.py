"""The ledger's token buckets as the gate of an account's actions: an action in, leave to call or milliseconds to wait out."""

import time
from collections.abc import Callable, Mapping
from typing import Final

from smsline.codes import for_read, wait_s
from smsline.ledger import buckets
from smsline.ledger.buckets import Limit
from smsline.ledger.link import Ledger
from smsline.verdicts import Verdict
from worker.gate import await_token
from worker.outcome import SHUT_S
from worker.providers.base import Broken, Refused

PROVIDER: Final = "tencent"
PATIENCE_MS: Final = 5_000.0
"""How long a token is waited for. The scarcest actions have one a second."""


class LedgerGate:
    """`worker.providers.tencent.api.Gate` over the buckets that the workers use too: one bound for all."""

    def __init__(
        self,
        ledger: Ledger,
        account: str,
        *,
        limits: Mapping[str, float],
        patience_ms: float = PATIENCE_MS,
        sleep: Callable[[float], None] = time.sleep,
        monotonic_s: Callable[[], float] = time.monotonic,
    ) -> None:
        """Take no token yet.

        Args:
            ledger: Holds the buckets.
            account: Whose they are.
            limits: Calls per second by action.
            patience_ms: How long a token is waited for.
            sleep: Waits so many seconds.
            monotonic_s: Clock for measuring.
        """
        self._ledger = ledger
        self._account = account
        self._limits = limits
        self._patience_ms = patience_ms
        self._sleep = sleep
        self._monotonic_s = monotonic_s

    def admit(self, action: str) -> float:
        """Take a token of the action's bucket.

        Returns:
            0 when it was taken, else milliseconds until there will be one.

        Raises:
            redis.exceptions.RedisError: Redis cannot be reached: make no call.
        """
        # Nobody else calls these actions, so no share of them is kept for otp.
        limit = Limit(self._limits[action], reserve=0.0)
        return await_token(
            lambda: buckets.take_token(self._ledger, self._account, action, limit=limit),
            most_ms=self._patience_ms,
            sleep=self._sleep,
            monotonic_s=self._monotonic_s,
        )

    def refused(self, action: str, answer: Refused | Broken) -> None:
        """Close the action's bucket when the provider says that there were too many calls."""
        row = for_read(PROVIDER, answer.code).row
        if row.verdict is Verdict.THROTTLE:
            pause_s = wait_s(row, now_s=self._ledger.now_ms() / 1000) or SHUT_S
            buckets.shut(self._ledger, self._account, action, pause_s * 1000)
