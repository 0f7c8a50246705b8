"""Ask providers for the balance of accounts, at most a quarter of an hour apart."""

import logging
from typing import Final

from smsline.ledger import accounts, due
from worker.engine import Engine
from worker.gate import refused, wait_for_token
from worker.providers.base import Balance, BalanceProvider
from worker.routing.presence import LEFT_MS

EVERY_S: Final = 900.0

log = logging.getLogger(__name__)


def begin(engine: Engine) -> None:
    """Let every account that can be asked be asked, at once if it never was."""
    names = [name for name, provider in engine.providers.items() if isinstance(provider, BalanceProvider)]
    accounts.ask_for_credit(engine.ledger, names, at_ms=engine.now_ms())


def look(engine: Engine, account: str) -> None:
    """Ask what is left on an account that is due.

    One that can no longer be asked leaves the schedule.
    """
    key, provider = engine.ledger.keys.credit, engine.providers.get(account)
    lease = due.claim_one(engine.ledger, key, account, lease_ms=engine.lease_ms)
    if lease is None:
        return
    if not isinstance(provider, BalanceProvider):
        # When another process has the account, it stays due for that one; when none has, it leaves
        # the schedule.
        leave_ms = engine.presence.leave_for_ms(account)
        due.finish(engine.ledger, key, lease, leave_ms if leave_ms == LEFT_MS else None)
        return
    # Without a token the next quarter of an hour will do.
    if not wait_for_token(engine, account, provider.balance_action):
        answer = provider.balance()
        if isinstance(answer, Balance):
            held = accounts.Credit(
                balance=answer.amount, currency=answer.currency, messages=answer.messages, at_ms=engine.now_ms()
            )
            accounts.note_credit(engine.ledger, account, held)
            log.info("account %s: %s %s left, %d messages", account, answer.amount, answer.currency, answer.messages)
        else:
            # The last balance stays, with its time, which shows that it is old.
            refused(engine, account, provider.balance_action, answer)
    due.finish(engine.ledger, key, lease, EVERY_S * 1000)
