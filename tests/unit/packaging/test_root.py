"""What lies at the top of the repository: known names.

So no dump or log of a test run is committed unseen.
"""

import shutil
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[3]
KNOWN = {
    *(".ci", ".dockerignore", ".github", ".gitignore", ".luacheckrc"),
    *("CHANGELOG.md", "CONTRIBUTING.md", "LICENSE", "README.md", "SECURITY.md"),
    *("Dockerfile", "Makefile", "docker-compose.yml", "pyproject.toml"),
    *("bench", "config", "deploy", "docs", "smsline", "tasks", "tests", "worker"),
}


def test_the_root_holds_known_names_only() -> None:
    """A new name is added on purpose, or is a leftover: a crash dump was tracked for weeks."""
    if not shutil.which("git") or not (ROOT / ".git").exists():
        pytest.skip("this tree is not a git checkout")
    listed = subprocess.run(["git", "ls-files", "-z"], cwd=ROOT, capture_output=True, text=True, check=True).stdout
    found = {path.split("/", 1)[0] for path in listed.split("\0") if path}

    assert found - KNOWN == set()
