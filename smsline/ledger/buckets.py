"""Token buckets per account and action: ask for a token and learn how long to wait.

They are one bound for any number of workers.
"""

import math
from dataclasses import dataclass
from typing import Final, NamedTuple

from smsline.ledger.keys import BUCKET_TTL_S
from smsline.ledger.link import Ledger, argv

MICRO: Final = 1_000_000

# Part of a second's calls that may come at once. It is taken off the refill, so that no second sees
# more calls than the limit.
BURST_SHARE: Final = 0.04

# Part of a second's calls that workers may be late with before tokens are lost, where the bucket
# holds hardly more than one.
LATE_SHARE: Final = 0.01

# Calls per second below which the burst cannot be taken off the refill: hardly
# anything would be left.
SMALL_LIMIT: Final = 20.0


class BucketNumbers(NamedTuple):
    """A limit by the names that the scripts give it, in whole micro-tokens, the rate per ms."""

    rate: int
    burst: int
    floor: int


@dataclass(frozen=True, slots=True)
class Limit:
    """What a provider allows for one action.

    Attributes:
        per_s: Calls per second.
        reserve: Share of the burst that lanes other than otp leave untouched, 0 to 1.
    """

    per_s: float
    reserve: float = 0.2

    @property
    def late(self) -> float:
        """Tokens that may gather while all workers are late."""
        return self.per_s * LATE_SHARE

    @property
    def head_start(self) -> float:
        """What a small bucket holds beyond its one call.

        It is a lead for otp, and what workers may be late with.
        """
        return min(self.reserve, self.late) + self.late

    @property
    def burst(self) -> float:
        """Calls that may come at once, at least one."""
        return max(1.0 + self.head_start, self.per_s * BURST_SHARE)

    @property
    def refill_per_s(self) -> float:
        """Tokens that come back per second.

        No second sees more calls than the limit, and below `SMALL_LIMIT` no half-open one.
        """
        return self.per_s - (self.burst if self.per_s >= SMALL_LIMIT else self.head_start)

    @property
    def floor(self) -> float:
        """Tokens that lanes other than otp leave in the bucket."""
        return max(0.0, min(self.reserve * self.burst, self.burst - 1 - self.late))

    def numbers(self, *, urgent: bool) -> BucketNumbers:
        """The limit as the scripts want it."""
        # Whole micro-tokens, rounded down: Lua's numbers are doubles, and sums of fractions would
        # drift above the limit.
        return BucketNumbers(
            max(1, math.floor(self.refill_per_s * MICRO / 1000)),
            math.floor(self.burst * MICRO),
            0 if urgent else math.floor(self.floor * MICRO),
        )


def take_token(
    ledger: Ledger, account: str, action: str, *, limit: Limit, urgent: bool = False, cost: float = 1.0
) -> float:
    """Ask for a token.

    Returns:
        0 when it was taken, else milliseconds until it is worth asking again.

    Raises:
        redis.exceptions.RedisError: Redis cannot be reached: make no call.
    """
    numbers = limit.numbers(urgent=urgent)._asdict()
    args = argv("bucket", **numbers, cost=math.floor(cost * MICRO), expiry_s=BUCKET_TTL_S, shut_for=0)
    taken, wait_ms = ledger.run("bucket", [ledger.keys.bucket(account, action)], args)
    return 0.0 if taken else float(max(1, wait_ms))


def shut(ledger: Ledger, account: str, action: str, for_ms: float) -> None:
    """Let no call of this action through for a time: the provider said there were too many."""
    shut_for = max(1, math.ceil(for_ms))
    args = argv("bucket", rate=1, burst=MICRO, floor=0, cost=MICRO, expiry_s=BUCKET_TTL_S, shut_for=shut_for)
    ledger.run("bucket", [ledger.keys.bucket(account, action)], args)
