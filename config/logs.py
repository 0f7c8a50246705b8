"""Logging to standard error, redacted: plain lines for people, JSON lines for collectors."""

import json
import logging
import sys
import threading
from collections.abc import Mapping
from datetime import UTC, datetime
from types import TracebackType
from typing import Final, TextIO

from config.redaction import RedactionFilter, Redactor, extra_fields
from config.settings import Settings

PLAIN: Final = "%(asctime)s %(levelname)-7s %(name)s: %(message)s"

QUIET: Final[Mapping[str, int]] = {
    # One line for every wake-up says nothing: jobs are followed in the ledger.
    "celery.worker.strategy": logging.WARNING,
    "celery.app.trace": logging.WARNING,
    # Their debug lines show messages with all arguments, and frames with passwords; ours do not.
    "celery": logging.INFO,
    "kombu": logging.INFO,
    "amqp": logging.INFO,
    "redis": logging.INFO,
    # One line for every provider call, with its URL.
    "httpx": logging.WARNING,
    "httpcore": logging.WARNING,
}


class PlainFormatter(logging.Formatter):
    """`2026-11-21 19:40:01,123 INFO    worker.sending.send: call answered account=main`."""

    def __init__(self) -> None:
        super().__init__(PLAIN)

    def formatMessage(self, record: logging.LogRecord) -> str:  # noqa: N802 - logging's own spelling
        """The line, with the extra fields behind it."""
        extra = " ".join(f"{name}={value}" for name, value in extra_fields(record).items())
        return f"{super().formatMessage(record)} {extra}".rstrip()


class JsonFormatter(logging.Formatter):
    """One JSON object a line.

    It has time (UTC), level, logger, message, process, thread, and what else the record has.
    """

    def format(self, record: logging.LogRecord) -> str:
        """The record as a line."""
        fields = {
            "time": datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds"),
            "level": record.levelname.lower(),
            "logger": record.name,
            "message": record.getMessage(),
            "process": record.process,
            "thread": record.threadName,
            "exception": record.exc_text,
            "stack": record.stack_info,
            **extra_fields(record),
        }
        present = {name: value for name, value in fields.items() if value is not None}
        return json.dumps(present, ensure_ascii=False, default=str)


def setup_logging(settings: Settings, stream: TextIO | None = None) -> None:
    """Send every record of this process through one redacting handler.

    Uncaught exceptions and warnings go through it too.

    Args:
        settings: Level, format, and the secrets to hide.
        stream: Where to write; standard error unless given.
    """
    target = stream or sys.stderr
    plain = settings.log_format == "plain" or (settings.log_format == "auto" and target.isatty())
    handler = logging.StreamHandler(target)
    handler.setFormatter(PlainFormatter() if plain else JsonFormatter())
    handler.addFilter(RedactionFilter(Redactor(settings.secrets)))
    # One handler at the root, `force` for what a library has set up before: a second one would
    # write without the filter.
    logging.basicConfig(level=settings.log_level.upper(), handlers=[handler], force=True)
    logging.captureWarnings(capture=True)
    # A level above the root's holds, one below it does not: SMSLINE_LOG_LEVEL=debug
    # is for our own loggers.
    for name, level in QUIET.items():
        logging.getLogger(name).setLevel(max(level, logging.getLogger().level))
    sys.excepthook = _log_uncaught
    threading.excepthook = lambda hook: _log_uncaught(hook.exc_type, hook.exc_value, hook.exc_traceback)


def _log_uncaught(kind: type[BaseException], error: BaseException | None, traceback: TracebackType | None) -> None:
    if issubclass(kind, KeyboardInterrupt):
        return  # Ctrl-C is no error, and its traceback tells nothing
    exc_info = (kind, error, traceback) if error else None
    logging.getLogger("smsline").critical("ended by an unexpected error", exc_info=exc_info)
