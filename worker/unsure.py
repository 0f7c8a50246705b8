"""Attempts nobody knows the end of go in; found receipts, another try, or `unknown` come out. Nothing is sent again blindly."""

import logging
from collections.abc import Sequence
from typing import Final

from smsline.ledger import attempts, due
from smsline.ledger.attempts import NO_DELAY, Attempt, Mark, Verdicts
from smsline.ledger.runs import Entry, decode, encode
from smsline.states import State
from worker import receipts
from worker.engine import Engine
from worker.matching import SLACK_S, open_recipients
from worker.outcome import RESENT

HORIZON_CODE: Final = "unsure.Horizon"

log = logging.getLogger(__name__)


def look(engine: Engine, attempt_id: int, seconds: float = 2.0) -> None:
    """Look into an unsure attempt that is due: ask about its recipients by number, and decide at the lane's horizon."""
    keys = engine.ledger.keys
    lease = due.claim_one(engine.ledger, keys.unsure_due, str(attempt_id), lease_ms=engine.settings.lease_s * 1000)
    attempt = attempts.read_attempt(engine.ledger, attempt_id) if lease else None
    if lease is None:
        return
    if attempt is None or attempt.state != "unsure":
        due.finish(engine.ledger, keys.unsure_due, lease)
        return
    account = attempt.line.account
    if account in engine.providers:
        receipts.match_early(engine, account, [number for _, _, number in open_recipients(engine, attempt)])
        asked_all = _ask(engine, attempt, seconds)
    else:
        asked_all = True
    now_ms = engine.now_ms()
    elapsed_s = (now_ms - attempt.unsure_ms) / 1000
    horizon_s = engine.settings.unsure_horizon_s[attempt.line.lane]
    left = open_recipients(engine, attempt)
    if left and not asked_all and elapsed_s < horizon_s * 2:
        due.finish(engine.ledger, keys.unsure_due, lease, 0)
        engine.poke(0)
    elif left and elapsed_s < horizon_s:
        _forget_cursor(engine, attempt)
        due.finish(
            engine.ledger,
            keys.unsure_due,
            lease,
            next_look_s(elapsed_s, engine.settings.unsure_probes_s, horizon_s) * 1000,
        )
    else:
        _decide(engine, attempt, left)
        due.finish(engine.ledger, keys.unsure_due, lease)


def next_look_s(elapsed_s: float, schedule_s: Sequence[float], horizon_s: float) -> float:
    """Seconds until the next look: the first of the schedule still to come, or the horizon."""
    later = [at for at in (*schedule_s, horizon_s) if at > elapsed_s + 0.01 and at <= horizon_s]
    return max(0.0, min(later, default=horizon_s) - elapsed_s)


def _ask(engine: Engine, attempt: Attempt, seconds: float) -> bool:
    """Ask about the open recipients in turn, under the action's limit; True when all were asked in this round."""
    key, over = engine.ledger.keys.attempt(attempt.attempt), engine.slice_ends(seconds)
    cursor = int(engine.ledger.redis.hget(key, "cursor") or 0)
    numbers = sorted({number for _, _, number in open_recipients(engine, attempt) if number > cursor})
    now_s = engine.now_ms() // 1000
    for number in numbers:
        rows = receipts.ask(
            engine, attempt.line.account, number, since_s=attempt.started_ms // 1000 - SLACK_S, until_s=now_s + SLACK_S
        )
        if rows is None:
            return True
        receipts.apply_rows(engine, attempt.line.account, rows)
        engine.ledger.redis.hset(key, "cursor", number)
        if over():
            return number == numbers[-1]
    return True


def _forget_cursor(engine: Engine, attempt: Attempt) -> None:
    engine.ledger.redis.hdel(engine.ledger.keys.attempt(attempt.attempt), "cursor")


def _decide(engine: Engine, attempt: Attempt, left: Sequence[tuple[Entry, int, int]]) -> None:
    """At the horizon: an otp is sent again once while its deadline lasts; anything else ends as unknown."""
    verdicts, resent = [], 0
    for entry in attempt.entries:
        positions = [position for held, position, _ in left if held == entry]
        tries = engine.ledger.redis.hget(engine.ledger.keys.block(entry.block), "at") or b""
        again = attempt.line.lane == "otp" and _in_time(engine, entry.job)
        marks = [
            horizon_mark(position, tries[position] if position < len(tries) else 0, again=again)
            for position in positions
        ]
        resent += sum(mark.state is State.WAITING for mark in marks)
        if marks:
            verdicts.append(Verdicts(Entry(entry.job, entry.block, encode(positions)), marks))
    attempts.record(
        engine.ledger,
        attempt.attempt,
        attempt.line,
        verdicts,
        at_ms=attempt.started_ms,
        polls=engine.polls(attempt.line.lane),
        upon="unsure",
    )
    _forget_numbers(engine, attempt)
    if left:
        log.warning(
            "attempt %d of account %s: nobody knows what became of %d recipients; %d are sent again, the rest end as unknown",
            attempt.attempt,
            attempt.line.account,
            len(left),
            resent,
        )


def _in_time(engine: Engine, job: str) -> bool:
    deadline_ms = engine.ledger.redis.hget(engine.ledger.keys.job(job), "deadline_ms")
    return deadline_ms is None or int(deadline_ms) > engine.now_ms()


def horizon_mark(position: int, tries: int, *, again: bool) -> Mark:
    """What becomes of a recipient that is still unsure at its lane's horizon.

    Args:
        position: In its block.
        tries: Its attempts byte.
        again: Whether its lane sends again, and its deadline has not passed.
    """
    if again and not tries & RESENT:
        return Mark(position, State.WAITING, HORIZON_CODE, delay_ms=NO_DELAY, resent=True)
    return Mark(position, State.UNKNOWN, HORIZON_CODE, counted=False)


def _forget_numbers(engine: Engine, attempt: Attempt) -> None:
    """Take the attempt out of the account's index of unsure numbers."""
    key = engine.ledger.keys.unsure(attempt.line.account)
    for entry in attempt.entries:
        packed = engine.ledger.redis.hget(engine.ledger.keys.block(entry.block), "n") or b""
        for position in decode(entry.runs):
            number = str(int.from_bytes(packed[position * 8 : position * 8 + 8], "big"))
            engine.ledger.run("forget", [key], [number, attempt.attempt])
