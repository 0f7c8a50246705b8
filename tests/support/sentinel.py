"""A primary, its replica and a sentinel for tests: on 127.0.0.1, gone when the test is over."""

import subprocess
from pathlib import Path
from typing import Final, Self

import redis

from tests.support.redis_server import RedisServer, answers, free_port, redis_binary
from tests.support.waiting import wait_until

MASTER: Final = "smsline"


class Watched:
    """Two servers and a sentinel.

    One server is the primary; the sentinel makes the other one the primary when it is gone.

    Args:
        folder: An empty folder for the sentinel's own file.
    """

    def __init__(self, folder: Path) -> None:
        self.first, self.second = (RedisServer(_made(folder / name)) for name in ("first", "second"))
        self._port = free_port()
        self.url = f"sentinel://127.0.0.1:{self._port}/{MASTER}/0"
        self._file = folder / "sentinel.conf"
        self._process: subprocess.Popen[bytes] | None = None

    def primary_port(self) -> int:
        """The port of the primary, as the sentinel says."""
        with redis.Redis(port=self._port, socket_timeout=1) as sentinel:
            _, port = sentinel.execute_command("SENTINEL", "GET-MASTER-ADDR-BY-NAME", MASTER)
        return int(port)

    def caught_up(self) -> bool:
        """Whether the replica has everything that the primary has, and the sentinel knows it."""
        with redis.Redis(port=self.first.port) as primary, redis.Redis(port=self._port) as sentinel:
            info, (state,) = primary.info("replication"), sentinel.sentinel_masters().values()
        replica = info.get("slave0", {})
        told = bool(state["num-slaves"])
        return told and replica.get("state") == "online" and replica["offset"] == info["master_repl_offset"]

    def cut_off(self) -> None:
        """From here on the replica gets nothing more: what is written is lost with the primary."""
        wait_until(self.caught_up, what="the replica catching up")
        self.second.stall()
        with redis.Redis(port=self.first.port) as primary:
            primary.client_kill_filter(_type="replica")

    def fail_over(self, *, behind: bool = False) -> None:
        """End the primary as a crash would; wait until the replica has its place.

        Args:
            behind: Whether it was cut off before, and lacks what came last.
        """
        if not behind:
            wait_until(self.caught_up, what="the replica catching up")
        self.first.kill()
        if behind:
            self.second.go_on()
        wait_until(lambda: self.primary_port() == self.second.port, what="the change of the primary")

    def __enter__(self) -> Self:
        self.first.start()
        self.second.start()
        with redis.Redis(port=self.second.port) as replica:
            replica.replicaof("127.0.0.1", self.first.port)
        lines = ["monitor {} 127.0.0.1 {} 1", "down-after-milliseconds {} 1000", "failover-timeout {} 1000"]
        watch = "\n".join(f"sentinel {line.format(MASTER, self.first.port)}" for line in lines)
        self._file.write_text(f"port {self._port}\nbind 127.0.0.1\n{watch}\n")
        command = [redis_binary() or "", str(self._file), "--sentinel"]
        self._process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        wait_until(lambda: answers(self._port), what="the sentinel answering")
        return self

    def __exit__(self, *_: object) -> None:
        for server in (self.first, self.second):
            server.kill()
        if self._process:
            self._process.kill()
            self._process.wait()


def _made(folder: Path) -> Path:
    """A folder of its own for each server: a replica writes what it is given at first to a file."""
    folder.mkdir()
    return folder
