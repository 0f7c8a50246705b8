"""Circuit breakers of accounts: calls that fail are counted, and from an account of which too many do others take over for a while."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import NamedTuple, TypedDict

from smsline.ledger.link import Ledger, Value

LEAST_SHARE = 0.05
"""Of an account's numbers: so many go through it as soon as the cooldown is over (half-open)."""


class BreakerState(NamedTuple):
    """What decides whether an account is given a number now. Times are epoch ms.

    Attributes:
        parked_ms: Until when the account, or the template, is parked without a probe; 0 when it is not.
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
class FailoverTerms:
    """When others take over from an account.

    Attributes:
        failures: So many failed calls within the window, if they are at least half of all; 0 is never.
        cooldown_ms: For how long.
        return_ms: From then on until the account has all of its share again.
        window_ms: After this long half of a count is forgotten.
    """

    failures: int
    cooldown_ms: float
    return_ms: float
    window_ms: float = 30_000.0


class Out(TypedDict):
    """Why and for how long others take over from an account. Times are epoch ms; `share` is what goes through it, 0 to 1."""

    code: str
    since_ms: int
    out_ms: int
    back_ms: int
    share: float


def read(ledger: Ledger, account: str, template: str) -> BreakerState:
    """How an account stands, for a template."""
    keys = ledger.keys
    pipe = ledger.redis.pipeline(transaction=False)
    pipe.hget(keys.park(account), "probe_ms")
    pipe.hget(keys.park(account, template), "probe_ms")
    pipe.hmget(keys.breaker(account), "out_ms", "back_ms")
    whole, part, (out_ms, back_ms) = pipe.execute()
    return BreakerState(max(float(whole or 0), float(part or 0)), float(out_ms or 0), float(back_ms or 0))


def record_failure(ledger: Ledger, account: str, code: str, *, good: int, terms: FailoverTerms) -> bool:
    """Count a call that failed, and those that went well since the last one; True when others take over from now on."""
    args: list[Value] = [good, code, terms.failures, terms.window_ms, terms.cooldown_ms, terms.return_ms]
    return bool(ledger.run("judge", [ledger.keys.breaker(account)], args))


def out(ledger: Ledger, account: str) -> Out | None:
    """Why others take over from an account, or did until a while ago; None when it has all of its share."""
    held: Mapping[bytes, bytes] = ledger.redis.hgetall(ledger.keys.breaker(account))
    now_ms = ledger.now_ms()
    if float(held.get(b"back_ms", 0)) <= now_ms:
        return None
    since_ms, out_ms, back_ms = (int(held[name]) for name in (b"since_ms", b"out_ms", b"back_ms"))
    share = BreakerState(0.0, out_ms, back_ms).share(now_ms)
    return Out(code=held[b"code"].decode(), since_ms=since_ms, out_ms=out_ms, back_ms=back_ms, share=round(share, 3))


def restore(ledger: Ledger, account: str) -> bool:
    """Give an account all of its share at once; False when it had it."""
    had = out(ledger, account) is not None
    ledger.redis.delete(ledger.keys.breaker(account))
    return had
