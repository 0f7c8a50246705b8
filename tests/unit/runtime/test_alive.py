"""Liveness by the age of files: what makes progress, what is stuck, and what is long gone."""

import os
import subprocess
import sys
import time
from pathlib import Path

import pytest

from worker import alive

ROOT = Path(__file__).parents[3]


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder of the test's own."""
    monkeypatch.setenv(alive.FOLDER_SETTING, str(tmp_path / "alive"))
    return tmp_path / "alive"


def test_a_process_that_turns_is_alive_and_one_that_stands_still_is_not(folder: Path) -> None:
    """The silent one is named with what it does."""
    beat = alive.AliveFile("smsline.otp")
    assert beat.touch()
    assert not beat.touch()
    assert alive.check()[0]

    long_ago_s = time.time() - 31
    os.utime(folder / str(os.getpid()), (long_ago_s, long_ago_s))
    good, words = alive.check()
    assert (good, f"smsline.otp (pid {os.getpid()}) for 31 s" in words) == (False, True)
    assert alive.check(oldest_s=60)[0]


def test_a_process_that_was_stopped_or_killed_counts_no_more(folder: Path) -> None:
    """Its file goes, also when its number belongs to another process by now.

    With no process at all nothing is alive.
    """
    beat = alive.AliveFile("smsline.otp")
    beat.touch()
    beat.end()
    assert alive.check() == (False, "no worker process is running here")

    folder.mkdir(exist_ok=True)
    (folder / "1").write_text("of-another-process smsline.bulk\n")
    assert alive.check() == (False, "no worker process is running here")
    assert not list(folder.iterdir())


def test_a_probe_loads_neither_celery_nor_redis_nor_the_command_line() -> None:
    """It is asked every few seconds: some 30 ms.

    Loading the service takes a second, and modules it can do without 20 ms.
    """
    probe = (
        "import sys; sys.argv[1:] = ['alive']; from worker.__main__ import main\n"
        "try: main()\n"
        "except SystemExit as end: print(end.code, *{'celery', 'redis', 'typer', 'pydantic', 'json', 'tempfile'} & set(sys.modules))"
    )
    ran = subprocess.run([sys.executable, "-c", probe], cwd=ROOT, capture_output=True, text=True, check=True)
    assert ran.stdout.split("\n")[1] == "1"


@pytest.mark.parametrize(("arguments", "code"), [(["--help"], 0), (["soon"], 2), ([], 1)])
def test_exit_codes(arguments: list[str], code: int) -> None:
    """0 when all is well, 1 when not, 2 for a bad argument."""
    assert alive.main(arguments) == code
