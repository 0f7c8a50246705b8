"""What is done to a running service: its worker processes and its Redis are killed with -9, found by their parent."""

import os
import random
import signal
import threading
from contextlib import suppress
from pathlib import Path
from typing import Final

WORKER: Final = "worker.supervisor.process"
REDIS: Final = "redis-server"


def children_of(parent: int, what: str) -> list[int]:
    """Processes below a parent whose command line has these words."""
    below: list[int] = []
    for entry in Path("/proc").iterdir():
        if not entry.name.isdigit():
            continue
        with suppress(OSError, IndexError, ValueError):
            above = int((entry / "stat").read_text().rsplit(")", 1)[1].split()[1])
            if above == parent and what in (entry / "cmdline").read_bytes().replace(b"\0", b" ").decode():
                below.append(int(entry.name))
    return below


class Harm(threading.Thread):
    """Kills a worker process every second or two, and Redis twice, until the time is over.

    Attributes:
        workers: Worker processes killed.
        redis: Times Redis was killed.
    """

    def __init__(self, supervisor: int, seconds: float, seed: int) -> None:
        super().__init__(name="harm", daemon=True)
        self.workers = 0
        self.redis = 0
        self._supervisor = supervisor
        self._seconds = seconds
        self._chance = random.Random(seed)
        self._over = threading.Event()

    def run(self) -> None:
        """Do harm."""
        spent = 0.0
        while spent < self._seconds and not self._over.is_set():
            pause_s = self._chance.uniform(1.0, 2.0)
            self._over.wait(pause_s)
            spent += pause_s
            self.workers += self._kill(WORKER)
            if spent > (self.redis + 1) * self._seconds / 3 and self.redis < 2:
                self.redis += self._kill(REDIS)

    def stop(self) -> None:
        """Do no more harm."""
        self._over.set()
        self.join()

    def _kill(self, what: str) -> int:
        found = children_of(self._supervisor, what)
        if not found:
            return 0
        with suppress(ProcessLookupError):
            os.kill(self._chance.choice(found), signal.SIGKILL)
            return 1
        return 0
