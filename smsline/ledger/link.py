"""The way to the ledger: its Redis, the scripts loaded from `lua/`, and codes as small numbers."""

import threading
import time
from collections.abc import Container, Iterable, Sequence
from functools import cache
from hashlib import sha1
from importlib.resources import files
from secrets import token_hex
from typing import Any, Final, Self

from redis.exceptions import NoScriptError

from smsline.ledger.connection import connect
from smsline.ledger.keys import Keys

Value = str | bytes | int | float
ScriptCall = tuple[str, Sequence[str], Sequence[Value]]
"""A script's name, its KEYS and its ARGV."""

BLOCK_IDS_AT_ONCE: Final = 64

EXPIRING_S: Final = 600.0
"""For how long it is believed that a key still has its expiry."""

LONGEST_CODE: Final = 80
"""Characters of a provider's code that are kept."""


@cache
def script_text(name: str) -> str:
    """The script as Redis gets it: what all share, then its own file."""
    folder = files("smsline.ledger") / "lua"
    return (folder / "_lib.lua").read_text("utf-8") + (folder / f"{name}.lua").read_text("utf-8")


@cache
def script_sha(name: str) -> str:
    """The name Redis knows the script by."""
    return sha1(script_text(name).encode(), usedforsecurity=False).hexdigest()


class Expiring:
    """Keys whose expiry this process has set a short while ago, so that it need not look after it at every write.

    It forgets them by and by, for keys may vanish and come back without an expiry, as when a Redis lost its memory.
    """

    def __init__(self) -> None:
        self._keys: set[str] = set()
        self._until_s = 0.0

    def __contains__(self, key: str) -> bool:
        return key in self._keys

    def known(self) -> Container[str]:
        """All of them, for many looks in a row."""
        return self._keys

    def note(self, keys: Iterable[str]) -> None:
        """The expiry of these has just been set."""
        now_s = time.monotonic()
        if now_s > self._until_s:
            self._keys, self._until_s = set(), now_s + EXPIRING_S
        self._keys.update(keys)


class Ledger:
    """One ledger in one Redis.

    Args:
        client: A redis-py client that returns bytes (or a fakeredis one).
        namespace: Separates ledgers that share a Redis.
    """

    def __init__(self, client: Any, namespace: str = "sl") -> None:  # noqa: ANN401 - fakeredis and redis share no type
        self.redis = client
        self.keys = Keys(namespace)
        self.expiring = Expiring()
        self._blocks = range(0)
        self._lock = threading.Lock()
        self._instance = ""
        self._codes: dict[str, int] = {}
        self._names: dict[int, str] = {0: ""}

    @classmethod
    def at(cls, url: str, namespace: str = "sl") -> Self:
        """The ledger at a Redis URL."""
        return cls(connect(url), namespace)

    def run(self, name: str, keys: Sequence[str], args: Sequence[Value] = ()) -> Any:  # noqa: ANN401 - each script's wrapper types its answer
        """Run one script.

        Raises:
            redis.exceptions.RedisError: It could not be run, or its answer was lost.
        """
        try:
            return self.redis.evalsha(script_sha(name), len(keys), *keys, *args)
        except NoScriptError:
            return self.redis.eval(script_text(name), len(keys), *keys, *args)

    def run_many(self, calls: Sequence[ScriptCall]) -> list[Any]:
        """Run scripts in one round trip, each atomic by itself.

        Raises:
            redis.exceptions.RedisError: The first that failed.
        """
        if len(calls) == 1:
            return [self.run(*calls[0])]
        pipe = self.redis.pipeline(transaction=False)
        for name, keys, args in calls:
            pipe.evalsha(script_sha(name), len(keys), *keys, *args)
        answers = pipe.execute(raise_on_error=False)
        for i, answer in enumerate(answers):
            if isinstance(answer, NoScriptError):
                answers[i] = self.run(*calls[i])
            elif isinstance(answer, Exception):
                raise answer
        return list(answers)

    def now_ms(self) -> int:
        """The present by Redis, epoch ms; the clocks of workers may be wrong."""
        seconds, micros = self.redis.time()
        return int(seconds) * 1000 + int(micros) // 1000

    def instance(self) -> str:
        """A word that is this ledger's own, so that receipts of another environment's messages are told apart."""
        if not self._instance:
            self.redis.hsetnx(self.keys.ids, "instance", token_hex(3))
            self._instance = self.redis.hget(self.keys.ids, "instance").decode()
        return self._instance

    def close(self) -> None:
        """Close the connections."""
        self.redis.close()

    def ids(self, kind: str, count: int = 1) -> int:
        """Reserve `count` ids of a kind; returns the first. Gaps do no harm."""
        return int(self.redis.hincrby(self.keys.ids, kind, count)) - count + 1

    def block_ids(self, count: int) -> int:
        """Reserve `count` block ids that follow each other; returns the first. They come from a stock, refilled now and then."""
        with self._lock:
            if len(self._blocks) < count:
                first = self.ids("block", count + BLOCK_IDS_AT_ONCE)
                self._blocks = range(first, first + count + BLOCK_IDS_AT_ONCE)
            first, self._blocks = self._blocks[0], self._blocks[count:]
            return first

    def code_number(self, code: str) -> int:
        """The small number that stands for a code in packed columns; 0 for no code."""
        if not code:
            return 0
        if code not in self._codes:
            self._codes[code] = int(self.run("intern", [self.keys.codes, self.keys.names], [code[:LONGEST_CODE]]))
        return self._codes[code]

    def code_name(self, number: int) -> str:
        """The inverse of `code_number`."""
        if number not in self._names:
            self._names = {0: ""} | {int(k): v.decode() for k, v in self.redis.hgetall(self.keys.names).items()}
        return self._names.get(number, "?")


def tidy_code(code: str) -> str:
    """A code as it may stand in a dead letter's name: one word, no longer than the ledger keeps."""
    return "_".join(code.split())[:LONGEST_CODE]


def code_bytes(number: int) -> bytes:
    """A code's number as it stands in a block."""
    return number.to_bytes(2, "big")
