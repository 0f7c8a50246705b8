"""Commands that the service brings and the wheel does not.

They are found in the checkout that this package is part of, or refused in words. The service's
folders have common names (`worker`), and a producer may have its own of that name. So nothing is
imported by its name alone: the file must lie beside this package, and be what that name means.
"""

import importlib
import importlib.util
from pathlib import Path
from typing import Final

import typer

import smsline
from smsline.errors import BadInput, SmslineError

commands = typer.Typer()

# Context settings of a command that hands its arguments on as they are, `--help` too.
RAW: Final = {"allow_extra_args": True, "ignore_unknown_options": True, "allow_interspersed_args": False}

_COMMANDS: Final = "worker.commands"


@commands.command(context_settings=RAW, add_help_option=False)
def tencent(context: typer.Context) -> int:
    """Tencent's templates, signatures, statistics, receipts and replies.

    Runs where the service is installed.
    """
    return _run("tencent", context.args)


@commands.command(context_settings=RAW, add_help_option=False)
def smspartner(context: typer.Context) -> int:
    """SMSPartner's status, cancelling, checks of numbers and STOP list.

    Runs where the service is installed.
    """
    return _run("smspartner", context.args)


def _run(provider: str, args: list[str]) -> int:
    app = find_commands(f"{_COMMANDS}.{provider}", provider)
    code = app(args=args or ["--help"], prog_name=f"smsline {provider}", standalone_mode=False)
    return code if isinstance(code, int) else 0


def find_commands(module: str, name: str) -> typer.Typer:
    """The service's commands of a name.

    Args:
        module: A package of the service with a typer app `app`.
        name: What the command is called.

    Raises:
        BadInput: This is not the service's checkout, so its settings are not here.
        SmslineError: It is, and a package that the service needs is missing.
    """
    root = Path(smsline.__file__).resolve().parent.parent
    top = importlib.util.find_spec(module.partition(".")[0])
    ours = top is not None and top.origin is not None and Path(top.origin).resolve().parent.parent == root
    if not ours or not root.joinpath(*module.split("."), "__init__.py").is_file():
        rule = f"needs the service's settings: run it where the service is installed, there also as python -m worker {name}"
        raise BadInput("command", name, rule)
    try:
        found: typer.Typer = importlib.import_module(module).app
    except ModuleNotFoundError as error:
        raise SmslineError(f"{name} needs the package {error.name}: install the service (make install)") from None
    return found
