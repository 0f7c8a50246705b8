r"""The errors of `Client` and `Admin`.

SmslineError
├── BadInput        the caller's value breaks a rule; names field, value (numbers masked) and rule
├── NotFound        no such job, account or code
├── Conflict        the ledger's state does not allow it
├── Unavailable     Redis cannot be reached; nothing was taken
│   └── OtherVersion    the ledger is of another version of smsline; nothing was read or written
└── Unconfirmed     Redis took the question and never answered; `job` may have been taken
"""


class SmslineError(Exception):
    """Base of all errors raised by this package."""


class BadInput(SmslineError, ValueError):  # noqa: N818 - reads as what happened
    """A value that breaks a rule; nothing was done.

    Attributes:
        field: The argument or column, as the caller knows it.
        value: The offending value, shortened; phone numbers masked.
        rule: What would have been right, in words.
    """

    def __init__(self, field: str, value: object, rule: str) -> None:
        self.field = field
        self.value = shorten(value)
        self.rule = rule
        super().__init__(f"{field}: {self.value!r}: {rule}")


class NotFound(SmslineError, LookupError):  # noqa: N818
    """Nothing is known under the name given."""


class Conflict(SmslineError):  # noqa: N818
    """What is asked for is not possible in the present state."""


class Unavailable(SmslineError, ConnectionError):  # noqa: N818
    """Redis cannot be reached; the job was certainly not taken, so the caller may try again."""


class OtherVersion(Unavailable):
    """The ledger's layout is older or newer than this package understands.

    Nothing was done, and the message says who is to change.
    """


class Unconfirmed(SmslineError, TimeoutError):  # noqa: N818
    """Redis did not answer, also when asked again: the job may have been taken, or may not.

    It is no `Unavailable`, because who catches that tries again with a new job. The same call with
    `job_id=error.job` is safe: it is one job, whatever became of the first call. So is
    `client.status(error.job)`, which raises `NotFound` if it was not taken.

    Attributes:
        job: The id of the job that it is about.
    """

    def __init__(self, job: str, message: str) -> None:
        self.job = job
        super().__init__(message)


def shorten(value: object, limit: int = 60) -> str:
    """The value as text of at most `limit` characters, for an error message."""
    text = value if isinstance(value, str) else repr(value)
    # Half a character can be neither printed nor logged.
    text = text if text.isascii() else text.encode("utf-8", "backslashreplace").decode()
    return text if len(text) <= limit else text[: limit - 1] + "…"
