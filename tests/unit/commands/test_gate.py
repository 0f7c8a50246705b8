"""The gate of the actions: each has a bucket, the workers' own, and learns from refusals."""

from dataclasses import dataclass, field

import fakeredis
import pytest

from smsline.ledger.buckets import Limit, take_token
from smsline.ledger.link import Ledger
from worker.gate import PATIENCE_MS, CommandGate
from worker.providers.base import Broken, Refused

LIMITS = {"AddSmsSign": 1.0, "AddSmsTemplate": 2.0, "DescribePhoneNumberInfo": 1000.0}


@dataclass
class Clock:
    """Time that passes only while the caller sleeps."""

    now_s: float = 100.0
    slept: list[float] = field(default_factory=list)

    def sleep(self, seconds: float) -> None:
        """Pass the time."""
        self.slept.append(seconds)
        self.now_s += seconds


@pytest.fixture
def ledger() -> Ledger:
    """An empty one."""
    return Ledger(fakeredis.FakeRedis(server=fakeredis.FakeServer()), "t")


def gate_on(ledger: Ledger, clock: Clock, account: str = "main", patience_ms: float = PATIENCE_MS) -> CommandGate:
    """An account's gate whose sleeps take no time."""
    return CommandGate(
        ledger,
        account,
        provider="tencent",
        limits=LIMITS,
        patience_ms=patience_ms,
        sleep=clock.sleep,
        monotonic_s=lambda: clock.now_s,
    )


def test_each_action_has_its_bucket(ledger: Ledger) -> None:
    """A used-up action holds up neither another action nor another account."""
    clock = Clock()
    gate = gate_on(ledger, clock, patience_ms=0)

    assert gate.admit("AddSmsSign") == 0
    assert 0 < gate.admit("AddSmsSign") <= 1100
    assert gate.admit("AddSmsTemplate") == 0
    assert gate_on(ledger, clock, "other", patience_ms=0).admit("AddSmsSign") == 0
    assert clock.slept == []


def test_the_bucket_is_the_workers(ledger: Ledger) -> None:
    """What a worker has taken of an action is gone here too."""
    assert take_token(ledger, "main", "AddSmsSign", limit=Limit(1.0)) == 0

    assert gate_on(ledger, Clock(), patience_ms=0).admit("AddSmsSign") > 0


def test_a_token_is_waited_for(ledger: Ledger) -> None:
    """Within its patience the gate sleeps for just as long as the bucket says, again and again."""
    clock = Clock()
    gate = gate_on(ledger, clock)
    gate.admit("AddSmsSign")

    # The bucket's own clock is Redis', which does not wait with the test.
    assert gate.admit("AddSmsSign") > 0
    assert len(clock.slept) >= 4
    assert sum(clock.slept) <= PATIENCE_MS / 1000


@pytest.mark.parametrize(
    ("answer", "shut"),
    [
        (Refused("RequestLimitExceeded", "", ""), True),
        (Refused("LimitExceeded.Something", "", ""), True),
        (Broken(maybe_sent=False, code="http.429", detail=""), True),
        (Refused("FailedOperation.TemplateIdNotExist", "", ""), False),
        (Broken(maybe_sent=True, code="http.502", detail=""), False),
    ],
    ids=lambda value: getattr(value, "code", None),
)
def test_too_many_close_the_bucket(ledger: Ledger, answer: Refused | Broken, shut: bool) -> None:
    """The provider's own "too many" closes the action for a while, and nothing else does."""
    gate = gate_on(ledger, Clock(), patience_ms=0)

    gate.refused("DescribePhoneNumberInfo", answer)

    assert (gate.admit("DescribePhoneNumberInfo") > 0) is shut
    assert gate.admit("AddSmsSign") == 0
