"""Rules of `python -m worker up` as an operator meets it: real processes, killed and stopped."""

import os
import re
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import httpx
import pytest
import redis

from tests.support.redis_server import free_port
from tests.support.waiting import LONG_S, wait_until

ROOT = Path(__file__).parents[2]

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="looks for processes in /proc")


class Up:
    """A running `up`."""

    def __init__(self, folder: Path, port: int) -> None:
        self.port, self.folder, self.web_url = port, folder, ""
        self._stderr = (folder / "stderr").open("a")
        command = [sys.executable, "-m", "worker", "up", "--redis-port", str(port), "--data", str(folder / "data")]
        command += ["--web-port", "0"]
        self.process = subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, stderr=self._stderr, text=True)

    def ready_line(self) -> str:
        """What it says on standard output when a job can be taken."""
        assert self.process.stdout
        return self.process.stdout.readline()

    @property
    def told(self) -> str:
        """What it has said on standard error."""
        return (self.folder / "stderr").read_text()

    def children(self) -> dict[str, int]:
        """Its living children, `redis`, `sandbox`, `web`, `otp` and `bulk1`, with their ids."""
        found = {}
        for entry in Path("/proc").iterdir():
            try:
                parent = int((entry / "stat").read_text().rpartition(") ")[2].split()[1])
                command = (entry / "cmdline").read_text().replace("\0", " ")
            except (OSError, ValueError, IndexError):
                continue
            if parent == self.process.pid and command:
                found[name_of(command)] = int(entry.name)
        return found

    def stop(self, number: signal.Signals = signal.SIGTERM) -> int:
        """Ask it to stop; its exit code."""
        self.process.send_signal(number)
        code = self.process.wait(timeout=LONG_S)
        self.close()
        return code

    def close(self) -> None:
        """Let go of what it wrote."""
        self.process.kill()
        self.process.wait()
        if self.process.stdout:
            self.process.stdout.close()
        self._stderr.close()


def name_of(command: str) -> str:
    """What a child is, by its command line."""
    known = {"redis-server": "redis", "worker.sandbox": "sandbox", "process otp": "otp", "process bulk1": "bulk1"}
    known["worker web"] = "web"
    return next((name for part, name in known.items() if part in command), command)


def gone(pids: dict[str, int]) -> bool:
    """Whether none of these processes lives."""
    return not [pid for pid in pids.values() if Path(f"/proc/{pid}/cmdline").exists() and _living(pid)]


def _living(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(") ")[2][0] != "Z"
    except OSError:
        return False


@pytest.fixture
def start(tmp_path: Path) -> Iterator[Callable[[int], Up]]:
    """`start(port)`: an `up` in this test's folder; nothing of it is left after the test."""
    started: list[tuple[Up, dict[str, int]]] = []

    def begin(port: int) -> Up:
        started.append((running := Up(tmp_path, port), {}))
        return running

    yield begin
    for running, children in started:
        children.update(running.children())
        running.close()
    for _, children in started:
        wait_until(lambda pids=children: gone(pids), what="the end of every child")  # type: ignore[misc]


@pytest.fixture
def up(start: Callable[[int], Up]) -> Up:
    """An `up` that is ready."""
    running = start(free_port())
    wanted = rf"ready redis=redis://127\.0\.0\.1:{running.port}/0 web=(http://127\.0\.0\.1:\d+)\n"
    ready = re.fullmatch(wanted, running.ready_line())
    assert ready, running.told
    running.web_url = ready[1]
    return running


def test_restarts_what_dies_and_stops_in_order(up: Up) -> None:
    """Workers, sandbox and Redis come back after kill -9, Redis with what it knew.

    SIGTERM ends all with code 0.
    """
    with redis.Redis(port=up.port) as client:
        client.set("kept", "yes")
    before = up.children()
    assert set(before) == {"redis", "sandbox", "otp", "bulk1", "web"}

    for pid in before.values():
        os.kill(pid, signal.SIGKILL)
    wait_until(lambda: up.told.count("@") >= 4 and up.told.count(" ready.") >= 4, what="both workers again")
    after = up.children()

    assert set(after) == set(before)
    assert not set(after.values()) & set(before.values())
    with redis.Redis(port=up.port) as client:
        assert client.get("kept") == b"yes"
    assert wait_until(lambda: httpx.get(f"{up.web_url}/readyz", timeout=LONG_S).is_success, what="the console again")
    assert up.stop() == 0
    assert gone(after)


def test_one_at_a_time_and_no_orphans(up: Up, start: Callable[[int], Up]) -> None:
    """A second one ends with 1, says what to do and disturbs nothing.

    kill -9 takes every child along; Ctrl-C stops all in order. Folder and port can be used again at
    once.
    """
    second = start(up.port)
    assert second.process.wait(timeout=LONG_S) == 1
    assert "is in use" in second.told
    children = up.children()
    assert set(children) == {"redis", "sandbox", "otp", "bulk1", "web"}
    up.stop(signal.SIGKILL)
    wait_until(lambda: gone(children), what="the end of every child")
    told = len(up.told)

    again = start(up.port)
    assert again.ready_line().startswith("ready redis="), again.told
    children = again.children()
    assert set(children) == {"redis", "sandbox", "otp", "bulk1", "web"}
    again.process.send_signal(signal.SIGINT)
    said, _ = again.process.communicate(timeout=LONG_S)
    assert (again.process.returncode, said) == (0, "")
    assert gone(children)
    assert "Traceback" not in again.told[told:]
