"""Redis answers no more, without closing a connection.

What is open is asked again, and an error says what may have happened.
"""

from collections.abc import Iterator
from threading import Timer

import pytest

from smsline import Admin, Client, Unavailable, Unconfirmed
from smsline.cli import main
from smsline.cli.options import Connect
from smsline.ledger.connection import connect
from smsline.ledger.link import Ledger
from tests.support.redis_server import RedisServer

NUMBER = "+8613800109999"
TIMEOUT_S = 0.2
"""Of a round trip, here; a producer's is 5 s."""


@pytest.fixture(scope="module")
def redis() -> Iterator[RedisServer]:
    """A Redis that can be stopped."""
    with RedisServer() as server:
        yield server
        server.go_on()


@pytest.fixture
def client(redis: RedisServer, request: pytest.FixtureRequest) -> Iterator[Client]:
    """A client with an open connection, an empty ledger and little patience."""
    ledger = Ledger(connect(redis.url, timeout_s=TIMEOUT_S), request.node.name.partition("[")[0][:40])
    with Client(ledger=ledger) as made:
        ledger.redis.ping()
        yield made
        redis.go_on()


def jobs_of(client: Client) -> list[tuple[str, int, bool]]:
    """Id, recipients and completeness of every job."""
    found = Admin(ledger=client._ledger).jobs()
    return [(each["job"], each["counts"]["total"], each["complete"]) for each in found]


def test_a_short_stall_is_waited_for(client: Client, redis: RedisServer) -> None:
    """The submit is asked again while Redis is silent; it is one job whenever the first is read."""
    redis.stall()
    Timer(1.5 * TIMEOUT_S, redis.go_on).start()
    job = client.send(to=NUMBER, template="1", lane="otp")
    assert jobs_of(client) == [(job, 1, True)]


def test_what_stays_open_is_said_with_the_job(client: Client, redis: RedisServer) -> None:
    """Neither "taken" nor "not taken" is claimed; the same call under the job's id is one job."""
    redis.stall()
    with pytest.raises(Unconfirmed, match="may have been taken: Redis did not answer") as doubt:
        client.send(to=NUMBER, template="1", lane="otp")
    assert not isinstance(doubt.value, Unavailable), "who retries on that would send twice"
    redis.go_on()
    assert client.send(to=NUMBER, template="1", lane="otp", job_id=doubt.value.job) == doubt.value.job
    assert jobs_of(client) == [(doubt.value.job, 1, True)]


def test_a_new_connection_to_a_stalled_redis_takes_nothing(
    redis: RedisServer, capsys: pytest.CaptureFixture[str]
) -> None:
    """Connecting fails within its timeout and nothing was asked: certainly not taken.

    The command says so and ends.
    """

    def stranger() -> Client:
        return Client(ledger=Ledger(connect(redis.url, timeout_s=TIMEOUT_S), "strangers"))

    redis.stall()
    with pytest.raises(Unavailable, match="nothing was taken"):
        stranger().send(to=NUMBER, template="1")
    code = main(["send", "--to", NUMBER, "--template", "1"], connect=Connect(stranger, Admin))
    redis.go_on()
    assert (code, capsys.readouterr().err.count("nothing was taken")) == (1, 1)
    assert jobs_of(stranger()) == []


def test_a_campaign_that_stalls_in_the_middle_is_continued(client: Client, redis: RedisServer) -> None:
    """Its error says that nothing goes out yet.

    The whole call again, under the job's id, has each number once.
    """
    numbers = [f"+{8613800100000 + n}" for n in range(2_500)]
    with pytest.raises(
        Unconfirmed, match="is incomplete: Redis went away after 1 parts; nothing of it goes out"
    ) as doubt:
        client.campaign(to=numbers, template="5678", on_progress=lambda rows: redis.stall() if rows >= 2_000 else None)
    redis.go_on()
    assert not client.status(doubt.value.job)["complete"]
    assert client.campaign(to=numbers, template="5678", job_id=doubt.value.job) == doubt.value.job
    assert jobs_of(client) == [(doubt.value.job, 2_500, True)]


def test_steering_waits_for_a_short_stall_too(client: Client, redis: RedisServer) -> None:
    """A cancel is asked again, and once more by its caller it does no harm."""
    job = client.send(to=NUMBER, template="1", lane="otp")
    redis.stall()
    Timer(1.5 * TIMEOUT_S, redis.go_on).start()
    client.cancel(job)
    client.cancel(job)
    assert client.status(job)["state"] == "cancelled"
