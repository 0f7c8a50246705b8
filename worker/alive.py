"""Liveness: each worker process touches a file, and `python -m worker alive` looks at its age.

A probe that asks the worker (`celery inspect ping`) fails when the broker is slow or the worker is
busy, and restarts what was well. A file is touched by the scheduler's thread on every turn, also
while Redis is away: trouble of Redis makes a service not ready, never dead.

A probe runs every few seconds beside the workers. So it loads nothing that Python has not loaded by
itself: pathlib, json, tempfile and typing alone would make its 20 ms of CPU 45.
"""

from __future__ import annotations

import os
import sys
import time
from contextlib import suppress

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence
    from typing import Final

FOLDER_SETTING: Final = "SMSLINE_ALIVE_DIR"
OLDEST_S: Final = 30.0
EVERY_S: Final = 1.0
# Where `/proc/<pid>/stat` has the start of a process, counted from behind the name, which may hold
# blanks.
_START_FIELD: Final = 19


def folder() -> str:
    """Where the files are: `SMSLINE_ALIVE_DIR`, or this user's folder for temporary files."""
    given = os.environ.get(FOLDER_SETTING, "").strip()
    temporary = os.environ.get("TMPDIR") or "/tmp"  # noqa: S108 - what tempfile would say, for 8 ms more
    return given or os.path.join(temporary, f"smsline-alive-{os.getuid()}")


class AliveFile:
    """The file of this process.

    Args:
        what: What the process does, for the line that says that it is stuck.
    """

    def __init__(self, what: str) -> None:
        self._path = os.path.join(folder(), str(os.getpid()))
        self._what = what
        self._next_s = 0.0

    def touch(self) -> bool:
        """Say that the process makes progress; once a second at most.

        Returns whether that second is over.
        """
        now_s = time.monotonic()
        if now_s < self._next_s:
            return False
        first, self._next_s = not self._next_s, now_s + EVERY_S
        # A full disk must not stop a worker that sends.
        with suppress(OSError):
            if first or not os.path.exists(self._path):
                os.makedirs(os.path.dirname(self._path), mode=0o700, exist_ok=True)
                with open(self._path, "w", encoding="utf-8") as file:
                    file.write(f"{_start_of(os.getpid())} {self._what}\n")
            else:
                os.utime(self._path)
        return True

    def end(self) -> None:
        """The process stops of its own will: nothing is to be expected of it."""
        with suppress(OSError):
            os.unlink(self._path)
            os.rmdir(os.path.dirname(self._path))  # the last one leaves nothing behind


def check(oldest_s: float = OLDEST_S) -> tuple[bool, str]:
    """Whether each worker process of this user and machine makes progress, in a sentence too.

    Args:
        oldest_s: For how long a process may be silent.
    """
    ages: dict[str, float] = {}
    with suppress(OSError):  # no folder: no process has ever been here
        for pid in filter(str.isdigit, os.listdir(folder())):
            path = os.path.join(folder(), pid)
            with suppress(OSError, ValueError):  # it ended this moment, or is being written
                with open(path, encoding="utf-8") as file:
                    began, what = file.read().rstrip("\n").split(" ", 1)
                age_s, start = time.time() - os.stat(path).st_mtime, _start_of(int(pid))
                if start and start == began:
                    ages[f"{what} (pid {pid})"] = age_s
                else:
                    os.unlink(path)  # a killed process' file; who watches it starts another one
    if not ages:
        return False, "no worker process is running here"
    stuck = {what: age_s for what, age_s in ages.items() if age_s > oldest_s}
    if stuck:
        told = ", ".join(f"{what} for {age_s:.0f} s" for what, age_s in sorted(stuck.items()))
        return False, f"no progress: {told}; restart it"
    return True, f"{len(ages)} worker processes, the slowest made progress {max(ages.values()):.1f} s ago"


def main(arguments: Sequence[str]) -> int:
    """`python -m worker alive [SECONDS]`: exit code 0 for yes, 1 for no, 2 for a bad argument."""
    if {"-h", "--help"} & set(arguments):
        print(f"{main.__doc__}\nExample: python -m worker alive 60")
        return 0
    try:
        oldest_s = float(arguments[0]) if arguments else OLDEST_S
    except ValueError:
        print(f"SECONDS: {arguments[0]!r}: must be a number", file=sys.stderr)
        return 2
    good, words = check(oldest_s)
    print(words)
    return 0 if good else 1


def _start_of(pid: int) -> str:
    """What tells a process from a later one with its number.

    Empty when there is no such process.
    """
    try:
        with open(f"/proc/{pid}/stat", encoding="utf-8", errors="replace") as file:
            return file.read().rpartition(")")[2].split()[_START_FIELD]
    except (OSError, IndexError):
        pass
    with suppress(OSError):
        os.kill(pid, 0)
        return "running"
    return ""
