"""A Redis and its replica behind a switch: killed, stalled, its clock set, or replaced.

The replica that replaces it may lack the last moments.
"""

import os
import signal
import subprocess
import time
from collections.abc import Callable
from pathlib import Path
from typing import Final, Self

import redis

from bench.chaos.clock import Clock
from bench.chaos.switch import HOST, Switch
from bench.sandbox import free_port
from worker.supervisor.embedded_redis import answers, find_server

START_S: Final = 20.0


class PairServer:
    """One redis-server with an append-only file.

    Args:
        folder: Its own, made here.
        clock: What it takes for the time; None for the machine's.
    """

    def __init__(self, folder: Path, clock: Clock | None = None) -> None:
        folder.mkdir(parents=True)
        self.folder, self.port = folder, free_port()
        self._clock = clock
        self.start()

    def start(self) -> None:
        """Start it; returns when it answers."""
        options = {
            "bind": HOST,
            "port": str(self.port),
            "dir": str(self.folder),
            "appendonly": "yes",
            "appendfsync": "everysec",
            "save": "",
            # Five seconds by default, in which a new replica would have nothing.
            "repl-diskless-sync-delay": "0",
            "maxmemory-policy": "noeviction",
            "loglevel": "warning",
            "logfile": str(self.folder / "log"),
        }
        command = [str(find_server().path), *(part for name, value in options.items() for part in (f"--{name}", value))]
        self._process = subprocess.Popen(
            command,
            env={**os.environ, **(self._clock.environ if self._clock else {})},
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        over_s = time.monotonic() + START_S
        while not answers(self.port):
            if self._process.poll() is not None or time.monotonic() > over_s:
                raise SystemExit(f"chaos: redis-server did not start; see {self.folder / 'log'}")
            time.sleep(0.02)

    def ask(self, *command: str | int) -> object:
        """One command, past every switch."""
        with redis.Redis(port=self.port, socket_timeout=10) as client:
            return client.execute_command(*command)

    def signal(self, number: signal.Signals) -> None:
        """Send its process a signal."""
        self._process.send_signal(number)

    def kill(self) -> None:
        """End it as a crash would."""
        self._process.kill()
        self._process.wait()


class RedisPair:
    """The primary that all reach over a switch, and the replica that may take its place.

    Args:
        folder: For their files.

    Attributes:
        url: Where workers and producers find the primary, whichever it is.
        clock: What it takes for the time.
    """

    def __init__(self, folder: Path) -> None:
        self._folder, self._made = folder, 0
        self.clock = Clock(folder)
        self.primary = self._server()
        self._front = Switch(self.primary.port)
        # The replica has a way of its own to the primary, so that it can be cut off while
        # workers go on writing.
        self._link = Switch(self.primary.port)
        self.url = f"redis://{HOST}:{self._front.port}/0"

    def __enter__(self) -> Self:
        self._front.__enter__()
        self._link.__enter__()
        self.replica = self._server()
        self._follow()
        return self

    def __exit__(self, *_: object) -> None:
        self._front.__exit__()
        self._link.__exit__()
        for each in (self.primary, self.replica):
            each.kill()

    def _server(self) -> PairServer:
        self._made += 1
        return PairServer(self._folder / f"redis{self._made}", self.clock)

    def _follow(self) -> None:
        self.replica.ask("REPLICAOF", HOST, self._link.port)

    def direct(self) -> redis.Redis:
        """A connection to the primary past the switch, for looks at the moment of a harm."""
        return redis.Redis(port=self.primary.port, socket_timeout=10)

    def has_replica(self) -> bool:
        """Whether the replica has all that the primary has."""
        with self.direct() as client:
            return bool(client.info("replication").get("slave0", {}).get("state") == "online")

    def restart(self, gone_s: float) -> None:
        """The primary is killed, and comes back with its append-only file."""
        # What it wrote is in the kernel's hands by then: a process that dies, unlike a
        # machine, loses nothing.
        self.primary.kill()
        time.sleep(gone_s)
        self.primary.start()

    def stall(self, seconds: float) -> None:
        """The primary answers nothing for a while, and then everything."""
        self.primary.signal(signal.SIGSTOP)
        time.sleep(seconds)
        self.primary.signal(signal.SIGCONT)

    def cut(self) -> None:
        """From here on the replica gets nothing more."""
        self._link.shut()

    def promote(self, gone_s: float, then: Callable[[], None]) -> None:
        """The primary ends.

        The replica, which lacks what came after `cut`, takes its place, and gets a replica of its
        own.

        Args:
            gone_s: How long there is no primary.
            then: Called before there is one again.
        """
        # Dead before the switch is shut: whatever a worker was told until now was
        # told by the old primary.
        self.primary.kill()
        self._front.shut()
        time.sleep(gone_s)
        then()
        self.replica.ask("REPLICAOF", "NO", "ONE")
        self.primary = self.replica
        self._front.open(self.primary.port)
        self._link.open(self.primary.port)
        self.replica = self._server()
        self._follow()
