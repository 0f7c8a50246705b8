"""Supervision: start the stages of child processes, restart what ends, and stop them in order.

A stage that is a gate is ready before the next one is started. Stopping goes the other way round,
each stage in full before the one it needs: the time for it is the sum of the longest `stop_s` of
every stage.
"""

import logging
import select
import signal
import socket
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Final

from worker.supervisor.child import Child, Running

log = logging.getLogger(__name__)

# A child that ran so long has recovered: its next end is a first one.
STEADY_S: Final = 60.0

FIRST_PAUSE_S: Final = 0.25
LONGEST_PAUSE_S: Final = 15.0
# A child that ends so often without ever having been ready never will be.
GIVE_UP_AFTER: Final = 4

_TICK_S: Final = 0.02
_CALM_TICK_S: Final = 1.0


class CannotStart(Exception):  # noqa: N818 - reads as what happened
    """Something that is needed from the start cannot be had; nothing is left running."""


@dataclass(frozen=True, slots=True)
class Stage:
    """Children that start and stop together.

    Attributes:
        children: The children.
        gate: Whether the next stage waits until all of them are ready.
    """

    children: tuple[Child, ...]
    gate: bool = False


def pause_s(failures: int) -> float:
    """How long to wait before a child is started again, after so many ends in a row.

    It doubles from a quarter second.
    """
    return min(FIRST_PAUSE_S * 2.0 ** (failures - 1), LONGEST_PAUSE_S)


class ChildSlot:
    """A child's place: the process that fills it now, or when the next one may be started."""

    def __init__(self, child: Child) -> None:
        self.child = child
        self.running: Running | None = None
        self.was_ready = False
        self._failures = 0
        self._next_s = 0.0

    def tend(self) -> None:
        """Take note of an end, and start what is to be started.

        Raises:
            CannotStart: It has ended too often without ever being ready, or its program cannot be
                started.
        """
        now_s = time.monotonic()
        if self.running and (code := self.running.ended()) is not None:
            lived_s = now_s - self.running.started_s
            self.forget()
            # Only ends in a row count: a child that lived long has recovered in between.
            self._failures = 1 if lived_s >= STEADY_S else self._failures + 1
            why = self.child.why_ended()
            # One that was ready once is started for ever: what it needs may come back.
            if not self.was_ready and self._failures >= GIVE_UP_AFTER:
                ended = f"{self.child.name} ended {self._failures} times before it was ready, {_words(code)}"
                raise CannotStart(f"{ended}: {why}" if why else ended)
            self._next_s = now_s + pause_s(self._failures)
            log.error(
                "%s ended after %.1f s, %s%s; starting it again in %.2g s",
                *(self.child.name, lived_s, _words(code), f" ({why})" if why else "", pause_s(self._failures)),
            )
        if self.running is None and now_s >= self._next_s:
            try:
                self.running = Running(self.child)
            except OSError as error:
                raise CannotStart(f"{self.child.name}: {self.child.command[0]}: {error.strerror}") from error
        # Noted while it lives: a child that is ready and dies at once has been ready.
        self.is_ready()

    def is_ready(self) -> bool:
        """Whether its present process is ready."""
        ready = self.running is not None and self.running.is_ready()
        self.was_ready = self.was_ready or ready
        return ready

    def forget(self) -> None:
        """Let go of a process that has ended."""
        if self.running:
            self.running.close()
            self.running = None


class Signals:
    """Requests to stop and the news that a child has ended, without a thread or polling."""

    def __init__(self) -> None:
        self.stops = 0
        self._reading, self._writing = socket.socketpair()
        # set_wakeup_fd wants a non-blocking end: a full buffer must never stop the process in a
        # handler.
        self._reading.settimeout(0)
        self._writing.settimeout(0)

    @contextmanager
    def caught(self) -> Iterator["Signals"]:
        """Catch SIGTERM, SIGINT and SIGCHLD within the block."""

        def note(number: int, _: object) -> None:
            self.stops += number != signal.SIGCHLD

        numbers = (signal.SIGTERM, signal.SIGINT, signal.SIGCHLD)
        before = [signal.signal(number, note) for number in numbers]
        # Python runs handlers between bytecodes, and select() restarts after a signal (PEP 475):
        # the byte ends it.
        wakeup = signal.set_wakeup_fd(self._writing.fileno(), warn_on_full_buffer=False)
        try:
            yield self
        finally:
            signal.set_wakeup_fd(wakeup)
            for number, handler in zip(numbers, before, strict=True):
                signal.signal(number, handler)
            self._reading.close()
            self._writing.close()

    def wait(self, timeout_s: float) -> None:
        """Sleep, but no longer than until the next signal."""
        if select.select([self._reading], [], [], timeout_s)[0]:
            self._reading.recv(4096)


def supervise(stages: Sequence[Stage], *, reachable: Callable[[], bool], announce: Callable[[], None]) -> None:
    """Run every child until SIGTERM or Ctrl-C, then stop them in order.

    A second signal stops them at once.

    Args:
        stages: What to run, first things first.
        reachable: Whether what is not our child, but needed, answers.
        announce: Called once, when everything is ready for the first time.

    Raises:
        CannotStart: A child could not be brought up; the others have been stopped.
    """
    slots = [[ChildSlot(child) for child in stage.children] for stage in stages]
    with Signals().caught() as signals:
        try:
            announced = False
            while not signals.stops:
                ready = all([*_tend(list(zip(stages, slots, strict=True)))]) and (announced or reachable())
                if ready and not announced:
                    announce()
                    announced = True
                # Signals wake the wait; the short tick is for probes, which come without one.
                signals.wait(_CALM_TICK_S if ready else _TICK_S)
        finally:
            # Workers before Redis: what they sent last must still be recorded.
            for stage_slots in reversed(slots):
                _stop([slot for slot in stage_slots if slot.running], signals)


def _tend(stages: list[tuple[Stage, list[ChildSlot]]]) -> Iterator[bool]:
    """Tend each stage up to a gate that is not ready yet; yields whether each one is ready."""
    for stage, slots in stages:
        for slot in slots:
            slot.tend()
        ready = all(slot.is_ready() for slot in slots)
        yield ready
        if stage.gate and not ready:
            return


def _stop(slots: Sequence[ChildSlot], signals: Signals) -> None:
    """Stop the processes of one stage.

    SIGTERM, then SIGKILL when their time is over or a person asks once more.
    """
    asked_s, stops = time.monotonic(), signals.stops
    for slot in slots:
        _send(slot, signal.SIGTERM)
    # All of a stage at once: their times run side by side, and a stage costs its longest.
    while alive := [slot for slot in slots if slot.running and slot.running.ended() is None]:
        waited_s = time.monotonic() - asked_s
        for slot in alive:
            # A second request means: at once.
            if waited_s > slot.child.stop_s or (stops and signals.stops > stops):
                log.error("%s has not stopped after %.1f s and is killed", slot.child.name, waited_s)
                _send(slot, signal.SIGKILL)
        signals.wait(0.1)
    for slot in slots:
        slot.forget()


def _send(slot: ChildSlot, number: signal.Signals) -> None:
    if slot.running:
        slot.running.signal(number)


def _words(code: int) -> str:
    """`with code 1`, `killed by SIGKILL`."""
    return f"killed by {signal.Signals(-code).name}" if code < 0 else f"with code {code}"
