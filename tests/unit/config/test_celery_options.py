"""Rules of Celery's options."""

from typing import Any

import pytest
from celery.app import defaults

from config.celery import celery_options
from config.settings import Settings
from smsline.names import QUEUES, TASKS


def options(**settings: Any) -> dict[str, Any]:
    return celery_options(Settings.model_validate(settings))


def test_celery_knows_every_option() -> None:
    """Each option is one of Celery's own, so that a misspelt one cannot be without effect."""
    assert set(options()) <= set(defaults.DEFAULTS)


def test_what_the_design_rests_on() -> None:
    """Without these options messages pile up, are lost in a dying worker, or fill the memory."""
    made = options(worker_threads=3)

    assert made["worker_pool"] == "threads"
    assert made["worker_concurrency"] == 3
    assert made["worker_prefetch_multiplier"] == 1
    assert made["task_acks_late"] is True
    assert made["task_ignore_result"] is True
    assert made["accept_content"] == ["json"]
    assert made["worker_send_task_events"] is False
    assert made["broker_connection_max_retries"] is None
    assert made["broker_connection_retry_on_startup"] is True


def test_redis_as_broker() -> None:
    """On Redis, unacknowledged messages come back within visibility timeout and a few seconds.

    Keys are queue names.
    """
    transport = options(namespace="line2")["broker_transport_options"]

    assert transport == {
        "visibility_timeout": 120,
        "unacked_restore_interval": 5,
        "unacked_restore_throttle": 1,
        "health_check_interval": 10,
        "socket_keepalive": True,
    }


@pytest.mark.parametrize("scheme", ["amqp", "amqps"])
def test_rabbitmq_as_broker(scheme: str) -> None:
    """RabbitMQ gets none of Redis' options, and must confirm what is published."""
    made = options(broker_url=f"{scheme}://u:p@q//")

    assert made["broker_url"] == f"{scheme}://u:p@q//"
    assert made["broker_transport_options"] == {"confirm_publish": True}


def test_queues_and_routes() -> None:
    """Every queue is declared with an exchange of its own name; every route leads to one."""
    made = options()
    queues = {queue.name: queue for queue in made["task_queues"]}

    assert tuple(queues) == QUEUES
    assert all(queue.exchange.name == queue.routing_key == name for name, queue in queues.items())
    assert made["task_default_queue"] in queues
    assert set(made["task_routes"]) <= set(TASKS)
    assert {route["queue"] for route in made["task_routes"].values()} <= set(queues)


def test_soft_shutdown_outlasts_a_call() -> None:
    """A worker that is told to quit leaves its call the time it may take."""
    account = {"provider": "tencent", "secret_id": "i", "secret_key": "k", "sdk_app_id": "1", "timeout_s": 20}

    assert options(accounts={"main": account})["worker_soft_shutdown_timeout"] == 25
    assert options()["worker_soft_shutdown_timeout"] == 15
