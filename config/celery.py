"""Celery's options, each with its reason beside it, and our logging in place of Celery's.

Figures are measured on Celery 5.7.0 with kombu 5.7.0 and Redis 7.0, on two shared cores.
"""

from typing import Any, Final

from celery import signals
from kombu.entity import Exchange, Queue

from config.logs import setup_logging
from config.settings import Settings
from smsline.names import (
    QUEUES,
    RECEIPTS_QUEUE,
    TASK_CLOSE,
    TASK_DRAIN,
    TASK_PROBE,
    TASK_WEBHOOKS,
    WEBHOOKS_QUEUE,
    lane_queue,
)
from smsline.urls import celery_broker, is_redis

# How long Redis waits before it gives a message that was not acknowledged to another worker. A task
# works for about a second and one call (`timeout_s`), so nothing that is still being worked on is
# given away; a message given away anyway only wakes a worker that finds its item claimed.
VISIBILITY_S: Final = 120

MESSAGES: Final[dict[str, Any]] = {
    # A message is a wake-up in plain JSON; anything else in a queue is not ours and is refused.
    # Pickle from a broker that others can write to is remote code execution.
    "accept_content": ["json"],
    "task_serializer": "json",
    "result_serializer": "json",
    "event_serializer": "json",
    # What became of a job stands in the ledger. A result would cost 5 more Redis
    # commands a task (9 become 14).
    "task_ignore_result": True,
    "result_backend": None,
    # Acknowledged when worked: a process that dies gives its wake-ups back. Twice is harmless, as a
    # task claims its item in the ledger first.
    "task_acks_late": True,
    "task_reject_on_worker_lost": True,
    # A wake-up that cannot be published is tried again for about a second; then the scheduler
    # finds the item anyway.
    "task_publish_retry": True,
    "task_publish_retry_policy": {"max_retries": 3, "interval_start": 0, "interval_step": 0.2, "interval_max": 0.5},
    # Nothing listens by default. Events cost 27 to 37 % of the tasks per second.
    "worker_send_task_events": False,
    "task_send_sent_event": False,
    # Task messages that ask for a later time are a stranger's: ours never do, because on Redis a
    # time beyond the visibility timeout is delivered again and again (30 tasks became 150
    # executions). A bound, so that they cannot fill the memory.
    "worker_eta_task_limit": 100,
    "enable_utc": True,
    "timezone": "UTC",
}

ROUTES: Final[dict[str, Any]] = {
    # The queue of the other tasks depends on the lane, so their publisher names it. The default is
    # for a foreign producer's `smsline.submit` without one.
    "task_default_queue": lane_queue("notify"),
    "task_routes": {
        **{name: {"queue": RECEIPTS_QUEUE} for name in (TASK_DRAIN, TASK_PROBE, TASK_CLOSE)},
        TASK_WEBHOOKS: {"queue": WEBHOOKS_QUEUE},
    },
    # A misspelt queue, in `-Q` or at a publisher, is an error and not a new queue
    # that no worker serves.
    "task_create_missing_queues": False,
}

WORKER: Final[dict[str, Any]] = {
    # Threads: nothing lost, nothing doubled, no stall in 52 stops under load. Prefork stalls
    # 32 s in a quarter of its warm stops and repeats tasks; gevent with a multiplier of 1
    # falls to 10 tasks a second.
    "worker_pool": "threads",
    # One message per thread: an otp beside a backlog starts after 21 ms, with 64 it waited 3.2 s.
    "worker_prefetch_multiplier": 1,
    # Rate limits are the ledger's, over all processes; Celery's are per process and hold
    # back prefetched messages.
    "worker_disable_rate_limits": True,
    # After a lost connection a task goes on: ended in the middle of a call, its
    # outcome would be unknown.
    "worker_cancel_long_running_tasks_on_connection_loss": False,
    # After a lost connection Celery takes fewer messages until those from before are worked, and
    # the thread that ends the last of them sets the count anew while the main thread reads from the
    # same connection. On RabbitMQ both then wait for ever for the one answer (seen in every third
    # cut of the connection under load, Celery 5.7.0 with amqp 5.4.2).
    "worker_enable_prefetch_count_reduction": False,
    # Logging is set up by config.logs, which masks numbers and secrets.
    "worker_hijack_root_logger": False,
    "worker_redirect_stdouts": False,
}


def celery_options(settings: Settings) -> dict[str, Any]:
    """Everything the Celery app is configured with.

    Args:
        settings: The service's settings.

    Returns:
        Celery's lower-case option names with their values.
    """
    broker = celery_broker(settings.broker_url)
    # No global_keyprefix: a producer in another language finds a queue by its name alone. The price
    # is that one Redis database serves one installation, whatever the namespace.
    of_redis = {
        "visibility_timeout": VISIBILITY_S,
        # Look for messages to give to another worker every 5 s; kombu's defaults (10 and
        # 10) do it every 100 s.
        "unacked_restore_interval": 5,
        "unacked_restore_throttle": 1,
        # A connection that died without a word is noticed within seconds, not at the next message.
        "health_check_interval": 10,
        "socket_keepalive": True,
    }
    transport = of_redis if is_redis(settings.broker_url) else {"confirm_publish": True}
    return {
        **MESSAGES,
        **ROUTES,
        **WORKER,
        **broker,
        "broker_transport_options": transport | broker["broker_transport_options"],
        # A worker outlasts its broker: it waits for it at the start, and afterwards for ever.
        "broker_connection_retry": True,
        "broker_connection_retry_on_startup": True,
        "broker_connection_max_retries": None,
        # Explicit, and spelt as Celery itself would make them from a name: a foreign producer that
        # only says queue="smsline.otp" declares the same, which RabbitMQ insists on.
        "task_queues": [Queue(name, Exchange(name, type="direct"), routing_key=name) for name in QUEUES],
        "worker_concurrency": settings.worker_threads,
        # SIGQUIT lets a call end before it stops the process; SIGTERM waits for every task.
        "worker_soft_shutdown_timeout": settings.longest_call_s + 5.0,
    }


def use_our_logging(settings: Settings) -> None:
    """Let Celery's worker set up our logging.

    It skips its own as soon as this signal has a receiver.
    """

    def receive(**_: Any) -> None:  # noqa: ANN401 - level, file and colours from Celery's command line
        setup_logging(settings)

    # Not weak: nothing else holds this function, and Celery would set up its own
    # logging, which masks nothing.
    signals.setup_logging.connect(receive, weak=False, dispatch_uid="smsline.logs")
