"""Code that stands in the documentation, and a way to run it."""

import os
import re
import subprocess
import sys
from collections.abc import Mapping
from importlib.metadata import entry_points
from pathlib import Path

ROOT = Path(__file__).parents[2]


def blocks_of(page: Path) -> list[str]:
    """The Python blocks of a page, in order."""
    return re.findall(r"```python\n(.*?)```", page.read_text(), re.DOTALL)


def write_blocks(page: Path, folder: Path) -> None:
    """Write each block of a page into the file that its first line names."""
    for block in blocks_of(page):
        file = folder / block.split("\n", 1)[0].removeprefix("# ")
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(block)


def run_tests(folder: Path, *files: str, environ: Mapping[str, str]) -> str:
    """Run pytest on files of a folder, as a producer would where smsline is installed.

    Returns:
        What pytest has printed.

    Raises:
        AssertionError: A test has failed.
    """
    without = [option for name in ("cacheprovider", "xdist", "hypothesispytest") for option in ("-p", f"no:{name}")]
    # An environment that was made before the entry point came does not know it.
    plugin = [] if entry_points(group="pytest11", name="smsline") else ["-p", "smsline.pytest_plugin"]
    clean = {name: value for name, value in os.environ.items() if not name.startswith(("SMSLINE_", "PYTEST_"))}
    done = subprocess.run(
        [sys.executable, "-m", "pytest", "-q", *without, *plugin, *files],
        env={**clean, "PYTHONPATH": f"{folder}:{ROOT}", **environ},
        check=False,
        capture_output=True,
        text=True,
        cwd=folder,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout
