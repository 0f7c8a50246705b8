"""The pulse as a part of Celery's worker: started once its pool runs, stopped before it."""

from typing import Any

from celery import bootsteps, signals

from smsline.names import QUEUES
from worker.pulse import Pulse


class PulseStep(bootsteps.StartStopStep):  # type: ignore[misc]  # Celery ships no types
    """Gives each worker process its pulse; it survives reconnections of the consumer."""

    requires = {"celery.worker.components:Pool"}  # noqa: RUF012 - the name and the type are Celery's

    def __init__(self, worker: Any, **kwargs: Any) -> None:  # noqa: ANN401 - Celery's own
        self._pulse: Pulse | None = None
        super().__init__(worker, **kwargs)

    def start(self, worker: Any) -> None:  # noqa: ANN401
        """Make the engine and begin to look."""
        from worker.current import engine, register  # noqa: PLC0415 - worker.current needs the app that this step is part of

        app = worker.app
        consumed = [name for name in app.amqp.queues.consume_from if name in QUEUES]

        def publish(task: str, queue: str, kwargs: dict[str, Any]) -> None:
            app.send_task(task, kwargs=kwargs, queue=queue, ignore_result=True, retry=False)

        found = engine()
        signals.worker_shutting_down.connect(
            lambda **_: found.stopping.set(), weak=False, dispatch_uid="smsline.stopping"
        )
        self._pulse = Pulse(found, consumed, publish, started=register)
        self._pulse.start()

    def stop(self, _worker: Any) -> None:  # noqa: ANN401
        """Look no more, and let tasks end early."""
        if self._pulse is not None:
            self._pulse.engine.stopping.set()
            self._pulse.stop()

    terminate = stop
