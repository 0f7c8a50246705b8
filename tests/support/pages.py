"""Code that stands in the documentation, and a way to run it."""

import os
import re
import subprocess
import sys
from collections.abc import Mapping
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
    clean = {name: value for name, value in os.environ.items() if not name.startswith(("SMSLINE_", "PYTEST_"))}
    # Only our plugin: the others of this environment take seconds to load. test_wheel.py shows that
    # it is found by itself.
    alone = {"PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1", "PYTHONPATH": f"{folder}:{ROOT}"}
    done = subprocess.run(
        [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "-p", "smsline.pytest_plugin", *files],
        env={**clean, **alone, **environ},
        check=False,
        capture_output=True,
        text=True,
        cwd=folder,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout
