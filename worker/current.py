"""The engine of this process, made when the first task or the pulse needs it, from this process' settings."""

import threading

from smsline import codes
from smsline.ledger import accounts
from smsline.ledger.link import Ledger
from worker import credit
from worker.app import settings
from worker.engine import Engine
from worker.providers.registry import open_providers

_lock = threading.Lock()
_engine: Engine | None = None


def engine() -> Engine:
    """The one engine of this process.

    Raises:
        BadInput: An account cannot be used.
    """
    global _engine  # noqa: PLW0603 - a process has one engine, as it has one Celery app
    with _lock:
        if _engine is None:
            if settings.codes_file:
                codes.load_overrides(settings.codes_file)
            _engine = Engine(settings, Ledger.at(settings.redis_url, settings.namespace), open_providers(settings))
        return _engine


def register(found: Engine) -> None:
    """Tell the ledger which accounts there are, so that producers and operators can name them.

    Raises:
        redis.exceptions.RedisError: Redis cannot be reached (yet).
    """
    accounts.register(found.ledger, {name: account.provider for name, account in found.settings.accounts.items()})
    credit.begin(found)
