"""What `check` says of the ledger: its layout, what Redis has lost, what could not be read."""

from collections.abc import Iterator, Mapping, Sequence

from smsline.counted import counted
from smsline.errors import OtherVersion
from smsline.ledger import due, statistics
from smsline.ledger.hours import in_words, never_sent
from smsline.ledger.link import Ledger
from smsline.ledger.losses import Loss, losses
from smsline.ledger.migrate import seen
from smsline.ledger.poison import PoisonRecord, poisoned
from smsline.ledger.version import LAYOUT, refuse_other
from smsline.names import GONE_MS, LANES, lane_queue

# Subject, `ok`, `warn` or `fail`, what was found, what to do.
LedgerFinding = tuple[str, str, str, str]


def look_at_ledger(ledger: Ledger) -> Iterator[LedgerFinding]:
    """Look at a ledger, without writing to it."""
    found, old_workers = seen(ledger)
    yield judge_layout(found, old_workers=old_workers)
    yield from judge_lanes(statistics.waiting(ledger), due.schedulers(ledger), ledger.now_ms())
    yield from judge_losses(losses(ledger))
    yield from judge_poison(poisoned(ledger))
    for each in never_sent(ledger):
        yield (
            "hours",
            "warn",
            in_words(each),
            "widen SMSLINE_ACCOUNTS__<name>__WINDOW, or cancel them and give another window",
        )


def judge_layout(found: str, *, old_workers: bool) -> LedgerFinding:
    """Whether this version may work on the ledger."""
    try:
        refuse_other(found or ("1" if old_workers else LAYOUT))
    except OtherVersion as error:
        words, _, advice = str(error).partition(": ")
        return "ledger", "fail", words, advice
    if old_workers:
        return (
            "ledger",
            "fail",
            "workers of an older version have been at work on it",
            "stop them, then run `python -m worker migrate`",
        )
    return "ledger", "ok", f"layout {LAYOUT}" + ("" if found else "; no worker has used it yet"), ""


def judge_lanes(waiting: Mapping[str, int], seen_ms: Mapping[str, int], now_ms: int) -> Iterator[LedgerFinding]:
    """Lanes in which recipients wait and that no worker looks after.

    Args:
        waiting: Recipients by lane.
        seen_ms: When a scheduler last looked after each queue, epoch ms.
        now_ms: The present by Redis, epoch ms.
    """
    for lane in LANES:
        # A queue without recipients needs no worker, and a service may leave a lane out.
        if waiting[lane] and seen_ms.get(lane_queue(lane), 0) < now_ms - GONE_MS:
            told = f"{counted(waiting[lane], 'recipient waits', 'recipients wait')}, and no worker looks after it"
            advice = "start one, or where one runs ask `python -m worker alive` whether it makes progress"
            yield f"lane {lane}", "warn", told, advice


def judge_losses(found: Sequence[Loss]) -> Iterator[LedgerFinding]:
    """What Redis lost in the last week."""
    for loss in found:
        advice = "compare the jobs that producers were told of then with `smsline jobs`; unsure calls of that time are asked about"
        lost = "lost" if loss.certain else "was restarted or replaced, and may have lost"
        yield "ledger losses", "warn", f"Redis {lost} what was written {loss.span()}", advice


def judge_poison(found: Sequence[PoisonRecord]) -> Iterator[LedgerFinding]:
    """What was set aside because it could not be read."""
    if found:
        # One line for all: what wrote the newest is likeliest to be still at it.
        newest = max(found, key=lambda each: each["at_ms"])
        detail = f"{len(found)} set aside; the newest, of {newest['where']}: {newest['member']}: {newest['why']}"
        yield "ledger poison", "warn", detail, "what wrote it? When it is mended: DEL the key `poison` of the ledger"
