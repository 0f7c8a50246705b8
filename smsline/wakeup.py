"""A wake-up: the message that has a worker look into a lane's inbox at once.

A lost one costs a moment, never a job.

It is written in Celery's form (protocol 2, JSON) as kombu lays it onto a Redis list, so that a
producer needs neither of them. With another broker than Redis there is none: a worker's scheduler
looks every 50 ms anyway.
"""

import json
from base64 import b64encode
from collections.abc import Mapping
from uuid import uuid4

from smsline.ledger.inbox import WakeUp
from smsline.names import TASK_ACCEPT, lane_queue


def wake_up(job: str, lane: str, *, here: bool) -> WakeUp:
    """A new wake-up for a job that is about to be written.

    `here` says that the broker's lists are in the ledger's Redis.
    """
    queue, wake_id = lane_queue(lane), uuid4().hex[:8]
    counted = f"{queue}:producers"
    kwargs = {"lane": lane, "job": job, "wake": [counted, wake_id]}
    return WakeUp(counted, wake_id, queue, message(TASK_ACCEPT, queue, kwargs), here)


def message(task: str, queue: str, kwargs: Mapping[str, object]) -> str:
    """A task as kombu 5 writes it onto the Redis list of a queue.

    The fields are explained in docs/payload.md.
    """
    task_id = str(uuid4())
    body = json.dumps([[], kwargs, {"callbacks": None, "errbacks": None, "chain": None, "chord": None}])
    # Written by hand (docs/decisions/0014-no-celery-in-the-producer.md): for this one message a
    # producer would need thirteen packages, in the service's versions. An acceptance test has real
    # workers take such messages.
    return json.dumps(
        {
            "body": b64encode(body.encode()).decode(),
            "content-encoding": "utf-8",
            "content-type": "application/json",
            "headers": {
                "lang": "py",
                "task": task,
                "id": task_id,
                "root_id": task_id,
                "parent_id": None,
                "ignore_result": True,
            },
            "properties": {
                "correlation_id": task_id,
                "delivery_mode": 2,
                "delivery_info": {"exchange": "", "routing_key": queue},
                "delivery_tag": str(uuid4()),
                "body_encoding": "base64",
                "priority": 0,
            },
        }
    )
