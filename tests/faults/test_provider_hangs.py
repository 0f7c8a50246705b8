"""A provider that hangs: its account takes at most its share of a process' threads, and ever fewer.

The others do not wait.
"""

import threading
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field

import pytest

from smsline.ledger.link import Ledger
from tests.support.provider import FakeProvider, lost
from tests.support.provider import accept as accept_all
from tests.support.scene import Scene, make_scene
from tests.support.waiting import LONG_S, wait_until
from tests.support.world import FIRST, some_numbers
from worker.engine import Engine
from worker.in_flight import InFlight
from worker.intake import accept
from worker.providers.base import Answer, Call
from worker.sending import send

THREADS = 8


@dataclass
class BlackHole(FakeProvider):
    """Takes every call and answers none until it is let go."""

    let_go: threading.Event = field(default_factory=threading.Event)
    inside: int = 0
    most: int = 0

    def send(self, call: Call) -> Answer:
        """Wait."""
        with self._lock:
            self.inside += 1
            self.most = max(self.most, self.inside)
            self.calls.append(call)
        self.let_go.wait()
        with self._lock:
            self.inside -= 1
        return lost(carried_out=False)(self, call)


@contextmanager
def all_threads(scene: Scene, hole: BlackHole, lane: str) -> Iterator[list[threading.Thread]]:
    """A process' threads that send in a lane, until the block ends and the black hole lets go."""
    # The inbox first, so that all batch queues are due.
    while accept.accept_due(scene.engine, lane):
        pass
    threads = [threading.Thread(target=send.send_slice, args=(scene.engine, lane, LONG_S)) for _ in range(THREADS)]
    for thread in threads:
        thread.start()
    try:
        yield threads
    finally:
        scene.engine.stopping.set()
        hole.let_go.set()
        for thread in threads:
            thread.join()


def test_a_black_hole_leaves_threads_to_the_others(ledger: Ledger) -> None:
    """Eight threads, twenty otps for the black hole in front: the healthy account's go out."""
    hole, healthy = BlackHole(), FakeProvider()
    scene = make_scene(ledger, {"hole": hole, "healthy": healthy}, worker_threads=THREADS)
    # None of its calls takes long by this clock: nothing but the share keeps threads from it.
    scene.engine.in_flight = InFlight(THREADS, scene.engine.providers, Clock())
    for n in range(20):
        scene.otp(FIRST + n, str(n), account="hole")
    for n in range(20):
        scene.otp(FIRST + 100 + n, str(n), account="healthy")
    with all_threads(scene, hole, "otp"):
        wait_until(lambda: len(healthy.out) == 20)
        assert hole.most == THREADS - THREADS // 4
        assert not scene.engine.serves("hole")
    assert scene.engine.in_flight.limit("hole") == 1


class Clock:
    """A clock that stands still until it is moved."""

    def __init__(self) -> None:
        self.now_s = 0.0

    def __call__(self) -> float:
        """The time."""
        return self.now_s


@pytest.mark.parametrize(("accounts", "most"), [(("a",), 8), (("a", "b"), 6)])
def test_the_share_halves_with_each_failed_call_and_grows_by_one(accounts: tuple[str, ...], most: int) -> None:
    """As TCP's window; a single account has no other to leave threads to."""
    in_flight = InFlight(THREADS, accounts, Clock())

    def call(*, failed: bool) -> int:
        with in_flight.entered("a") as slot:
            assert slot
            in_flight.call(slot)
            slot.failed = failed
        return in_flight.limit("a")

    assert in_flight.limit("a") == most
    assert [call(failed=True) for _ in range(4)] == [most // 2, most // 4, 1, 1]
    assert [call(failed=False) for _ in range(9)][-1] == most


def test_a_call_that_takes_much_longer_than_usual_makes_its_account_suspect() -> None:
    """Before it ends, and for as long as no call begun after it is answered.

    A slow provider is not always suspect.
    """
    clock = Clock()
    in_flight = InFlight(THREADS, ("a", "b"), clock)

    def called(stack: ExitStack) -> None:
        slot = stack.enter_context(in_flight.entered("a"))
        assert slot
        in_flight.call(slot)

    for _ in range(20):
        with ExitStack() as answered:
            called(answered)
            clock.now_s += 2.0
    with ExitStack() as hanging:
        called(hanging)
        clock.now_s += 5.0
        assert not in_flight.suspect("a")
        clock.now_s += 2.0
        assert in_flight.suspect("a")
        assert in_flight.newly_suspect() == ["a"]
        assert not in_flight.newly_suspect()
        assert not in_flight.suspect("b")
        with ExitStack() as answered:
            called(answered)
            assert in_flight.full("a"), "one call finds out"
        assert not in_flight.suspect("a"), "one call is lost, and the provider works"
    assert not in_flight.suspect("a")


def test_calls_of_a_suspect_account_go_out_with_growing_pauses() -> None:
    """One at once, the others 1, 2 and 4 s after the one before."""
    clock, went = Clock(), []
    in_flight = InFlight(THREADS, ("a",), clock)
    with in_flight.entered("a") as answered:
        assert answered
        in_flight.call(answered)
        clock.now_s += 0.01
    clock.now_s = 0.0
    with ExitStack() as hanging:
        for _ in range(50):
            slot = hanging.enter_context(in_flight.entered("a"))
            if slot:
                in_flight.call(slot)
                went.append(clock.now_s)
            clock.now_s += 0.25
    assert went == [0.0, 0.25, 1.25, 3.25, 7.25]


def test_no_more_is_under_way_than_was_lately_needed_twice_over() -> None:
    """One whole call to start with, one more each time that one had to wait.

    Unused for seconds, it is one again.
    """
    clock = Clock()
    in_flight = InFlight(THREADS, ("a",), clock)

    def at_once(recipients: int, lane: str) -> int:
        """As many calls begin as may, and go well."""
        with ExitStack() as calls:
            begun = 0
            while slot := calls.enter_context(in_flight.entered("a", lane)):
                in_flight.call(slot, recipients)
                begun += 1
            clock.now_s += 0.02
        return begun

    assert [at_once(200, "marketing") for _ in range(4)] == [1, 2, 3, 4]
    clock.now_s += 1
    assert at_once(200, "marketing") == THREADS, "twice what was under way a second ago"
    clock.now_s += 60
    assert at_once(200, "marketing") == 1, "and nothing was since"
    with in_flight.entered("a", "marketing") as slot:
        assert slot
        in_flight.call(slot, 200)
        in_flight.answered(slot, failed=True)
        assert in_flight.full("a", "marketing"), "until its outcome is written, and the breaker knows"
    assert at_once(200, "marketing") == 1
    assert at_once(1, "otp") == THREADS // 2 + 1, "a lane of its own: the failed call has halved its share alone"


def test_a_salvo_that_was_held_up_does_not_leave_at_once(ledger: Ledger) -> None:
    """Eight threads and a due campaign: the first call finds out whether the provider answers."""
    hole = BlackHole()
    scene = make_scene(ledger, {"hole": hole}, worker_threads=THREADS)
    scene.submit(some_numbers(2_000))
    with all_threads(scene, hole, "marketing") as threads:
        wait_until(lambda: hole.calls and sum(thread.is_alive() for thread in threads) == hole.inside)
        # A thread that comes a second later finds the account suspect, and tries one recipient.
        assert len(hole.calls[0].numbers) == 200
        assert {len(call.numbers) for call in hole.calls[1:]} <= {1}


def test_a_stuck_call_is_known_to_all_processes(scene: Scene) -> None:
    """A call of their own carries one recipient, until one is answered; people see that."""
    scene.engine.router.breakers.suspect("main")
    job, seen = scene.submit(some_numbers(600)), []

    def hang(provider: FakeProvider, call: Call) -> Answer:
        for passing_s in (0, 4):
            scene.advance(passing_s)
            (account,) = scene.ask.accounts()
            late = account["late_calls"]
            seen.append((account["state"], late and (late["calls"], late["recipients"])))
        return accept_all(provider, call)

    scene.provider.script += [hang, hang]
    scene.send_all()
    assert seen == [("ok", None), ("slow", (1, 1)), ("ok", None), ("slow", (1, 200))]
    assert [account["state"] for account in scene.ask.accounts()] == ["ok"]
    assert [len(call.numbers) for call in scene.provider.calls] == [1, 200, 200, 199]
    assert scene.counts(job) == {"total": 600, "accepted": 600}


def test_a_call_that_is_late_for_its_token_is_not_made(ledger: Ledger, monkeypatch: pytest.MonkeyPatch) -> None:
    """A process that was starved between token and call gives the call up.

    No second sees more calls than the limit.
    """
    scene = make_scene(ledger)
    job, starved = scene.otp(FIRST), [True]
    clock, context, offset_s = scene.engine.monotonic_s, Engine.context, [0.0]

    def starve(self: Engine, attempt: int, blocks: Sequence[int] = ()) -> str:
        """The last thing before the call takes a second, once."""
        if starved:
            starved.clear()
            offset_s[0] += 1.0
        return context(self, attempt, blocks)

    scene.engine.monotonic_s = lambda: clock() + offset_s[0]
    monkeypatch.setattr(Engine, "context", starve)
    scene.run()
    scene.later(1)
    assert not starved
    assert len(scene.provider.calls) == 1
    assert scene.counts(job) == {"total": 1, "accepted": 1}
    assert [row["attempts"] for row in scene.results(job)] == [1]


def test_calls_that_are_alike_each_leave_their_own_slot() -> None:
    """A thread that gives up before its call frees no other thread's slot.

    That one's outcome would be lost with it.
    """
    in_flight = InFlight(THREADS, ("a",), Clock())
    with ExitStack() as first:
        slot = first.enter_context(in_flight.entered("a"))
        with in_flight.entered("a"):
            pass
        assert slot
        in_flight.call(slot)
    assert in_flight.limit("a") == THREADS
