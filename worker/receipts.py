"""Receipts come in, pulled page by page or asked for by number or message; their recipients' final states go out."""

import logging
from collections.abc import Callable, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Final

from smsline.codes import wait_s
from smsline.ledger import accounts, buckets, due, receipts, suppression
from smsline.ledger.due import Lease
from smsline.ledger.receipts import Applied, Matched, Page, Row
from smsline.names import LANES
from smsline.numbers import e164, mask
from smsline.verdicts import Scope, Verdict
from worker import meanings
from worker.engine import Engine
from worker.matching import match
from worker.outcome import OPT_OUT_REASON
from worker.providers.base import Asked, Broken, QueryProvider, QueueProvider, Receipt, ReceiptPage, Refused
from worker.tokens import await_token

PAGE: Final = 100
"""Receipts in a page, at most (Tencent SMS API document, line 2672)."""

PULLS_AT_ONCE: Final = 4
AGAIN_MS: Final = 1_000.0
TROUBLE_FIRST_S: Final = 0.25
TROUBLE_MOST_S: Final = 5.0
"""Pause after a read without a readable answer, doubled for every further one in a row."""

AGAIN_MOST_MS: Final = 30_000.0
DAY_MS: Final = 86_400_000
STRANGER_AGAIN_MS: Final = 60_000.0

log = logging.getLogger(__name__)


def drain(engine: Engine, account: str, seconds: float = 2.0) -> int:
    """Take an account's receipts off the provider's queue, as long as there are some, for about so long.

    A provider without a queue is asked block by block (`worker.probe`); here its new blocks are made due for that.

    Returns:
        How many receipts were seen.
    """
    keys, provider = engine.ledger.keys, engine.providers.get(account)
    lease = due.claim_one(engine.ledger, keys.drain, account, lease_ms=engine.settings.lease_s * 1000)
    if lease is None:
        return 0
    if provider is None:
        _leave(engine, account, lease)
        return 0
    if not isinstance(provider, QueueProvider):
        bring_forward(engine, account)
        due.finish(engine.ledger, keys.drain, lease)
        return 0
    over, seen = engine.slice_ends(seconds), apply_stored(engine, account)
    rows, again_ms = _drain_queue(engine, account, provider, over)
    seen += rows
    left = accounts.outstanding(engine.ledger, account)
    due.finish(engine.ledger, keys.drain, lease, again_ms if left > 0 else None)
    if left > 0:
        engine.poke(again_ms)
    return seen


def _leave(engine: Engine, account: str, lease: Lease) -> None:
    """Receipts of an account that this service does not have (any more) wait for one that has it, as long as any are awaited."""
    awaited = accounts.outstanding(engine.ledger, account) > 0
    due.finish(engine.ledger, engine.ledger.keys.drain, lease, STRANGER_AGAIN_MS if awaited else None)


def _pause_ms(engine: Engine, account: str, rows: int) -> float:
    """How long to leave the queue alone: a second, doubled for every empty page in a row."""
    empty = accounts.note_page(engine.ledger, account, rows)
    return min(AGAIN_MOST_MS, AGAIN_MS * 2.0 ** max(0, min(empty - 1, 10)))


def bring_forward(engine: Engine, account: str) -> None:
    """Blocks that joined the probe's schedule since the last drain are due at their lane's first poll, not at the first probe."""
    now_ms = engine.now_ms()
    earliest_ms = receipts.bring_forward(
        engine.ledger,
        account,
        now_ms=now_ms,
        probe_ms=engine.polls("otp").probe_ms,
        first_ms={lane: engine.polls(lane).first_poll_ms for lane in LANES},
    )
    if earliest_ms is not None:
        engine.poke(max(0.0, earliest_ms - now_ms))


def _drain_queue(engine: Engine, account: str, queue: QueueProvider, over: Callable[[], bool]) -> tuple[int, float]:
    """Pull and apply until the queue is empty, trouble comes, or the time is over.

    The next pages are pulled while those before are applied; each was stored before it is looked at.

    Returns:
        How many receipts were seen; ms to leave the queue alone.
    """
    seen, width, pulls = 0, 1, list[Future[float | Page]]()
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
            seen, more = seen + rows, not trouble_ms and rows >= width * PAGE
            width, pulls = min(PULLS_AT_ONCE, width * 2), []
            if more and not over():
                pulls = [pool.submit(_pull_one, engine, account, queue) for _ in range(width)]
            _apply_pages(engine, account, stored, pages)
            if not more:
                return seen, trouble_ms or _pause_ms(engine, account, rows)
    return seen, 0.0


def _pull_one(engine: Engine, account: str, queue: QueueProvider) -> float | Page:
    """Pull one page and store it; ms to wait when that was not possible."""
    wait_ms = wait_for_token(engine, account, queue.pull_action)
    if wait_ms:
        return wait_ms
    page = queue.pull(PAGE)
    if isinstance(page, bytes):
        engine.failed_reads.pop((account, queue.pull_action), None)
        return receipts.store_page(engine.ledger, account, page)
    accounts.note_error(engine.ledger, account, f"{page.code} while pulling receipts")
    log.warning(
        "account %s: pulling receipts failed with %s; what it may have taken is asked for by number", account, page.code
    )
    return _trouble_s(engine, account, queue.pull_action) * 1000


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


def apply_stored(engine: Engine, account: str) -> int:
    """Apply every page that is stored, as after a worker's death; returns how many receipts they held."""
    seen, queue = 0, engine.providers[account]
    while isinstance(queue, QueueProvider) and (stored := receipts.stored_pages(engine.ledger, account)):
        pages = [_read(engine, account, queue, page.raw) for page in stored]
        _apply_pages(engine, account, stored, pages)
        seen += sum(page.rows for page in pages)
    return seen


def _apply_pages(engine: Engine, account: str, stored: Sequence[Page], pages: Sequence[ReceiptPage]) -> None:
    """Apply what stored pages say, then forget them."""
    apply_rows(engine, account, [row_of(receipt) for page in pages for receipt in page.receipts])
    receipts.drop_pages(engine.ledger, account, stored)


def _read(engine: Engine, account: str, queue: QueueProvider, raw: bytes) -> ReceiptPage:
    """A stored page; one that holds an error, or nothing readable, is an empty page and trouble to tell."""
    page = queue.read_page(raw)
    if not isinstance(page, ReceiptPage):
        refused(engine, account, queue.pull_action, page)
        return ReceiptPage((), 0, 0)
    if page.bad_rows:
        accounts.note_error(engine.ledger, account, f"{page.bad_rows} receipts could not be read")
        log.error("account %s: %d receipts of a page could not be read and were left out", account, page.bad_rows)
    return page


def refused(engine: Engine, account: str, action: str, answer: Refused | Broken) -> None:
    """A pull or an ask was answered with an error: close its bucket for a while, and tell people."""
    match = meanings.of_read(engine.settings.accounts[account].provider, answer.code)
    asked_s = wait_s(match.row, now_s=engine.now_ms() / 1000)
    if asked_s is not None:
        pause_s = asked_s
    elif isinstance(answer, Broken):
        pause_s = _trouble_s(engine, account, action)
    else:
        pause_s = 1.0 if match.row.verdict is Verdict.THROTTLE else TROUBLE_MOST_S
    buckets.shut(engine.ledger, account, action, pause_s * 1000)
    accounts.note_error(engine.ledger, account, f"{answer.code} from {action}")
    if match.row.verdict is Verdict.PARK and match.row.scope is Scope.ACCOUNT:
        log.error(
            "account %s: %s refuses with %s: %s; receipts wait until that is mended",
            account,
            action,
            answer.code,
            match.row.meaning,
        )
    else:
        log.warning("account %s: %s answered %s; asking again in %g s", account, action, answer.code, pause_s)


def _trouble_s(engine: Engine, account: str, action: str) -> float:
    """How long a read that failed is left alone: short at first, so that one lost answer in ten does not hold up the other nine."""
    failed = engine.failed_reads.get((account, action), 0)
    engine.failed_reads[account, action] = failed + 1
    return min(TROUBLE_MOST_S, TROUBLE_FIRST_S * 2.0 ** min(failed, 10))


def row_of(receipt: Receipt) -> Row:
    """A receipt as the ledger takes it."""
    return Row(receipt.number, receipt.serial, receipt.ok, receipt.code, receipt.received_at_s, receipt.context)


def apply_rows(engine: Engine, account: str, rows: Sequence[Row]) -> Applied:
    """Match receipts to their recipients and apply them; those that match nothing are kept for what comes later.

    Receipts that can be asked for again are not kept.
    """
    if not rows:
        return Applied()
    today = engine.now_ms() // DAY_MS
    places = receipts.find(engine.ledger, account, [row.serial for row in rows], today=today)
    matched = [Matched(row, places[row.serial]) for row in rows if row.serial in places]
    left = [row for row in rows if row.serial not in places]
    if left:
        matched += match(engine, account, left)
    if left and not isinstance(engine.providers.get(account), QueryProvider):
        known = {each.row for each in matched}
        orphans = [row for row in left if row not in known]
        late_places = receipts.keep_orphans(engine.ledger, account, orphans, today=today)
        matched += [Matched(row, late_places[row.serial]) for row in orphans if row.serial in late_places]
    return apply_matched(engine, account, matched)


def apply_matched(engine: Engine, account: str, matched: Sequence[Matched]) -> Applied:
    """Apply receipts whose recipients are known."""
    jobs = receipts.jobs_of(engine.ledger, sorted({each.place.block for each in matched}))
    suppression.add(engine.ledger, [each.row.number for each in matched if opted_out(engine, account, each.row)])
    known = [_timed(engine, each) for each in matched if each.place.block in jobs]
    done = receipts.apply(engine.ledger, account, known, jobs=jobs)
    if done.strangers:
        log.warning(
            "account %s: %d receipts name a serial of ours with another number; they were left out",
            account,
            done.strangers,
        )
    return done


def _timed(engine: Engine, matched: Matched) -> Matched:
    """A receipt to which its provider gives no time is of the present."""
    row = matched.row
    return matched if row.at_s else matched._replace(row=row._replace(at_s=engine.now_ms() // 1000))


def opted_out(engine: Engine, account: str, row: Row) -> bool:
    """Whether a receipt says that the recipient does not want to be texted."""
    return (
        not row.ok
        and meanings.of_receipt(engine.settings.accounts[account].provider, row.code).row.reason == OPT_OUT_REASON
    )


def match_early(engine: Engine, account: str, numbers: Sequence[int]) -> int:
    """Apply receipts of these numbers that came before their send, or its loss, was written down; returns how many."""
    today = engine.now_ms() // DAY_MS
    rows = receipts.orphans_of(engine.ledger, account, numbers, today=today)
    if not rows:
        return 0
    places = receipts.find(engine.ledger, account, [row.serial for row in rows], today=today)
    matched = [Matched(row, places[row.serial]) for row in rows if row.serial in places]
    matched += match(engine, account, [row for row in rows if row.serial not in places])
    apply_matched(engine, account, matched)
    receipts.drop_orphans(engine.ledger, account, [each.row for each in matched], today=today)
    return len(matched)


def ask(
    engine: Engine, account: str, number: int, *, since_s: int, until_s: int, urgent: bool = False
) -> list[Row] | float:
    """Ask the provider about one number; ms to wait when that was not possible just now."""
    provider = engine.providers[account]
    if wait_ms := wait_for_token(engine, account, provider.ask_action, urgent=urgent):
        return wait_ms
    answer = provider.ask(number, since_s=since_s, until_s=until_s)
    if isinstance(answer, ReceiptPage):
        engine.failed_reads.pop((account, provider.ask_action), None)
        return [row_of(receipt) for receipt in answer.receipts]
    refused(engine, account, provider.ask_action, answer)
    log.info("account %s: asking about %s failed with %s", account, mask(e164(number)), answer.code)
    return AGAIN_MS


def query(engine: Engine, account: str, asked: Sequence[Asked]) -> list[Row] | float:
    """Ask the provider about messages that it took; ms to wait when that was not possible just now.

    What is refused for its own sake, and would be each time, holds up nothing else: there is no receipt of it.
    """
    provider = engine.providers[account]
    if not isinstance(provider, QueryProvider):
        return []
    action = provider.query_rule.action
    if wait_ms := wait_for_token(engine, account, action):
        return wait_ms
    answer = provider.query(asked)
    if isinstance(answer, ReceiptPage):
        return [row_of(receipt) for receipt in answer.receipts]
    if meanings.of_read(engine.settings.accounts[account].provider, answer.code).row.verdict is Verdict.DEAD:
        accounts.note_error(engine.ledger, account, f"{answer.code} from {action}")
        log.warning("account %s: %s answered %s to one query; it is asked again later", account, action, answer.code)
        return []
    refused(engine, account, action, answer)
    return AGAIN_MS
