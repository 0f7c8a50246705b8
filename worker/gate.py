"""Reads of a provider under their limit: wait for a token, and what a refused or failed read means for the next one."""

import logging
from collections.abc import Callable
from typing import Final

from smsline.codes import for_read, wait_s
from smsline.ledger import accounts, buckets
from smsline.verdicts import Scope, Verdict
from worker.engine import Engine
from worker.providers.base import Broken, Refused

TROUBLE_FIRST_S: Final = 0.25
TROUBLE_MOST_S: Final = 5.0
"""Pause after a read without a readable answer, doubled for every further one in a row."""

log = logging.getLogger(__name__)


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
        if monotonic_s() + wait_ms / 1000 > until_s or stopping():
            return wait_ms
        sleep(wait_ms / 1000)
    return 0.0


def wait_for_token(
    engine: Engine, account: str, action: str, most_ms: float = 1_000.0, *, urgent: bool = True
) -> float:
    """Take a token for a call that is not a send, waiting at most so long, however many others want it; ms to wait longer, else 0."""
    limit = engine.limit(account, action)
    return await_token(
        lambda: buckets.take_token(engine.ledger, account, action, limit=limit, urgent=urgent),
        most_ms=most_ms,
        sleep=engine.sleep,
        monotonic_s=engine.monotonic_s,
        stopping=engine.stopping.is_set,
    )


def refused(engine: Engine, account: str, action: str, answer: Refused | Broken) -> None:
    """A pull or an ask was answered with an error: close its bucket for a while, and tell people."""
    match = for_read(engine.settings.accounts[account].provider, answer.code)
    asked_s = wait_s(match.row, now_s=engine.now_ms() / 1000)
    if asked_s is not None:
        pause_s = asked_s
    elif isinstance(answer, Broken):
        pause_s = trouble_s(engine, account, action)
    else:
        pause_s = 1.0 if match.row.verdict is Verdict.THROTTLE else TROUBLE_MOST_S
    buckets.shut(engine.ledger, account, action, pause_s * 1000)
    accounts.note_error(engine.ledger, account, f"{answer.code} from {action}")
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


def trouble_s(engine: Engine, account: str, action: str) -> float:
    """How long a read that failed is left alone: short at first, so that one lost answer in ten does not hold up the other nine."""
    failed = engine.failed_reads.get((account, action), 0)
    engine.failed_reads[account, action] = failed + 1
    return min(TROUBLE_MOST_S, TROUBLE_FIRST_S * 2.0 ** min(failed, 10))
