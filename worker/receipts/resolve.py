"""Resolve attempts with an unknown outcome: query the provider, then retry or end as `unknown`.

Nothing is sent again blindly.
"""

import logging
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final

from smsline.ledger import attempts, due, retention
from smsline.ledger.attempts import Attempt
from smsline.ledger.batch_queues import PINNED
from smsline.ledger.blocks import tries_of, unsure_of
from smsline.ledger.call_results import NO_DELAY, EntryResults, RecipientResult
from smsline.ledger.runs import Entry, encode
from smsline.states import State
from worker import gate
from worker.engine import Engine
from worker.outcome import RESENT
from worker.providers.base import FindProvider, FoundMessage
from worker.receipts import apply
from worker.receipts.matching import SLACK_S
from worker.receipts.query import ask
from worker.routing.windows import queue_at

HORIZON_CODE: Final = "unsure.Horizon"
FIND_AGAIN_S: Final = 5.0
"""When a provider is asked about a call again that could not be asked just now."""

ASK_AGAIN_S: Final = 0.1
"""The soonest that a number is asked about again, or for the first time, when that could not be
done just now."""

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Round:
    """What one look came to, besides the receipts that it applied.

    Attributes:
        again_s: When to go on with the same round, because not everything could be asked; None when
            it is complete.
        taken: Serials of numbers that the provider took and has no receipt of yet.
    """

    again_s: float | None = None
    taken: Mapping[int, str] = field(default_factory=dict)


def look(engine: Engine, attempt_id: int, seconds: float = 2.0) -> None:
    """Look into an unsure attempt that is due.

    Its recipients are asked about, and decided on at the lane's horizon.
    """
    keys = engine.ledger.keys
    lease = due.claim_one(engine.ledger, keys.unsure_due, str(attempt_id), lease_ms=engine.lease_ms)
    attempt = attempts.read_attempt(engine.ledger, attempt_id) if lease else None
    if lease is None:
        return
    if attempt is None or attempt.state != "unsure":
        due.finish(engine.ledger, keys.unsure_due, lease)
        return
    elapsed_s = (engine.now_ms() - attempt.unsure_ms) / 1000
    leave_ms = engine.presence.leave_for_ms(attempt.queue.account)
    if leave_ms is not None and elapsed_s < engine.settings.receipt_deadline_s:
        # Who cannot ask does not decide: an otp would go out twice, and a campaign end as unknown,
        # without a question.
        due.finish(engine.ledger, keys.unsure_due, lease, leave_ms)
        return
    asked = _ask(engine, attempt, seconds)
    horizon_s = engine.settings.unsure_horizon_s[attempt.queue.lane]
    left = unsure_of(engine.ledger, attempt.attempt, attempt.entries)
    # All of them were taken: nothing is left that the horizon would decide.
    if all(number in asked.taken for _, _, number in left):
        again_s = None
    # A round that could not be finished goes on beyond the horizon, twice as long at most.
    elif asked.again_s is not None and elapsed_s < horizon_s * 2:
        again_s = asked.again_s
    else:
        attempts.note_cursor(engine.ledger, attempt.attempt, None)
        schedule_s = engine.settings.unsure_probes_s
        again_s = next_look_s(elapsed_s, schedule_s, horizon_s) if elapsed_s < horizon_s else None
    if again_s is None:
        _decide(engine, attempt, left, asked.taken)
    due.finish(engine.ledger, keys.unsure_due, lease, None if again_s is None else again_s * 1000)
    engine.look_again(60_000.0 if again_s is None else again_s * 1000)


def next_look_s(elapsed_s: float, schedule_s: Sequence[float], horizon_s: float) -> float:
    """Seconds until the next look: the first of the schedule still to come, or the horizon."""
    later = [at for at in (*schedule_s, horizon_s) if at > elapsed_s + 0.01 and at <= horizon_s]
    return max(0.0, min(later, default=horizon_s) - elapsed_s)


def _ask(engine: Engine, attempt: Attempt, seconds: float) -> Round:
    """Ask in the provider's way: about the call as a whole, else about one number after another."""
    account = attempt.queue.account
    if account not in engine.providers:
        return Round()
    # Receipts that came before the loss was recorded settle their numbers without a question.
    apply.match_early(
        engine, account, [number for _, _, number in unsure_of(engine.ledger, attempt.attempt, attempt.entries)]
    )
    provider = engine.providers[account]
    if isinstance(provider, FindProvider):
        return _find(engine, attempt, provider)
    return Round(_ask_in_turn(engine, attempt, seconds))


def _find(engine: Engine, attempt: Attempt, provider: FindProvider) -> Round:
    """Ask what the provider took of the call, a few numbers at a time where it must be so."""
    account = attempt.queue.account
    numbers = [number for _, _, number in unsure_of(engine.ledger, attempt.attempt, attempt.entries)]
    if not numbers:
        return Round()
    limit = provider.find_limit
    all_found: list[FoundMessage] = []
    again_s: float | None = None
    for start in range(0, len(numbers), limit):
        if wait_ms := gate.wait_for_token(engine, account, provider.find_action):
            again_s = max(wait_ms / 1000, FIND_AGAIN_S)
            break
        # The round starts anew in the next process; what was found so far is applied.
        if engine.stopping.is_set():
            again_s = 0.0
            break
        answer = provider.find(engine.context(attempt.attempt), numbers[start : start + limit])
        if not isinstance(answer, tuple):
            gate.refused(engine, account, provider.find_action, answer)
            again_s = FIND_AGAIN_S
            break
        all_found += answer
    apply.apply_receipts(engine, account, [found.receipt for found in all_found if found.receipt])
    return Round(again_s, taken={found.number: found.serial for found in all_found if found.receipt is None})


def _ask_in_turn(engine: Engine, attempt: Attempt, seconds: float) -> float | None:
    """Ask about the open recipients in turn, under the action's limit.

    Returns when to go on with the round, None when it is complete.
    """
    over, cursor = engine.slice_ends(seconds), attempts.cursor(engine.ledger, attempt.attempt)
    # In the order of numbers, so that one cursor tells where the round goes on.
    numbers = sorted(
        {number for _, _, number in unsure_of(engine.ledger, attempt.attempt, attempt.entries) if number > cursor}
    )
    since_s, until_s = attempt.started_ms // 1000 - SLACK_S, engine.now_ms() // 1000 + SLACK_S
    urgent = attempt.queue.lane == "otp"
    for number in numbers:
        told = ask(engine, attempt.queue.account, number, since_s=since_s, until_s=until_s, urgent=urgent)
        if isinstance(told, float):
            return max(ASK_AGAIN_S, told / 1000)
        apply.apply_receipts(engine, attempt.queue.account, told)
        attempts.note_cursor(engine.ledger, attempt.attempt, number)
        if over() and number != numbers[-1]:
            return 0.0
    return None


def _decide(engine: Engine, attempt: Attempt, left: Sequence[tuple[Entry, int, int]], taken: Mapping[int, str]) -> None:
    """Decide: what was taken is accepted.

    At the horizon an otp is sent again once while its deadline lasts; the rest ends as unknown.
    """
    entries = []
    for entry in attempt.entries:
        numbers = {position: number for held, position, number in left if held == entry}
        tries = tries_of(engine.ledger, entry.block)
        life = retention.life_of(engine.ledger, entry.job) if attempt.queue.lane == "otp" else None
        again = life is not None and life.deadline_ms > engine.now_ms()
        results = [
            RecipientResult(position, State.ACCEPTED, serial=taken[number], counted=False)
            # Known to be taken, and on its way: accepted, without a receipt yet.
            if number in taken
            else horizon_result(
                position,
                tries.get(position, 0),
                again=again,
                queue=_queue_again(engine, attempt, number) if again else "",
            )
            for position, number in numbers.items()
        ]
        if results:
            entries.append(EntryResults(Entry(entry.job, entry.block, encode(numbers)), results))
    attempts.record(
        engine.ledger,
        attempt.attempt,
        attempt.queue,
        entries,
        at_ms=attempt.started_ms,
        polls=engine.polls(attempt.queue.lane),
        writer="wait",
    )
    attempts.forget_unsure(engine.ledger, attempt)
    if states := Counter(result.state for verdict in entries for result in verdict.results):
        log.warning(
            "attempt %x of account %s had no answer: %d recipients were found accepted, %d are sent again, %d end as unknown",
            attempt.attempt,
            attempt.queue.account,
            *(states[state] for state in (State.ACCEPTED, State.WAITING, State.UNKNOWN)),
        )


def _queue_again(engine: Engine, attempt: Attempt, number: int) -> str:
    """The batch queue in which a number is sent again.

    Empty for its own. Another account's only where the settings allow that.
    """
    queue = attempt.queue
    if not engine.router.may_fail_over(queue):
        return ""
    if engine.settings.unsure_reroute:
        account = engine.router.next_now(queue, number, engine.now_ms())
        return queue_at(queue, engine.settings.accounts[account], account, number).text() if account else ""
    # Pinned: failover must not carry a message that may be out to another account.
    return queue._replace(pinned=PINNED).text()


def horizon_result(position: int, tries: int, *, again: bool, queue: str = "") -> RecipientResult:
    """What becomes of a recipient that is still unsure at its lane's horizon.

    Args:
        position: In its block.
        tries: Its attempts byte.
        again: Whether its lane sends again, and its deadline has not passed.
        queue: Where it waits for that; empty for where it came from.
    """
    # Once in a recipient's life: the bit outlasts the attempt.
    if again and not tries & RESENT:
        return RecipientResult(position, State.WAITING, HORIZON_CODE, delay_ms=NO_DELAY, resent=True, queue=queue)
    return RecipientResult(position, State.UNKNOWN, HORIZON_CODE, counted=False)
