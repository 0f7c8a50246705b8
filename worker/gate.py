"""Reads of a provider under their limit.

A read waits for a token; a refused or failed one decides when the next may be made.
"""

import logging
import time
from collections.abc import Callable, Mapping
from typing import Final

from smsline.codes import for_read, wait_s
from smsline.ledger import accounts, buckets
from smsline.ledger.buckets import Limit
from smsline.ledger.link import Ledger
from smsline.verdicts import Scope, Verdict
from worker.engine import Engine
from worker.failed_reads import TROUBLE_MOST_S
from worker.providers.base import Broken, Refused

# Pause when the provider says that there were too many calls, and not for how long.
THROTTLED_S: Final = 1.0

# How long a command waits for a token. The scarcest actions have one a second.
PATIENCE_MS: Final = 5_000.0

log = logging.getLogger(__name__)


class CommandGate:
    """An account's actions for commands of people, over the buckets that the workers use too."""

    def __init__(
        self,
        ledger: Ledger,
        bucket: str,
        *,
        provider: str,
        limits: Mapping[str, float],
        patience_ms: float = PATIENCE_MS,
        sleep: Callable[[float], None] = time.sleep,
        monotonic_s: Callable[[], float] = time.monotonic,
    ) -> None:
        """Take no token yet.

        Args:
            ledger: Holds the buckets.
            bucket: Whose they are: `Settings.bucket_of` the account.
            provider: Whose codes explain a refusal.
            limits: Calls per second by action.
            patience_ms: How long a token is waited for.
            sleep: Waits so many seconds.
            monotonic_s: Clock for measuring.
        """
        self._ledger = ledger
        self._bucket = bucket
        self._provider = provider
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
        # Sends have other actions, so no share of these is kept for otp.
        limit = Limit(self._limits[action], reserve=0.0)
        return await_token(
            lambda: buckets.take_token(self._ledger, self._bucket, action, limit=limit),
            most_ms=self._patience_ms,
            sleep=self._sleep,
            monotonic_s=self._monotonic_s,
        )

    def refused(self, action: str, answer: Refused | Broken) -> None:
        """Close the action's bucket when the provider says that there were too many calls."""
        row = for_read(self._provider, answer.code).row
        if row.verdict is Verdict.THROTTLE:
            pause_s = wait_s(row, now_s=self._ledger.now_ms() / 1000) or THROTTLED_S
            buckets.shut(self._ledger, self._bucket, action, pause_s * 1000)


def await_token(
    take: Callable[[], float],
    *,
    most_ms: float,
    sleep: Callable[[float], object],
    monotonic_s: Callable[[], float],
    stopping: Callable[[], bool] = lambda: False,
) -> float:
    """Take a token as soon as there is one, waiting at most so long.

    Args:
        take: Tries; 0 when it was taken, else milliseconds until there will be one.
        most_ms: How long to wait in all.
        sleep: Waits so many seconds.
        monotonic_s: Clock for measuring.
        stopping: Whether to wait no more.

    Returns:
        0 when it was taken, else milliseconds until there will be one.
    """
    until_s = monotonic_s() + most_ms / 1000
    while wait_ms := take():
        # Asked before the sleep: a thread that would come too late all the same is free at once.
        if monotonic_s() + wait_ms / 1000 > until_s or stopping():
            return wait_ms
        sleep(wait_ms / 1000)
    return 0.0


def wait_for_token(
    engine: Engine, account: str, action: str, most_ms: float = 1_000.0, *, urgent: bool = True
) -> float:
    """Take a token for a call that is not a send, waiting at most so long.

    Returns 0 when it was taken, else the ms until there will be one.
    """
    limit = engine.limit(account, action)
    return await_token(
        lambda: buckets.take_token(
            engine.ledger, engine.settings.bucket_of(account), action, limit=limit, urgent=urgent
        ),
        most_ms=most_ms,
        sleep=engine.sleep,
        monotonic_s=engine.monotonic_s,
        stopping=engine.stopping.is_set,
    )


def refused(engine: Engine, account: str, action: str, answer: Refused | Broken) -> None:
    """A pull or query was answered with an error: close its bucket for a while, and tell people."""
    if left_to_others(engine, account, action, answer):
        return
    match = for_read(engine.settings.accounts[account].provider, answer.code)
    asked_s = wait_s(match.row, now_s=engine.now_ms() / 1000)
    if asked_s is not None:
        pause_s = asked_s
    elif isinstance(answer, Broken):
        pause_s = engine.reads.failed(account, action)
    else:
        # Any other refusal of a read will be the same in a moment: 5 s, so that it fills no log.
        pause_s = THROTTLED_S if match.row.verdict is Verdict.THROTTLE else TROUBLE_MOST_S
    buckets.shut(engine.ledger, engine.settings.bucket_of(account), action, pause_s * 1000)
    accounts.note_error(engine.ledger, account, f"{answer.code} from {action} at {engine.worker}")
    if match.row.verdict is Verdict.PARK and match.row.scope is not Scope.TEMPLATE:
        log.error(
            "account %s: %s refuses with %s: %s; receipts wait until that is mended",
            account,
            action,
            answer.code,
            match.row.meaning,
        )
    else:
        log.warning("account %s: %s answered %s; asking again in %g s", account, action, answer.code, pause_s)


def left_to_others(engine: Engine, account: str, action: str, answer: Refused | Broken) -> bool:
    """Whether the provider refuses this machine alone, so that others take the account's receipts.

    They take its replies, too, for a while.

    A wrong clock here must not close the bucket of machines whose clock is right.
    """
    row, rest_s = for_read(engine.settings.accounts[account].provider, answer.code).row, engine.settings.park_probe_s
    if row.verdict is not Verdict.PARK or row.scope is not Scope.PROCESS:
        return False
    if not engine.presence.stop_reads(account, for_s=rest_s):
        return False
    log.error(
        "account %s: %s refuses this machine (%s) with %s: %s; other workers take its receipts, asking again in %g s",
        account,
        action,
        engine.worker,
        answer.code,
        row.meaning,
        rest_s,
    )
    return True
