"""What commands share: their options, the example under their help, and the way to the service."""

import sys
from collections.abc import Callable
from typing import TYPE_CHECKING, Annotated, NamedTuple, cast

import typer

if TYPE_CHECKING:
    from smsline.admin import Admin
    from smsline.client import Client


class Connect(NamedTuple):
    """How a command reaches the service; nothing is opened before it asks.

    Attributes:
        client: Makes the client.
        admin: Makes the admin.
    """

    client: "Callable[[], Client]"
    admin: "Callable[[], Admin]"


# Context settings of every command: typer alone knows no -h.
HELP = {"help_option_names": ["-h", "--help"]}

Json = Annotated[bool, typer.Option("--json", help="Print JSON, for programs.")]
Job = Annotated[str, typer.Argument(metavar="JOB", help="The id that send or campaign printed.", show_default=False)]

Template = Annotated[str, typer.Option(metavar="ID", help="The provider's template id.", show_default=False)]
Params = Annotated[
    list[str] | None,
    typer.Option(
        "--param",
        metavar="TEXT",
        help="A value of the template; repeat it, in order. - reads a line of stdin, so that no process list shows a code.",
        show_default=False,
    ),
]
AllowUnassigned = Annotated[
    bool, typer.Option("--allow-unassigned", help="Take numbers of ranges that libphonenumber does not know.")
]
Encoding = Annotated[
    str,
    typer.Option(
        metavar="NAME", help="What the file is written in, such as cp1252 or gb18030.", show_default="UTF-8 or UTF-16"
    ),
]
AllowBlank = Annotated[
    bool, typer.Option("--allow-blank", help="Take params that are empty or an export's NULL or #N/A.")
]
Sign = Annotated[str, typer.Option(metavar="TEXT", help="The signature; default: the account's.", show_default=False)]
Sender = Annotated[str, typer.Option(metavar="ID", help="Sender id, for global numbers.", show_default=False)]
Lane = Annotated[str, typer.Option(metavar="LANE", help="otp, notify or marketing.")]
Ttl = Annotated[
    float | None,
    typer.Option(metavar="SECONDS", help="After that it is not sent any more.", show_default="the lane's"),
]


def _not_empty(context: typer.Context, parameter: typer.CallbackParam, value: str) -> str:
    """Refuse an empty `--key "$KEY"`, an unset variable: each repetition would be another job."""
    source = context.get_parameter_source(parameter.name or "")
    if value == "" and source is not None and source.name == "COMMANDLINE":
        from smsline.errors import BadInput  # noqa: PLC0415 - as the others

        raise BadInput(f"--{parameter.name}", value, "is empty; leave it out where none is meant")
    return value


Key = Annotated[
    str,
    typer.Option(
        metavar="TEXT", help="Your own key: the same key twice is one job.", show_default=False, callback=_not_empty
    ),
]
JobId = Annotated[
    str,
    typer.Option(
        "--job-id", metavar="JOB", help="Repeat the call that said this job may have been taken.", show_default=False
    ),
]
Account = Annotated[str, typer.Option(metavar="NAME", help="Send by this account only.", show_default=False)]
Window = Annotated[
    str,
    typer.Option(
        metavar="HOURS",
        help="Only at 09:00-20:00 of the recipient's day, or of a zone's: '09:00-20:00 Europe/Paris'.",
        show_default="any hour",
    ),
]
Wait = Annotated[bool, typer.Option("--wait", help="Wait until the job is closed and print its status.")]
Timeout = Annotated[
    float | None,
    typer.Option(metavar="SECONDS", help="With --wait: give up, exit code 1.", show_default="never"),
]

OfCode = Annotated[str, typer.Option("--code", metavar="CODE", help="Only this code.", show_default=False)]
OfJob = Annotated[str, typer.Option("--job", metavar="JOB", help="Only this job.", show_default=False)]
OfAccount = Annotated[str, typer.Option("--account", metavar="NAME", help="Only this account.", show_default=False)]
OfState = Annotated[
    str, typer.Option("--state", metavar="undelivered|dead|unknown", help="Only this state.", show_default=False)
]
OfProvider = Annotated[str, typer.Option("--provider", metavar="NAME", help="Only this provider.", show_default=False)]


def client_of(context: typer.Context) -> "Client":
    """The client of this run, made now.

    Raises:
        BadInput: The environment's values for it will not do.
    """
    return cast("Connect", context.obj).client()


def admin_of(context: typer.Context) -> "Admin":
    """The admin of this run, made now.

    Raises:
        BadInput: The environment's values for it will not do.
    """
    return cast("Connect", context.obj).admin()


def example(*lines: str) -> str:
    """The examples under a command's help, their lines kept as they are."""
    # The backspace is click's own sign: it leaves the paragraph that follows as it is.
    return "\b\nExample:\n" + "\n".join(f"  {line}" for line in lines)


def params_of(given: list[str] | None, *, stdin_taken: bool = False) -> list[str]:
    """The values of `--param`, a line of standard input in the place of each `-`.

    Args:
        given: As on the command line.
        stdin_taken: Whether standard input holds something else.

    Raises:
        BadInput: Standard input has fewer lines, or holds something else.
    """
    from smsline.errors import BadInput  # noqa: PLC0415 - as the others

    if stdin_taken and "-" in (given or []):
        raise BadInput("param", "-", "cannot be read from standard input, where the campaign is")
    values = []
    for value in given or []:
        line = sys.stdin.readline() if value == "-" else value
        if value == "-" and not line:
            raise BadInput("param", "-", "must have a line on standard input for each -")
        # Line ends only: blanks around a value may be meant, and the line end is that of echo.
        values.append(line.rstrip("\r\n") if value == "-" else value)
    return values
