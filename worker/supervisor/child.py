"""Child processes that never outlive their parent, and that can be asked whether they are ready."""

import ctypes
import logging
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Final

from worker.runtime.readiness import READY_FD

_PR_SET_PDEATHSIG: Final = 1
_LIBC: Final = ctypes.CDLL(None) if sys.platform == "linux" else None


log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Child:
    """A process to start, and to start again whenever it ends.

    Attributes:
        name: What it is called in messages.
        command: Program and arguments.
        stop_s: Seconds from SIGTERM to SIGKILL.
        environ: Variables besides our own.
        probe: Whether it is ready; None when it says so itself through the pipe of
            `worker.runtime.readiness`.
        pass_fds: Descriptors it inherits.
        umask: Permissions that the files it makes are without; -1 for our own.
        why_ended: What it wrote down about its end, and what to do; empty when it says nothing.
        at_start: What it wrote down at its start that a person must know; empty when there is
            nothing.
    """

    name: str
    command: tuple[str, ...]
    stop_s: float
    environ: Mapping[str, str] = field(default_factory=dict)
    probe: Callable[[], bool] | None = None
    pass_fds: tuple[int, ...] = ()
    umask: int = -1
    why_ended: Callable[[], str] = str
    at_start: Callable[[], str] = str


class Running:
    """A started child.

    Start it from the thread that stays: Linux ends children together with the thread that made
    them.

    Args:
        child: What to start.

    Raises:
        OSError: The program cannot be started.
    """

    def __init__(self, child: Child) -> None:
        self.child = child
        self.started_s = time.monotonic()
        self._ready = self._told = False
        self._mark, writing = os.pipe()
        # The supervisor looks at many children and waits for none.
        os.set_blocking(self._mark, False)
        parent = os.getpid()

        def prepare() -> None:
            """Ask Linux, in the child, for a SIGTERM when we are gone, `kill -9` included."""
            if _LIBC is not None:
                _LIBC.prctl(_PR_SET_PDEATHSIG, signal.SIGTERM)
                if os.getppid() != parent:  # gone already, before we could ask
                    os._exit(1)

        try:
            self._process = subprocess.Popen(
                child.command,
                env={**os.environ, **child.environ, READY_FD: str(writing)},
                stdout=sys.stderr.fileno(),  # our own standard output is a contract: one line
                pass_fds=(writing, *child.pass_fds),
                umask=child.umask,
                process_group=0,  # Ctrl-C is for us; we stop the children in order
                preexec_fn=prepare,  # noqa: PLW1509 - we have one thread
            )
        except OSError:
            os.close(self._mark)
            raise
        finally:
            # Ours: the child's end alone must keep the pipe open, or its death would not be seen.
            os.close(writing)

    @property
    def pid(self) -> int:
        """The process id."""
        return self._process.pid

    def ended(self) -> int | None:
        """The exit code, negative for a signal, or None while it runs."""
        return self._process.poll()

    def is_ready(self) -> bool:
        """Whether it has been ready once since it started."""
        if not self._ready and self.child.probe:
            self._ready = self.child.probe()
        elif not self._ready:
            # No byte yet is BlockingIOError; an empty read is a child that ended without its mark.
            with suppress(BlockingIOError):
                self._ready = os.read(self._mark, 1) != b""
        if self._ready and not self._told:
            self._told = True
            if said := self.child.at_start():
                log.warning("%s", said)
        return self._ready

    def signal(self, number: signal.Signals) -> None:
        """Send a signal, if it still runs."""
        self._process.send_signal(number)

    def close(self) -> None:
        """Let go of a child that has ended."""
        os.close(self._mark)
