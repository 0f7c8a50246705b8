"""`AsyncClient`: `Client` for asyncio, with the same names and guarantees.

Both carry the same talks (`smsline.calls`); only the waiting differs. A call that is cancelled
leaves no half-read connection behind. Its job is there as a whole or not at all, as one script
wrote it; the same call with the same `job_id` or `key` is one job.
"""

import asyncio
import os
from collections.abc import (
    AsyncGenerator,
    AsyncIterable,
    AsyncIterator,
    Callable,
    Iterable,
    Iterator,
    Mapping,
    Sequence,
)
from contextlib import aclosing
from functools import partial
from typing import Any, Final, Self, TypeVar, Unpack

import redis.asyncio
from redis.backoff import NoBackoff
from redis.exceptions import RedisError

from smsline import questions
from smsline.calls import Calls, Target, arguments_of, checked_campaign, reachable
from smsline.client import warn_of_bad, warn_of_wake
from smsline.errors import SmslineError
from smsline.job import PART_SIZE, CampaignOptions, JobOptions, Recipient, Rejected, Summary, rules_of
from smsline.ledger.connection import SOCKET_TIMEOUT_S
from smsline.ledger.inbox import Part, Submitted
from smsline.ledger.jobs import Result, Status
from smsline.ledger.keys import Keys
from smsline.ledger.link import clock_ms
from smsline.ledger.replies import KeptReply, ReplyReader
from smsline.ledger.talk import Command, Talk, ask, carry_async, exchange_async
from smsline.names import DEFAULT_NAMESPACE
from smsline.parts import Tally, nothing_good, parts
from smsline.questions import NumberInfo
from smsline.tracing import submitting
from smsline.upload import Upload
from smsline.urls import read_url, redis_client

T = TypeVar("T")
Rows = Iterable[str | Recipient] | AsyncIterable[str | Recipient]

# Connections of one client at most; further calls wait for one. More would not be faster: Redis
# runs one script at a time.
CONNECTIONS: Final = 32


class AsyncClient:
    """A producer's way in, for asyncio.

    Keep one per process; its connections belong to the event loop that uses it.

    It may be used under several loops in turn, as in `asyncio.run` after `asyncio.run`: connections
    of a loop that is closed are dropped. Under two loops at the same time it is refused.

    Args:
        broker_url: Celery's broker; the ledger's Redis when None.
        redis_url: The ledger's Redis; `redis://127.0.0.1:6390/0`, where `python -m worker up` keeps
            it, when None.
        namespace: Must be the service's.
        region: ISO 3166 country of numbers without a country code; None refuses them.
        timeout_s: Longest wait for a connection, and for an answer.
    """

    def __init__(
        self,
        broker_url: str | None = None,
        redis_url: str | None = None,
        *,
        namespace: str = DEFAULT_NAMESPACE,
        region: str | None = None,
        timeout_s: float = SOCKET_TIMEOUT_S,
    ) -> None:
        self._target = Target.of(broker_url, redis_url, namespace, region)
        self.region = region
        self._timeout_s = timeout_s
        self._calls = Calls(Keys(namespace), region, self._target.broker)
        self._loop: asyncio.AbstractEventLoop | None = None
        self._clients: dict[str, Any] = {}
        # Waited for here: redis-py's own pool raises when it has none left.
        self._turns = asyncio.Semaphore(CONNECTIONS)

    @classmethod
    def from_env(cls, environ: Mapping[str, str] = os.environ) -> Self:
        """Made by the environment, as `Client.from_env`.

        Raises:
            BadInput: A value cannot be used.
        """
        given: Any = arguments_of(environ)
        return cls(**given)

    async def send(
        self, *, to: str, template: str, ref: str = "", job_id: str | None = None, **job: Unpack[JobOptions]
    ) -> str:
        """As `Client.send`."""
        taken = await self._carry(self._calls.send({"template": template, **job}, to=to, ref=ref, job_id=job_id))
        await self._wake(taken)
        return taken.job

    async def campaign(
        self,
        *,
        to: Rows,
        template: str,
        on_rejected: Callable[[Rejected], None] | None = None,
        on_duplicate: Callable[[Rejected], None] | None = None,
        on_progress: Callable[[int], None] | None = None,
        on_summary: Callable[[Summary], None] | None = None,
        at: float | None = None,
        job_id: str | None = None,
        **job: Unpack[CampaignOptions],
    ) -> str:
        """As `Client.campaign`; `to` may be an async iterable too.

        Reading and checking 1,000 rows is one step of the event loop.
        """
        spec = checked_campaign({"template": template, "start_s": at, **job}, to=to)
        with submitting(spec) as traced, Upload(self._calls, traced, job_id) as upload:
            tally, rules = upload.tally, rules_of(job, self.region)
            cut = partial(
                parts, tally=tally, rules=rules, known=upload.known, on_rejected=on_rejected, on_duplicate=on_duplicate
            )
            await self._carry(upload.begin())
            # Closed also when the call is cancelled: a generator that is left open would be ended
            # by the garbage collector, later, under whichever loop runs then.
            async with aclosing(_parts(to, cut)) as source:
                async for part in source:
                    await self._carry(upload.put(part))
                    if on_progress:
                        on_progress(tally.rows)
            if not tally.good + tally.held:
                raise nothing_good(tally)
            taken, summary = await self._carry(upload.end())
        if on_progress:
            on_progress(tally.rows)
        if on_summary:
            on_summary(summary)
        await self._wake(taken)
        warn_of_bad(taken.job, tally if on_rejected is None else Tally())
        return taken.job

    async def status(self, job: str) -> Status:
        """As `Client.status`."""
        return await self._carry(self._calls.status(job))

    async def results(self, job: str) -> AsyncIterator[Result]:
        """As `Client.results`: `async for row in client.results(job)`."""
        reader = await self._carry(self._calls.reader(job))
        for page in reader.pages():
            for _, _, row in await self._carry(page):
                yield row

    async def wait(self, job: str, timeout_s: float | None = 30, *, every_s: float = 0.2) -> Status:
        """As `Client.wait`."""
        return await self._carry(self._calls.wait(job, timeout_s, every_s))

    async def pause(self, job: str) -> None:
        """As `Client.pause`."""
        await self._carry(self._calls.steer(job, "paused"))

    async def resume(self, job: str) -> None:
        """As `Client.resume`."""
        await self._carry(self._calls.steer(job, "open"))

    async def cancel(self, job: str) -> None:
        """As `Client.cancel`."""
        await self._carry(self._calls.steer(job, "cancelled"))

    async def converted(self, job_or_serial: str, *, at: float | None = None, account: str = "") -> int:
        """As `Client.converted`."""
        return await self._carry(questions.converted(self._calls.keys, job_or_serial, at=at, account=account))

    async def number_info(
        self, phones: Sequence[str], *, account: str = "", timeout_s: float = 10.0
    ) -> list[NumberInfo]:
        """As `Client.number_info`."""
        return await self._carry(questions.number_info(self._calls.keys, phones, account, timeout_s))

    async def replies(self, since_s: float = 0) -> AsyncIterator[KeptReply]:
        """As `Client.replies`: `async for reply in client.replies()`."""
        reader = ReplyReader(self._calls.keys, since_s * 1000)
        while (page := await self._carry(reader.page())) is not None:
            for reply in page:
                yield reply

    async def now_s(self) -> float:
        """As `Client.now_s`."""
        (told,) = await self._carry(ask(("TIME",)))
        return clock_ms(told) / 1000

    async def close(self) -> None:
        """Close the connections. The client may be used again, under any loop."""
        # Taken out first: a call that comes while these are closed opens connections of its own.
        clients, self._clients, self._loop = self._clients, {}, None
        for client in clients.values():
            await client.aclose()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.close()

    async def _carry(self, talk: Talk[T]) -> T:
        async def exchange(commands: Sequence[Command]) -> list[Any]:
            client = self._client(self._target.redis_url)
            async with self._turns:
                return await exchange_async(client, commands)

        with reachable():
            return await carry_async(exchange, talk)

    async def _wake(self, taken: Submitted) -> None:
        """As the client's: push a wake-up to a broker that is another Redis."""
        wake = taken.wake
        if wake is None or wake.here:
            return
        broker = self._client(self._target.broker_url)
        try:
            await exchange_async(broker, [("LPUSH", wake.queue, wake.message)])
        except RedisError as error:
            warn_of_wake(taken.job, error)
            await self._carry(ask(("ZREM", self._calls.keys.wakes(wake.counted), wake.id)))

    def _client(self, url: str) -> Any:  # noqa: ANN401 - redis-py's client is generic in what it returns
        """The connections to a Redis, for the loop that is running."""
        loop = asyncio.get_running_loop()
        # A connection's streams belong to the loop that opened them; under another one a
        # call would wait for ever.
        if self._loop is not loop:
            if self._loop is not None and not self._loop.is_closed():
                raise SmslineError(
                    "this AsyncClient is in use under another event loop, which is still open: close() it there, or make one "
                    "AsyncClient for each loop"
                )
            self._loop, self._clients, self._turns = loop, {}, asyncio.Semaphore(CONNECTIONS)
        if url not in self._clients:
            # As `smsline.ledger.connection.connect`: no command is repeated that may
            # have been carried out.
            self._clients[url] = redis_client(
                redis.asyncio,
                read_url(url),
                retry=redis.asyncio.retry.Retry(NoBackoff(), 0),
                socket_timeout=self._timeout_s,
                socket_connect_timeout=self._timeout_s,
                health_check_interval=15,
            )
        return self._clients[url]


async def _parts(rows: Rows, cut: Callable[[Iterable[str | Recipient]], Iterator[Part]]) -> AsyncGenerator[Part, None]:
    """`smsline.parts.parts` of rows that may come asynchronously.

    As many as a part holds are awaited, then cut.
    """
    if not isinstance(rows, AsyncIterable):
        for part in cut(rows):
            yield part
        return
    some: list[str | Recipient] = []
    async for row in rows:
        some.append(row)
        if len(some) == PART_SIZE:
            for part in cut(some):
                yield part
            some = []
    for part in cut(some):
        yield part
