"""Rules of telling why Redis said no."""

import socket
import socketserver
import ssl
import threading
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest
import redis
from redis import exceptions as known

from smsline import Client
from smsline.errors import SmslineError, Unavailable
from smsline.ledger.connection import connect
from smsline.ledger.refusals import RULES, explain, is_refusal
from tests.support.redis_server import RedisServer
from tests.support.tls import certificates

LINES = {
    "READONLY": b"-READONLY You can't write against a read only replica.",
    "OOM": b"-OOM command not allowed when used memory > 'maxmemory'.",
    "NOREPLICAS": b"-NOREPLICAS Not enough good replicas to write.",
    "MISCONF": b"-MISCONF Redis is configured to save RDB snapshots, but it's currently unable to persist to disk.",
    "NOPERM": b"-NOPERM this user has no permissions to run the 'evalsha' command",
    "WRONGPASS": b"-WRONGPASS invalid username-password pair or user is disabled.",
    "NOAUTH": b"-NOAUTH Authentication required.",
    "MOVED": b"-MOVED 3999 127.0.0.1:6381",
    "LOADING": b"-LOADING Redis is loading the dataset in memory",
    "MASTERDOWN": b"-MASTERDOWN Link with MASTER is down and replica-serve-stale-data is set to 'no'.",
    "MAXCLIENTS": b"-ERR max number of clients reached",
    "RENAMED": b"-ERR unknown command 'EVALSHA', with args beginning with: ",
    "DB": b"-ERR DB index is out of range",
    "BUSY": b"-BUSY Redis is busy running a script.",
}


class _Answer(socketserver.StreamRequestHandler):
    def handle(self) -> None:
        """One line for every command; those that set a connection up are no matter."""
        while head := self.rfile.readline():
            words = [self.rfile.readline() and self.rfile.readline().strip() for _ in range(int(head[1:]))]
            line = b"+OK" if words[0] == b"CLIENT" else self.server.line  # type: ignore[attr-defined]
            self.wfile.write(line + b"\r\n")


@pytest.fixture
def server() -> Iterator[socketserver.ThreadingTCPServer]:
    """A server that answers every command in the same words."""
    with socketserver.ThreadingTCPServer(("127.0.0.1", 0), _Answer) as made:
        threading.Thread(target=made.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True).start()
        yield made
        made.shutdown()


@pytest.mark.parametrize("code", LINES)
def test_in_redis_words_with_the_advice_that_fits(server: Any, code: str) -> None:
    """A server's answer is told with its first word, which redis-py takes away, and what to do."""
    server.line = LINES[code]
    with (
        connect(f"redis://127.0.0.1:{server.server_address[1]}?protocol=2") as client,
        pytest.raises(redis.RedisError) as caught,
    ):
        client.evalsha("0" * 40, 0)
    refusal = explain(caught.value)

    assert refusal.code == code
    assert LINES[code][1:].decode().removeprefix("ERR ").strip() in refusal.words
    assert refusal.advice == next(rule.advice for rule in RULES if rule.code == code)


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("Error running script: @user_script:7: -OOM command not allowed when used memory > 'maxmemory'.", "OOM"),
        ("Error running script: @user_script: 7: -READONLY You can't write against a read only replica.", "READONLY"),
        ("SELECT is not allowed in cluster mode", "MOVED"),
        ("Error 111 connecting to h:1. Connection refused.", "REFUSED"),
        ("Error -2 connecting to h:1. Name or service not known.", "NAME"),
        ("Error 1 connecting to h:1. [SSL: CERTIFICATE_VERIFY_FAILED] self-signed certificate.", "CERTIFICATE"),
        ("Error 1 connecting to h:1. [SSL: WRONG_VERSION_NUMBER] wrong version number.", "TLS"),
        (
            "Error 1 connecting to h:1. certificate verify failed: Hostname mismatch, certificate is not valid for 'h'.",
            "HOSTNAME",
        ),
        ("Error 2 connecting to h:1. No such file or directory.", "FILE"),
        ('Protocol error, got "H" as reply type byte', "PROTOCOL"),
        ("Timeout reading from socket", "TIMEOUT"),
        ("Connection closed by server.", "CLOSED"),
        ("No master found for 'mymaster'", "NOMASTER"),
        ("something new", ""),
    ],
)
def test_what_scripts_and_connections_say(text: str, code: str) -> None:
    """The refusal within a script's error counts, and so does what the connection met.

    What is not known stays as it is.
    """
    assert explain(known.ResponseError(text)).code == code
    words = text.rpartition(": -")[2].rstrip(".")
    assert str(explain(known.ResponseError(text))).startswith(f"{words}: " if code else words)


def test_by_the_client(redis_server: RedisServer) -> None:
    """A client's error has Redis' words and what to do; the client goes on when it is mended."""
    client = Client(redis_url=redis_server.url)
    admin = redis.Redis.from_url(redis_server.url)
    admin.config_set("maxmemory", "1")
    try:
        with pytest.raises(Unavailable, match=r"says no \(.*OOM command not allowed.*raise it"):
            client.send(to="+8613800100000", template="1")
    finally:
        admin.config_set("maxmemory", "0")
        admin.close()
    assert client.send(to="+8613800100000", template="1")
    client.close()


def test_after_a_failover_behind_a_name(monkeypatch: pytest.MonkeyPatch, redis_server: RedisServer) -> None:
    """A client whose connections lead to a server that became a replica goes on by itself.

    It does so when the name leads to another.
    """
    with RedisServer() as other, redis.Redis.from_url(other.url) as old, redis.Redis.from_url(redis_server.url) as new:
        now = other

        def lookup(host: str, port: int, *_: object, **__: object) -> list[Any]:
            found = now.port if host == "primary.example" else port
            return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", ("127.0.0.1", found))]

        monkeypatch.setattr(socket, "getaddrinfo", lookup)
        client = connect("redis://primary.example:6379/0")
        held = [client.connection_pool.get_connection() for _ in range(3)]
        for each in held:
            client.connection_pool.release(each)
        client.set("a", "1")
        old.execute_command("REPLICAOF", "127.0.0.1", "1")
        with pytest.raises(redis.ReadOnlyError):
            client.set("a", "2")
        now = redis_server
        script = "return redis.call('set', KEYS[1], ARGV[1])"
        assert client.eval(script, 1, "a", "3")
        pipe = client.pipeline(transaction=False)
        pipe.set("b", "4")
        pipe.set("c", "5")
        assert pipe.execute() == [True, True]
        assert new.mget("a", "b", "c") == [b"3", b"4", b"5"]
        client.close()


def test_an_answer_is_a_refusal_and_silence_is_none() -> None:
    """What Redis answered was not carried out; what it did not answer may have been."""
    assert is_refusal(known.OutOfMemoryError("command not allowed"))
    assert is_refusal(known.ResponseError("DB index is out of range"))
    assert not is_refusal(known.TimeoutError("Timeout reading from socket"))


def test_a_server_without_a_trusted_certificate_gets_no_password(tmp_path: Path) -> None:
    """Ledger and producer check the certificate before they say a word; with its CA they do."""
    made, seen = certificates(tmp_path), []
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(made.server, made.key)

    class Handler(socketserver.BaseRequestHandler):
        def handle(self) -> None:
            """Keep what is said inside TLS."""
            with suppress(OSError), context.wrap_socket(self.request, server_side=True) as connection:
                seen.append(connection.recv(65_536))

    with socketserver.ThreadingTCPServer(("127.0.0.1", 0), Handler) as server:
        threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True).start()
        url = f"rediss://:s3cret@localhost:{server.server_address[1]}/0"
        with Client(redis_url=url) as client, pytest.raises(Unavailable, match="ssl_ca_certs") as caught:
            client.send(to="+8613800100000", template="1")
        assert seen == []
        assert "s3cret" not in str(caught.value)
        with Client(redis_url=f"{url}?ssl_ca_certs={made.ca}") as client, pytest.raises(SmslineError):
            client.send(to="+8613800100000", template="1")
        assert b"s3cret" in seen[0]
        server.shutdown()
