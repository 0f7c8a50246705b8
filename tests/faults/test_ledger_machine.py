"""Any sequence of moves, crashes and late words leaves the ledger as a model in plain Python says.

It runs on fakeredis and on a real Redis.
"""

import os
from collections.abc import Callable
from random import Random
from typing import Any, Final

import fakeredis
from hypothesis import HealthCheck, Phase, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, rule, run_state_machine_as_test
from redis import Redis

from smsline.ledger.batch_queues import MAINLAND
from tests.faults.support.actors.carriers import Carriers
from tests.faults.support.actors.operators import Operators
from tests.faults.support.actors.producers import Producers
from tests.faults.support.actors.stage import ACCOUNTS, Stage
from tests.faults.support.actors.workers import OUTCOMES, Workers
from tests.support.redis_server import RedisServer

EXAMPLES: Final = int(os.environ.get("LEDGER_EXAMPLES", "0"))
"""Set it to look longer and at other sequences each time; unset, the same few are played."""

SHRINK: Final = bool(os.environ.get("LEDGER_SHRINK"))
"""Set it to have a failing sequence made short, which takes minutes."""

PICK: Final = st.integers(0, 999)
SEED: Final = st.integers(0, 2**32 - 1)
KIND: Final = st.integers(0, 9)
LANE: Final = st.sampled_from(["otp", "marketing"])
PARTS: Final = st.lists(
    st.lists(st.sampled_from(range(6)), min_size=1, max_size=4, unique=True), min_size=1, max_size=3
)
WORDS: Final = [*OUTCOMES, "a", "q"]
LETTERS: Final = st.lists(st.sampled_from(WORDS), min_size=2, max_size=4)


class LedgerMachine(RuleBasedStateMachine):
    """Producers, workers, carriers, operators and the clock, in any order.

    After every small move ledger and model are compared. Moves that belong together share a rule,
    and those that go forward come more often than those that end things, so that a sequence gets
    somewhere.
    """

    connect: Callable[[], Any]

    def __init__(self) -> None:
        super().__init__()
        client = self.connect()
        client.flushall()
        self.stage = Stage(client)
        self.producers = Producers(self.stage)
        self.workers = Workers(self.stage, self.producers)
        self.carriers = Carriers(self.stage)
        self.operators = Operators(self.stage)

    @initialize(lane=LANE, seed=SEED)
    def begin_in_the_middle(self, lane: str, seed: int) -> None:
        """Two jobs are in one line, with numbers in common, and a good deal has happened since."""
        for parts in ([[0, 1, 2], [2, 3]], [[1, 3, 4]]):
            self.producers.submit_all(self.producers.have_in_mind(lane, parts, stream=False))
        self.workers.accept(0)
        self.workers.accept(1)
        self._any_moves(seed, 24)

    @rule(
        lane=LANE, parts=PARTS, stream=st.booleans(), pick=PICK, part=st.none() | PICK, declare=st.booleans(), kind=KIND
    )
    def produce(
        self, lane: str, parts: list[list[int]], pick: int, part: int | None, *, stream: bool, declare: bool, kind: int
    ) -> None:
        """A job is handed over, whole or in mind only.

        A part may come in any order, again or late, or only the word how many there are.
        """
        if kind < 4 and len(self.stage.model.jobs) < 4:
            job = self.producers.have_in_mind(lane, parts, stream=stream, pace=2.0 if kind % 2 else 0.0)
            if kind < 2:
                self.producers.submit_all(job)
        job = self.stage.job(pick)
        chosen = None if part is None else part % len(job.parts)
        self.producers.submit(job, chosen, declare=declare or part is None)

    @rule(pick=PICK, limit=st.integers(1, 6), letters=LETTERS, steps=st.integers(1, 4))
    def send(self, pick: int, limit: int, letters: list[str], steps: int) -> None:
        """A worker accepts, takes, begins and records; it may leave off after any of these."""
        self.workers.accept(pick)
        if steps > 1:
            self.workers.take(pick, limit)
        if steps > 2:
            self.workers.begin(-1)
        if steps > 3:
            self.workers.record(-1, letters)

    @rule(pick=PICK, letters=LETTERS, kind=KIND)
    def go_on(self, pick: int, letters: list[str], kind: int) -> None:
        """A worker goes on with what it has, perhaps after its lease was taken from it."""
        if kind < 3:
            self.workers.begin(pick, capped=kind == 0)
        elif kind == 3:
            self.workers.fail_over(pick, 1 + pick % 3) if pick % 2 else self.workers.give_up(pick)
        elif kind < 6:
            self.workers.record(pick, letters)
        elif kind == 6:
            self.workers.record_again(pick)
        elif kind < 9:
            self.workers.release(pick)
        else:
            self.workers.accept_late(pick)

    @rule(pick=PICK, stopped=st.booleans())
    def fall_silent(self, pick: int, *, stopped: bool) -> None:
        """A worker dies, or is stopped for longer than its lease, and another takes over."""
        self.workers.fall_silent(pick, stopped=stopped)

    @rule(pick=PICK, ok=st.booleans(), named=st.booleans(), kind=KIND)
    def receipt(self, pick: int, *, ok: bool, named: bool, kind: int) -> None:
        """A receipt comes: early, late, with or without its context, now and then again.

        It may be a stranger's, or of the wrong number.
        """
        if kind == 0:
            self.carriers.report_stranger(pick)
        elif kind < 3:
            self.carriers.report_again(pick)
        else:
            self.carriers.report(pick, ok=ok, named=named, wrong=kind == 3)

    @rule(pick=PICK, known=st.lists(st.booleans(), min_size=4, max_size=4), over=st.booleans())
    def ask(self, pick: int, known: list[bool], *, over: bool) -> None:
        """A worker asks what became of an unsure call; at the horizon its lane decides.

        Or it gives up on a receipt.
        """
        self.carriers.answer(pick, known, over=over)
        if pick % 4 == 0:
            self.carriers.stay_silent(pick)

    @rule(pick=PICK, letters=LETTERS, leave=st.booleans())
    def meanwhile(self, pick: int, letters: list[str], *, leave: bool) -> None:
        """Workers look whether a block and the account are waited for.

        Before they have done with them, more is sent and reported.
        """
        self.workers.look_at_block(pick)
        self.workers.look_at_account(pick)
        self.send(pick, 2, letters, 4)
        self.carriers.report(pick, ok=True, named=True, wrong=False)
        if leave:
            self.workers.leave_block(pick)
            self.workers.leave_account(pick)

    @rule(pick=PICK)
    def all_goes_well(self, pick: int) -> None:
        """For a while everything is accepted and delivered, so that jobs come to their end."""
        self.operators.unpark()
        self.operators.pass_time()
        for _ in range(2):
            before = len(self.stage.sent)
            self.send(pick, 6, ["a"], 4)
            for sent in range(before, len(self.stage.sent)):
                self.carriers.report(sent, ok=True, named=True, wrong=False)

    @rule(lane=LANE, pick=PICK, declare=st.booleans())
    def trickle(self, lane: str, pick: int, *, declare: bool) -> None:
        """A job's parts go out as they come; that they end is said later, or by the deadline."""
        if len(self.stage.model.jobs) < 4:
            job = self.producers.have_in_mind(lane, [[0, 1], [2]], stream=True)
            self.producers.submit(job, 0, declare=False)
            self.producers.submit(job, 1, declare=False)
            self.workers.accept(-1)
            self.all_goes_well(pick)
            if declare:
                self.producers.submit(job, None, declare=True)
            else:
                self.operators.overdue(-1)
                self.operators.sweep()

    @rule(pick=PICK)
    def no_provider_answers(self, pick: int) -> None:
        """A whole call is lost, and nothing is ever heard of it."""
        self.send(pick, 6, ["q"], 4)
        self.carriers.answer(-1, [False], over=True)

    @rule(pick=PICK, resume=st.booleans())
    def pause(self, pick: int, *, resume: bool) -> None:
        """An operator pauses a job while a worker is at it, and perhaps resumes it."""
        self.operators.control(pick, "paused")
        self.send(pick, 6, ["a"], 3)
        self.workers.fail_over(-1, 6)
        if resume:
            self.operators.control(pick, "open")
            self.workers.accept(pick)

    @rule(pick=PICK, kind=KIND)
    def operate(self, pick: int, kind: int) -> None:
        """Time passes, or an operator resumes, mends, drops or parks.

        Now and then a job is cancelled or its time is up.
        """
        moves: list[Callable[[], None]] = [
            lambda: self.operators.control(pick, "cancelled" if pick % 2 else "open"),
            lambda: self.operators.overdue(pick) if pick % 2 else None,
            lambda: self.operators.control(pick, "open"),
            lambda: self.operators.mend(pick, drop=pick % 3 == 0),
            lambda: self.operators.mend(pick, drop=False),
            self.operators.sweep,
            lambda: self.operators.hold(pick),
            lambda: self.operators.park(ACCOUNTS[pick % 2], MAINLAND if pick % 3 == 0 else ""),
        ]
        self.operators.unpark()
        moves[kind]() if kind < len(moves) else self.operators.pass_time()

    @rule(pick=PICK, some=st.integers(1, 4))
    def parked(self, pick: int, some: int) -> None:
        """A parked account's claims go through the next one.

        A look has put off or set aside some of them.
        """
        self.operators.park(ACCOUNTS[pick % 2], MAINLAND if some == 2 else "")
        self.workers.accept(pick)
        self.workers.take(pick, 6)
        self.workers.begin(-1, capped=some == 1)
        self.workers.fail_over(-1, some) if some < 4 else self.workers.give_up(-1)
        self.operators.unpark()

    @rule(pick=PICK)
    def outage(self, pick: int) -> None:
        """Calls are lost until the breaker holds their account.

        What waits there goes on through the next one.
        """
        for _ in range(2):
            self.send(pick, 1, ["q"], 4)
        self.workers.take(pick, 6)
        self.workers.begin(-1)
        self.workers.give_up(-1)

    @rule(seed=SEED)
    def storm(self, seed: int) -> None:
        """Several moves of any kind, chosen evenly.

        By itself Hypothesis plays a few kinds of move at a time.
        """
        self._any_moves(seed, 8)

    def _any_moves(self, seed: int, count: int) -> None:
        chance = Random(seed)
        for _ in range(count):
            self._any_move(chance)

    def _any_move(self, chance: Random) -> None:
        pick, kind, steps = chance.randrange(1000), chance.randrange(10), chance.randint(1, 4)
        yes, rarely, letters = chance.random() < 0.5, chance.random() < 0.3, chance.choices(WORDS, k=3)
        parts = [chance.sample(range(6), chance.randint(1, 4)) for _ in range(2)]
        lane = "otp" if yes else "marketing"
        moves: list[Callable[[], None]] = [
            lambda: self.produce(lane, parts, pick, kind % 3, stream=rarely, declare=yes, kind=kind),
            *[lambda: self.send(pick, 1 + pick % 6, letters, steps)] * 4,
            *[lambda: self.go_on(pick, letters, kind)] * 3,
            lambda: self.fall_silent(pick, stopped=yes),
            *[lambda: self.receipt(pick, ok=yes, named=not rarely, kind=kind)] * 2,
            lambda: self.ask(pick, [yes, rarely, not yes, rarely], over=rarely),
            lambda: self.meanwhile(pick, letters, leave=not rarely),
            lambda: self.pause(pick, resume=yes),
            lambda: self.parked(pick, 1 + kind % 4),
            lambda: self.outage(pick),
            lambda: self.operate(pick, kind),
        ]
        chance.choice(moves)()

    def teardown(self) -> None:
        """Let go of the connection."""
        self.stage.ledger.redis.close()


def play(connect: Callable[[], Any], examples: int) -> None:
    """Play sequences on the ledger at `connect`."""
    machine = type("LedgerMachine", (LedgerMachine,), {"connect": staticmethod(connect)})
    run_state_machine_as_test(
        machine,
        settings=settings(
            max_examples=EXAMPLES or examples,
            stateful_step_count=15,
            derandomize=not EXAMPLES,
            deadline=None,
            database=None,
            phases=[Phase.generate, Phase.shrink] if SHRINK else [Phase.generate],
            suppress_health_check=list(HealthCheck),
        ),
    )


def test_on_fakeredis() -> None:
    """Whatever happens in whatever order, the ledger agrees with the model: on fakeredis."""
    server = fakeredis.FakeServer()
    play(lambda: fakeredis.FakeRedis(server=server), examples=8)


def test_on_redis(redis_server: RedisServer) -> None:
    """Whatever happens in whatever order, the ledger agrees with the model: on a real Redis."""
    play(lambda: Redis(port=redis_server.port), examples=40)
