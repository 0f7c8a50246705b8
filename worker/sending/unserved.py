"""Batch queues of accounts that no worker process has.

Their recipients wait, visibly, until a process has the account or their time is over.
"""

import logging
from typing import Final

from smsline.ledger import accepting, accounts, batch_queues
from smsline.ledger.batch_queues import BatchQueue, CallLimits, NotStarted
from smsline.ledger.buckets import Limit
from worker.engine import Engine

WAIT_MS: Final = 60_000.0
CODE: Final = "account.Unknown"

log = logging.getLogger(__name__)


def park(engine: Engine, queue: BatchQueue) -> None:
    """Park the account, and let recipients that have ended meanwhile leave the batch queue.

    It is parked for all processes, because none has it; the first worker that has the account lifts
    that (`resume`).
    """
    message = "no worker is configured with this account; add it to the settings or cancel its jobs"
    accounts.park(engine.ledger, queue.account, "", CODE, probe_ms=WAIT_MS, message=message)
    accounts.put_off_probe(engine.ledger, queue.account, WAIT_MS)
    accounts.note_unserved(engine.ledger, queue.account)
    terms = CallLimits("", Limit(1.0), engine.lease_ms, WAIT_MS, queue.account)
    while True:
        claim = batch_queues.take(
            engine.ledger,
            queue,
            engine.next_attempt(),
            limit=accepting.BLOCK_SIZE,
            linger_ms=0,
            lease_ms=engine.lease_ms,
            worker=engine.worker,
        )
        if claim is None:
            return
        why = batch_queues.begin(engine.ledger, claim, terms)
        if isinstance(why, NotStarted) and why.why == "parked":
            batch_queues.release(engine.ledger, claim, WAIT_MS)
            log.error("account %s is not configured anywhere: its recipients wait; %s", queue.account, message)
            return


def resume(engine: Engine) -> None:
    """Lift the parks of accounts that no process had until now.

    Raises:
        redis.exceptions.RedisError: Redis cannot be reached.
    """
    for account in engine.providers:
        if any(park["code"] == CODE for park in accounts.parks(engine.ledger, account)):
            accounts.unpark(engine.ledger, account)
            log.warning("account %s: this worker has it, what waited for it goes on", account)
