"""Apply receipts: match them to recipients, record final states, keep what matches nothing yet."""

import logging
from collections.abc import Sequence
from typing import Final

from smsline.ledger import orphans, receipts, recipients, suppression
from smsline.ledger.receipts import ApplyCounts
from smsline.ledger.serials import BlockReceipts
from smsline.receipt import Receipt
from worker.engine import Engine
from worker.providers.base import QueryProvider
from worker.receipts import opt_out, retry
from worker.receipts.matching import match

DAY_MS: Final = 86_400_000

log = logging.getLogger(__name__)


def apply_receipts(engine: Engine, account: str, told: Sequence[Receipt]) -> ApplyCounts:
    """Match receipts to their recipients and apply them.

    Those that match nothing are kept for what comes later.

    Receipts that can be asked for again are not kept.
    """
    if not told:
        return ApplyCounts()
    now_ms = engine.now_ms()
    # By call and serial first: nearly all receipts name a message whose acceptance was recorded.
    found = recipients.find(engine.ledger, account, told, today=now_ms // DAY_MS)
    engine.contexts.learn(account, told, found)
    matched, spent = found.matched, found.spent
    if found.left:
        named, strangers = match(engine, account, found.left)
        matched = matched + named
        # A queue gives a receipt once, and it may come before its send was recorded; a query can be
        # made again.
        if strangers and not isinstance(engine.providers.get(account), QueryProvider):
            late = orphans.keep(engine.ledger, account, strangers, today=now_ms // DAY_MS)
            matched, spent = matched + late.matched, spent + late.spent
    return apply_matched(engine, account, matched, now_ms=now_ms, spent=spent)


def apply_matched(
    engine: Engine, account: str, matched: Sequence[BlockReceipts], *, now_ms: int, spent: int = 0
) -> ApplyCounts:
    """Apply receipts whose recipients are known; `spent` others were of tries that are over."""
    failed = [
        (each.block, position, receipt)
        for each in matched
        for position, receipt in zip(each.positions, each.receipts, strict=True)
        if not receipt.ok
    ]
    if failed:
        provider = engine.settings.accounts[account].provider
        codes = ((receipt.number, receipt.code) for _, _, receipt in failed)
        if entries := opt_out.of_receipts(provider, account, codes):
            # A row of another number than its serial's is none of ours, and suppresses no number.
            ours = receipts.numbers_at(engine.ledger, [(block, position) for block, position, _ in failed])
            suppression.add(engine.ledger, [entry for entry in entries if entry.number in ours])
        # Planned before and decided with the receipts: whether a try is left is known in the ledger
        # alone.
        matched = retry.planned(engine, account, matched, now_ms=now_ms)
    blocks = sorted({each.block for each in matched}) if engine.traces.on else []
    jobs = receipts.jobs_of(engine.ledger, blocks)
    parents = engine.traces.parents_of(jobs.values())  # before a job is closed, and small
    done = receipts.apply(engine.ledger, account, matched, now_s=now_ms // 1000, spent=spent)
    said = ((jobs[each.block], each.receipts) for each in matched if each.block in jobs)
    engine.traces.tell_receipts(account, parents, ((job, receipt.ok) for job, told in said for receipt in told))
    if done.again:
        log.info("account %s: %d recipients are tried again after their receipts", account, done.again)
        engine.look_again(0)
    if done.strangers:
        log.warning(
            "account %s: %d receipts name a serial of ours with another number; they were left out",
            account,
            done.strangers,
        )
    return done


def match_early(engine: Engine, account: str, numbers: Sequence[int]) -> int:
    """Apply receipts of these numbers that came before their send, or its loss, was written down.

    Returns how many.
    """
    now_ms = engine.now_ms()
    today = now_ms // DAY_MS
    kept = orphans.kept(engine.ledger, account, numbers, today=today)
    if not kept:
        return 0
    found = recipients.find(engine.ledger, account, kept, today=today)
    named, strangers = match(engine, account, found.left)
    apply_matched(engine, account, found.matched + named, now_ms=now_ms, spent=found.spent)
    # What still matches nothing stays: its send may be recorded a moment later.
    known = set(kept) - set(strangers)
    orphans.drop(engine.ledger, account, list(known), today=today)
    return len(known)
