"""Circuit breakers of accounts, one for all processes.

After a few calls in a row that fail through no fault of their recipients an account is *held*:
nothing is sent through it but one probe call of one recipient at a time, with growing pauses. A
probe that goes well lets two calls through, each of those that goes well two more, until the
breaker is closed. `begin` asks the breaker and `record` tells it, inside their scripts
(`lua/_breaker.lua`).

Besides, where several accounts serve the same numbers, others *take over* for a while from one of
which too many calls fail.
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Final, Literal, NamedTuple, TypedDict

from smsline.ledger.batch_queues import ONLY
from smsline.ledger.link import Ledger
from smsline.names import LANES

# Of an account's numbers: so many go through it as soon as the cooldown is over (half-open).
LEAST_SHARE: Final = 0.05

# Refusals in a row for what calls say that hold what they have in common. A job, a template, or the
# account.
FAULTS: Final = 3

# What is new of a breaker after a call. It holds the account, its probe went well, all goes on,
# others take over, one side, country or template of it alone fails, or nothing.
BreakerEvent = Literal["held", "half-open", "closed", "out", "side", "country", "template", ""]


class BreakerState(NamedTuple):
    """What decides whether an account is given a number now. Times are epoch ms.

    Attributes:
        parked_ms: Until when the account, its side, or the template, is parked or held without a
            probe; 0 when it is not.
        open_until_ms: Until when others take over from it; 0 when they do not.
        back_ms: When it has all of its share again.
    """

    parked_ms: float = 0.0
    open_until_ms: float = 0.0
    back_ms: float = 0.0

    def share(self, now_ms: float) -> float:
        """The part of its numbers that goes through it, from 0 to 1."""
        if now_ms < max(self.parked_ms, self.open_until_ms):
            return 0.0
        if now_ms >= self.back_ms:
            return 1.0
        return max(LEAST_SHARE, (now_ms - self.open_until_ms) / (self.back_ms - self.open_until_ms))


@dataclass(frozen=True, slots=True)
class BreakerTerms:
    """When a breaker trips, and what follows; the scripts read it by these names.

    Attributes:
        row: Failed calls in a row that hold the account; 0 is never.
        first_ms: Until the first probe.
        most_ms: The longest pause between two probes.
        failures: Failed calls within the window, if they are at least half of all, from which
            others take over; 0 is never.
        cooldown_ms: For how long they do.
        return_ms: From then on until the account has all of its share again.
        window_ms: After this long half of a count is forgotten.
        apart_ms: For how long global numbers are sent to country by country after a failed call.
    """

    row: int = 4
    first_ms: float = 1_000.0
    most_ms: float = 30_000.0
    failures: int = 0
    cooldown_ms: float = 60_000.0
    return_ms: float = 300_000.0
    window_ms: float = 30_000.0
    apart_ms: float = 300_000.0

    def with_failure(self, code: str, good: int) -> str:
        """JSON of the terms and of a failed call: its code, the good ones here since the last."""
        return json.dumps({**asdict(self), "code": code, "good": good})


class CallReport(NamedTuple):
    """What a call says of its account.

    Attributes:
        said: That it works, that it does not, that it works and refuses what the call says, or
            nothing, as when no call was made.
        terms: Of a failure `BreakerTerms.with_failure`; of a call that went well its template, when
            a recipient was taken; of a refusal the code and what the call said (`BatchQueue.own`).
    """

    said: Literal["ok", "failed", "fault", ""] = ""
    terms: str = ""


# Of a call that was not made: it says nothing of its account.
SILENT: Final = CallReport()


class BreakerFailover(TypedDict):
    """Why and for how long others take over from an account.

    Times are epoch ms; `share` is what goes through it, 0 to 1.
    """

    code: str
    since_ms: int
    out_ms: int
    back_ms: int
    share: float


def at_fault(subjects: Sequence[str]) -> str | None:
    """What is to be held after refusals in a row for what calls say.

    Args:
        subjects: Of each call, the newest last: template and batch queue (`BatchQueue.own`).

    Returns:
        What may be parked: one job's messages, a template, or all of the account (empty); None
        while there are too few.
    """
    templates = [subject.partition(ONLY)[0] for subject in subjects]
    if len(set(templates)) >= FAULTS:
        return ""
    alike = [subject for subject, template in zip(subjects, templates, strict=True) if template == templates[-1]]
    if len(alike) < FAULTS:
        return None
    return subjects[-1] if len(set(alike)) == 1 else templates[-1]


class BreakerHold(TypedDict):
    """Why an account is held, since when, and when the next probe may go (epoch ms).

    `returning`: its last probe went well.
    """

    code: str
    since_ms: int
    probe_ms: int
    returning: bool


def read(ledger: Ledger, account: str, subjects: tuple[str, ...]) -> BreakerState:
    """How an account stands.

    Args:
        ledger: Where.
        account: Which.
        subjects: What of it may be parked for the number in question.
    """
    keys = ledger.keys
    pipe = ledger.redis.pipeline(transaction=False)
    pipe.hmget(keys.breaker(account), "out_ms", "back_ms", "held_ms", "probe_ms", "grants")
    for subject in ("", *subjects):
        pipe.hget(keys.park(account, subject), "probe_ms")
    (out_ms, back_ms, held_ms, probe_ms, grants), *parks = pipe.execute()
    # While grants are left the account is tried by several calls at once, and is
    # not closed to a number.
    held = float(probe_ms) if held_ms and not int(grants or 0) else 0.0
    return BreakerState(max(held, *(float(park or 0) for park in parks)), float(out_ms or 0), float(back_ms or 0))


def out(ledger: Ledger, account: str) -> BreakerFailover | None:
    """Why others take over from an account, or did until a while ago.

    None when it has all of its share.
    """
    held: Mapping[bytes, bytes] = ledger.redis.hgetall(ledger.keys.breaker(account))
    now_ms = ledger.now_ms()
    if float(held.get(b"back_ms", 0)) <= now_ms:
        return None
    since_ms, out_ms, back_ms = (int(float(held[name])) for name in (b"since_ms", b"out_ms", b"back_ms"))
    share = BreakerState(0.0, out_ms, back_ms).share(now_ms)
    code = held.get(b"code", b"").decode()
    return BreakerFailover(code=code, since_ms=since_ms, out_ms=out_ms, back_ms=back_ms, share=round(share, 3))


def held(ledger: Ledger, account: str) -> BreakerHold | None:
    """Why an account is held; None when it is not."""
    names = ("held_ms", "probe_ms", "code", "wins")
    since_ms, probe_ms, code, wins = ledger.redis.hmget(ledger.keys.breaker(account), *names)
    if since_ms is None:
        return None
    return BreakerHold(
        code=(code or b"").decode(),
        since_ms=int(since_ms),
        probe_ms=int(float(probe_ms)),
        returning=bool(int(wins or 0)),
    )


def suspect(ledger: Ledger, account: str, for_ms: float) -> None:
    """Let calls of the account carry one recipient, because one of them is stuck.

    This holds for so long, or until one goes well.
    """
    ledger.run("suspect", [ledger.keys.breaker(account)], [for_ms])


def restore(ledger: Ledger, account: str) -> bool:
    """Close an account's breaker and give it all of its share at once; False when that was so."""
    had = out(ledger, account) is not None or held(ledger, account) is not None
    ledger.redis.delete(ledger.keys.breaker(account))
    # What waited would otherwise be looked at only when its last pause is over.
    if had:
        hurry(ledger, account)
    return had


def hurry(ledger: Ledger, account: str, subject: str = "") -> int:
    """Make the batch queues due at once that waited for the account, or for what of it was parked.

    Returns how many.
    """
    return int(ledger.run("hurry", [ledger.keys.send(lane) for lane in LANES], [account, subject]))
