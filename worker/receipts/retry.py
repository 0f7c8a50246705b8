"""What a failed receipt means for its recipient: its code's row decides, as for a failed send."""

import random
from collections.abc import Callable, Sequence
from typing import Final

from smsline.codes import CodeRow, for_receipt, wait_s
from smsline.ledger import receipts
from smsline.ledger.batch_queues import BatchQueue
from smsline.ledger.serials import BlockReceipts, TryAgain
from smsline.verdicts import Verdict
from worker.engine import Engine
from worker.outcome import backoff_s
from worker.routing.windows import queue_at

TRIED_AGAIN: Final = frozenset({Verdict.RETRY, Verdict.THROTTLE, Verdict.REROUTE})
"""Verdicts after which another try may arrive. All others end in the dead letter: what must be
mended first (park), what may have arrived all the same (unsure), and what never will."""


def delay_ms(row: CodeRow, *, now_s: float, chance: Callable[[], float] = random.random) -> float:
    """How long a recipient waits for its next try.

    The row says it, else it is as after the first failed send; nothing for a reroute.
    """
    said_s = wait_s(row, now_s=now_s)
    if said_s is None:
        # Another account owes no wait to what the first one has said.
        said_s = 0.0 if row.verdict is Verdict.REROUTE else backoff_s(0, chance())
    return said_s * 1000


def planned(engine: Engine, account: str, matched: Sequence[BlockReceipts], *, now_ms: int) -> list[BlockReceipts]:
    """The receipts, with the next try's place and time where the failure allows one.

    Whether it is made is decided when the receipt is applied: within the job's ttl, and as often as
    `receipt_retry` of its lane says.
    """
    provider, allowed = engine.settings.accounts[account].provider, engine.settings.receipt_retry
    codes = {receipt.code for each in matched for receipt in each.receipts if not receipt.ok and receipt.code}
    meant = {code: for_receipt(provider, code).row for code in codes}
    rows = {code: row for code, row in meant.items() if row.verdict in TRIED_AGAIN}
    # Only blocks with such a receipt are read: most pages have none.
    hopeful = [each.block for each in matched if any(not r.ok and r.code in rows for r in each.receipts)]
    queues = receipts.queues_of(engine.ledger, sorted(set(hopeful)))
    found = []
    for each in matched:
        queue, again = queues.get(each.block), dict[int, TryAgain]()
        for nth, receipt in enumerate(each.receipts if queue and allowed[queue.lane] else ()):
            row = None if receipt.ok else rows.get(receipt.code)
            if row is None or queue is None:
                continue
            target = _target(engine, queue, account, row, number=receipt.number, now_ms=now_ms)
            if target:
                again[nth] = TryAgain(target.text(), delay_ms(row, now_s=now_ms / 1000), allowed[queue.lane])
        found.append(each._replace(again=again) if again else each)
    return found


def _target(
    engine: Engine, queue: BatchQueue, account: str, row: CodeRow, *, number: int, now_ms: float
) -> BatchQueue | None:
    """Where the next try waits: at the account that sent, or for a reroute at the next one.

    None when there is none.
    """
    sent = queue if queue.account == account else queue_at(queue, engine.settings.accounts[account], account, number)
    if row.verdict is not Verdict.REROUTE:
        return sent
    if not engine.router.may_fail_over(sent):
        return None
    following = engine.router.next_after(sent, number, now_ms)
    return queue_at(sent, engine.settings.accounts[following], following, number) if following else None
