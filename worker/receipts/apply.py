"""Apply receipts: match them to their recipients, record final states, keep what matches nothing yet."""

import logging
from collections.abc import Sequence
from typing import Final

from smsline.ledger import receipts, suppression
from smsline.ledger.receipts import ApplyCounts, ReceiptMatch, Row
from worker.engine import Engine
from worker.providers.base import QueryProvider, Receipt
from worker.receipts import opt_out, retry
from worker.receipts.matching import match

DAY_MS: Final = 86_400_000

log = logging.getLogger(__name__)


def row_of(receipt: Receipt) -> Row:
    """A receipt as the ledger takes it."""
    return Row(receipt.number, receipt.serial, receipt.ok, receipt.code, receipt.received_at_s, receipt.context)


def apply_rows(engine: Engine, account: str, rows: Sequence[Row]) -> ApplyCounts:
    """Match receipts to their recipients and apply them; those that match nothing are kept for what comes later.

    Receipts that can be asked for again are not kept.
    """
    if not rows:
        return ApplyCounts()
    today = engine.now_ms() // DAY_MS
    places = receipts.find(engine.ledger, account, [row.serial for row in rows], today=today)
    matched = [ReceiptMatch(row, places[row.serial]) for row in rows if row.serial in places]
    left = [row for row in rows if row.serial not in places]
    if left:
        matched += match(engine, account, left)
    if left and not isinstance(engine.providers.get(account), QueryProvider):
        known = {each.row for each in matched}
        orphans = [row for row in left if row not in known]
        late_places = receipts.keep_orphans(engine.ledger, account, orphans, today=today)
        matched += [ReceiptMatch(row, late_places[row.serial]) for row in orphans if row.serial in late_places]
    return apply_matched(engine, account, matched)


def apply_matched(engine: Engine, account: str, matched: Sequence[ReceiptMatch]) -> ApplyCounts:
    """Apply receipts whose recipients are known."""
    jobs = receipts.jobs_of(engine.ledger, sorted({each.place.block for each in matched}))
    if failed := [each for each in matched if not each.row.ok]:
        provider = engine.settings.accounts[account].provider
        said = ((each.row.number, each.row.code) for each in failed)
        if entries := opt_out.of_receipts(provider, account, said):
            # A row of another number than its serial's is none of ours, and suppresses nobody.
            ours = receipts.numbers_at(engine.ledger, [each.place for each in failed])
            suppression.add(engine.ledger, [entry for entry in entries if entry.number in ours])
    parents = engine.traces.parents_of(jobs.values())  # before a job is closed, and small
    known = [_timed(engine, each) for each in matched if each.place.block in jobs]
    done = receipts.apply(engine.ledger, account, retry.planned(engine, account, known), jobs=jobs)
    engine.traces.tell_receipts(account, parents, ((jobs[each.place.block], each.row.ok) for each in known))
    if done.again:
        log.info("account %s: %d recipients are tried again after their receipts", account, done.again)
        engine.poke(0)
    if done.strangers:
        log.warning(
            "account %s: %d receipts name a serial of ours with another number; they were left out",
            account,
            done.strangers,
        )
    return done


def _timed(engine: Engine, matched: ReceiptMatch) -> ReceiptMatch:
    """A receipt to which its provider gives no time is of the present."""
    row = matched.row
    return matched if row.at_s else matched._replace(row=row._replace(at_s=engine.now_ms() // 1000))


def match_early(engine: Engine, account: str, numbers: Sequence[int]) -> int:
    """Apply receipts of these numbers that came before their send, or its loss, was written down; returns how many."""
    today = engine.now_ms() // DAY_MS
    rows = receipts.orphans_of(engine.ledger, account, numbers, today=today)
    if not rows:
        return 0
    places = receipts.find(engine.ledger, account, [row.serial for row in rows], today=today)
    matched = [ReceiptMatch(row, places[row.serial]) for row in rows if row.serial in places]
    matched += match(engine, account, [row for row in rows if row.serial not in places])
    apply_matched(engine, account, matched)
    receipts.drop_orphans(engine.ledger, account, [each.row for each in matched], today=today)
    return len(matched)
