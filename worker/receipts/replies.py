"""Pull replies: a queue gives each once, so that every page is stored before it is read."""

import logging
from typing import Final

from smsline.ledger import accounts, due, pages
from worker.engine import Engine
from worker.gate import left_to_others, wait_for_token
from worker.providers.base import Broken, Refused, ReplyProvider
from worker.receipts.pushed import leave, read_pushed
from worker.routing.presence import LEFT_MS
from worker.until_redis import until_redis_answers

REFUSED_AGAIN_MS: Final = 600_000.0
"""When an account is asked again whose replies cannot be pulled, as where the provider has not
activated that."""

log = logging.getLogger(__name__)


def begin(engine: Engine) -> None:
    """Have the replies of this process' accounts pulled from now on."""
    if not engine.settings.reply_poll_s:
        return
    names = [name for name, provider in engine.providers.items() if isinstance(provider, ReplyProvider)]
    if names:
        due.start(engine.ledger, engine.ledger.keys.replies_due, names, engine.now_ms())


def pull_replies(engine: Engine, account: str, seconds: float = 2.0) -> int:
    """Take an account's replies off the provider's queue until it is empty.

    Returns how many pages had some.
    """
    key, provider = engine.ledger.keys.replies_due, engine.providers.get(account)
    lease = due.claim_one(engine.ledger, key, account, lease_ms=engine.lease_ms)
    if lease is None:
        return 0
    again_ms, full, over = engine.settings.reply_poll_s * 1000, 0, engine.slice_ends(seconds)
    # Before all else: taken off the set here, the account's replies would not be pulled by the
    # processes that have it either.
    if (leave_ms := engine.presence.leave_for_ms(account)) is not None:
        leave(engine, key, lease, leave_ms)
        return 0
    if not isinstance(provider, ReplyProvider) or not again_ms:
        # Of an account that once was another provider's, or was polled; who starts with
        # another setting puts it back.
        due.finish(engine.ledger, key, lease)
        return 0
    rows = most = provider.replies_limit
    # At least one page, however late: else a busy process would never pull any.
    while rows == most and not (full and over()):
        rows, wait_ms = _pull_one(engine, account, provider)
        again_ms, full = LEFT_MS if wait_ms == LEFT_MS else max(again_ms, wait_ms), full + bool(rows)
    due.finish(engine.ledger, key, lease, again_ms)
    if full:
        # Here and not by a wake-up, which may stand behind others: an opt-out holds within a second
        # of its page.
        read_pushed(engine, account)
    return full


def _pull_one(engine: Engine, account: str, provider: ReplyProvider) -> tuple[int, float]:
    """Pull one page and store it if it has anything.

    Returns how many rows it has, and ms to leave the queue alone for.
    """
    if wait_ms := wait_for_token(engine, account, provider.replies_action, urgent=False):
        return 0, wait_ms
    page = provider.pull_replies()
    if not isinstance(page, bytes):
        accounts.note_error(engine.ledger, account, f"{page.code} while pulling replies")
        return 0, engine.reads.failed(account, provider.replies_action) * 1000
    rows = provider.count_replies(page)
    answer = provider.read_replies(page) if rows is None else None
    if isinstance(answer, Refused | Broken) and left_to_others(engine, account, provider.replies_action, answer):
        return 0, LEFT_MS
    if rows != 0:  # an error of the provider's is told when the page is read
        name = pages.page_id("replies")
        until_redis_answers(engine, lambda: pages.push(engine.ledger, account, "replies", page, page=name))
        engine.look_again(0)
    return rows or 0, REFUSED_AGAIN_MS if rows is None else 0.0
