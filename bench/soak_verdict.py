"""What a soak has found: in words, with a yes or no for each, and as curves."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from itertools import pairwise
from typing import Final, NamedTuple

from bench.curves import Curve, Panel, draw
from bench.report import amount
from bench.rows import Row, TargetRow, percentile

CPU_MOST, MEMORY_MOST = 1.15, 1.1
"""How much more a message may cost in the second stretch.

It allows for what a busy machine blurs of CPU, and for Redis' doubling tables.
"""

LOOK_S: Final = 1.0
"""Between two looks."""


class SoakPlan(NamedTuple):
    """What a soak is to be.

    Attributes:
        rate: Single jobs a second.
        minutes: Of both stretches together.
        dead: Kept dead letters that are made between them.
        lanes: Of the jobs, in turn.
    """

    rate: float
    minutes: float
    dead: int
    lanes: tuple[str, ...]

    @property
    def jobs(self) -> int:
        """In each stretch."""
        return round(self.rate * self.minutes * 30)


class SoakFinding(NamedTuple):
    """One sentence, and whether it is as it should be."""

    fine: bool
    text: str


@dataclass(frozen=True, slots=True)
class SoakSample:
    """One look: jobs handed over so far, not closed, waiting, whose receipt is due.

    Bytes and CPU seconds of Redis; CPU of workers.
    """

    at_s: float
    handed: int
    open: int
    waiting: int
    awaited: int
    memory: int
    redis_s: float
    workers_s: float


@dataclass(slots=True)
class Stretch:
    """Some minutes at an even pace.

    Attributes:
        begun_s: When, on the monotonic clock.
        jobs: Ids of the jobs that were handed over.
        samples: Looks, a second apart.
        refused: What a producer was told instead of an id.
        redis_us: CPU of Redis for each message, from the first job to the last receipt,
            microseconds.
        kept: Bytes of Redis for each message when all are closed, without what Redis forgets by
            itself in minutes.
        drained_s: From the last job to the last receipt, or until that was waited for no longer.
        left: Jobs that were not closed by then.
    """

    begun_s: float = 0.0
    jobs: list[str] = field(default_factory=list)
    samples: list[SoakSample] = field(default_factory=list)
    refused: list[str] = field(default_factory=list)
    redis_us: float = 0.0
    kept: float = 0.0
    drained_s: float = 0.0
    left: int = 0

    def workers_ms(self) -> float:
        """CPU of both workers for each message, milliseconds."""
        first, last = self.samples[0], self.samples[-1]
        return (last.workers_s - first.workers_s) / max(1, last.handed - first.handed) * 1000

    def backlog(self) -> tuple[float, float]:
        """Open jobs on average in the second and in the last fifth."""
        fifth = max(1, len(self.samples) // 5)
        early, late = self.samples[fifth : 2 * fifth] or self.samples, self.samples[-fifth:]
        return sum(one.open for one in early) / len(early), sum(one.open for one in late) / len(late)


def judge(stretches: Sequence[Stretch], asked: SoakPlan, took_s: Sequence[float]) -> list[SoakFinding]:
    """What was found.

    Args:
        stretches: Both.
        asked: What was asked for.
        took_s: From submit to final, of some of the jobs.
    """
    first, second = stretches
    jobs, refused = sum(len(one.jobs) - one.left for one in stretches), [*first.refused, *second.refused]
    took_s = took_s or [0.0]  # none was closed
    workers_ms = sum(one.workers_ms() for one in stretches) / 2
    told = f"; the first refusal: {refused[0]}" if refused else ""
    pace = min(len(one.jobs) / (one.samples[-1].at_s - one.samples[0].at_s + LOOK_S) for one in stretches)
    backlogs = [one.backlog() for one in stretches]
    # Receipts come in gusts, so that a second's worth of jobs more or less says nothing.
    level = all(late <= early * 1.5 + asked.rate for early, late in backlogs)
    shown = ", ".join(f"{early:,.0f} and {late:,.0f}" for early, late in backlogs)
    drained_s = max(one.drained_s for one in stretches)
    of_cpu, of_memory = second.redis_us / max(first.redis_us, 1e-9), second.kept / max(first.kept, 1e-9)
    then = f"beside {asked.dead:,} kept dead letters" if asked.dead else "in the second half"
    cpu = f"Redis' CPU for a message: {first.redis_us:.0f} µs, {then} {second.redis_us:.0f} µs"
    memory = f"Redis' memory for a closed message: {amount(first.kept)} B, {then} {amount(second.kept)} B"
    backlog = (
        f"open jobs in the second and the last fifth of each half: {shown}; all closed {drained_s:.0f} s after the last"
    )
    return [
        SoakFinding(
            jobs == 2 * asked.jobs, f"{jobs:,} of {2 * asked.jobs:,} jobs taken, sent, receipted and closed{told}"
        ),
        SoakFinding(pace >= 0.95 * asked.rate, f"handed over at {pace:.0f} a second; {asked.rate:g} were asked for"),
        SoakFinding(level, backlog),
        SoakFinding(
            took_s != [0.0],
            f"submit to final: p50 {percentile(took_s, 0.5):.1f} s, p99 {percentile(took_s, 0.99):.1f} s",
        ),
        SoakFinding(took_s != [0.0], f"both workers' CPU for a message: {workers_ms:.2f} ms"),
        SoakFinding(of_cpu <= CPU_MOST, f"{cpu}, ratio {of_cpu:.2f} (at most {CPU_MOST})"),
        SoakFinding(of_memory <= MEMORY_MOST, f"{memory}, ratio {of_memory:.2f} (at most {MEMORY_MOST})"),
    ]


def rows(stretches: Sequence[Stretch], asked: SoakPlan, took_s: Sequence[float]) -> list[Row]:
    """The same as lines of the table of `make bench`."""
    found, (first, second) = judge(stretches, asked, took_s), stretches
    what, minutes = f"single jobs, {asked.rate:g} a second", f"{asked.minutes:g} minutes"
    behind = max(late - early for early, late in (one.backlog() for one in stretches))
    return [
        Row(
            key="soak_backlog",
            measure=f"{what} for {minutes}, sent, receipted, closed: how the backlog grew",
            values=[max(0.0, behind)],
            unit="jobs",
            target=TargetRow("most", asked.rate, "value"),
            note="; ".join(each.text for each in found[:5]),
        ),
        Row(
            key="soak_memory",
            measure="Redis memory of a closed single job, kept",
            values=[first.kept],
            unit="B",
            target=TargetRow("most", 600, "value"),
        ),
        Row(
            key="soak_dead_cpu",
            measure=f"{what}: Redis' CPU a message, beside {asked.dead:,} kept dead letters",
            values=[second.redis_us],
            unit="µs",
            baseline="without them",
            baselines=[first.redis_us],
            target=TargetRow("most", CPU_MOST),
        ),
        Row(
            key="soak_dead_memory",
            measure=f"{what}: Redis' memory a message, beside {asked.dead:,} kept dead letters",
            values=[second.kept],
            unit="B",
            baseline="without them",
            baselines=[first.kept],
            target=TargetRow("most", MEMORY_MOST),
        ),
    ]


def picture(stretches: Sequence[Stretch], marks: Sequence[tuple[float, str]]) -> str:
    """Backlog, memory and CPU over time."""
    samples = [one for stretch in stretches for one in stretch.samples]

    def rates(name: str) -> list[float]:
        steps = pairwise(samples)
        shares = [(getattr(b, name) - getattr(a, name)) / max(b.at_s - a.at_s, 0.1) * 100 for a, b in steps]
        return [*shares[:1], *shares]

    panels = [
        Panel(
            "messages",
            "",
            (
                Curve("not closed", [one.open for one in samples]),
                Curve("receipts due", [one.awaited for one in samples]),
                Curve("waiting", [one.waiting for one in samples]),
            ),
        ),
        Panel("Redis' memory", "MB", (Curve("used", [one.memory / 1e6 for one in samples]),)),
        Panel("CPU, of one core", "%", (Curve("Redis", rates("redis_s")), Curve("both workers", rates("workers_s")))),
    ]
    return draw([one.at_s for one in samples], panels, marks)
