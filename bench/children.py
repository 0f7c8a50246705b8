"""Processes of a bench: started, waited for, watched, and ended with the block."""

import os
import signal
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Final, TextIO

from worker.supervisor.child import Child, Running

START_S: Final = 60.0
"""Until a process is ready, at most; a busy machine needs a fifth of it."""

TICK_S: Final = 0.01
ROOT: Final = Path(__file__).resolve().parents[1]


class BenchFailed(Exception):  # noqa: N818 - reads as what happened
    """Something did not work, so that there is nothing to measure; the message says what."""


def python(module: str, *args: str) -> tuple[str, ...]:
    """The command of one of our modules."""
    return (sys.executable, "-m", module, *args)


def importable() -> dict[str, str]:
    """The variable that lets a child import what we import, wherever we were started."""
    return {"PYTHONPATH": str(ROOT)}


def with_environ(children: Sequence[Child], environ: Mapping[str, str]) -> list[Child]:
    """The same children with further variables."""
    return [replace(child, environ={**child.environ, **environ}) for child in children]


@contextmanager
def started(children: Sequence[Child]) -> Iterator[list[Running]]:
    """Start them side by side and wait until all are ready.

    When the block ends they are stopped in order.

    Raises:
        BenchFailed: One of them ended, or was not ready in time.
    """
    running: list[Running] = []
    try:
        for child in children:
            running.append(Running(child))  # noqa: PERF401 - those before a failure must be known, to be stopped
        wait(lambda: all(each.is_ready() for each in running), f"{children[0].name} to be ready", running, START_S)
        yield running
    finally:
        stop(running)


def wait(
    condition: Callable[[], bool],
    what: str,
    running: Sequence[Running],
    patience_s: float,
    *,
    every_s: float = TICK_S,
) -> None:
    """Wait until a condition holds.

    Args:
        condition: Asked again and again.
        what: What is waited for, for people.
        running: Processes that must go on meanwhile.
        patience_s: When to give up.
        every_s: Between two questions.

    Raises:
        BenchFailed: It does not in time, or one of the processes ended meanwhile.
    """
    until_s = time.monotonic() + patience_s
    while not condition():
        for each in running:
            if each.ended() is not None:
                raise BenchFailed(f"{each.child.name} ended with code {each.ended()} while the bench waited for {what}")
        if time.monotonic() > until_s:
            raise BenchFailed(f"waited {patience_s:g} s in vain for {what}")
        time.sleep(every_s)


def wait_ended(running: Sequence[Running], patience_s: float) -> None:
    """Wait until processes that end by themselves have done so.

    Raises:
        BenchFailed: One takes too long, or did not succeed.
    """
    until_s = time.monotonic() + patience_s
    for each in running:
        while (code := each.ended()) is None:
            if time.monotonic() > until_s:
                raise BenchFailed(f"{each.child.name} did not end within {patience_s:g} s")
            time.sleep(TICK_S)
        if code:
            raise BenchFailed(f"{each.child.name} failed with code {code}")


def stop(running: Sequence[Running]) -> None:
    """SIGTERM to all, SIGKILL to those that take too long; Ctrl-C meanwhile kills at once."""
    for each in running:
        each.signal(signal.SIGTERM)
    for each in running:
        until_s = time.monotonic() + each.child.stop_s
        while each.ended() is None:
            try:
                time.sleep(TICK_S)
            except KeyboardInterrupt:
                until_s = 0.0
            if time.monotonic() > until_s:
                each.signal(signal.SIGKILL)
        each.close()


@contextmanager
def workplace() -> Iterator[Path]:
    """A temporary folder to work in: nothing of the current one, such as a settings file, is read.

    It is gone afterwards.
    """
    before = Path.cwd()
    with tempfile.TemporaryDirectory(prefix="smsline-bench-") as folder:
        os.chdir(folder)
        try:
            yield Path(folder)
        finally:
            os.chdir(before)


@contextmanager
def quiet_children(log: Path) -> Iterator[TextIO]:
    """What children say goes into a file; yields the standard error that people see."""
    seen = os.dup(2)
    target = os.open(log, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
    os.dup2(target, 2)
    os.close(target)
    with os.fdopen(seen, "w", encoding="utf-8", errors="replace") as screen:
        try:
            yield screen
        finally:
            os.dup2(screen.fileno(), 2)
