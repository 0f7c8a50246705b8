"""A typed example of every public call, checked by mypy; it is not run."""

from collections.abc import AsyncIterator, Iterator
from typing import assert_type

from smsline import (
    AccountHealth,
    Admin,
    AsyncClient,
    BadInput,
    Client,
    Conflict,
    DeadGroup,
    DeadRow,
    NotFound,
    Recipient,
    Rejected,
    Result,
    SmslineError,
    Status,
    SuppressedNumber,
    Unavailable,
    Unconfirmed,
)
from smsline.testing import AsyncCollector, Collected, Collector


def produce(line: Client | Collector) -> str:
    """Hand jobs over."""
    code: str = line.send(
        to="+8613711112222", template="1234", params=["482913"], lane="otp", ttl_s=300, key="login-77", ref="u77"
    )
    rows: list[str | Recipient] = [Recipient("+8613711112222", ("Ana",), "r1"), "+6591234567"]
    job: str = line.campaign(
        to=rows,
        template="5678",
        sign="ACME",
        pace=500,
        at=1_800_000_000.0,
        on_rejected=rejected,
        on_progress=lambda _rows: None,
    )
    return code + job


def rejected(row: Rejected) -> None:
    """Told of a bad row."""
    assert_type(row.row, int)
    assert_type(row.reason, str)


def look(line: Client | Collector, job: str) -> None:
    """Ask how jobs stand, and steer them."""
    assert_type(line.status(job), Status)
    assert_type(line.status(job)["counts"]["delivered"], int)
    assert_type(line.wait(job, timeout_s=30), Status)
    assert_type(line.results(job), Iterator[Result])
    line.pause(job)
    line.resume(job)
    line.cancel(job)
    line.close()


async def produce_async(line: AsyncClient | AsyncCollector, rows: AsyncIterator[str | Recipient]) -> None:
    """The same under asyncio."""
    async with line:
        assert_type(await line.send(to="+8613711112222", template="1234", lane="otp", job_id="0mx0noynn5290geyda"), str)
        job = await line.campaign(to=rows, template="5678", stream=True)
        assert_type(await line.status(job), Status)
        assert_type(await line.wait(job, timeout_s=None), Status)
        assert_type([row async for row in line.results(job)], list[Result])
        await line.pause(job)
        await line.resume(job)
        await line.cancel(job)


def administer(line: Admin) -> None:
    """What a tool for people calls, besides what it shares with a client."""
    assert_type(line.jobs(limit=10, state="open"), list[Status])
    assert_type(line.dead_groups(code="", job="", account="main"), list[DeadGroup])
    assert_type(line.dead_rows(job="x"), Iterator[DeadRow])
    assert_type(line.requeue(account="main", on_progress=lambda _done: None), int)
    assert_type(line.drop(code="x"), int)
    assert_type(line.accounts(), list[AccountHealth])
    assert_type(line.resume_account("main"), int)
    assert_type(line.suppress(["+8613711112222"]), int)
    assert_type(line.unsuppress(["+8613711112222"]), int)
    assert_type(line.suppressed(), Iterator[SuppressedNumber])
    assert_type(line.status("x"), Status)


def make() -> list[Client | Admin]:
    """Every way to a client or an admin."""
    return [
        Admin.from_env(),
        Admin(redis_url="redis://127.0.0.1/0"),
        Client.from_env(),
        Client(broker_url="amqp://127.0.0.1", redis_url="redis://127.0.0.1/0", namespace="a", region="CN"),
    ]


def fail(line: Client) -> None:
    """Every error."""
    try:
        line.send(to="1", template="")
    except BadInput as error:
        assert_type(error.field, str)
    except (Conflict, NotFound, Unavailable) as error:
        raise SmslineError(str(error)) from error
    except Unconfirmed as doubt:
        line.send(to="1", template="", job_id=doubt.job)


def collected(line: Collector) -> None:
    """What a producer's test looks at."""
    assert_type(line.jobs, list[Collected])
    assert_type(line.jobs[0].phones, list[str])
    line.finish(line.jobs[0].id, "undelivered", phone="+8613711112222")
