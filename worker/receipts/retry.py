"""What a failed receipt means for its recipient: its code's row decides as it does for a send that failed."""

import random
from collections.abc import Callable, Mapping, Sequence
from typing import Final

from smsline.codes import CodeRow, for_receipt, wait_s
from smsline.ledger import receipts
from smsline.ledger.batch_queues import BatchQueue
from smsline.ledger.receipts import ReceiptMatch, TryAgain
from smsline.verdicts import Verdict
from worker.engine import Engine
from worker.outcome import backoff_s
from worker.routing.windows import queue_at

TRIED_AGAIN: Final = frozenset({Verdict.RETRY, Verdict.THROTTLE, Verdict.REROUTE})
"""Verdicts after which another try may arrive. All others end in the dead letter: what must be mended first (park), what may have
arrived all the same (unsure), and what never will."""


def delay_ms(row: CodeRow, *, now_s: float, chance: Callable[[], float] = random.random) -> float:
    """How long a recipient waits for its next try: what the row says, else as after the first failed send; nothing for a reroute."""
    said_s = wait_s(row, now_s=now_s)
    if said_s is None:
        said_s = 0.0 if row.verdict is Verdict.REROUTE else backoff_s(0, chance())
    return said_s * 1000


def planned(engine: Engine, account: str, matched: Sequence[ReceiptMatch]) -> list[ReceiptMatch]:
    """The receipts, those whose failure allows another try with where and when it would be made.

    Whether it is made is decided in the ledger, in the step that applies the receipt: within the job's ttl, and as often as
    `receipt_retry` of its lane says.
    """
    provider, allowed = engine.settings.accounts[account].provider, engine.settings.receipt_retry
    rows = {
        each.row.code: for_receipt(provider, each.row.code).row for each in matched if not each.row.ok and each.row.code
    }
    hopeful = [each for each in matched if not each.row.ok and _allows(rows, each)]
    if not hopeful:
        return list(matched)
    queues = receipts.queues_of(engine.ledger, sorted({each.place.block for each in hopeful}))
    now_ms = engine.now_ms()
    found = []
    for each in matched:
        queue = queues.get(each.place.block)
        if each.row.ok or queue is None or not _allows(rows, each) or not allowed[queue.lane]:
            found.append(each)
            continue
        row = rows[each.row.code]
        target = _target(engine, queue, account, row, number=each.row.number, now_ms=now_ms)
        again = target and TryAgain(target.text(), delay_ms(row, now_s=now_ms / 1000), allowed[queue.lane])
        found.append(each._replace(again=again or None))
    return found


def _allows(rows: Mapping[str, CodeRow], each: ReceiptMatch) -> bool:
    row = rows.get(each.row.code)
    return row is not None and row.verdict in TRIED_AGAIN


def _target(
    engine: Engine, queue: BatchQueue, account: str, row: CodeRow, *, number: int, now_ms: float
) -> BatchQueue | None:
    """Where the next try waits: at the account that sent, or for a reroute at the next one; None when there is none."""
    sent = queue if queue.account == account else queue_at(queue, engine.settings.accounts[account], account, number)
    if row.verdict is not Verdict.REROUTE:
        return sent
    if not engine.router.may_fail_over(sent):
        return None
    following = engine.router.next_after(sent, number, now_ms)
    return queue_at(sent, engine.settings.accounts[following], following, number) if following else None
