"""Clocks that can be set: a preloaded library adds an offset to a process' wall clock.

The offset stands in a file.
"""

import shutil
import struct
import subprocess
from pathlib import Path
from typing import Final

SOURCE: Final = Path(__file__).with_name("clock_shim.c")


class Clock:
    """The wall clock of processes, which can be set while they run.

    Their monotonic one, like a machine's, cannot.

    Args:
        folder: For the library and the file.

    Attributes:
        environ: Variables of the processes whose clock this is; none where it cannot be set.
        why_not: Why it cannot be set; empty where it can.
    """

    def __init__(self, folder: Path) -> None:
        self._file, library = folder / "clock", folder / "clock.so"
        self.environ: dict[str, str] = {}
        self.why_not = "there is no C compiler on this machine"
        self.set(0.0)
        if compiler := shutil.which("cc") or shutil.which("gcc"):
            command = [compiler, "-shared", "-fPIC", "-O1", "-o", str(library), str(SOURCE)]
            made = subprocess.run(command, capture_output=True, text=True, check=False)
            self.why_not = f"the compiler says: {made.stderr.strip()[:200]}" if made.returncode else ""
        if not self.why_not:
            self.environ = {"LD_PRELOAD": str(library), "CHAOS_CLOCK": str(self._file)}

    def set(self, by_s: float) -> None:
        """Let it be off by so many whole seconds."""
        # Written in place: the processes have the file in their memory.
        with self._file.open("r+b" if self._file.exists() else "wb") as file:
            file.write(struct.pack("d", by_s))
