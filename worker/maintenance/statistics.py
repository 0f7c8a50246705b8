"""The history of the statistics, written once a minute by whichever process comes first."""

from typing import Final

from smsline.ledger import due, statistics
from smsline.ledger.statistics import MINUTE_MS
from worker.engine import Engine

MEMBER: Final = "minute"
DAY_S: Final = 86_400


def begin(engine: Engine) -> None:
    """Let the history be written from now on."""
    due.start(engine.ledger, engine.ledger.keys.stats_due, [MEMBER], engine.now_ms())


def write(engine: Engine) -> bool:
    """Write the minute that has ended, when no other process does; whether this one did."""
    key = engine.ledger.keys.stats_due
    lease = due.claim_one(engine.ledger, key, MEMBER, lease_ms=engine.lease_ms)
    if lease is None:
        return False
    now_ms = engine.now_ms()
    written = statistics.write_history(
        engine.ledger, now_ms=now_ms, keep_s=(engine.settings.retention_days + 1) * DAY_S
    )
    # To the next full minute of Redis' clock, so that the minutes of all processes are the same.
    due.finish(engine.ledger, key, lease, MINUTE_MS - now_ms % MINUTE_MS)
    return written
