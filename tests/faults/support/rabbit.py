"""A RabbitMQ for tests with its own folder, ports, port mapper; gone when the test is over."""

import os
import shutil
import signal
import socket
import subprocess
from pathlib import Path
from typing import Final, Self

from kombu.connection import Connection

from smsline.names import QUEUES
from tests.support.redis_server import free_port
from tests.support.waiting import wait_until

# Debian's rabbitmq-server on the PATH is a wrapper for root alone; what it
# wraps runs for everybody.
SERVER: Final = shutil.which("rabbitmq-server", path=f"/usr/lib/rabbitmq/bin:{os.environ.get('PATH', '')}") or ""
MAPPER: Final = shutil.which("epmd") or ""


class RabbitMQ:
    """One broker on 127.0.0.1.

    Args:
        folder: An empty folder for its data.
    """

    def __init__(self, folder: Path) -> None:
        (folder / "plugins").write_text("[].")
        self._folder = folder
        self.port, mapper = free_port(), free_port()
        self._environ = os.environ | {
            "HOME": str(folder),
            "ERL_EPMD_PORT": str(mapper),
            # Mnesia and the emulator write dumps into the working folder, whatever
            # the other variables say.
            "ERL_CRASH_DUMP": str(folder / "erl_crash.dump"),
            "RABBITMQ_NODENAME": f"test{self.port}@localhost",
            "RABBITMQ_NODE_PORT": str(self.port),
            "RABBITMQ_NODE_IP_ADDRESS": "127.0.0.1",
            "RABBITMQ_DIST_PORT": str(free_port()),
            "RABBITMQ_MNESIA_BASE": str(folder),
            "RABBITMQ_LOG_BASE": str(folder),
            "RABBITMQ_ENABLED_PLUGINS_FILE": str(folder / "plugins"),
        }
        self._processes = [self._run(MAPPER, "-port", str(mapper)), self._run(SERVER)]

    def purge(self) -> None:
        """Lose every message that waits in a queue."""
        with Connection(url_of(self.port)) as connection, connection.channel() as channel:
            for queue in QUEUES:
                channel.queue_purge(queue)

    def _run(self, *command: str) -> subprocess.Popen[bytes]:
        with (self._folder / "output").open("ab") as output:
            return subprocess.Popen(
                command, env=self._environ, cwd=self._folder, stdout=output, stderr=output, process_group=0
            )

    def _listens(self) -> bool:
        try:
            socket.create_connection(("127.0.0.1", self.port), 1).close()
        except OSError:
            return False
        return True

    def __enter__(self) -> Self:
        wait_until(self._listens, what="RabbitMQ listening", every_s=0.1)
        return self

    def __exit__(self, *_: object) -> None:
        for process in reversed(self._processes):
            os.killpg(process.pid, signal.SIGKILL)
            process.wait()


def url_of(port: int) -> str:
    """Where clients find it, or a wire to it."""
    return f"amqp://guest:guest@127.0.0.1:{port}//"
