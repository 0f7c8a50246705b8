"""`AsyncClient` on a real Redis: the names and guarantees of `Client`.

They hold when it is cancelled, and under loops in turn, too.
"""

import asyncio
import gc
import inspect
import json
from base64 import b64decode
from collections.abc import AsyncIterator, Callable, Coroutine, Generator, Iterator
from typing import Any

import pytest
from anyio.lowlevel import checkpoint

from smsline import (
    Admin,
    AsyncClient,
    BadInput,
    Client,
    Conflict,
    NotFound,
    Rejected,
    SmslineError,
    Unavailable,
    Unconfirmed,
)
from smsline.job import new_job_id
from tests.support.redis_server import RedisServer, free_port

pytestmark = pytest.mark.anyio

NUMBER = "+8613711112222"
MANY = [f"+{8613800100000 + n}" for n in range(1_500)]


@pytest.fixture(scope="module")
def anyio_backend() -> str:
    """redis-py speaks asyncio only."""
    return "asyncio"


@pytest.fixture(scope="module")
def redis() -> Iterator[RedisServer]:
    """A Redis."""
    with RedisServer() as server:
        yield server


@pytest.fixture
def admin(redis: RedisServer) -> Iterator[Admin]:
    """A look at an empty ledger."""
    with Admin(redis_url=redis.url) as made:
        made._ledger.redis.flushall()
        yield made


def test_the_two_clients_have_the_same_calls() -> None:
    """Name by name and argument by argument; `to` of a campaign may be asynchronous besides."""
    for name, call in inspect.getmembers(Client, inspect.isfunction):
        if not name.startswith("_") and name != "acting":  # which is for people
            theirs = inspect.signature(getattr(AsyncClient, name)).parameters
            ours = inspect.signature(call).parameters
            assert {n: (p.kind, p.default) for n, p in theirs.items()} == {
                n: (p.kind, p.default) for n, p in ours.items()
            }, name


async def test_jobs_are_handed_over_followed_and_steered(redis: RedisServer, admin: Admin) -> None:
    """As by `Client`: a wake-up in the same round trip, statuses, pages of results, the errors."""
    async with AsyncClient(redis_url=redis.url) as client:
        job = await client.send(to=NUMBER, template="1234", params=["482913"], lane="otp", key="login-7", ref="u7")
        assert (
            await client.send(to=NUMBER, template="1234", params=["482913"], lane="otp", key="login-7", ref="u7") == job
        )
        assert [row["ref"] async for row in client.results(job)] == ["u7"]
        assert admin._ledger.redis.llen("smsline.otp") >= 1
        with pytest.raises(TimeoutError, match="it goes on"):
            await client.wait(job, timeout_s=0.01, every_s=0.01)
        await client.pause(job)
        assert (await client.status(job))["state"] == "paused"
        await client.resume(job)
        assert await client.now_s() == pytest.approx(admin.now_s(), abs=60)
        await client.cancel(job)
        with pytest.raises(Conflict, match="can no longer become open"):
            await client.resume(job)
        with pytest.raises(NotFound):
            await client.status("0" * 18)
        with pytest.raises(BadInput, match="lane"):
            await client.send(to=NUMBER, template="1", lane="express")


async def test_a_broker_that_is_another_redis_gets_the_wake_up(
    redis: RedisServer, admin: Admin, caplog: pytest.LogCaptureFixture
) -> None:
    """Over a connection of its own; when that fails the job is safe, and the log says so."""
    async with AsyncClient(f"{redis.url.removesuffix('/0')}/1", redis.url) as client:
        job = await client.send(to=NUMBER, template="1", lane="otp")
        (pushed,) = await client._client(client._target.broker_url).lrange("smsline.otp", 0, -1)
        assert job in b64decode(json.loads(pushed)["body"]).decode()
    assert admin._ledger.redis.llen("smsline.otp") == 0
    async with AsyncClient(f"redis://127.0.0.1:{free_port()}/0", redis.url) as client:
        await client.send(to=NUMBER, template="1", lane="otp")
    assert "is taken, but its wake-up could not be published" in caplog.text
    assert len(admin.jobs()) == 2


async def test_a_campaign_may_come_row_by_row(redis: RedisServer, admin: Admin) -> None:
    """From an async generator too; bad rows are told by their place in it."""
    assert admin.jobs() == []
    told: list[Rejected] = []

    async def rows() -> AsyncIterator[str]:
        for n, number in enumerate(MANY):
            await checkpoint()
            yield "12" if n == 1_200 else number

    async with AsyncClient(redis_url=redis.url) as client:
        job = await client.campaign(to=rows(), template="5678", on_rejected=told.append)
        assert (await client.status(job))["counts"]["total"] == len(MANY) - 1
        assert [row.row for row in told] == [1_201]
        assert len([row async for row in client.results(job)]) == len(MANY) - 1
        with pytest.raises(BadInput, match="no row is good"):
            await client.campaign(to=["12"], template="5678")


async def test_many_calls_at_once_share_few_connections(redis: RedisServer, admin: Admin) -> None:
    """Each has its own job."""
    async with AsyncClient(redis_url=redis.url) as client:
        jobs = await asyncio.gather(*(client.send(to=number, template="1", lane="otp") for number in MANY[:300]))
    assert len(set(jobs)) == 300 == len(admin.jobs(limit=1_000))
    assert admin._ledger.redis.info("clients")["connected_clients"] <= 40


class CancelledAt:
    """Awaits a coroutine and cancels it the k-th time that it waits.

    Attributes:
        happened: Whether it has waited so often.
    """

    def __init__(self, coroutine: Coroutine[Any, Any, Any], k: int) -> None:
        self._coroutine = coroutine
        self._left = k
        self.happened = False

    def __await__(self) -> Generator[Any, Any, Any]:
        task = asyncio.current_task()
        assert task is not None
        steps = self._coroutine.__await__()
        try:
            waited_for = next(steps)
            while True:
                self._left -= 1
                if self._left == 0:
                    self.happened = True
                    asyncio.get_running_loop().call_soon(task.cancel)
                try:
                    answer = yield waited_for
                except BaseException as error:  # noqa: BLE001 - handed on as it is
                    waited_for = steps.throw(error)
                else:
                    waited_for = steps.send(answer)
        except StopIteration as end:
            return end.value


async def cancelled_at(coroutine: Coroutine[Any, Any, Any], k: int) -> bool:
    """Run in a task of its own; whether it was cancelled."""
    at = CancelledAt(coroutine, k)

    async def run() -> None:
        await at

    task = asyncio.create_task(run())
    await asyncio.wait([task])
    if not task.cancelled():
        task.result()
    return at.happened


@pytest.mark.parametrize("warm", [True, False], ids=["open connection", "no connection yet"])
@pytest.mark.parametrize("what", ["send", "campaign"])
async def test_a_call_may_be_cancelled_wherever_it_waits(
    redis: RedisServer, admin: Admin, what: str, *, warm: bool
) -> None:
    """At every await in turn: the job is there as a whole or not, its repetition is one job.

    No later answer is another's.
    """
    calls: dict[str, Callable[[AsyncClient, str], Coroutine[Any, Any, str]]] = {
        "send": lambda client, job: client.send(to=NUMBER, template="1", lane="otp", job_id=job),
        "campaign": lambda client, job: client.campaign(to=MANY, template="1", job_id=job),
    }
    call, total = calls[what], {"send": 1, "campaign": len(MANY)}[what]
    async with AsyncClient(redis_url=redis.url) as client:
        known = await client.send(to="+6591234567", template="1", ref="known")
        k = 0
        while True:
            k += 1
            if not warm:
                await client.close()
            job = new_job_id()
            happened = await cancelled_at(call(client, job), k)
            assert [row["ref"] async for row in client.results(known)] == ["known"]
            assert (await client.status(known))["job"] == known
            left = [status for status in admin.jobs(limit=1) if status["job"] == job]
            assert all(status["counts"]["total"] == total for status in left if status["complete"])
            assert await call(client, job) == job
            status = await client.status(job)
            assert (status["counts"]["total"], status["complete"]) == (total, True)
            if not happened:
                break
    assert k > 2, "it waited at least for an answer"


def test_a_client_serves_one_loop_after_the_other(redis: RedisServer, admin: Admin) -> None:
    """Under the next loop it opens connections of its own; under two at once it says what to do."""
    client = AsyncClient(redis_url=redis.url)

    async def send() -> str:
        try:
            return await client.send(to=NUMBER, template="1")
        finally:
            await client.close()

    assert len({asyncio.run(send()), asyncio.run(send())}) == 2

    async def use() -> None:
        await client.status(admin.jobs()[0]["job"])
        other = asyncio.new_event_loop()
        try:
            await asyncio.to_thread(other.run_until_complete, client.status("0" * 18))
        finally:
            other.close()
            await client.close()

    with pytest.raises(SmslineError, match="another event loop, which is still open"):
        asyncio.run(use())


@pytest.mark.filterwarnings("ignore::ResourceWarning")  # what the loop that is gone has left open
def test_a_loop_that_ended_without_a_close_is_left_behind(redis: RedisServer, admin: Admin) -> None:
    """Its connections cannot be used or closed any more; the client goes on with new ones."""
    client = AsyncClient(redis_url=redis.url)
    jobs = [asyncio.run(client.send(to=NUMBER, template="1")) for _ in range(3)]
    assert {status["job"] for status in admin.jobs()} == set(jobs)
    del client
    gc.collect()  # here, where their warnings are expected


async def test_a_demoted_server_is_left_for_the_primary(redis: RedisServer, admin: Admin) -> None:
    """Its refusal is no error of the call.

    The idle connections are opened anew, by name, and the script runs there.
    """
    async with AsyncClient(redis_url=redis.url) as client:
        await client.send(to=NUMBER, template="1", lane="otp")
        ours = client._clients[redis.url]
        admin._ledger.redis.replicaof("127.0.0.1", 1)
        closed: list[bool] = []

        async def disconnect(inuse_connections: bool = True) -> None:
            closed.append(inuse_connections)
            admin._ledger.redis.replicaof("NO", "ONE")  # the name leads to the new primary

        ours.connection_pool.disconnect = disconnect
        try:
            job = await client.send(to=NUMBER, template="1", lane="otp")
        finally:
            del ours.connection_pool.disconnect
            admin._ledger.redis.replicaof("NO", "ONE")
        assert closed
        assert not any(closed), "connections of other calls stay as they are"
        assert (await client.status(job))["counts"]["total"] == 1


async def test_errors_say_what_is_certain(redis: RedisServer, admin: Admin) -> None:
    """No Redis: not taken. A Redis that falls silent: perhaps taken, with the job's id.

    The repetition is one job.
    """
    async with AsyncClient(redis_url=f"redis://127.0.0.1:{free_port()}/0") as nowhere:
        with pytest.raises(Unavailable, match="nothing was taken"):
            await nowhere.send(to=NUMBER, template="1")
    async with AsyncClient(redis_url=redis.url, timeout_s=0.2) as client:
        await client.send(to=NUMBER, template="1", lane="otp")
        redis.stall()
        try:
            with pytest.raises(Unconfirmed) as doubt:
                await client.send(to=NUMBER, template="1", lane="otp")
        finally:
            redis.go_on()
        assert await client.send(to=NUMBER, template="1", lane="otp", job_id=doubt.value.job) == doubt.value.job
    assert len(admin.jobs()) == 2
