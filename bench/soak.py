"""`python -m bench.soak`: single jobs at an even pace for minutes, sent, receipted, closed.

By one otp and one bulk process.

The run has two stretches of equal length. Between them `--dead` makes that many kept dead letters;
what a message costs Redis in CPU and in memory is compared before and after. Exit codes: 0 when
everything is level, 1 when something is not, or did not work.
"""

import argparse
import sys
import threading
import time
from collections.abc import Iterator, Sequence
from itertools import count
from pathlib import Path
from typing import Final

from rich.console import Console

from bench import dead
from bench.campaign import phones
from bench.children import BenchFailed, quiet_children, wait, workplace
from bench.machine import look
from bench.report import PAGE, machine_text, put
from bench.rows import Row
from bench.show import Show, progress
from bench.sizes import Sizes
from bench.soak_verdict import LOOK_S, SoakPlan, SoakSample, Stretch, judge, picture, rows
from bench.stack import ACCOUNT, Stack, standing
from bench.usage import cpu, redis_cpu_s, used_memory
from smsline.errors import SmslineError
from smsline.ledger import accounts, statistics
from smsline.names import LANES
from smsline.numbers import e164
from worker.supervisor.child import Running
from worker.supervisor.supervisor import CannotStart

RATE, LANES_IN_TURN = 300.0, ("otp", "notify")
FIRST: Final = 8613000000000
EARLIER: Final = 200
"""Jobs before the first stretch.

What Redis holds for each connection, script and list that comes about is no job's.
"""

HANDS: Final = 4
"""Threads that hand jobs over; each waits for Redis at every one."""

DRAIN_S: Final = 60.0
"""After a stretch, until all of its jobs must be closed."""

LOOKED_AT: Final = 5_000
"""Jobs whose times are read, spread over the run."""

BEGIN, END = "<!-- soak: written by `python -m bench.soak --write` -->", "<!-- end of soak -->"


class Soak:
    """One run.

    Args:
        stack: Where.
        running: The workers.
        asked: What it is to be.
        show: Says how far it is.
    """

    def __init__(self, stack: Stack, running: list[Running], asked: SoakPlan, show: Show) -> None:
        self.stack, self.running, self.asked, self.show = stack, running, asked, show
        self.began_s = time.monotonic()
        self.marks: list[tuple[float, str]] = []

    def warm_up(self) -> None:
        """Hand some jobs over, and wait until they are closed."""
        for nth, phone in enumerate(phones(EARLIER, 8613600000000)):
            lane = self.asked.lanes[nth % len(self.asked.lanes)]
            self.stack.client.send(to=phone, template="1234", params=["000000"], lane=lane)
        wait(self._all_is_done, "the first jobs to be closed", self.running, DRAIN_S)

    def stretch(self, name: str, first: int) -> Stretch:
        """Hand jobs over for half of the minutes, and wait until all are closed."""
        found, ledger = Stretch(), self.stack.ledger
        memory, redis_s = kept_memory(self.stack), redis_cpu_s(ledger.redis)
        found.begun_s, turns = time.monotonic(), count()
        # One counter for all threads: whichever is free takes the next job at its time.
        hands = [threading.Thread(target=self._hand, args=(found, turns, first)) for _ in range(HANDS)]
        for hand in hands:
            hand.start()
        while any(hand.is_alive() for hand in hands):
            found.samples.append(self._look(first + len(found.jobs)))
            last = found.samples[-1]
            handed = f"{len(found.jobs):,} of {self.asked.jobs:,} handed over"
            self.show(name, f"{handed}, {last.open:,} open, {last.awaited:,} receipts due")
            time.sleep(LOOK_S)
        ended_s = time.monotonic()
        # What is not closed by then is a finding, not the end of the run.
        while not self._all_is_done() and time.monotonic() - ended_s < DRAIN_S:
            time.sleep(LOOK_S / 5)
        found.drained_s, found.left = time.monotonic() - ended_s, ledger.redis.zcard(ledger.keys.open)
        found.redis_us = (redis_cpu_s(ledger.redis) - redis_s) / max(1, len(found.jobs)) * 1e6
        # After the last receipt: a job under way holds four times what a closed one does.
        found.kept = (kept_memory(self.stack) - memory) / max(1, len(found.jobs))
        return found

    def _all_is_done(self) -> bool:
        """Whether all jobs are closed, and were brought into the form in which they are kept."""
        ledger = self.stack.ledger
        pipe = ledger.redis.pipeline(transaction=False)
        pipe.zcard(ledger.keys.open)
        pipe.zcount(ledger.keys.closing, "-inf", ledger.now_ms())
        return not any(pipe.execute())

    def _hand(self, found: Stretch, turns: Iterator[int], first: int) -> None:
        send, lanes = self.stack.client.send, self.asked.lanes
        while (nth := next(turns)) < self.asked.jobs:
            time.sleep(max(0.0, found.begun_s + nth / self.asked.rate - time.monotonic()))
            phone, code = e164(FIRST + first + nth), f"{nth % 10**6:06d}"
            try:
                job = send(to=phone, template="1234", params=[code], lane=lanes[nth % len(lanes)])
            except SmslineError as error:
                found.refused.append(str(error))
            else:
                found.jobs.append(job)

    def _look(self, handed: int) -> SoakSample:
        ledger = self.stack.ledger
        waiting = sum(by for name, by in statistics.totals(ledger).items() if name.startswith("g|"))
        return SoakSample(
            at_s=time.monotonic() - self.began_s,
            handed=handed,
            open=ledger.redis.zcard(ledger.keys.open),
            waiting=waiting,
            awaited=accounts.outstanding(ledger, ACCOUNT),
            memory=used_memory(ledger.redis),
            redis_s=redis_cpu_s(ledger.redis),
            workers_s=cpu({"all": [each.pid for each in self.running]}).seconds.get("all", 0.0),
        )

    def run(self) -> list[Stretch]:
        """Both stretches, and the dead letters between them."""
        self.warm_up()
        first = self.stretch("first half", 0)
        between = f"{self.asked.dead:,} dead letters" if self.asked.dead else "half"
        self.marks.append((time.monotonic() - self.began_s, between))
        if self.asked.dead:
            self.show(f"making {between}")
            dead.make(self.stack, self.running, self.asked.dead)
        return [first, self.stretch("second half", len(first.jobs))]


def measure(stack: Stack, sizes: Sizes, _procs: int, show: Show) -> list[Row]:
    """The rows about single jobs at an even pace, for `make bench`."""
    stack.clear(**dead.FLAGS)
    asked = SoakPlan(RATE, sizes.soak_minutes, sizes.soak_dead, LANES_IN_TURN)
    with stack.service() as running:
        stretches = Soak(stack, running, asked, show).run()
        took_s = latencies_s(stack, [job for one in stretches for job in one.jobs])
    return rows(stretches, asked, took_s)


def kept_memory(stack: Stack) -> int:
    """Bytes of Redis without those of calls, which it forgets five minutes after their record."""
    ledger = stack.ledger
    calls = list(ledger.redis.scan_iter(match=ledger.keys.attempt("*"), count=5_000))
    # All are alike, so fifty of them tell the size of all.
    some = [ledger.redis.memory_usage(name) or 0 for name in calls[:: max(1, len(calls) // 50)]]
    size = sum(some) / len(some) if some else 0
    # And with it go their places in Redis' table of what expires, which no key's own size tells.
    listed = sum(int(held["expires"]) for held in ledger.redis.info("keyspace").values())
    tables = (held for name, held in ledger.redis.memory_stats().items() if name.startswith("db."))
    size += sum(int(held["overhead.hashtable.expires"]) for held in tables) / max(1, listed)
    return used_memory(ledger.redis) - round(len(calls) * size)


def latencies_s(stack: Stack, jobs: Sequence[str]) -> list[float]:
    """From submit to final, seconds, of some of the jobs."""
    pipe = stack.ledger.redis.pipeline(transaction=False)
    for job in jobs[:: max(1, len(jobs) // LOOKED_AT)]:
        pipe.hmget(stack.ledger.keys.job(job), "created_ms", "closed_ms")
    return [(int(closed) - int(created)) / 1000 for created, closed in pipe.execute() if created and closed]


def main(argv: Sequence[str]) -> int:
    """Run; returns the exit code."""
    given = _parser().parse_args(argv)
    asked = SoakPlan(given.rate, given.minutes, given.dead, tuple(given.lanes))
    plot, machine = Path(given.plot).resolve() if given.plot else None, look()
    with workplace() as folder, quiet_children(folder / "log") as screen:
        console = Console(file=screen, width=160)
        try:
            with standing(folder) as stack, progress(console) as show:
                stack.clear(**dead.FLAGS)
                with stack.service() as running:
                    soak = Soak(stack, running, asked, show)
                    stretches = soak.run()
                    took_s = latencies_s(stack, [job for one in stretches for job in one.jobs])
        except (BenchFailed, CannotStart) as error:
            console.print(f"{(folder / 'log').read_text()[-4_000:]}\nsoak: {error}", markup=False, highlight=False)
            return 1
        except KeyboardInterrupt:
            return 130
    found, curves = judge(stretches, asked, took_s), picture(stretches, soak.marks)
    passed = all(each.fine for each in found)
    what = f"{asked.rate:g} single jobs a second for {asked.minutes:g} minutes, lanes {' and '.join(asked.lanes)}"
    title = f"{what}: {'passed' if passed else 'MISSED'}"
    words = "\n".join(f"- {'' if each.fine else '**missed:** '}{each.text}" for each in found)
    print(f"{title}\n{words}")
    if plot:
        plot.write_text(curves, "utf-8")
    if given.write:
        PAGE.with_name("soak.svg").write_text(curves, "utf-8")
        image = "![backlog, memory and CPU over the run](soak.svg)"
        put(PAGE, BEGIN, END, f"{machine_text(machine, 'soak')}\n\n**{title}.**\n\n{words}\n\n{image}")
    return 0 if passed else 1


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m bench.soak",
        description="Single jobs at an even pace, sent, receipted, closed, by one otp and one bulk process.",
        epilog="example: python -m bench.soak --rate 300 --minutes 10 --dead 500000 --write",
    )
    parser.add_argument("--rate", type=float, default=RATE, help="single jobs a second (300)")
    parser.add_argument("--minutes", type=float, default=10.0, help="for how long, both halves together (10)")
    parser.add_argument("--dead", type=int, default=0, metavar="N", help="dead letters made between the halves (0)")
    parser.add_argument("--lanes", nargs="+", choices=LANES, default=LANES_IN_TURN, help="of the jobs, in turn")
    parser.add_argument("--plot", metavar="FILE", help="write the curves as SVG")
    parser.add_argument("--write", action="store_true", help="put words and curves into docs/performance.md")
    return parser


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
