"""Redact log records: phone numbers, secrets and message bodies.

What cannot be recognised by its shape (a text, a code of six digits) must not be logged in the
first place.
"""

import logging
import re
import traceback
from collections.abc import Iterable, Mapping
from typing import Final

from smsline.numbers import mask_in

HIDDEN: Final = "[hidden]"

# A shorter secret is not looked for: it would be found in half of all words.
SHORTEST_SECRET: Final = 4

# Loggers whose extra fields are written. Celery puts a task's arguments into its own.
OURS: Final = ("smsline", "worker", "tasks", "config")

# Digits that the mask for phone numbers would take for one, and that a person needs.
_NO_NUMBER: Final = re.compile(
    r"(?<![\d.])\d{1,3}(?:\.\d{1,3}){3}(?![\d.])"  # an IPv4 address
    r"|\b\d{4}-\d\d-\d\d(?:[T ]\d\d:\d\d(?::\d\d(?:[.,]\d+)?)?)?\b"  # a date, with or without time
    r"|\b[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}\b"  # a task id
)

# Where Celery's complaints about a message it cannot use begin to quote it, arguments and all.
_BODY: Final = re.compile(
    r"(?:headers:|The full contents of the message|^body:|(?<=Can't decode message body: )).*", re.DOTALL | re.MULTILINE
)

# Packages whose errors say what is wrong with a connection, or, being ours, mask what they quote.
_MACHINES: Final = frozenset({"redis", "amqp", "smsline", "config"})

_STANDARD: Final = frozenset(vars(logging.makeLogRecord({}))) | {"message", "asctime", "taskName"}


class Redactor:
    """Masks text: `redact("to +8613711112222")` is `to +86137****2222`."""

    def __init__(self, secrets: Iterable[str] = ()) -> None:
        # Longest first: where one secret is the beginning of another, the rest of the
        # longer one would stay.
        longest_first = sorted({secret for secret in secrets if len(secret) >= SHORTEST_SECRET}, key=len, reverse=True)
        self._secrets = re.compile("|".join(map(re.escape, longest_first))) if longest_first else None

    def __call__(self, text: str) -> str:
        """The text with secrets hidden and phone numbers masked."""
        if self._secrets:
            text = self._secrets.sub(HIDDEN, text)
        # The mask is applied between what must stay; to put it back after masking would need
        # marks that a text can hold.
        kept = _NO_NUMBER.findall(text)
        parts = (mask_in(part) for part in _NO_NUMBER.split(text))
        return "".join(piece for part, keep in zip(parts, [*kept, ""], strict=True) for piece in (part, keep))

    def value(self, value: object) -> object:
        """A value of an extra field, as it is if there is nothing to hide, else its masked text."""
        plain = value if isinstance(value, str) else repr(value)
        masked = self(plain)
        return value if masked == plain else masked


class RedactionFilter(logging.Filter):
    """Redacts every record that passes: message, arguments, exception, stack and extra fields.

    It changes the record itself, so that a handler that comes later sees no more than ours does.
    """

    def __init__(self, redact: Redactor) -> None:
        super().__init__()
        self._redact = redact

    def filter(self, record: logging.LogRecord) -> bool:
        """Redact; never drop."""
        record.msg, record.args = self._redact(_message(record)), None
        if record.exc_info and record.exc_info[1]:  # what another handler made of it is not trusted
            record.exc_text = trace(record.exc_info[1])
        if record.exc_text:
            record.exc_text = self._redact(record.exc_text)
        if record.stack_info:
            record.stack_info = self._redact(record.stack_info)
        for name, value in extra_fields(record).items():
            setattr(record, name, self._redact.value(value))
        return True


def trace(error: BaseException) -> str:
    """A traceback without the texts that may quote what was being worked on.

    A number, a code, a name with an odd character.

    Which line it was is there, and so is the error's kind. Its own words are there if they speak of
    a machine, or are ours.
    """
    # By hand, because traceback.format_exception writes the error's own words, and of a chain those
    # of every link. An error can be its own cause in a circle, hence `not in chain`.
    chain: list[BaseException] = []
    link: BaseException | None = error
    while link is not None and link not in chain:
        chain.append(link)
        link = link.__cause__ or (None if link.__suppress_context__ else link.__context__)
    traces = list[str]()
    for each in reversed(chain):  # the cause first, as Python prints it
        kind = type(each)
        name = kind.__qualname__ if kind.__module__ == "builtins" else f"{kind.__module__}.{kind.__qualname__}"
        words = str(each) if _speaks_of_machines(kind) else HIDDEN
        frames = "".join(traceback.format_tb(each.__traceback__))
        traces.append(f"Traceback (most recent call last):\n{frames}{name}: {words}")
    return "\n".join(traces)


def _speaks_of_machines(kind: type[BaseException]) -> bool:
    """Whether errors of a kind never quote data.

    Those are errors of the operating system, and of the packages that talk to machines.
    """
    return issubclass(kind, OSError | MemoryError | ImportError) or kind.__module__.split(".", 1)[0] in _MACHINES


def extra_fields(record: logging.LogRecord) -> dict[str, object]:
    """What was passed as `extra=` by one of our own loggers."""
    if record.name.split(".", 1)[0] not in OURS:
        return {}
    return {name: value for name, value in vars(record).items() if name not in _STANDARD}


def _message(record: logging.LogRecord) -> str:
    if record.name == "celery.app.trace" and isinstance(record.args, Mapping) and record.exc_info:
        # Celery's own sentence quotes the task's arguments and its error, which may
        # hold numbers and texts.
        kind = record.exc_info[0]
        # By its name: the web process, which logs too, does not load Celery.
        if kind and kind.__name__ == "Reject":
            # Our own doing, and why was told: a traceback each time would bury it.
            record.exc_info = None
            return f"the message of task {record.args.get('name')}[{record.args.get('id')}] goes back to its queue"
        return f"task {record.args.get('name')}[{record.args.get('id')}] broke: {kind.__name__ if kind else 'unknown'}"
    arguments = record.args if isinstance(record.args, tuple) else ()
    if any(isinstance(each, BaseException) for each in arguments):
        # An error stands in a message with its own words only if its kind never quotes data;
        # else by its kind's name.
        record.args = tuple(
            type(each).__name__ if isinstance(each, BaseException) and not _speaks_of_machines(type(each)) else each
            for each in arguments
        )
    try:
        text = record.getMessage()
    except (TypeError, ValueError):
        text = f"{record.msg} {record.args!r}"  # wrong number or kind of arguments: still worth reading
    return _BODY.sub(HIDDEN, text) if record.name.startswith("celery.worker.consumer") else text
