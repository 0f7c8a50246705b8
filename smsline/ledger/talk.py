"""What is asked of Redis, apart from the connection that carries it.

Clients with and without asyncio share one logic.

A `Talk` is a generator. It yields commands and is sent their answers, or yields seconds to let
pass; it returns what the answers mean. An error of the connection is thrown into it, so that asking
again is part of the talk too.
"""

import time
from asyncio import sleep
from collections.abc import Awaitable, Callable, Generator, Sequence
from typing import Any, Final, TypeAlias, TypeVar

from redis.exceptions import BusyLoadingError, NoScriptError, ReadOnlyError, RedisError
from redis.exceptions import ConnectionError as ConnectionBroken
from redis.exceptions import TimeoutError as ConnectionSilent

from smsline.ledger.connection import is_demoted, round_trip
from smsline.ledger.link import ScriptCall, Value
from smsline.ledger.scripts import script_sha, script_text

Command: TypeAlias = Sequence[Value]
# Commands for one round trip, or seconds to let pass.
Step: TypeAlias = Sequence[Command] | float

# A connection that broke or did not answer in time: the commands may have been carried out.
LOST: Final = (ConnectionBroken, ConnectionSilent)

T = TypeVar("T")
Talk: TypeAlias = Generator[Step, list[Any], T]
Exchange: TypeAlias = Callable[[Sequence[Command]], Awaitable[list[Any]]]


class Unreached(ConnectionBroken):
    """No connection could be opened, or Redis is still loading.

    The commands have certainly not been carried out.
    """


def ask(*commands: Command) -> Talk[list[Any]]:
    """The answers to commands that do no harm when they are carried out twice, in one round trip.

    Raises:
        redis.exceptions.RedisError: The first answer that is an error; or no answer came, also when
            asked again.
    """
    try:
        answers = yield commands
    except Unreached:
        raise
    except LOST:
        # Once more, over a fresh connection: the pool may have given out one that a
        # firewall had dropped long ago.
        answers = yield commands
    for answer in answers:
        if isinstance(answer, Exception):
            raise answer
    return answers


def run_scripts(*calls: ScriptCall) -> Talk[list[Any]]:
    """The answers of scripts, each atomic by itself, in one round trip.

    Those that Redis does not know yet take a second one.

    Raises:
        redis.exceptions.RedisError: The first answer that is an error.
    """
    answers = yield [("EVALSHA", script_sha(name), len(keys), *keys, *args) for name, keys, args in calls]
    for i, (name, keys, args) in enumerate(calls):
        if isinstance(answers[i], NoScriptError):
            try:
                (answers[i],) = yield [("EVAL", script_text(name), len(keys), *keys, *args)]
            except Unreached as error:
                if len(calls) > 1:  # the others may have been carried out
                    raise ConnectionBroken(str(error)) from error
                raise
        if isinstance(answers[i], Exception):
            raise answers[i]
    return answers


# `carry` and `carry_async` are the same steps twice: what awaits cannot be called by what does not.
def carry(client: Any, talk: Talk[T]) -> T:  # noqa: ANN401 - fakeredis and redis share no type
    """Hold a talk over a redis-py client."""
    try:
        step = next(talk)
        while True:
            try:
                if isinstance(step, float):
                    time.sleep(step)
                    answers = []
                else:
                    answers = exchange(client, step)
            except RedisError as error:
                step = talk.throw(error)
            else:
                step = talk.send(answers)
    except StopIteration as end:
        return end.value  # type: ignore[no-any-return]
    finally:
        talk.close()


async def carry_async(exchange: Exchange, talk: Talk[T]) -> T:
    """Hold a talk over a connection that `exchange` knows; see `exchange_async`."""
    try:
        step = next(talk)
        while True:
            try:
                if isinstance(step, float):
                    await sleep(step)
                    answers = []
                else:
                    answers = await exchange(step)
            except RedisError as error:
                step = talk.throw(error)
            else:
                step = talk.send(answers)
    except StopIteration as end:
        return end.value  # type: ignore[no-any-return]
    finally:
        talk.close()


def exchange(client: Any, commands: Sequence[Command]) -> list[Any]:  # noqa: ANN401 - as above
    """One round trip: the answers to commands, errors among them as they are.

    Raises:
        Unreached: They have certainly not been carried out.
        redis.exceptions.RedisError: They may have been.
    """
    try:
        # Connecting is a step of its own: only so is it known of an error whether anything can
        # have been carried out.
        connection = client.connection_pool.get_connection()
    except LOST as error:
        raise Unreached(str(error)) from error
    try:
        return round_trip(connection, commands)
    except BaseException as error:
        # Answers may still come on it, which are not those of the next command.
        connection.disconnect()
        if isinstance(error, BusyLoadingError):
            raise Unreached(str(error)) from error
        raise
    finally:
        client.connection_pool.release(connection)


async def exchange_async(client: Any, commands: Sequence[Command]) -> list[Any]:  # noqa: ANN401 - as above
    """As `exchange`, for a `redis.asyncio` client."""
    try:
        await client.connection_pool.release(await client.connection_pool.get_connection())
    except LOST as error:
        raise Unreached(str(error)) from error
    async with client.pipeline(transaction=False) as pipe:
        for command in commands:
            pipe.execute_command(*command)
        try:
            answers = list(await pipe.execute(raise_on_error=False))
        except BusyLoadingError as error:
            raise Unreached(str(error)) from error
    for i, answer in enumerate(answers):
        if isinstance(answer, Exception) and is_demoted(answer):
            # After a failover behind a name: let the idle connections be opened anew, by the name.
            await client.connection_pool.disconnect(inuse_connections=False)
            answers[i] = ReadOnlyError(str(answer), status_code="READONLY")
    return answers
