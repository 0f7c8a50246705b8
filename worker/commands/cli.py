"""`python -m worker`: the commands of the service. Each imports only what it needs."""

import errno
import logging
import os
import sys
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from smsline.names import LANES
from worker.alive import OLDEST_S
from worker.alive import main as alive_main

if TYPE_CHECKING:
    from config.settings import Settings
    from worker.supervisor.plan import Plan

# Nothing heavy is imported above: `alive` is a probe that runs every few seconds, and Celery takes
# one to import.
cli = typer.Typer(
    help="Run the service: workers, and on one machine Redis and the sandbox too.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
)

Procs = Annotated[
    int | None, typer.Option(min=1, max=256, help="Worker processes for notify and marketing; otp has one besides.")
]


@cli.command(epilog="Example: python -m worker up --procs 4 --data /var/lib/smsline")
def up(
    data: Annotated[Path, typer.Option(help="Folder of the embedded Redis.")] = Path(".smsline"),
    redis_port: Annotated[int | None, typer.Option(min=1, max=65535, help="Its port; 6390 unless given.")] = None,
    *,
    sandbox: Annotated[
        bool | None, typer.Option("--sandbox/--no-sandbox", help="Start the sandbox; without an account it is started.")
    ] = None,
    procs: Procs = None,
    web_port: Annotated[
        int, typer.Option(min=0, max=65535, help="Port of the console and the API; 0: a free one.")
    ] = 8390,
    web: Annotated[bool, typer.Option("--web/--no-web", help="Start the web process.")] = True,
) -> None:
    """Everything on one machine: Redis (unless SMSLINE_REDIS_URL is set), workers, console.

    Without an account the sandbox runs too.
    """
    from worker.supervisor.plan import plan_up, wants_sandbox  # noqa: PLC0415

    _serve(
        lambda settings: plan_up(
            settings,
            data=data,
            redis_port=redis_port,
            sandbox=wants_sandbox(settings, sandbox),
            procs=procs,
            web_port=web_port if web else None,
        )
    )


@cli.command(context_settings={"ignore_unknown_options": True}, epilog="Example: python -m worker alive 60")
def alive(
    seconds: Annotated[float, typer.Argument(min=0, help="For how long a process may be silent.")] = OLDEST_S,
) -> None:
    """Exit with 0 when every worker process here makes progress.

    It is a liveness probe, which needs neither Redis nor Celery.
    """
    raise typer.Exit(alive_main([str(seconds)]))


@cli.command(epilog="Example: python -m worker run --lanes notify,marketing --procs 4")
def run(
    lanes: Annotated[str, typer.Option(help="Lanes to serve, separated by commas.")] = ",".join(LANES),
    *,
    procs: Procs = None,
) -> None:
    """Workers only, for many machines against one Redis."""
    from worker.supervisor.plan import plan_run  # noqa: PLC0415

    # Here and not in the settings: a mistyped lane would make a worker that waits for nothing.
    wanted = [lane.strip() for lane in lanes.split(",") if lane.strip()]
    if not wanted or set(wanted) - set(LANES):
        raise typer.BadParameter(f"{lanes!r}: must be one or more of {', '.join(LANES)}", param_hint="--lanes")
    _serve(lambda settings: plan_run(settings, lanes=wanted, procs=procs))


@cli.command(epilog="Example: python -m worker web --host 0.0.0.0 --port 8390")
def web(
    host: Annotated[str, typer.Option(help="Address to listen on.")] = "127.0.0.1",
    port: Annotated[int, typer.Option(min=0, max=65535, help="Port; 0 takes a free one.")] = 8390,
    descriptor: Annotated[int | None, typer.Option("--descriptor", hidden=True)] = None,
) -> None:
    """Console, HTTP API, metrics and probes. Needs Redis, and no worker.

    Beyond this machine it listens only when there is a user (smsline users add NAME --role admin)
    or a trusted proxy.
    """
    from redis.exceptions import RedisError  # noqa: PLC0415

    from config.logs import setup_logging  # noqa: PLC0415
    from config.settings import SettingsError, load_settings  # noqa: PLC0415
    from smsline.errors import SmslineError  # noqa: PLC0415
    from worker.web.serve import TooOpen, announce, listen, serve  # noqa: PLC0415

    try:
        settings = load_settings()
        setup_logging(settings)
        # Before the server is made, so that a port which is taken is told in a line and not in a
        # traceback.
        listener = listen(host, port, descriptor)
        if descriptor is None:  # else `up` says it
            announce(listener)
        serve(settings, listener)
    except (SettingsError, TooOpen) as error:
        _end(error, 2)
    except (SmslineError, RedisError) as error:
        _end(error, 1)


@cli.command(epilog="Example: python -m worker migrate")
def migrate() -> None:
    """Bring a ledger that an older version wrote to this version's layout.

    Stop its workers before.
    """
    from redis.exceptions import RedisError  # noqa: PLC0415

    from config.settings import SettingsError  # noqa: PLC0415
    from worker.commands.migrate import main as migrate_main  # noqa: PLC0415

    try:
        migrate_main()
    except SettingsError as error:
        _end(error, 2)
    except RedisError as error:
        _end(error, 1)


@cli.command(context_settings={"allow_extra_args": True, "ignore_unknown_options": True}, add_help_option=False)
def sandbox(context: typer.Context) -> None:
    """A provider that sends nothing, for trying out and tests.

    `sandbox --help` lists its options.
    """
    from worker.sandbox.serve import sandbox_command  # noqa: PLC0415 - a web server, needed by this command alone

    # Its options stay in one place: `python -m worker.sandbox` has the same.
    command = typer.Typer(add_completion=False)
    command.command(epilog="Example: python -m worker sandbox --port 8899 --receipt-delay-ms 200")(sandbox_command)
    command(args=context.args, prog_name="python -m worker sandbox")


@cli.command(context_settings={"allow_extra_args": True, "ignore_unknown_options": True}, add_help_option=False)
def tencent(context: typer.Context) -> None:
    """Tencent's templates, signatures, statistics and replies; the same as `smsline tencent`."""
    from worker.commands.tencent import run as run_tencent  # noqa: PLC0415

    raise typer.Exit(run_tencent(context.args, prog_name="python -m worker tencent"))


@cli.command(context_settings={"allow_extra_args": True, "ignore_unknown_options": True}, add_help_option=False)
def smspartner(context: typer.Context) -> None:
    """SMSPartner's status, cancelling, checks of numbers and STOP list.

    The same as `smsline smspartner`.
    """
    from worker.commands.smspartner import run as run_smspartner  # noqa: PLC0415

    raise typer.Exit(run_smspartner(context.args, prog_name="python -m worker smspartner"))


@cli.command(epilog="Example: python -m worker check --json")
def check(*, as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False) -> None:
    """Look at settings, Redis, broker and credentials; each is ok, or says what to do."""
    from worker.commands.check import check_all, show, show_json  # noqa: PLC0415

    findings = check_all()
    (show_json if as_json else show)(findings)
    # The gravest finding decides: 2 for settings, 1 for what does not work, 0 also with warnings.
    raise typer.Exit(max(finding.exit_code for finding in findings))


def _serve(plan: "Callable[[Settings], Plan]") -> None:
    """Run a plan until a signal.

    Exit code 2 for settings that cannot be used, 1 for what cannot be started.
    """
    from config.logs import setup_logging  # noqa: PLC0415
    from config.settings import SettingsError, load_settings, loose_key_files  # noqa: PLC0415
    from smsline.ledger.server import answers  # noqa: PLC0415
    from worker.supervisor.plan import announce  # noqa: PLC0415
    from worker.supervisor.supervisor import CannotStart, supervise  # noqa: PLC0415

    try:
        settings = load_settings()
        setup_logging(settings)
        # Only said: a key that others can read is no reason not to send.
        for problem in loose_key_files():
            logging.getLogger("smsline").warning("%s", problem)
        made = plan(settings)
        supervise(made.stages, reachable=lambda: answers(made.redis_url), announce=lambda: announce(made))
    except SettingsError as error:
        _end(error, 2)
    except CannotStart as error:
        _end(error, 1)


def _end(error: Exception, code: int) -> None:
    print(f"smsline: {error}", file=sys.stderr)
    raise typer.Exit(code) from None


def main() -> None:
    """Run one command; a reader of its output that leaves, or a full disk, is no bug."""
    try:
        cli(prog_name="python -m worker")
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())  # or Python complains when it flushes at its end
        sys.exit(1)
    except OSError as error:
        if error.errno != errno.ENOSPC:
            raise
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        sys.exit(f"smsline: {error.filename or 'standard output'}: {error.strerror}")
