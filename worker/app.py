"""The composition root: settings, one Celery app, and the engine that the app owns.

`celery -A worker.app worker` and `python -m worker` both use `app`. With settings that cannot be
used, importing this module writes what is wrong to standard error and ends the process with code 2:
without settings no task can do anything.
"""

import sys
import threading
import warnings
from typing import Any

from celery import Celery
from celery.exceptions import CPendingDeprecationWarning

from config.celery import celery_options, use_our_logging
from config.settings import Settings, SettingsError, load_settings
from smsline import codes, words
from smsline.ledger.link import Ledger
from worker.engine import Engine
from worker.providers.registry import open_providers
from worker.runtime.bootstep import SchedulerStep
from worker.runtime.celery_patches import QuietConsumer, correct_kombu, message_dropped
from worker.runtime.readiness import announce_when_ready
from worker.runtime.tasks import GuardedTask
from worker.webhooks.deliver import Deliveries

__all__ = ["SmslineApp", "app", "build_app", "settings"]


class SmslineApp(Celery):  # type: ignore[misc]  # Celery ships no types
    """A Celery app with the engine that its tasks and its scheduler work with.

    Attributes:
        settings: What the process is configured with.
    """

    def __init__(self, settings: Settings, **options: Any) -> None:  # noqa: ANN401 - Celery's own
        super().__init__("smsline", task_cls=GuardedTask, **options)
        self.settings = settings
        self._engine: Engine | None = None
        self._engine_lock = threading.Lock()
        self._deliveries: Deliveries | None = None

    @property
    def engine(self) -> Engine:
        """The engine of this process, made at first use: importing the app must not need Redis.

        Raises:
            BadInput: An account cannot be used.
        """
        with self._engine_lock:
            # Tasks of several threads may ask at once, and connections must not be made twice.
            if self._engine is None:
                if self.settings.codes_file:
                    codes.load_overrides(self.settings.codes_file)
                if self.settings.words_file:
                    words.load_words(self.settings.words_file)
                ledger = Ledger.at(self.settings.redis_url, self.settings.namespace)
                self._engine = Engine(self.settings, ledger, open_providers(self.settings))
            return self._engine

    @property
    def deliveries(self) -> Deliveries:
        """The threads of this process that deliver webhooks, made at first use."""
        engine = self.engine
        with self._engine_lock:
            self._deliveries = self._deliveries or Deliveries(engine)
            return self._deliveries


def build_app(settings: Settings) -> SmslineApp:
    """Make the app.

    Args:
        settings: What it is configured with.

    Returns:
        A Celery app that imports `tasks` when it is finalised.
    """
    correct_kombu()
    use_our_logging(settings)
    announce_when_ready()
    made = SmslineApp(settings, include=["tasks"])
    made.conf.update(celery_options(settings), worker_consumer=QuietConsumer)
    made.steps["worker"].add(SchedulerStep)

    def keep_dropped(message_id: str, why: str, **_: object) -> None:
        """Keep a message that no task can be given among the refused payloads, besides the log."""
        made.engine.dropped.note(message_id, why)
        made.engine.look_again(0)

    message_dropped.connect(keep_dropped, weak=False)
    # After each lost connection Celery tells of a default that is going to change; config.celery
    # sets it explicitly.
    warnings.filterwarnings("ignore", category=CPendingDeprecationWarning)
    return made


try:
    settings = load_settings()
except SettingsError as error:
    print(f"smsline: {error}", file=sys.stderr)
    raise SystemExit(2) from None
"""The settings of this process."""

app = build_app(settings)
