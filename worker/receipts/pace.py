"""How often receipts are fetched beside a push: rarely while it brings them, else as usual."""

from typing import Final

from smsline.ledger import accounts
from worker.engine import Engine

SILENT_MS: Final = 60_000
"""A push that has brought nothing of ours for so long has fallen silent."""

RARELY_MS: Final = 30_000
"""Between two pulls, or from a message to the first question about it, while a push lives: one
receipt in many that it loses is then half a minute late."""


def pull_in_ms(engine: Engine, account: str) -> float:
    """Ms until the account's queue is to be looked at; 0 for now."""
    pushed_ms, pulled_ms = accounts.pushed_and_pulled(engine.ledger, account)
    now_ms = engine.now_ms()
    return max(0, pulled_ms + RARELY_MS - now_ms) if pushed_ms > now_ms - SILENT_MS else 0


def ask_in_ms(engine: Engine, account: str, youngest_ms: float) -> float:
    """Ms until messages are to be asked about, the youngest of which is of this age; 0 for now."""
    pushed_ms, _ = accounts.pushed_and_pulled(engine.ledger, account)
    return max(0.0, RARELY_MS - youngest_ms) if pushed_ms > engine.now_ms() - SILENT_MS else 0.0
