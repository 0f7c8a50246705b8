"""Recipients whose account cannot send now go in; who can go through another account goes there, and who cannot is left."""

import logging
from collections import defaultdict
from collections.abc import Sequence

from smsline.ledger import failover as moves_of_claim
from smsline.ledger.batch_queues import ALONE, OWN, SHARED, BatchQueue, CallGroup, Claim
from smsline.ledger.blocks import numbers_of
from smsline.ledger.failover import Move
from smsline.ledger.runs import Entry, decode, encode
from worker.engine import Engine
from worker.intake.batching import region_named
from worker.outcome import Onward
from worker.routing import routes, windows

log = logging.getLogger(__name__)


def can(engine: Engine, queue: BatchQueue) -> bool:
    """Whether anybody might stand in for the batch queue's account."""
    return engine.roads.several and not queue.pinned


def fail_over(engine: Engine, claim: Claim, why: str) -> Claim | None:
    """Move whom others can serve to their batch queues; the claim of who is left, None when nobody is."""
    if not can(engine, claim.queue):
        return claim
    engine.standings.forget()
    moves: list[Move] = []
    kept: list[Entry] = []
    now_ms = engine.now_ms()
    for entry in claim.entries:
        by_queue = _by_queue(engine, claim.queue, entry, now_ms)
        moves += [Move(queue, _cut(entry, held)) for queue, held in by_queue.items() if queue is not None]
        kept += [_cut(entry, held) for queue, held in by_queue.items() if queue is None]
    if not moves:
        return claim
    through = sorted({move.queue.account for move in moves})
    count = sum(len(decode(move.entry.runs)) for move in moves)
    log.warning("account %s (%s): %d recipients go through %s", claim.queue.account, why, count, ", ".join(through))
    left = moves_of_claim.fail_over(engine.ledger, claim, moves, kept, why=why)
    engine.poke(1)
    return left


def _by_queue(engine: Engine, queue: BatchQueue, entry: Entry, now_ms: float) -> dict[BatchQueue | None, list[int]]:
    """Positions of an entry by the batch queue they go to; None for those that stay."""
    by_queue: defaultdict[BatchQueue | None, list[int]] = defaultdict(list)
    for position, number in zip(decode(entry.runs), numbers_of(engine.ledger, entry), strict=False):
        by_queue[standing_in(engine, queue, number, now_ms)].append(position)
    return by_queue


def _cut(entry: Entry, positions: Sequence[int]) -> Entry:
    return Entry(entry.job, entry.block, encode(positions))


def standing_in(engine: Engine, queue: BatchQueue, number: int, now_ms: float) -> BatchQueue | None:
    """The batch queue of the next account for a number that takes it now, or None; `now_ms` is the present by Redis."""
    order = _order(engine, queue, number)
    name = engine.standings.first(routes.after(order, queue.account), queue.template, number, now_ms)
    return _queue_of(engine, queue._replace(account=name), number) if name else None


def onward(engine: Engine, queue: BatchQueue, group: CallGroup, number: int, *, now_ms: float) -> Onward:
    """Where a number goes that its account cannot serve: the next account that stands well, else simply the next."""
    if not can(engine, queue):
        return Onward()
    order = _order(engine, queue, number)
    left = routes.after(order, queue.account)
    place = order.index(queue.account) if queue.account in order else 0
    if not left:
        return Onward("", place)
    name = engine.standings.first(left, queue.template, number, now_ms) or left[0]
    params = queue.params if queue.params != ALONE else OWN if group.own_params else SHARED
    return Onward(_queue_of(engine, queue._replace(account=name, params=params), number).text(), place)


def _order(engine: Engine, queue: BatchQueue, number: int) -> tuple[str, ...]:
    return engine.roads.way(queue.lane, queue.template_id, region_named(queue.region), number).order(number)


def _queue_of(engine: Engine, queue: BatchQueue, number: int) -> BatchQueue:
    """The batch queue with the recipient's country in it, where its new account goes by the hour there."""
    country = windows.country_for(engine.settings.accounts[queue.account], queue.lane, queue.region[0], number)
    return queue._replace(region=queue.region[0] + country)
