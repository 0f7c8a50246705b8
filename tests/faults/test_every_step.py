"""A worker that ends, or loses an answer of Redis, at any of its steps.

Every recipient is texted once, and the ledger knows it. Each step is one round trip to Redis or one
call of the provider. All of them are played, one after the other, with the rest of the work done by
another worker afterwards. A worker is killed before each step only: after the step before it would
be the same, because between two steps nothing happens that outlives a process.
"""

from collections import Counter
from collections.abc import Callable
from contextlib import suppress
from typing import Final

import pytest
import redis

from smsline.job import JobSpec
from smsline.ledger import inbox, jobs
from smsline.ledger.inbox import Part
from smsline.ledger.link import Ledger
from tests.faults.support.crashes import (
    Killed,
    Meter,
    MeteredLedger,
    MeteredProvider,
    MeteredRedis,
    When,
    answer_lost,
    killed,
)
from tests.faults.support.hands import Hands, engine_of, engine_of_two
from tests.faults.support.provider import CountingProvider
from tests.support.redis_server import RedisServer
from worker.providers.base import Answer, Broken, Call, Refused

MARKETING: Final = [8613700001001, 8613700001002, 8613700001003]
OTP: Final = 8613700002001


class Play:
    """Two jobs on an empty ledger: a campaign of three numbers in two parts, and an otp.

    Args:
        port: Of an empty Redis.
        patch: Given to the hands.
        meter: What happens to the first worker, and when.
    """

    def __init__(self, port: int, patch: pytest.MonkeyPatch, meter: Meter) -> None:
        self.patch = patch
        self.meter = meter
        # Only answers of Redis are lost here; those of a provider are in the tests of its breaking.
        self.calls = meter if meter.strike is killed else Meter()
        self.provider: CountingProvider = MeteredProvider(self.calls, limit=2)
        self.stand_in: CountingProvider | None = None
        self.port = port
        self.ledger = Ledger(redis.Redis(port=port), "t")
        self.ledger.redis.flushall()
        self.campaign, self.otp = "campaign1", "otp000001"
        spec = JobSpec.checked({"template": "5678", "lane": "marketing"})
        for part_no, numbers in enumerate((MARKETING[:2], MARKETING[2:])):
            inbox.submit_part(self.ledger, self.campaign, spec, Part(numbers), part_no=part_no, parts=2)
        spec = JobSpec.checked({"template": "1", "lane": "otp", "params": ["482913"]})
        inbox.submit_part(self.ledger, self.otp, spec, Part([OTP]), parts=1)

    def closed(self) -> bool:
        """Whether both jobs are closed."""
        return all(
            self.ledger.redis.hexists(self.ledger.keys.job(job), "closed_ms") for job in (self.campaign, self.otp)
        )

    def first_worker(self) -> None:
        """Work until the end, or until the meter strikes."""
        client = MeteredRedis(port=self.port)
        client.meter = self.meter
        self._hands(MeteredLedger(client)).work(self.closed)

    def second_worker(self) -> None:
        """Do what the first has left."""
        self._hands(self.ledger).work(self.closed)

    def _hands(self, ledger: Ledger) -> Hands:
        engine = (
            engine_of_two(ledger, self.provider, self.stand_in) if self.stand_in else engine_of(ledger, self.provider)
        )
        return Hands(engine, self.patch, clock=self.ledger)

    def states(self) -> dict[int, str]:
        """Every recipient's state by number; a lost one is missing."""
        rows = [*jobs.results(self.ledger, self.campaign), *jobs.results(self.ledger, self.otp)]
        return {int(row["phone"][1:]): row["state"] for row in rows}

    def check(self) -> None:
        """Nothing is lost or texted twice, and the ledger says of each what the provider did."""
        states = self.states()
        assert states.keys() == {*MARKETING, OTP}, "lost"
        sent = self.provider.sent + (self.stand_in.sent if self.stand_in else Counter())
        assert set(sent.values()) <= {1}, "texted twice"
        for number, state in states.items():
            assert state == ("delivered" if sent[number] else "unknown")


@pytest.fixture
def play(monkeypatch: pytest.MonkeyPatch, redis_server: RedisServer) -> Callable[[Meter], Play]:
    """Makes plays."""
    return lambda meter: Play(redis_server.port, monkeypatch, meter)


def every(play: Callable[[Meter], Play], accident: Callable[[], None]) -> range:
    """The steps of an undisturbed run.

    Another one may have a few more or less, as a slice of work ends by the clock.
    """
    meter = Meter(strike=accident)
    undisturbed = play(meter)
    undisturbed.first_worker()
    undisturbed.check()
    assert undisturbed.states() == {**dict.fromkeys(MARKETING, "delivered"), OTP: "delivered"}
    assert meter.seen > 40
    return range(1, meter.seen + 1)


@pytest.mark.parametrize("half", [0, 1])
def test_killed_at_every_step(play: Callable[[Meter], Play], half: int) -> None:
    """A worker killed at any step loses nothing and doubles nothing; another one finishes."""
    for step in every(play, killed)[half::2]:
        each = play(Meter(step, "before", killed))
        with suppress(Killed):
            each.first_worker()
        each.second_worker()
        each.check()
        assert each.states()[OTP] == "delivered", "an otp whose first call was never made gets a second one"


@pytest.mark.parametrize("when", ["before", "after"])
def test_an_answer_of_redis_is_lost_at_every_step(play: Callable[[Meter], Play], when: When) -> None:
    """A worker that loses a command, or a command's answer, loses nothing and doubles nothing."""
    for step in every(play, answer_lost):
        each = play(Meter(step, when, answer_lost))
        each.first_worker()
        each.check()
        assert each.states()[OTP] == "delivered"


@pytest.mark.parametrize("carried_out", [True, False])
def test_killed_at_every_step_while_calls_are_unsure(play: Callable[[Meter], Play], *, carried_out: bool) -> None:
    """The same holds where the first answer to every number is lost, carried out or not."""
    for step in every(play, killed):
        each = play(Meter(step, "before", killed))
        each.provider.answer = first_answer_lost(each.provider, carried_out=carried_out)
        with suppress(Killed):
            each.first_worker()
        each.second_worker()
        each.check()
        assert each.states()[OTP] == "delivered" or not carried_out


def first_answer_lost(provider: CountingProvider, *, carried_out: bool) -> Callable[[Call], Answer | None]:
    """Answers nothing to the first call that names a number."""
    known: set[int] = set()

    def answer(call: Call) -> Answer | None:
        if known.issuperset(call.numbers):
            return None
        known.update(call.numbers)
        if carried_out:
            provider.carry_out(call)
        return Broken(maybe_sent=True, code="http.ReadTimeout", detail="the answer was lost")

    return answer


@pytest.mark.parametrize("carried_out", [True, False])
def test_killed_during_the_call(play: Callable[[Meter], Play], *, carried_out: bool) -> None:
    """A worker killed while the provider has its call: what was carried out is found.

    An otp that was not goes out once more.
    """
    for victim in range(3):
        each = play(Meter())
        each.provider.answer = killed_during(each.provider, victim, carried_out=carried_out)
        with pytest.raises(Killed):
            each.first_worker()
        each.second_worker()
        each.check()
        assert each.states()[OTP] == "delivered"
        assert carried_out == (set(each.states().values()) == {"delivered"}) or victim == 0


def killed_during(provider: CountingProvider, victim: int, *, carried_out: bool) -> Callable[[Call], Answer | None]:
    """Ends the worker during its call number `victim`."""

    def answer(call: Call) -> Answer | None:
        if len(provider.calls) != victim + 1:
            return None
        if carried_out:
            provider.carry_out(call)
        raise Killed

    return answer


@pytest.mark.parametrize(
    "code", ["FailedOperation.InsufficientBalanceInSmsPackage", "UnsupportedOperation.UnsupportedRegion"]
)
@pytest.mark.parametrize(("accident", "when"), [(killed, "before"), (answer_lost, "after")])
def test_every_step_of_a_change_of_accounts(
    play: Callable[[Meter], Play], accident: Callable[[], None], when: When, code: str
) -> None:
    """While another account stands in, no step may lose or double a recipient.

    The first one is parked or cannot serve.
    """
    meter = Meter(strike=accident)
    undisturbed = changing(play(meter), code)
    undisturbed.first_worker()
    undisturbed.check()
    assert undisturbed.stand_in is not None
    assert len(undisturbed.stand_in.sent) == 4
    # What a worker does at the steps between is like what it does at one of
    # these, or is played above.
    for step in range(1 + (when == "before"), meter.seen + 1, 3):
        each = changing(play(Meter(step, when, accident)), code)
        with suppress(Killed):
            each.first_worker()
        each.second_worker()
        each.check()


def changing(play: Play, code: str) -> Play:
    """Its first account refuses everything; the second takes it."""
    play.provider.answer = lambda _call: Refused(code, "", "r")
    play.stand_in = MeteredProvider(play.calls, limit=2)
    return play
