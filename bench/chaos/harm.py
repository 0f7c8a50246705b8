"""Harms to a running service, each with the number of recipients in calls at that moment.

Only these may end in doubt.
"""

import random
import threading
import time
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Final

from bench.chaos.clock import Clock
from bench.chaos.in_flight import in_flight
from bench.chaos.machines import Fleet
from bench.chaos.redis_pair import RedisPair
from bench.chaos.scrape import WebProcess
from bench.chaos.strike import Strike
from worker.sandbox.background import Background

# So much of the last moments the promoted replica lacks.
LOST_S: Final = 1.0

# By so much Redis' clock is set forward and back.
STEP_S: Final = 30.0

# By so much a worker's clock is set.
ADRIFT_S: Final = 3600.0

# Calls in flight end well in these.
GENTLE: Final = ("a worker stopped for another version", "web process killed", "a worker's clock set")


@dataclass(slots=True)
class HarmCounts:
    """What was done.

    Attributes:
        times: How often, by kind of harm.
        in_flight: Recipients in calls at these moments, by kind of harm.
        lost_moments: Numbers that were texted in moments which Redis lost.
        skipped: What could not be done, and why.
    """

    times: "Counter[str]" = field(default_factory=Counter)
    in_flight: "Counter[str]" = field(default_factory=Counter)
    lost_moments: "Counter[str]" = field(default_factory=Counter)
    skipped: dict[str, str] = field(default_factory=dict)


class Harm(threading.Thread):
    """Does harm after a plan until the time is over.

    A worker process is killed every second or two besides.

    Args:
        seconds: Length of the run.
        seed: Of what is killed when.
        redis: The pair.
        fleet: The workers.
        strike: The provider's outages.
        sandbox: The provider.
        adrift: The clock of one machine.
        web: The web process.

    Attributes:
        done: What was done.
        spent_s: How much of the time is over.
        doing: The latest of the plan, for people.
    """

    def __init__(
        self,
        *,
        seconds: float,
        seed: int,
        redis: RedisPair,
        fleet: Fleet,
        strike: Strike,
        sandbox: Background,
        adrift: Clock,
        web: WebProcess,
    ) -> None:
        super().__init__(name="harm", daemon=True)
        self.done, self.seconds, self.spent_s = HarmCounts(), seconds, 0.0
        self._redis, self._fleet, self._strike = redis, fleet, strike
        self._sandbox, self._adrift, self._web, self.doing = sandbox, adrift, web, ""
        self._chance = random.Random(seed)
        self.failed: BaseException | None = None

    def plan(self) -> list[tuple[float, str, Callable[[], None]]]:
        """What is done, at which share of the time."""
        strike, clock, adrift = self._strike, self._redis.clock, self._adrift
        found: list[tuple[float, str, Callable[[], None]]] = [
            (0.08, "Redis killed", lambda: self._redis.restart(0.5)),
            (0.11, "a worker stopped for another version", lambda: self._fleet.roll("rolling")),
            # While all is well with the provider, so that much is sent in the moments that are
            # lost, and no older worker runs.
            (0.20, "replica promoted without the last second", self._promote),
            (0.27, "provider refused", lambda: strike.begin("refused")),
            (0.33, "", lambda: strike.end("refused")),
            (0.36, "a worker stopped for another version", lambda: self._fleet.roll("rolling")),
            (0.42, "provider 502", lambda: strike.begin("502")),
            (0.49, "", lambda: strike.end("502")),
            (0.52, "web process killed", self._web.start),
            (0.56, "a worker stopped for another version", lambda: self._fleet.roll("rolling")),
            (0.61, "provider hangs", lambda: strike.begin("hang")),
            (0.68, "", lambda: strike.end("hang")),
            (0.76, "Redis stalled", lambda: self._redis.stall(min(7.0, self.seconds / 12))),
            (0.86, "Redis killed", lambda: self._redis.restart(0.5)),
            (0.88, "a worker stopped for another version", lambda: self._fleet.roll("rolling")),
        ]
        if clock.why_not:
            self.done.skipped["clocks that step"] = clock.why_not
        else:
            found += [
                (0.24, "a worker's clock set", lambda: adrift.set(ADRIFT_S)),
                (0.38, "a worker's clock set", lambda: adrift.set(-ADRIFT_S)),
                (0.58, "a worker's clock set", lambda: adrift.set(0)),
                (0.89, "Redis' clock set forward", lambda: clock.set(STEP_S)),
                (0.95, "Redis' clock set back", lambda: clock.set(0)),
            ]
        return sorted(found, key=lambda each: each[0])

    def run(self) -> None:
        """Do harm."""
        try:
            self._run()
        except BaseException as error:  # noqa: BLE001 - told by who waits for the thread
            self.failed = error

    def _run(self) -> None:
        plan, began_s = self.plan(), time.monotonic()
        while self.spent_s < self.seconds:
            # Slept in small steps, so that the plan is kept to within a second.
            time.sleep(self._chance.uniform(0.5, 1.0))
            self.spent_s = time.monotonic() - began_s
            while plan and plan[0][0] * self.seconds <= self.spent_s:
                _, kind, act = plan.pop(0)
                if kind:
                    self.doing = kind
                    self._note(kind)
                act()
            if self._chance.random() < 0.5:
                self._kill_worker()

    def _note(self, kind: str, pid: int = 0) -> None:
        if kind in GENTLE:
            self.done.times[kind] += 1
            return
        # Past the switch, and before the harm: afterwards it could not be asked any more.
        with self._redis.direct() as client:
            self.done.times[kind] += 1
            self.done.in_flight[kind] += in_flight(client, pid)

    def _kill_worker(self) -> None:
        pid = self._fleet.halt(self._chance)
        # What it has sent to Redis by now arrives before the look at what it has under way.
        time.sleep(0.02)
        self._note("workers killed", pid)
        self._fleet.end(pid)

    def _promote(self) -> None:
        # Both counts at the provider: what went out between them is what the
        # replica cannot know of.
        before = self._sandbox.stats(log=False)["numbers"]
        self._redis.cut()
        time.sleep(LOST_S)
        self._note("calls when the primary ended")
        self._redis.promote(1.0, then=lambda: self._lost_since(before))

    def _lost_since(self, before: dict[str, int]) -> None:
        now = self._sandbox.stats(log=False)["numbers"]
        lost = {number: times - before.get(number, 0) for number, times in now.items() if times > before.get(number, 0)}
        self.done.lost_moments.update(lost)
        self.done.in_flight["texted in the moments that Redis lost"] += len(lost)
