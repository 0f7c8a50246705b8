"""Ask a provider what became of a number or of messages it accepted."""

import logging
from collections.abc import Sequence
from typing import Final

from smsline.codes import for_read
from smsline.ledger import accounts
from smsline.numbers import e164, mask
from smsline.receipt import Receipt
from smsline.verdicts import Verdict
from worker.engine import Engine
from worker.gate import refused, wait_for_token
from worker.providers.base import MessageRef, QueryProvider, ReceiptPage

AGAIN_MS: Final = 1_000.0

log = logging.getLogger(__name__)


def ask(
    engine: Engine, account: str, number: int, *, since_s: int, until_s: int, urgent: bool = False
) -> list[Receipt] | float:
    """Ask the provider about one number; ms to wait when that was not possible just now."""
    provider = engine.providers[account]
    # No token either: there is no call to take it for.
    if not provider.ask_action:
        return []
    if wait_ms := wait_for_token(engine, account, provider.ask_action, urgent=urgent):
        return wait_ms
    answer = provider.ask(number, since_s=since_s, until_s=until_s)
    if isinstance(answer, ReceiptPage):
        engine.reads.worked(account, provider.ask_action)
        return list(answer.receipts)
    refused(engine, account, provider.ask_action, answer)
    log.info("account %s: asking about %s failed with %s", account, mask(e164(number)), answer.code)
    return AGAIN_MS


def query(engine: Engine, account: str, asked: Sequence[MessageRef]) -> list[Receipt] | float:
    """Ask the provider about messages that it took; ms to wait when that was not possible just now.

    What is refused for its own sake, and would be each time, holds up nothing else: there is no
    receipt of it.
    """
    provider = engine.providers[account]
    if not isinstance(provider, QueryProvider):
        return []
    action = provider.query_rule.action
    if wait_ms := wait_for_token(engine, account, action):
        return wait_ms
    answer = provider.query(asked)
    # An empty page is an answer, too: the provider has no final word yet.
    if isinstance(answer, ReceiptPage):
        return list(answer.receipts)
    # Refused for good: the messages stay open, and end at the deadline.
    if for_read(engine.settings.accounts[account].provider, answer.code).row.verdict is Verdict.DEAD:
        accounts.note_error(engine.ledger, account, f"{answer.code} from {action}")
        log.warning("account %s: %s answered %s to one query; it is asked again later", account, action, answer.code)
        return []
    refused(engine, account, action, answer)
    return AGAIN_MS
