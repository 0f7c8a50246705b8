"""The way to the ledger: its Redis, its scripts run, alone or many in one round trip."""

import time
from collections.abc import Callable, Container, Iterable, Sequence
from secrets import token_hex
from typing import Any, Final, Self

from redis.exceptions import NoScriptError, ReadOnlyError, ResponseError

from smsline.ledger import version
from smsline.ledger.codes import Codes, CodeUse
from smsline.ledger.connection import WarmConnections, connect, round_trip
from smsline.ledger.ids import ATTEMPT_BITS, BLOCK_BITS, Ids
from smsline.ledger.keys import Keys
from smsline.ledger.scripts import argument_order, script_sha, script_text

Value = str | bytes | int | float
# A script's name, its KEYS and its ARGV.
ScriptCall = tuple[str, Sequence[str], Sequence[Value]]

# For how long it is believed that the ledger has the layout that was seen. The scheduler of a
# worker sees it as often.
LAYOUT_S: Final = 1.0

# Scripts that say which layout the ledger has.
ANY_LAYOUT: Final = frozenset({"version", "beat"})

# A code gets another number only when Redis has lost its last writes: twice in a row would be a
# fault of another kind.
CODES_TRIES: Final = 4

# For how long it is believed that a key still has its expiry.
EXPIRING_S: Final = 600.0


def argv(script: str, /, **arguments: Value) -> list[Value]:
    """A group of a script's arguments as Redis takes them: in the order the script unpacks them.

    They are named here and not in the message: a script that reads names itself, as JSON or in
    pairs, costs Redis 4 µs more a call.

    Raises:
        TypeError: One of them is missing, or the script knows none of that name.
    """
    return [arguments[name] for name in argument_order(script, frozenset(arguments))]


class ExpiryMemo:
    """Keys whose expiry this process has set lately, so that not every write looks after it.

    It forgets them by and by, for keys may vanish and come back without an expiry, as when a Redis
    lost its memory.
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
        # All at once: one time to compare, and not one for each key.
        if now_s > self._until_s:
            self._keys, self._until_s = set(), now_s + EXPIRING_S
        self._keys.update(keys)


def clock_ms(told: Sequence[int | bytes]) -> float:
    """What Redis says to TIME, in epoch ms with a fraction, which due times of scripts have too."""
    seconds, micros = told
    return int(seconds) * 1000 + int(micros) / 1000


def scored(told: Sequence[Any]) -> list[tuple[bytes, float]]:
    """What Redis says to ZRANGE with scores.

    Pairs by its newer protocol, by the older one members and scores in turn.
    """
    if told and isinstance(told[0], bytes):
        return [(member, float(score)) for member, score in zip(told[::2], told[1::2], strict=True)]
    return [(member, score) for member, score in told]


class Ledger:
    """One ledger in one Redis.

    Args:
        client: A redis-py client that returns bytes (or a fakeredis one).
        namespace: Separates ledgers that share a Redis.

    Attributes:
        refused: Why no script is run: the ledger has turned out to be of another version.
    """

    def __init__(self, client: Any, namespace: str = "sl") -> None:  # noqa: ANN401 - fakeredis and redis share no type
        self.redis = client
        self.keys = Keys(namespace)
        self.expiring = ExpiryMemo()
        self._connections = WarmConnections(client.connection_pool)
        self.codes = Codes(self.keys, self.run)
        self.block_ids = Ids(BLOCK_BITS)
        self.attempt_ids = Ids(ATTEMPT_BITS)
        self._instance = ""
        self.refused: Exception | None = None
        self._seen_s = float("-inf")

    @classmethod
    def at(cls, url: str, namespace: str = "sl") -> Self:
        """The ledger at a Redis URL."""
        return cls(connect(url), namespace)

    def run(self, name: str, keys: Sequence[str], args: Sequence[Value] = ()) -> Any:  # noqa: ANN401 - each script's wrapper types its answer
        """Run one script.

        Raises:
            OtherVersion: The ledger is of another version; nothing was done.
            redis.exceptions.RedisError: It could not be run, or its answer was lost.
        """
        if name not in ANY_LAYOUT:
            self._look_at_layout()
        # By its hash: 40 bytes instead of up to 25 KB of text. After a restart Redis does not know
        # it, and says so before anything is carried out.
        answer = self._answers([(name, keys, args)])[0]
        if isinstance(answer, ReadOnlyError):
            # The server is no primary any more, and did nothing; the next command opens a
            # connection to the new one.
            answer = self._answers([(name, keys, args)])[0]
        if isinstance(answer, NoScriptError):
            return self.redis.eval(script_text(name), len(keys), *keys, *args)
        if isinstance(answer, Exception):
            raise answer
        return answer

    def run_many(self, calls: Sequence[ScriptCall]) -> list[Any]:
        """Run scripts in one round trip, each atomic by itself.

        Raises:
            OtherVersion: The ledger is of another version; nothing was done.
            redis.exceptions.RedisError: The first that failed.
        """
        self._look_at_layout()
        if len(calls) == 1:
            return [self.run(*calls[0])]
        # Errors are not raised at once: the answers of the others would be lost, and with
        # them what they have done.
        answers = self._answers(calls)
        for i, answer in enumerate(answers):
            if isinstance(answer, NoScriptError):
                answers[i] = self.run(*calls[i])
            elif isinstance(answer, Exception):
                raise answer
        return answers

    def run_with_codes(self, build: Callable[[CodeUse], ScriptCall]) -> Any:  # noqa: ANN401 - as `run`
        """Run a script that writes numbers of codes; built anew when they are not what they were.

        Raises:
            OtherVersion: The ledger is of another version; nothing was done.
            redis.exceptions.RedisError: It could not be run, or its answer was lost.
        """
        for _ in range(CODES_TRIES):
            answer = self.run(*build(CodeUse(self.codes)))
            if answer != [b"codes"]:
                return answer
            self.codes.forget()
        raise ResponseError("the numbers of codes change while they are written")

    def ask(self, *commands: Sequence[Value]) -> list[Any]:
        """What commands answer that only read, in one round trip, as Redis says it.

        Raises:
            redis.exceptions.RedisError: The first answer that is an error; or there was none.
        """
        answers = self._exchanged(commands)
        for answer in answers:
            if isinstance(answer, Exception):
                raise answer
        return answers

    def _answers(self, calls: Sequence[ScriptCall]) -> list[Any]:
        """What scripts answer that are run in one round trip.

        An error of Redis stands in the place of its answer.
        """
        return self._exchanged([("EVALSHA", script_sha(name), len(keys), *keys, *args) for name, keys, args in calls])

    def _exchanged(self, commands: Sequence[Sequence[Value]]) -> list[Any]:
        connection, until_s = self._connections.take()
        try:
            answers = round_trip(connection, commands)
        except BaseException:
            self._connections.drop(connection)
            raise
        self._connections.keep(connection, until_s)
        return answers

    def replicated(self, replicas: int, *, timeout_ms: int) -> bool:
        """Whether so many replicas have got everything that this ledger was told until now.

        Raises:
            redis.exceptions.RedisError: Redis cannot be reached.
        """
        # WAIT speaks of the writes of its own connection alone: a write there comes after all
        # that others have written.
        pipe = self.redis.pipeline(transaction=False)
        pipe.set(self.keys.replicated, 1)
        pipe.wait(replicas, timeout_ms)
        return int(pipe.execute()[1]) >= replicas

    def check_layout(self) -> None:
        """Look at the ledger's layout, and write it down where there is none yet.

        Raises:
            OtherVersion: It is not the one that this package reads and writes.
            redis.exceptions.RedisError: Redis cannot be reached.
        """
        version.refuse_other(self.run("version", [self.keys.version, self.keys.ids], [version.LAYOUT]).decode())

    def saw_layout(self) -> None:
        """The layout has just been seen, and is the one that this package knows."""
        self._seen_s = time.monotonic()

    def _look_at_layout(self) -> None:
        if self.refused:
            raise self.refused
        if time.monotonic() - self._seen_s > LAYOUT_S:
            pipe = self.redis.pipeline(transaction=False)
            for question in version.questions(self.keys):
                pipe.execute_command(*question)
            version.refuse_answers(*pipe.execute())
            self.saw_layout()

    def now_ms(self) -> int:
        """The present by Redis, epoch ms; the clocks of workers may be wrong."""
        return int(clock_ms(self.redis.time()))

    def instance(self) -> str:
        """This ledger's own word, by which receipts of another environment are told apart."""
        if not self._instance:
            self.redis.hsetnx(self.keys.ids, "instance", token_hex(3))
            self._instance = self.redis.hget(self.keys.ids, "instance").decode()
        return self._instance

    def forget(self) -> None:
        """Believe nothing of what was read before, because Redis may have lost it."""
        self.codes.forget()
        self.expiring = ExpiryMemo()
        self._instance = ""

    def close(self) -> None:
        """Close the connections."""
        self.redis.close()
