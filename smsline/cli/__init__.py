"""The `smsline` command: answers on stdout, one line per trouble on stderr, and an exit code.

Exit codes: 0 done, 1 failed (the reason may pass), 2 bad input (the same call will fail again), 130
interrupted.
"""

import getpass
import io
import os
import signal
import socket
import sys
from collections.abc import Sequence
from typing import TYPE_CHECKING, Final, TypeVar

import typer

from smsline.cli.app import app
from smsline.cli.errors import FAILED, ending
from smsline.cli.options import Connect
from smsline.cli.output import say

if TYPE_CHECKING:
    from smsline.admin import Admin
    from smsline.client import Client
    from smsline.control import JobControl

T = TypeVar("T", bound="JobControl")

# Exit code after Ctrl-C, as shells have it: 128 and the number of SIGINT.
INTERRUPTED = 130


def client_from_env() -> "Client":
    """The client the environment describes (`SMSLINE_REDIS_URL`, `SMSLINE_BROKER_URL`).

    Raises:
        BadInput: One of those values will not do.
    """
    from smsline.client import Client  # noqa: PLC0415 - redis takes longer to load than --help to print

    return _in_the_name_of_the_person(Client.from_env())


def admin_from_env() -> "Admin":
    """The admin the environment describes.

    Raises:
        BadInput: One of its values will not do.
    """
    from smsline.admin import Admin  # noqa: PLC0415 - as above

    return _in_the_name_of_the_person(Admin.from_env())


def _in_the_name_of_the_person(control: "T") -> "T":
    """What the command does stands in the audit trail, under the operating system's user name."""
    from smsline.ledger.audit import Actor  # noqa: PLC0415 - as above

    try:
        name = getpass.getuser()
    except (KeyError, OSError):  # a container's user may have no name
        name = f"uid {os.getuid()}"
    control.actor = Actor(name, "cli", socket.gethostname())
    return control


FROM_ENV: Final = Connect(client_from_env, admin_from_env)


def main(argv: Sequence[str] | None = None, *, connect: Connect = FROM_ENV) -> int:
    """Run one command.

    Args:
        argv: Arguments without the program's name; None takes those of the process.
        connect: Makes the client or the admin, when a command needs one.

    Returns:
        The exit code.
    """
    _prepare_streams()
    args = list(sys.argv[1:] if argv is None else argv) or ["--help"]
    for ends in (signal.SIGTERM, signal.SIGHUP) if argv is None else ():
        signal.signal(ends, signal.default_int_handler)  # as Ctrl-C: what is open is put away and told
    try:
        # Not standalone: typer would end the process itself, with exit code 1 and a
        # traceback for our own errors.
        code = app(args=args, prog_name="smsline", standalone_mode=False, obj=connect)
        sys.stdout.flush()  # here, where a full disk or a closed pipe is still an error of the command
    except (KeyboardInterrupt, typer.Abort):
        return INTERRUPTED
    except BrokenPipeError:
        # `smsline results … | head` ends without a word; without this, Python complains
        # when it flushes at exit.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return FAILED
    except Exception as error:
        if sys.flags.dev_mode:
            raise
        code, line = ending(error)
        say(f"smsline: {line}")
        return code
    return code if isinstance(code, int) else 0


def _prepare_streams() -> None:
    # A script may have closed them (`>&-`): Python then has none, and every
    # print would be an error.
    sys.stdout, sys.stderr = sys.stdout or open(os.devnull, "w"), sys.stderr or open(os.devnull, "w")  # noqa: SIM115 - until the end
    sys.stdin = sys.stdin or open(os.devnull)  # noqa: SIM115 - as above
    for stream in (sys.stdout, sys.stderr):
        # What a terminal's encoding lacks is shown by its number, and stops nothing.
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")
