"""Liveness: each worker process touches a file, and `python -m worker alive` looks at its age.

A probe that asks the worker (`celery inspect ping`) fails when the broker is slow or the worker is
busy, and restarts what was well. A file is touched by the scheduler's thread on every turn, also
while Redis is away: trouble of Redis makes a service not ready, never dead. Only the standard
library is imported here, so that a probe costs some 30 ms.
"""

import json
import os
import sys
import tempfile
import time
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from typing import Final

FOLDER_SETTING: Final = "SMSLINE_ALIVE_DIR"
OLDEST_S: Final = 30.0
EVERY_S: Final = 1.0
# Where `/proc/<pid>/stat` has the start of a process, counted from behind the name, which may hold
# blanks.
_START_FIELD: Final = 19


def folder() -> Path:
    """Where the files are: `SMSLINE_ALIVE_DIR`, or a folder of this user among the temporary ones."""
    given = os.environ.get(FOLDER_SETTING, "")
    return Path(given) if given else Path(tempfile.gettempdir()) / f"smsline-alive-{os.getuid()}"


class AliveFile:
    """The file of this process.

    Args:
        what: What the process does, for the line that says that it is stuck.
    """

    def __init__(self, what: str) -> None:
        self._path = folder() / str(os.getpid())
        self._what = what
        self._next_s = 0.0

    def touch(self) -> bool:
        """Say that the process makes progress; once a second at most. Returns whether that second is over."""
        now_s = time.monotonic()
        if now_s < self._next_s:
            return False
        first, self._next_s = not self._next_s, now_s + EVERY_S
        # A full disk must not stop a worker that sends.
        with suppress(OSError):
            if first or not self._path.exists():
                self._path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
                self._path.write_text(json.dumps({"what": self._what, "start": _start_of(os.getpid())}))
            else:
                os.utime(self._path)
        return True

    def end(self) -> None:
        """The process stops of its own will: nothing is to be expected of it."""
        self._path.unlink(missing_ok=True)
        with suppress(OSError):
            self._path.parent.rmdir()  # the last one leaves nothing behind


def check(oldest_s: float = OLDEST_S) -> tuple[bool, str]:
    """Whether every worker process of this user and machine makes progress, and a sentence about it.

    Args:
        oldest_s: For how long a process may be silent.
    """
    ages: dict[str, float] = {}
    for path in folder().glob("[0-9]*"):
        try:
            held = json.loads(path.read_text())
            age_s = time.time() - path.stat().st_mtime
        except (OSError, ValueError):
            continue  # it ended this moment, or is being written
        start = _start_of(int(path.name))
        if start == "" or start != held["start"]:
            path.unlink(missing_ok=True)  # a killed process' file; who watches it starts another one
        else:
            ages[f"{held['what']} (pid {path.name})"] = age_s
    if not ages:
        return False, "no worker process is running here"
    stuck = {what: age_s for what, age_s in ages.items() if age_s > oldest_s}
    if stuck:
        told = ", ".join(f"{what} for {age_s:.0f} s" for what, age_s in sorted(stuck.items()))
        return False, f"no progress: {told}; restart it"
    return True, f"{len(ages)} worker processes, the slowest made progress {max(ages.values()):.1f} s ago"


def main(arguments: Sequence[str]) -> int:
    """`python -m worker alive [SECONDS]`: exit code 0 when all is well, 1 when not, 2 for a bad argument."""
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
    """What tells a process from a later one with its number; empty when there is no such process."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[_START_FIELD]
    except (OSError, IndexError):
        pass
    with suppress(OSError):
        os.kill(pid, 0)
        return "running"
    return ""
