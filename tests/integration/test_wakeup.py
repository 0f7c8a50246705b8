"""The wake-up that a producer writes by hand is the message that Celery would publish."""

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from celery import Celery
from kombu.connection import Connection
from kombu.entity import Queue
from redis.exceptions import NoPermissionError

from smsline import Client
from smsline.names import TASK_ACCEPT
from smsline.wakeup import message
from tests.support.redis_server import RedisServer
from tests.support.waiting import LONG_S


@pytest.fixture(scope="module")
def redis() -> Iterator[RedisServer]:
    """The broker, and the ledger's Redis."""
    with RedisServer() as server:
        yield server


def taken(url: str, queue: str) -> Any:
    """The next message of a queue, as a worker's kombu reads and acknowledges it."""
    with Connection(url) as connection, connection.SimpleQueue(Queue(queue, no_declare=True)) as waiting:
        found = waiting.get(timeout=LONG_S)
        found.ack()
        return found


def test_kombu_reads_it_as_one_of_celerys_own(redis: RedisServer) -> None:
    """Task, arguments, encoding and every property that Celery sets for such a message."""
    kwargs = {"lane": "otp", "job": "j1", "wake": ["smsline.otp:producers", "abcd1234"]}
    app = Celery(broker=redis.url, set_as_current=False)
    app.send_task(TASK_ACCEPT, kwargs=kwargs, queue="smsline.otp", ignore_result=True)
    theirs = taken(redis.url, "smsline.otp")
    app.close()
    with Client(redis_url=redis.url) as client:
        client._ledger.redis.lpush("smsline.otp", message(TASK_ACCEPT, "smsline.otp", kwargs))
        ours = taken(redis.url, "smsline.otp")
        assert client._ledger.redis.hlen("unacked") == 0
    assert ours.payload == theirs.payload
    assert (ours.content_type, ours.content_encoding) == (theirs.content_type, theirs.content_encoding)
    assert ours.properties.keys() <= theirs.properties.keys()
    assert {name: theirs.headers[name] for name in ("task", "ignore_result", "lang", "parent_id")} == {
        name: ours.headers[name] for name in ("task", "ignore_result", "lang", "parent_id")
    }


def test_a_submit_lays_it_onto_the_lane_s_list(redis: RedisServer) -> None:
    """In the same round trip as the job, and with what the worker strikes out."""
    with Client(redis_url=redis.url) as client:
        job = client.send(to="+8613711112222", template="1", lane="otp")
        _, kwargs, _ = taken(redis.url, "smsline.otp").payload
        assert (kwargs["job"], kwargs["lane"]) == (job, "otp")
        counted, wake = kwargs["wake"]
        assert client._ledger.redis.zscore(client._ledger.keys.wakes(counted), wake)


def test_a_user_of_redis_who_can_only_hand_jobs_over(redis: RedisServer) -> None:
    """The user that SECURITY.md advises may send, follow and steer jobs, and read no other key."""
    (words,) = re.findall(
        r"^ +(ACL SETUSER .*)$", (Path(__file__).parents[2] / "SECURITY.md").read_text(), re.MULTILINE
    )
    url = redis.url.replace("://", "://shop:PASSWORD@")
    with Client(redis_url=redis.url) as client, Client(redis_url=url) as producer:
        admin = client._ledger.redis
        assert admin.execute_command(*words.split())
        job = producer.send(to="+8613711112222", template="1", lane="otp")
        producer.pause(job)
        assert producer.status(job)["state"] == "paused"
        producer.campaign(to=["+8613711112222", "+6591234567"], template="1")
        with pytest.raises(NoPermissionError):
            producer._ledger.redis.get("another application's key")
