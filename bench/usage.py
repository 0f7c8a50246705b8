"""CPU seconds and bytes that processes and Redis use."""

import os
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

PROC = Path("/proc")


@dataclass(frozen=True, slots=True)
class Cpu:
    """CPU seconds used since a process began."""

    seconds: Mapping[str, float]

    def since(self, before: "Cpu") -> dict[str, float]:
        """CPU seconds by name between two looks."""
        return {name: round(used - before.seconds.get(name, 0.0), 3) for name, used in self.seconds.items()}


def cpu(pids: Mapping[str, Iterable[int]]) -> Cpu:
    """CPU seconds of groups of processes; empty on systems without /proc."""
    if not PROC.exists():
        return Cpu({})
    return Cpu({name: sum(map(cpu_s, group)) for name, group in pids.items()})


def cpu_s(pid: int) -> float:
    """CPU seconds of a process, all its threads together."""
    # Fields are counted from behind the command's name, which may hold spaces: user and system time
    # are the 12th and 13th.
    fields = (PROC / str(pid) / "stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def peak_rss(pid: int) -> int | None:
    """The most memory a process has held so far, bytes; None on systems without /proc."""
    try:
        status = (PROC / str(pid) / "status").read_text()
    except OSError:
        return None
    return next(int(line.split()[1]) * 1024 for line in status.splitlines() if line.startswith("VmHWM:"))


def used_memory(redis: Any) -> int:  # noqa: ANN401 - redis-py's client has no useful type
    """Bytes Redis has allocated, without its append-only file's buffer, which empties by itself."""
    found = redis.info("memory")
    return int(found["used_memory"]) - int(found.get("mem_aof_buffer", 0))


def redis_cpu_s(redis: Any) -> float:  # noqa: ANN401
    """CPU seconds Redis has used for commands so far, those of its children not counted."""
    found = redis.info("cpu")
    return float(found["used_cpu_user"]) + float(found["used_cpu_sys"])
