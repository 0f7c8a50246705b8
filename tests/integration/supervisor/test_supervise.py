"""Rules of supervision, on real processes that only write down what happens to them."""

import os
import signal
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from worker.supervisor.child import Child
from worker.supervisor.supervisor import CannotStart, Stage, supervise

PROGRAM = """
import os, signal, sys
name, diary, ends = sys.argv[1:4]
def note(what):
    with open(diary, "a") as file:
        file.write(f"{name} {what}\\n")
def stop(*_):
    note("stops")
    sys.exit(0)
signal.signal(signal.SIGTERM, signal.SIG_IGN if ends == "never" else stop)
note(f"is {os.getpid()}")
note("starts")
if ends == "at once" or (ends == "once" and open(diary).read().count(f"{name} starts") == 1):
    sys.exit(3)
os.write(int(os.environ["_SMSLINE_READY_FD"]), b"x")
while True:
    signal.pause()
"""


class Scene:
    """Children that keep a diary, and a supervisor over them."""

    def __init__(self, folder: Path) -> None:
        self._diary = folder / "diary"
        self._diary.touch()
        self.announced = 0

    @property
    def diary(self) -> list[str]:
        """What has happened so far."""
        return [line for line in self._diary.read_text().splitlines() if " is " not in line]

    def pids(self, name: str = "") -> list[int]:
        """Every process there has been, of a child when named."""
        lines = self._diary.read_text().splitlines()
        return [int(line.split()[-1]) for line in lines if f"{name} is " in line]

    def child(self, name: str, ends: str = "when told", stop_s: float = 5.0) -> Child:
        """A child that ends as said: when told, at once, once, never."""
        return Child(name, (sys.executable, "-S", "-c", PROGRAM, name, str(self._diary), ends), stop_s)

    def run(self, *stages: Stage, until: Callable[[], bool] = lambda: True, signals: int = 1) -> None:
        """Supervise; stop when the condition holds, as an operator would who asks so often.

        The stop comes after the announcement.
        """
        left = signals

        def ask_to_stop(*_: object) -> None:
            nonlocal left
            if left and until():
                left -= 1
                os.kill(os.getpid(), signal.SIGTERM)

        def announce() -> None:
            self.announced += 1
            signal.setitimer(signal.ITIMER_REAL, 0.02, 0.02)

        before = signal.signal(signal.SIGALRM, ask_to_stop)
        try:
            supervise(stages, reachable=lambda: True, announce=announce)
        finally:
            signal.setitimer(signal.ITIMER_REAL, 0)
            signal.signal(signal.SIGALRM, before)


@pytest.fixture
def scene(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Scene]:
    """An empty diary, and short pauses; whatever happens, no child outlives its supervisor."""
    monkeypatch.setattr("worker.supervisor.supervisor.FIRST_PAUSE_S", 0.01)
    scene = Scene(tmp_path)
    yield scene
    for pid in scene.pids():
        with pytest.raises(ProcessLookupError):
            os.kill(pid, 0)


def test_in_order_and_back(scene: Scene) -> None:
    """A gate is ready before what follows starts; stopping goes the other way, stage by stage."""
    scene.run(Stage((scene.child("redis"),), gate=True), Stage((scene.child("a"), scene.child("b"))))

    assert scene.diary[0] == "redis starts"
    assert set(scene.diary[1:3]) == {"a starts", "b starts"}
    assert set(scene.diary[3:5]) == {"a stops", "b stops"}
    assert scene.diary[5:] == ["redis stops"]
    assert scene.announced == 1


def test_a_gate_stays_closed(scene: Scene) -> None:
    """While a gate's child cannot start, nothing behind it does."""
    with pytest.raises(CannotStart, match="redis ended 4 times before it was ready, with code 3"):
        scene.run(Stage((scene.child("redis", "at once"),), gate=True), Stage((scene.child("a"),)))

    assert scene.diary == ["redis starts"] * 4
    assert scene.announced == 0


def test_what_dies_is_started_again(scene: Scene) -> None:
    """A child that ends, ready or not, is started again; all is ready only once it is."""
    killed: list[int] = []

    def late_is_back() -> bool:
        if not killed:
            killed.extend(scene.pids("late"))
            os.kill(killed[0], signal.SIGKILL)
        return scene.diary.count("late starts") == 2

    stage = Stage((scene.child("early", "once"), scene.child("late"), scene.child("calm")))
    scene.run(stage, until=late_is_back)

    assert [scene.diary.count(f"{name} starts") for name in ("early", "late", "calm")] == [2, 2, 1]
    assert scene.announced == 1


def test_the_others_are_stopped_when_one_cannot_start(scene: Scene) -> None:
    """Giving up leaves nothing running."""
    with pytest.raises(CannotStart, match="bad ended 4 times"):
        scene.run(Stage((scene.child("good"), scene.child("bad", "at once"))))

    assert scene.diary[-1] == "good stops"


def test_no_such_program(scene: Scene) -> None:
    """A program that is not there is told by its name."""
    with pytest.raises(CannotStart, match="other: /nowhere/redis-server: No such file"):
        scene.run(Stage((scene.child("good"),)), Stage((Child("other", ("/nowhere/redis-server",), 1.0),)))


def test_stubborn_child(scene: Scene) -> None:
    """A child that does not stop in its time is killed."""
    began_s = time.monotonic()
    scene.run(Stage((scene.child("deaf", "never", stop_s=0.3), scene.child("good"))))

    assert "good stops" in scene.diary
    assert "deaf stops" not in scene.diary
    assert 0.3 <= time.monotonic() - began_s < 5


def test_a_second_signal_does_not_wait(scene: Scene) -> None:
    """Asked once more, the supervisor kills what it was waiting for."""
    began_s = time.monotonic()
    scene.run(Stage((scene.child("deaf", "never", stop_s=60),)), signals=2)

    assert time.monotonic() - began_s < 5


def test_ready_only_when_reachable(scene: Scene) -> None:
    """What is needed but not our child must answer before anything is announced."""
    answers = iter([False, False, True])
    scene_stage = Stage((scene.child("a"),))
    supervise((scene_stage,), reachable=lambda: next(answers), announce=lambda: os.kill(os.getpid(), signal.SIGTERM))

    assert next(answers, "used up") == "used up"
