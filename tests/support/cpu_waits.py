"""How long processes have waited for a CPU: what tells a slow service from a machine that is busy with something else."""

from collections.abc import Iterator
from pathlib import Path

_PROC = Path("/proc")


def waited_s(root: int) -> float:
    """Seconds that the threads of a process and of all its descendants have spent runnable without a CPU; 0 where Linux does not say."""
    found = 0
    for pid in _family(root):
        for thread in _PROC.glob(f"{pid}/task/*/schedstat"):
            found += int(_read(thread, "0 0 0").split()[1])
    return found / 1e9


def _family(root: int) -> Iterator[int]:
    yield root
    for children in _PROC.glob(f"{root}/task/*/children"):
        for child in _read(children, "").split():
            yield from _family(int(child))


def _read(path: Path, otherwise: str) -> str:
    # A thread or process may end between being listed and being read.
    try:
        return path.read_text() or otherwise
    except OSError:
        return otherwise
