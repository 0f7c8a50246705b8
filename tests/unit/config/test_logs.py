"""Rules of logging: one line a record, nothing in it that must not be there."""

import io
import json
import logging
import sys
import threading
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from celery import Celery, signals
from celery.exceptions import Reject
from celery.worker.consumer import consumer

from config.celery import use_our_logging
from config.logs import setup_logging
from config.redaction import Redactor
from config.settings import Settings

ACCOUNT = {"provider": "tencent", "secret_id": "AKID-1", "secret_key": "k3y-of-main", "sdk_app_id": "1400000000"}

Log = Callable[..., io.StringIO]


@pytest.fixture(autouse=True)
def restored() -> Iterator[None]:
    """The process' logging as it was."""
    root = logging.getLogger()
    before = (root.handlers[:], root.level, sys.excepthook, threading.excepthook)
    yield
    root.handlers[:], level, sys.excepthook, threading.excepthook = before
    root.setLevel(level)
    logging.captureWarnings(capture=False)


@pytest.fixture
def log() -> Log:
    """`log(log_format="json")`: logging set up, and the stream it writes to."""

    def start(**settings: Any) -> io.StringIO:
        stream = io.StringIO()
        setup_logging(Settings.model_validate({"accounts": {"main": ACCOUNT}, **settings}), stream)
        return stream

    return start


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("to +8613711112222", "to +86137****2222"),
        ("to 13711112222, again", "to 137****22, again"),
        ("key k3y-of-main.", "key [hidden]."),
        ("redis://:pass-word@127.0.0.1:6390/0", "redis://:[hidden]@127.0.0.1:6390/0"),
        ("at 2026-11-21 19:40:12,123 for 12 ms", "at 2026-11-21 19:40:12,123 for 12 ms"),
        ("on 2026-11-21: 13711112222", "on 2026-11-21: 137****22"),
        ("task 018f2c11-1234-5678-9012-123456789012", "task 018f2c11-1234-5678-9012-123456789012"),
        ("10.0.0.12 13711112222 10.0.0.13", "10.0.0.12 137****22 10.0.0.13"),
        ("", ""),
    ],
)
def test_redactor(text: str, expected: str) -> None:
    """Numbers and secrets are masked; addresses, times and task ids, which help, are not."""
    assert Redactor(["k3y-of-main", "pass-word", "abc", ""])(text) == expected


@pytest.mark.parametrize("log_format", ["plain", "json"])
def test_nothing_gets_out(log: Log, log_format: str) -> None:
    """No message, argument, extra field, exception, cause or stack shows a number or a secret."""
    stream = log(log_format=log_format, redis_url="redis://:pass-word@h:1/0")
    logger = logging.getLogger("worker.test")
    logger.error("to %s and %d", "+8613711112222", 8613711112222, extra={"phone": 8613711112222, "key": "k3y-of-main"})
    try:
        try:
            int("8613711112222 k3y-of-main")
        except ValueError as error:
            raise RuntimeError("redis://:pass-word@h") from error
    except RuntimeError:
        logger.exception("failed for 8613711112222", stack_info=True)

    written = stream.getvalue()
    assert "RuntimeError" in written
    assert "ValueError" in written
    assert not [secret for secret in ("13711112222", "k3y-of-main", "pass-word") if secret in written]


def test_json_lines(log: Log) -> None:
    """A record is one JSON object on one line, with its extra fields as members."""
    stream = log(log_format="json")
    try:
        json.loads("{")
    except ValueError:
        logging.getLogger("worker.sending.send").exception("call\nanswered", extra={"account": "main", "numbers": 200})

    (line,) = stream.getvalue().splitlines()
    record = json.loads(line)
    assert record["message"] == "call\nanswered"
    assert (record["level"], record["logger"]) == ("error", "worker.sending.send")
    assert (record["account"], record["numbers"]) == ("main", 200)
    assert record["exception"].startswith("Traceback")
    assert record["time"].endswith("+00:00")


def test_plain_lines(log: Log) -> None:
    """A plain line ends in its extra fields."""
    stream = log(log_format="plain")
    logging.getLogger("worker.sending.send").warning("call answered", extra={"account": "main"})

    assert stream.getvalue().endswith("WARNING worker.sending.send: call answered account=main\n")


def test_auto_is_json_off_a_terminal(log: Log) -> None:
    """Auto writes JSON where there is no terminal, and plain lines on a terminal."""

    class Terminal(io.StringIO):
        def isatty(self) -> bool:
            return True

    stream, terminal = log(), Terminal()
    logging.getLogger("worker").warning("one")
    setup_logging(Settings(), terminal)
    logging.getLogger("worker").warning("two")

    assert json.loads(stream.getvalue())["message"] == "one"
    assert terminal.getvalue().endswith("worker: two\n")


def test_level(log: Log) -> None:
    """Records below the level are not written, and a line for every wake-up never is."""
    stream = log(log_level="info", log_format="plain")
    logging.getLogger("worker").debug("below")
    logging.getLogger("celery.worker.strategy").info("Task smsline.send received")
    logging.getLogger("worker").info("written")

    assert [line.split(": ")[1] for line in stream.getvalue().splitlines()] == ["written"]


@pytest.mark.parametrize(
    ("template", "arguments"),
    [
        (consumer.UNKNOWN_FORMAT, ("body: [['secret text']] {headers: 'secret text'}",)),
        (consumer.UNKNOWN_TASK_ERROR, ("'other.task'", "[['secret text']]", {"argsrepr": "secret text"}, {})),
        (consumer.INVALID_TASK_ERROR, ("wrong", "[['secret text']]")),
        (consumer.MESSAGE_DECODE_ERROR, ("bad", "t", "utf-8", "{'argsrepr': 'secret text'}", "[['secret text']]")),
    ],
)
def test_messages_are_not_quoted(log: Log, template: str, arguments: tuple[object, ...]) -> None:
    """Celery's complaint about a message it cannot use leaves out its contents.

    They may hold a code.
    """
    stream = log(log_format="plain")
    logging.getLogger("celery.worker.consumer.consumer").error(template, *arguments)

    assert "message" in stream.getvalue()
    assert "secret text" not in stream.getvalue()


def test_celerys_own_fields_are_dropped(log: Log) -> None:
    """Celery passes a failed task's arguments as an extra field; only our loggers' are written."""
    stream = log(log_format="json")
    logging.getLogger("celery.app.trace").error("raised", extra={"data": {"args": "['482913']"}})

    assert "482913" not in stream.getvalue()


def test_a_message_that_goes_back_is_no_fault(log: Log) -> None:
    """A line says so; why was told by the task."""
    stream, told = log(log_format="plain"), {"name": "smsline.submit", "id": "m1", "description": "rejected"}
    logging.getLogger("celery.app.trace").warning("%(name)s", told, exc_info=Reject("Redis is away", requeue=True))

    assert "the message of task smsline.submit[m1] goes back to its queue" in stream.getvalue()
    assert "Traceback" not in stream.getvalue()


def test_wrong_arguments_are_still_written(log: Log) -> None:
    """A record whose arguments do not fit its message is written, redacted, and raises nothing."""
    stream = log(log_format="plain")
    logging.getLogger("worker").error("to %s", "+8613711112222", "k3y-of-main")  # noqa: PLE1205 - the point of the test

    assert "to %s ('+86137****2222', '[hidden]')" in stream.getvalue()


def test_uncaught_exceptions(log: Log) -> None:
    """What ends the process or a thread is a record like any other."""
    stream = log(log_format="plain")
    thread = threading.Thread(target=lambda: int("8613711112222x"), name="t")
    thread.start()
    thread.join()
    sys.excepthook(ValueError, ValueError("8613711112222"), None)
    sys.excepthook(KeyboardInterrupt, KeyboardInterrupt(), None)

    assert stream.getvalue().count("ended by an unexpected error") == 2
    assert "13711112222" not in stream.getvalue()


def test_celery_leaves_logging_alone() -> None:
    """Celery's worker sets up our logging and adds no handler of its own."""
    before, signals.setup_logging.receivers = signals.setup_logging.receivers, []
    try:
        use_our_logging(Settings(log_level="error"))
        Celery("logs", set_as_current=False).log.setup(loglevel="DEBUG", redirect_stdouts=False)

        (handler,) = logging.getLogger().handlers
        assert handler.filters
        assert logging.getLogger().level == logging.ERROR
    finally:
        signals.setup_logging.receivers = before
