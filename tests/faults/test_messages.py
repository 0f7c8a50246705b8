"""Messages that are no messages, pushed into the queues by hand or by a foreign client."""

import base64
import json
import os
from typing import Any

import pytest
from redis.exceptions import RedisError

from smsline.ledger.link import Ledger
from smsline.names import TASK_SUBMIT
from tests.faults.support.service import Service
from tests.support.scene import make_scene
from tests.support.waiting import wait_until
from worker.runtime.scheduler import Scheduler

QUEUE = "smsline.notify"
CODE = "771\ud800204"


def message(body: object, headers: object, **properties: Any) -> str:
    """What kombu pushes."""
    packed = base64.b64encode(json.dumps(body).encode()).decode()
    place = {"exchange": QUEUE, "routing_key": QUEUE}
    delivery = {"delivery_tag": os.urandom(8).hex(), "body_encoding": "base64", "delivery_info": place}
    return json.dumps(
        {
            "body": packed,
            "headers": headers,
            "content-type": "application/json",
            "content-encoding": "utf-8",
            "properties": {**delivery, **properties},
        }
    )


def submit(payload: object, message_id: str) -> str:
    """A job from a producer that does not import smsline."""
    return message([[payload], {}, {}], {"task": TASK_SUBMIT, "id": message_id, "lang": "py"})


def test_no_message_ends_a_process(service: Service) -> None:
    """What cannot be read is refused, no log shows what it held, and the next good one is a job."""
    good = {"v": 1, "template": "1234", "to": ["+8613800100000"], "params": ["771204"], "lane": "notify"}
    headers = {"task": TASK_SUBMIT, "id": "x", "lang": "py"}
    junk = [
        "not json 771204",
        "[]",
        '"text"',
        "{}",
        '{"properties": {}}',
        '{"properties": {"delivery_tag": "1"}, "headers": []}',
        message([], None),
        message([], {}),
        message([], {"task": "no.such.task", "id": "1"}),
        message([], {"task": TASK_SUBMIT}),
        message("771204", headers),
        message([[good], {}, {}], headers, body_encoding="no-such"),
        message([[good], {}, {}], headers, delivery_info={}),
        message([[good], {}, {}], headers).replace("application/json", "application/x-python-serialize"),
        message([[good], {}, {}], {**headers, "eta": "never", "expires": 12, "timelimit": "x"}),
        message([[], {"payload": 7, "more": CODE}, {}], headers),
        submit([CODE], "list"),
        submit({**good, "params": [CODE]}, "half"),
        submit({**good, "to": [{"phone": "+8613800100000", "params": {"a": CODE}}]}, "table"),
    ]
    worker = service.worker(LOG_LEVEL="debug").wait_ready()
    for each in junk:
        service.ledger.redis.lpush(QUEUE, each)
    service.ledger.redis.lpush(QUEUE, submit(good, "good"))

    wait_until(lambda: len(service.sent()) == 1, what="the good message")
    assert worker.alive()
    refused = service.ledger.keys.refused
    wait_until(lambda: service.ledger.redis.llen(refused) == len(junk), what="each kept as refused, with the reason")
    kept = service.ledger.redis.lrange(refused, 0, -1)
    assert {entry.split()[0] for entry in kept} >= {b"list", b"table"}
    assert b"771204" not in b" ".join(kept)
    told = (service.folder / "workers.log").read_text(encoding="utf-8", errors="replace")
    assert "771204" not in told
    assert "d800204" not in told
    assert "\\ud800" not in told


def test_what_is_dropped_while_redis_is_away_is_told_later(ledger: Ledger) -> None:
    """At the first look of the scheduler that reaches Redis, once and in order."""
    engine = make_scene(ledger).engine
    away, there = Ledger.at("redis://127.0.0.1:1/0", ledger.keys.prefix.strip("{}:")), engine.dropped._ledger
    engine.dropped._ledger = away
    for message in ("first", "second"):
        engine.dropped.note(message, "why")
    with pytest.raises(RedisError):
        Scheduler(engine, [QUEUE], lambda *_: None).look()
    engine.dropped._ledger = there
    for _ in range(2):
        Scheduler(engine, [QUEUE], lambda *_: None).look()
    assert ledger.redis.lrange(ledger.keys.refused, 0, -1) == [b"second why", b"first why"]
