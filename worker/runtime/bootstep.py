"""The scheduler as a part of Celery's worker: started once its pool runs, stopped before it."""

import logging
from contextlib import suppress
from typing import Any

from celery import bootsteps, signals
from redis.exceptions import RedisError

from smsline.ledger import accounts, presence, server, suppression
from smsline.names import QUEUES
from worker import traces
from worker.engine import Engine
from worker.maintenance import balance, statistics
from worker.providers.base import questions_of
from worker.receipts import pushed, replies
from worker.runtime.scheduler import Scheduler
from worker.sending import unserved

log = logging.getLogger(__name__)


class SchedulerStep(bootsteps.StartStopStep):  # type: ignore[misc]  # Celery ships no types
    """Gives each worker process its scheduler; it survives reconnections of the consumer."""

    requires = {"celery.worker.components:Pool"}  # noqa: RUF012 - the name and the type are Celery's

    def __init__(self, worker: Any, **kwargs: Any) -> None:  # noqa: ANN401 - Celery's own
        self._scheduler: Scheduler | None = None
        super().__init__(worker, **kwargs)

    def start(self, worker: Any) -> None:  # noqa: ANN401
        """Make the engine and begin to look."""
        app = worker.app
        # As Celery was told with -Q; queues of other applications on the same worker are not ours
        # to wake.
        consumed = [name for name in app.amqp.queues.consume_from if name in QUEUES]

        def publish(task: str, queue: str, kwargs: dict[str, Any]) -> None:
            # No retry: kombu would wait inside the scheduler's loop, and what is due is published
            # again anyway.
            app.send_task(task, kwargs=kwargs, queue=queue, ignore_result=True, retry=False)

        engine: Engine = app.engine
        engine.traces.on = traces.configure("smsline-worker")
        # At the signal and not at `stop`, which comes when the pool is down: tasks in work must end
        # early.
        signals.worker_shutting_down.connect(
            lambda **_: engine.stopping.set(), weak=False, dispatch_uid="smsline.stopping"
        )
        self._scheduler = Scheduler(engine, consumed, publish, started=register)
        self._scheduler.start()

    def stop(self, _worker: Any) -> None:  # noqa: ANN401
        """Look no more, and let tasks end early."""
        if self._scheduler is not None:
            engine = self._scheduler.engine
            engine.stopping.set()
            self._scheduler.stop()
            with suppress(RedisError):
                engine.dropped.tell()
                presence.leave(engine.ledger, engine.worker)

    # Celery's cold shutdown: the same, or the process would stand as present until its key expires.
    terminate = stop


def register(engine: Engine) -> None:
    """Write the process' accounts into the ledger, so that producers and people can name them.

    Raises:
        redis.exceptions.RedisError: Redis cannot be reached (yet).
    """
    if policy := server.eviction(engine.ledger):
        log.error(
            "Redis evicts keys when its memory is full (maxmemory-policy %s): a job whose key is evicted is lost; set noeviction",
            policy,
        )
    settings = engine.settings.accounts
    providers = {name: account.provider for name, account in settings.items()}
    windows = {name: account.window for name, account in settings.items()}
    accounts.register(engine.ledger, providers, windows, questions=questions_of(engine.providers))
    # Each of these is idempotent: every process does all of them, and does them again after a loss
    # of Redis.
    suppression.adopt(engine.ledger)
    balance.begin(engine)
    engine.presence.announce(now=True)
    unserved.resume(engine)
    replies.begin(engine)
    # Before the first call is made: an opt-out that was pushed while no worker
    # ran holds for that call.
    pushed.read_waiting(engine)
    statistics.begin(engine)
