"""Rules of the embedded Redis, on real redis-server processes."""

import os
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
import redis
from redis.exceptions import NoPermissionError

from tests.support.redis_server import free_port
from tests.support.waiting import wait_until
from worker.supervisor import embedded_redis
from worker.supervisor.child import Running
from worker.supervisor.embedded_redis import Server, claim, find_server, redis_child, url_of, why_ended
from worker.supervisor.supervisor import CannotStart


@contextmanager
def started(data: Path, port: int, end: signal.Signals = signal.SIGTERM) -> Iterator[redis.Redis]:
    """The embedded Redis, ready; ended by the signal."""
    server = find_server()
    lock = claim(data, port, server)
    running = Running(redis_child(server, data, port, lock=lock))
    os.close(lock)
    try:
        wait_until(running.is_ready, what="Redis answering")
        with redis.Redis.from_url(url_of(port)) as client:
            yield client
    finally:
        running.signal(end)
        wait_until(lambda: running.ended() is not None, what="the end of Redis")
        running.close()


@pytest.mark.parametrize("end", [signal.SIGTERM, signal.SIGKILL])
def test_nothing_is_lost_in_a_restart(tmp_path: Path, end: signal.Signals) -> None:
    """What was written is there after a restart, however Redis ended."""
    port = free_port()
    with started(tmp_path / "data", port, end) as client:
        for number in range(1_000):
            client.set(f"key{number}", number)
    with started(tmp_path / "data", port) as client:
        assert client.dbsize() == 1_000


def modes(folder: Path) -> dict[str, str]:
    """What others may do with a folder and all that is in it."""
    return {path.name: oct(path.stat().st_mode & 0o777) for path in (folder, *folder.rglob("*"))}


def test_configured_as_a_ledger(tmp_path: Path) -> None:
    """It listens on loopback alone, never evicts, appends every second, and writes no snapshot.

    Its files are its owner's.
    """
    data = tmp_path / "data"
    data.mkdir(mode=0o755)
    (data / "redis.log").touch(mode=0o644)
    with started(data, free_port()) as client:
        client.set("a", 1)
        memory, persistence = client.info("memory"), client.info("persistence")
        found = modes(data)

    assert (memory["maxmemory_policy"], persistence["aof_enabled"]) == ("noeviction", 1)
    assert not list(data.glob("*.rdb"))
    assert {mode for name, mode in found.items() if (data / name).is_dir() or name in {"data", "appendonlydir"}} == {
        "0o700"
    }
    assert set(found.values()) == {"0o700", "0o600"}


def test_dangerous_commands_are_off(tmp_path: Path) -> None:
    """A process that reaches its port cannot empty it, nor make it write files, nor read along.

    What smsline needs goes on.
    """
    with started(tmp_path, free_port()) as client:
        for command in (
            "FLUSHALL",
            "CONFIG GET dir",
            "KEYS *",
            "SHUTDOWN",
            "REPLICAOF h 1",
            "ACL LIST",
            "MONITOR",
        ):
            with pytest.raises(NoPermissionError):
                client.execute_command(*command.split())  # type: ignore[no-untyped-call]
        with pytest.raises(redis.ResponseError):
            client.eval("return redis.call('flushall')", 0)
        assert client.eval("return redis.call('set', KEYS[1], '1')", 1, "a")
        assert client.publish("c", "m") == 0
        assert client.blpop(["none"], timeout=0.01) is None


def test_with_a_password(tmp_path: Path) -> None:
    """On a machine with other users it can ask for a password, which no process' arguments show."""
    port, server = free_port(), find_server()
    lock = claim(tmp_path, port, server)
    child = redis_child(server, tmp_path, port, lock=lock, password="s3 cret/")
    running = Running(child)
    os.close(lock)
    try:
        wait_until(running.is_ready, what="Redis answering")
        with redis.Redis(port=port, password="s3 cret/") as friend, redis.Redis(port=port) as stranger:
            assert friend.ping()
            with pytest.raises(redis.AuthenticationError):
                stranger.ping()
        shown = [*child.command, *(path.read_text(errors="replace") for path in tmp_path.glob("redis.*"))]
        assert not any("s3 cret" in text for text in shown)
    finally:
        running.signal(signal.SIGTERM)
        wait_until(lambda: running.ended() is not None, what="the end of Redis")
        running.close()


def test_a_damaged_file_is_named_with_the_way_to_mend_it(tmp_path: Path) -> None:
    """A Redis that cannot read its file says which one, and the command that is told mends it."""
    port = free_port()
    with started(tmp_path, port) as client:
        for number in range(100):
            client.set(f"key{number}", number)
    file = max(
        [*tmp_path.glob("appendonly.aof"), *tmp_path.glob("appendonlydir/*incr.aof")],
        key=lambda each: each.stat().st_size,
    )
    whole = file.read_bytes()
    file.write_bytes(whole[: len(whole) // 2] + b"garbage\r\n" + whole[len(whole) // 2 :])
    server = find_server()
    lock = claim(tmp_path, port, server)
    child = redis_child(server, tmp_path, port, lock=lock)
    running = Running(child)
    wait_until(lambda: running.ended() is not None, what="the end of Redis")
    running.close()
    os.close(lock)

    told = child.why_ended()
    assert "is damaged" in told
    assert "or start with another folder (--data)" in told
    command = told.partition("`")[2].partition("`")[0]
    subprocess.run(["bash", "-c", command], input=b"y\n", check=True, capture_output=True)
    with started(tmp_path, port) as client:
        assert 30 < client.dbsize() < 100


@pytest.mark.parametrize(
    "line",
    [
        "Bad file format reading the append only file appendonly.aof.1.base.rdb: make a backup of your AOF file, then use --fix",
        "Invalid AOF manifest file format",
        "Found an empty AOF manifest",
        "Unable to obtain the AOF file appendonly.aof.1.incr.aof length. stat: No such file or directory",
    ],
)
def test_what_no_program_mends_is_told_as_that(tmp_path: Path, line: str) -> None:
    """A manifest or a base: the command that cuts a file off would fail, or is not for it."""
    told = f"1:C 1 Jan 2030 # Redis is starting\n1:M 1 Jan 2030 # {line}\n"
    (tmp_path / "redis.log").write_text(told)
    said = why_ended(find_server(), tmp_path)
    assert line.partition(": make")[0] in said
    assert "put its files back from a copy" in said
    assert "--fix" not in said


def test_a_folder_without_its_manifest_is_not_begun_anew(tmp_path: Path) -> None:
    """Redis would start with nothing, and write behind what is there."""
    (tmp_path / "appendonlydir").mkdir()
    (tmp_path / "appendonlydir" / "appendonly.aof.1.incr.aof").write_bytes(b"*1")
    with pytest.raises(CannotStart, match="has lost its manifest"):
        claim(tmp_path, free_port(), Server(Path("redis-server"), (7, 0)))


def test_a_file_that_ends_within_a_write_is_told(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    """As after a power cut: Redis starts with what is whole.

    A person is told once that something is missing.
    """
    port = free_port()
    with started(tmp_path, port) as client:
        for number in range(10):
            client.set(f"key{number}", number)
    assert not caplog.records
    (file,) = [*tmp_path.glob("appendonly.aof"), *tmp_path.glob("appendonlydir/*incr.aof")]
    file.write_bytes(file.read_bytes()[:-3])
    with started(tmp_path, port) as client:
        assert client.dbsize() == 9
    assert ["ended in the middle of a write" in record.message for record in caplog.records] == [True]
    caplog.clear()
    with started(tmp_path, port):
        assert not caplog.records


def test_port_in_use(tmp_path: Path) -> None:
    """A port that is taken is refused before anything is started, with what to do."""
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        with pytest.raises(CannotStart, match="is in use; choose another with --redis-port"):
            claim(tmp_path, taken.getsockname()[1], find_server())


def test_folder_in_use(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Two Redis cannot write one folder, as long as either the supervisor or Redis itself lives."""
    monkeypatch.setattr(embedded_redis, "LOCK_WAIT_S", 0.1)
    with started(tmp_path, free_port()), pytest.raises(CannotStart, match="is in use by another `up`"):
        claim(tmp_path, free_port(), find_server())

    os.close(claim(tmp_path, free_port(), find_server()))


def test_folder_of_a_later_redis(tmp_path: Path) -> None:
    """A folder that Redis 7 has written is refused to Redis 6.2, which would start empty."""
    (tmp_path / "appendonlydir").mkdir()

    with pytest.raises(CannotStart, match="was written by Redis 7 or later"):
        claim(tmp_path, free_port(), Server(Path("redis-server"), (6, 2, 14)))
    os.close(claim(tmp_path, free_port(), Server(Path("redis-server"), (7, 0, 15))))


def test_folder_that_cannot_be_made(tmp_path: Path) -> None:
    """A folder that cannot be made is refused by its name."""
    (tmp_path / "file").touch()

    with pytest.raises(CannotStart, match="cannot be used"):
        claim(tmp_path / "file" / "data", free_port(), find_server())


def fake_server(folder: Path, version: str) -> Path:
    """A program that only tells a version."""
    program = folder / "redis-server"
    program.write_text(f"#!/bin/sh\necho Redis server v={version} sha=0\n")
    program.chmod(0o755)
    return program


def test_path_first_then_beside_python(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A redis-server on the PATH is preferred, unless it is too old.

    Else the one that came with the packages is used.
    """
    mine = fake_server(tmp_path, "7.9.1")
    monkeypatch.setenv("PATH", f"{tmp_path}:/bin")
    assert find_server() == Server(mine, (7, 9, 1))

    fake_server(tmp_path, "6.0.16")
    packaged = find_server()
    assert packaged.path != mine
    assert packaged.version >= (6, 2)


def test_too_old_and_nothing_else(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A Redis that is too old is named."""
    monkeypatch.setenv("PATH", f"{tmp_path}:/bin")
    monkeypatch.setattr(sys, "executable", str(tmp_path / "python"))
    monkeypatch.setattr(embedded_redis, "find_spec", lambda _: None)

    with pytest.raises(CannotStart, match=f"{fake_server(tmp_path, '6.0.16')} is too old: install Redis"):
        find_server()


def test_no_redis_at_all(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Without any redis-server the error says what to do."""
    monkeypatch.setenv("PATH", "/nowhere")
    monkeypatch.setattr(sys, "executable", str(tmp_path / "python"))
    monkeypatch.setattr(embedded_redis, "find_spec", lambda _: None)

    with pytest.raises(CannotStart, match=r"install Redis 6\.2 or later, or set SMSLINE_REDIS_URL"):
        find_server()


def test_not_ready_while_nothing_listens() -> None:
    """A port without a listener is not ready, and no error."""
    assert not embedded_redis.answers(free_port())
