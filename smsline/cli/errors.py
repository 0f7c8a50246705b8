"""The exit code and the line on stderr of every exception."""

import errno
from typing import Final

from smsline.errors import BadInput, SmslineError
from smsline.numbers import mask_in

FAILED: Final = 1
BAD_INPUT: Final = 2


def ending(error: Exception) -> tuple[int, str]:
    """How the command ends.

    Returns:
        The exit code, and one line that says what happened and, where there is something to do,
        what.
    """
    if isinstance(error, BadInput):
        return BAD_INPUT, one_line(str(error))
    if isinstance(error, SmslineError):
        return FAILED, one_line(str(error))
    # typer's usage errors moved from click's classes to its own; what they can do is
    # the same in all versions.
    if hasattr(error, "format_message"):
        context = getattr(error, "ctx", None)
        where = f"; see '{context.command_path} --help'" if context is not None else ""
        return BAD_INPUT, one_line(f"{mask_in(error.format_message()).rstrip('.')}{where}")
    notes = "".join(f"; {note}" for note in notes_of(error))
    if isinstance(error, OSError):
        where = f"{error.filename}: " if error.filename else "standard output: " if error.errno == errno.ENOSPC else ""
        return FAILED, one_line(f"{where}{error.strerror or error}{notes}")
    # Masked, because the words of an unexpected error may quote what was being worked on.
    what = f"{type(error).__name__}: {mask_in(str(error))}"
    return FAILED, one_line(f"this is a bug: {what} (traceback: python -X dev -m smsline.cli ...){notes}")


def notes_of(error: BaseException) -> list[str]:
    """What is told of a job that the error has interrupted."""
    return getattr(error, "__notes__", [])


def one_line(text: str) -> str:
    """The text without line breaks, tabs and doubled spaces."""
    return " ".join(text.split())
