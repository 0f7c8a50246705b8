"""Drain a provider's receipt queue: pull, store each raw page, then apply it."""

import logging
from collections.abc import Callable, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Final

from smsline.ledger import accounts, due, receipt_pages, receipts
from smsline.ledger.receipt_pages import Page
from smsline.names import LANES
from worker.engine import Engine
from worker.gate import refused, wait_for_token
from worker.providers.base import QueueProvider, ReceiptPage
from worker.receipts import pace
from worker.receipts.apply import apply_receipts
from worker.until_redis import until_redis_answers

PULLS_AT_ONCE: Final = 4
AGAIN_MS: Final = 1_000.0
AGAIN_MOST_MS: Final = 30_000.0

log = logging.getLogger(__name__)


def drain(engine: Engine, account: str, seconds: float = 2.0) -> int:
    """Pull an account's receipts while the provider has some, for about so long.

    A provider without a queue is asked block by block (`worker.receipts.poll`); here its new blocks
    are made due for that.

    Returns:
        How many receipts were seen.
    """
    keys, provider = engine.ledger.keys, engine.providers.get(account)
    lease = due.claim_one(engine.ledger, keys.drain, account, lease_ms=engine.lease_ms)
    if lease is None:
        return 0
    if provider is None or engine.presence.leave_for_ms(account) is not None:
        # Receipts of an account that this process lacks, or may not pull, wait for one that can.
        awaited = accounts.outstanding(engine.ledger, account) > 0
        due.finish(engine.ledger, keys.drain, lease, engine.presence.leave_for_ms(account) if awaited else None)
        return 0
    if not isinstance(provider, QueueProvider):
        # No queue to drain: its messages are queried, from the lane's first poll on.
        bring_forward(engine, account)
        due.finish(engine.ledger, keys.drain, lease)
        return 0
    # Stored pages first: a worker that died between storing and applying has left them.
    over, seen = engine.slice_ends(seconds), apply_stored(engine, account)
    again_ms = pace.pull_in_ms(engine, account)
    if not again_ms:
        rows, again_ms = _drain_queue(engine, account, provider, over)
        accounts.note_pulled(engine.ledger, account, engine.now_ms())
        seen += rows
    left = accounts.outstanding(engine.ledger, account)
    due.finish(engine.ledger, keys.drain, lease, again_ms if left > 0 else None)
    if left > 0:
        engine.look_again(again_ms)
    return seen


def bring_forward(engine: Engine, account: str) -> None:
    """Blocks that joined the probe's schedule since the last drain are due at the first poll.

    It is their lane's first poll, and comes before the first probe.
    """
    now_ms = engine.now_ms()
    earliest_ms = receipts.bring_forward(
        engine.ledger,
        account,
        now_ms=now_ms,
        probe_ms=engine.polls("otp").probe_ms,
        first_ms={lane: engine.polls(lane).first_poll_ms for lane in LANES},
    )
    if earliest_ms is not None:
        engine.look_again(max(0.0, earliest_ms - now_ms))


def _drain_queue(engine: Engine, account: str, queue: QueueProvider, over: Callable[[], bool]) -> tuple[int, float]:
    """Pull and apply until the queue is empty, trouble comes, or the time is over.

    The next pages are pulled while those before are applied; each was stored before it is looked
    at.

    Returns:
        How many receipts were seen; ms to leave the queue alone.
    """
    seen, width, pulls = 0, 1, list[Future[float | Page]]()
    # A pull is a round trip to the provider, while applying is CPU of this process: both at once.
    with ThreadPoolExecutor(PULLS_AT_ONCE, "pull") as pool:
        if not over():
            pulls = [pool.submit(_pull_one, engine, account, queue)]
        while pulls:
            pulled = [pull.result() for pull in pulls]
            stored = [each for each in pulled if isinstance(each, Page)]
            pages = [_read(engine, account, queue, page.raw) for page in stored]
            rows, trouble_ms = (
                sum(page.rows for page in pages),
                max((w for w in pulled if isinstance(w, float)), default=0.0),
            )
            # Only full pages promise more.
            seen, more = seen + rows, not trouble_ms and rows >= width * queue.pull_limit
            width, pulls = min(PULLS_AT_ONCE, width * 2), []
            if more and not over():
                pulls = [pool.submit(_pull_one, engine, account, queue) for _ in range(width)]
            _apply_pages(engine, account, stored, pages)
            if not more:
                # A second, doubled for every empty page in a row.
                empty = accounts.note_page(engine.ledger, account, rows)
                return seen, trouble_ms or min(AGAIN_MOST_MS, AGAIN_MS * 2.0 ** max(0, min(empty - 1, 10)))
    return seen, 0.0


def _pull_one(engine: Engine, account: str, queue: QueueProvider) -> float | Page:
    """Pull one page and store it; ms to wait when that was not possible."""
    wait_ms = wait_for_token(engine, account, queue.pull_action)
    if wait_ms:
        return wait_ms
    # Never repeated: the provider has given these rows away, whether or not the answer arrives.
    page = queue.pull()
    if isinstance(page, bytes):
        new = receipt_pages.new_page(page)
        # This process alone has it now, and the provider never gives it again.
        stored = until_redis_answers(engine, lambda: receipt_pages.store_page(engine.ledger, account, new))
        engine.reads.worked(account, queue.pull_action)
        return stored
    accounts.note_error(engine.ledger, account, f"{page.code} while pulling receipts")
    log.warning(
        "account %s: pulling receipts failed with %s; what it may have taken is asked for by number", account, page.code
    )
    return engine.reads.failed(account, queue.pull_action) * 1000


def apply_stored(engine: Engine, account: str) -> int:
    """Apply every page that is stored, as after a worker's death.

    Returns how many receipts they held.
    """
    seen, queue = 0, engine.providers[account]
    while isinstance(queue, QueueProvider) and (stored := receipt_pages.stored_pages(engine.ledger, account)):
        pages = [_read(engine, account, queue, page.raw) for page in stored]
        _apply_pages(engine, account, stored, pages)
        seen += sum(page.rows for page in pages)
    return seen


def _apply_pages(engine: Engine, account: str, stored: Sequence[Page], pages: Sequence[ReceiptPage]) -> None:
    """Apply what stored pages say, then forget them."""
    # Applied before they are dropped: applying twice changes nothing, dropping first could lose a
    # page.
    apply_receipts(engine, account, [receipt for page in pages for receipt in page.receipts])
    receipt_pages.drop_pages(engine.ledger, account, stored)


def _read(engine: Engine, account: str, queue: QueueProvider, raw: bytes) -> ReceiptPage:
    """A stored page, read.

    One that holds an error, or nothing readable, is an empty page and trouble to tell.
    """
    page = queue.read_page(raw)
    if not isinstance(page, ReceiptPage):
        refused(engine, account, queue.pull_action, page)
        return ReceiptPage((), 0, 0)
    if page.bad_rows:
        accounts.note_error(engine.ledger, account, f"{page.bad_rows} receipts could not be read")
        log.error("account %s: %d receipts of a page could not be read and were left out", account, page.bad_rows)
    return page
