"""Ask about accepted recipients without a receipt; at the deadline they end as `unknown`.

Where receipts are queued, a number is asked about when its receipt is overdue. Where they are not,
every message is asked about, soon at first and then ever more rarely
(docs/decisions/0010-receipts-by-query.md).
"""

import math
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Final

from smsline.ledger import blocks, due, receipts
from smsline.ledger.blocks import SilentRecipient, silent_of
from smsline.ledger.serials import BlockReceipts
from smsline.receipt import Receipt
from worker.engine import Engine
from worker.providers.base import QUERIES_AT_ONCE, MessageRef, QueryProvider
from worker.receipts import pace
from worker.receipts.apply import apply_matched, apply_receipts
from worker.receipts.matching import SLACK_S
from worker.receipts.query import ask, query
from worker.routing.presence import LEFT_MS

ASK_AGAIN_MS: Final = 1_000.0
ASK_AGAIN_MOST_MS: Final = 60_000.0
"""After which a block's round of questions goes on that others left no room for, or that the
provider did not answer: doubled for every answer in a row that did not come, so that thousands of
blocks are left alone while the provider is away."""

QUERY_AGAIN_MS: Final = 1_000.0
QUERY_AGAIN_MOST_MS: Final = 3_600_000.0
"""A message is asked about again after as long as it has been silent: no sooner than the one, no
later than the other."""


def poll_block(engine: Engine, member: str, seconds: float = 2.0) -> None:
    """Ask about a block's accepted recipients that are due; `member` is `<account> <block>`."""
    key = engine.ledger.keys.probe
    lease = due.claim_one(engine.ledger, key, member, lease_ms=engine.lease_ms)
    if lease is None:
        return
    account, number = member.split(" ")
    block, now_ms = int(number), engine.now_ms()
    # Another process has the account and can ask; giving up is for it to decide as well.
    if engine.presence.leave_for_ms(account) == LEFT_MS:
        due.finish(engine.ledger, key, lease, LEFT_MS)
        return
    overdue_ms = engine.settings.receipt_deadline_s * 1000
    silent = silent_of(engine.ledger, block, account)
    # First, so that nothing is asked about that will not be waited for.
    if overdue := [(each.position, each.number) for each in silent if now_ms - each.accepted_ms >= overdue_ms]:
        receipts.give_up(engine.ledger, account, block, overdue, now_s=now_ms // 1000)
    asking = [each for each in silent if now_ms - each.accepted_ms < overdue_ms]
    if isinstance(engine.providers.get(account), QueryProvider):
        youngest_ms = min((float(now_ms - each.accepted_ms) for each in asking), default=math.inf)
        again_ms = pace.ask_in_ms(engine, account, youngest_ms) or _query_block(
            engine, account, block, asking, seconds=seconds
        )
        # What was accepted in the block during the look has taken the lease's place, and must not
        # wait for its end.
        if not due.finish(engine.ledger, key, lease, again_ms):
            due.hasten(engine.ledger, key, member, QUERY_AGAIN_MS if again_ms is None else again_ms)
    else:
        go_on_ms = _ask_in_turn(engine, account, block, asking, seconds=seconds)
        oldest_ms = min((each.accepted_ms for each in silent_of(engine.ledger, block, account)), default=None)
        again_ms = None if oldest_ms is None else min(go_on_ms, next_probe_ms(engine, now_ms - oldest_ms))
        due.finish(engine.ledger, key, lease, again_ms)


def _ask_in_turn(
    engine: Engine, account: str, block: int, asking: Sequence[SilentRecipient], *, seconds: float
) -> float:
    """Ask about one number after the other, going on where the last slice ended.

    Returns:
        Ms until the round goes on: at once, behind blocks that are due, when time ran out before
            the last number; after a while when asking is not possible just now. Infinite when all
            were asked: the next round comes with the schedule.
    """
    now_ms, over = engine.now_ms(), engine.slice_ends(seconds)
    begin = blocks.asked_up_to(engine.ledger, block)
    for each in asking if account in engine.providers else ():
        # Asked about in an earlier slice of this round.
        if each.position < begin:
            continue
        if over():
            blocks.note_asked(engine.ledger, block, each.position)
            return 0.0
        since_s, until_s = each.accepted_ms // 1000 - SLACK_S, now_ms // 1000 + SLACK_S
        told = ask(engine, account, each.number, since_s=since_s, until_s=until_s)
        if isinstance(told, float):
            blocks.note_asked(engine.ledger, block, each.position)
            failed = engine.reads.in_row(account, engine.providers[account].ask_action)
            return min(ASK_AGAIN_MOST_MS, ASK_AGAIN_MS * 2.0 ** min(failed, 10))
        apply_receipts(engine, account, told)
    blocks.note_asked(engine.ledger, block, None)
    return math.inf


def next_probe_ms(engine: Engine, age_ms: float) -> float:
    """Ms until an accepted recipient of that age is asked about again, or given up."""
    settings = engine.settings
    steps = [
        at * 1000
        for at in (*settings.receipt_probes_s, settings.receipt_deadline_s)
        if at <= settings.receipt_deadline_s
    ]
    return min((at - age_ms for at in steps if at > age_ms + 1), default=0.0)


def _query_block(
    engine: Engine, account: str, block: int, asking: Sequence[SilentRecipient], *, seconds: float
) -> float | None:
    """Ask about messages of a block and apply what is known.

    Returns ms until the next look, None when nothing is silent any more.
    """
    told, waits, over = list[Receipt](), list[float](), engine.slice_ends(seconds)
    provider = engine.providers.get(account)
    if asking and isinstance(provider, QueryProvider):
        limit, turn = provider.query_rule.limit, engine.now_ms() % len(asking)
        # A look that is cut short begins elsewhere the next time, so that no
        # recipient is always left out.
        in_turn = (*asking[turn:], *asking[:turn])
        asked = [MessageRef(each.serial, each.number, each.accepted_ms // 1000) for each in in_turn]

        def one(start: int) -> None:
            """Query for the messages from `start` on, unless one query failed or time is up."""
            if waits or over():
                waits.append(0.0)
            elif isinstance(answer := query(engine, account, asked[start : start + limit]), list):
                told.extend(answer)
            else:
                waits.append(answer)

        # A query for each message at some providers: one by one a block would take minutes.
        with ThreadPoolExecutor(QUERIES_AT_ONCE, "query") as pool:
            list(pool.map(one, range(0, len(asked), limit)))
    positions = {(each.serial, each.number): each.position for each in asking}
    ours = [receipt for receipt in told if (receipt.serial, receipt.number) in positions]
    matched = BlockReceipts(block, [positions[receipt.serial, receipt.number] for receipt in ours], ours)
    apply_matched(engine, account, [matched] if ours else [], now_ms=engine.now_ms())
    # Not all could be asked about: the same round goes on, and sets no pace.
    if waits:
        return max(waits)
    now_ms, left = engine.now_ms(), silent_of(engine.ledger, block, account)
    ages_ms = [now_ms - each.accepted_ms for each in left]
    return next_query_ms(ages_ms, engine.settings.receipt_deadline_s * 1000) if left else None


def next_query_ms(ages_ms: Sequence[float], deadline_ms: float) -> float:
    """Ms until messages of these ages are asked about again, or the oldest is given up.

    The youngest sets the pace: after as long again as it has been silent, within `QUERY_AGAIN_MS`
    and `QUERY_AGAIN_MOST_MS`.
    """
    again_ms = min(max(min(ages_ms), QUERY_AGAIN_MS), QUERY_AGAIN_MOST_MS)
    return min(again_ms, max(0.0, deadline_ms - max(ages_ms)))
