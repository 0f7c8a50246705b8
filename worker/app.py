"""The Celery app: settings in, an app that runs `tasks` out; `celery -A worker.app worker` and `python -m worker` use it.

With settings that cannot be used, importing this module writes what is wrong to standard error and ends the process with
code 2: without settings there is nothing that a task could do.
"""

import sys
import warnings

from celery import Celery
from celery.exceptions import CPendingDeprecationWarning

from config.celery import celery_options, use_our_logging
from config.settings import Settings, SettingsError, load_settings
from worker.consumer import QuietConsumer
from worker.kombu_guard import guard_closed_channels
from worker.ready import announce_when_ready
from worker.step import PulseStep

__all__ = ["app", "build_app", "settings"]


def build_app(settings: Settings) -> Celery:
    """Make the app.

    Args:
        settings: What it is configured with.

    Returns:
        A Celery app that imports `tasks` when it is finalised.
    """
    guard_closed_channels()
    use_our_logging(settings)
    announce_when_ready()
    app = Celery("smsline", include=["tasks"])
    app.conf.update(celery_options(settings), worker_consumer=QuietConsumer)
    app.steps["worker"].add(PulseStep)
    # After each lost connection Celery tells of a default that is going to change; config.celery sets it explicitly.
    warnings.filterwarnings("ignore", category=CPendingDeprecationWarning)
    return app


def _settings_or_end() -> Settings:
    try:
        return load_settings()
    except SettingsError as error:
        print(f"smsline: {error}", file=sys.stderr)
        raise SystemExit(2) from None


settings = _settings_or_end()
"""The settings of this process."""

app = build_app(settings)
