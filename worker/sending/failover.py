"""Failover: recipients that their account cannot serve move to the next account's batch queues.

Besides, global numbers of an account of which a call failed move to batch queues by country.

Only recipients of which nothing was sent move; a call whose outcome is unknown never does.
"""

import logging
from collections import defaultdict
from collections.abc import Sequence

from smsline.countries import UNKNOWN, country_of
from smsline.ledger import failover as moves_of_claim
from smsline.ledger.batch_queues import OWN, SHARED, BatchQueue, CallGroup, Claim, region_text
from smsline.ledger.blocks import numbers_of
from smsline.ledger.call_results import AcceptedColumns, EntryResults
from smsline.ledger.failover import Move
from smsline.ledger.runs import Entry, decode, encode
from worker.engine import Engine
from worker.routing.windows import queue_at

log = logging.getLogger(__name__)


def fail_over(engine: Engine, claim: Claim, why: str) -> Claim | None:
    """Move recipients of a claim that was not begun to the accounts that take them now.

    Args:
        engine: The process' engine.
        claim: What was taken.
        why: For the log and the account's counters.

    Returns:
        The claim with those who stay, None when none do.
    """
    queue, accounts = claim.queue, engine.settings.accounts
    if not engine.router.may_fail_over(queue):
        return claim
    # What was read a moment ago may be why these are here; moving needs the present.
    engine.router.breakers.forget()
    moves: list[Move] = []
    now_ms = engine.now_ms()
    for entry in claim.entries:
        by_account: defaultdict[BatchQueue | None, list[int]] = defaultdict(list)
        for position, number in zip(decode(entry.runs), numbers_of(engine.ledger, entry), strict=False):
            account = engine.router.next_now(queue, number, now_ms)
            by_account[queue_at(queue, accounts[account], account, number) if account else None].append(position)
        moves += [
            Move(target, Entry(entry.job, entry.block, encode(positions)))
            for target, positions in by_account.items()
            if target is not None
        ]
    if not moves:
        return claim
    log.warning(
        "account %s (%s): %d recipients go through %s",
        queue.account,
        why,
        sum(len(decode(move.entry.runs)) for move in moves),
        ", ".join(sorted({move.queue.account for move in moves})),
    )
    left = moves_of_claim.fail_over(engine.ledger, claim, moves, why=why)
    engine.look_again(1)
    return left


def part(engine: Engine, claim: Claim) -> None:
    """Move global recipients of a claim that was not begun to their countries' batch queues.

    A call that a provider fails for one of its countries is lost for all of them.
    """
    moves: list[Move] = []
    for entry in claim.entries:
        by_country: defaultdict[str, list[int]] = defaultdict(list)
        for position, number in zip(decode(entry.runs), numbers_of(engine.ledger, entry), strict=False):
            by_country[country_of(number) or UNKNOWN].append(position)
        for country, positions in by_country.items():
            target = claim.queue._replace(region=region_text("g", country, claim.queue.window))
            moves.append(Move(target, Entry(entry.job, entry.block, encode(positions))))
    moves_of_claim.fail_over(engine.ledger, claim, moves)
    engine.look_again(1)


def moved_on(
    engine: Engine, queue: BatchQueue, groups: Sequence[CallGroup], entries: Sequence[EntryResults], *, now_ms: float
) -> list[EntryResults]:
    """The results of a call, with a batch queue in the place of each mark.

    The mark says that a recipient moves on to its next account.

    Args:
        engine: The process' engine.
        queue: Where the recipients come from.
        groups: The recipients of the call.
        entries: What `decide` says, in the order of the groups.
        now_ms: The present by Redis, epoch ms.
    """
    # Calls that were taken whole have no marks, and are most.
    odd = [each for each in entries if not isinstance(each.results, AcceptedColumns)]
    if not any(result.next_account for each in odd for result in each.results):
        return list(entries)
    found, accounts = [], engine.settings.accounts
    for group, each in zip(groups, entries, strict=True):
        # A recipient that was tried in a smaller call here may share full ones again there.
        params = (OWN if group.own_params else SHARED) if queue.at_most else queue.params
        results = []
        for number, result in zip(group.numbers, each.results, strict=True):
            if result.next_account:
                account = engine.router.next_after(queue, number, now_ms)
                target = queue_at(queue._replace(params=params), accounts[account], account, number)
                results.append(result._replace(queue=target.text(), next_account=False))
            else:
                results.append(result)
        found.append(EntryResults(each.entry, results))
    return found
