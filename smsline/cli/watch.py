"""Following jobs until they are closed: the `watch` command, and --wait after a submit."""

import math
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING, Annotated, Final, TypeAlias

import typer

from smsline.cli import options as opt
from smsline.cli.errors import FAILED
from smsline.cli.output import console, print_json, print_line, say
from smsline.cli.view import draw, line, print_status

if TYPE_CHECKING:
    from smsline.client import Client
    from smsline.ledger.jobs import Status

commands = typer.Typer()

Show: TypeAlias = "Callable[[Sequence[Status]], None]"

# How often a live view is drawn anew.
_TICK_S: Final = 0.5

Jobs = Annotated[list[str], typer.Argument(metavar="JOB", help="One job or several.", show_default=False)]


@commands.command(context_settings=opt.HELP, epilog=opt.example("smsline watch JOB", "smsline watch JOB OTHER --json"))
def watch(context: typer.Context, jobs: Jobs, *, as_json: opt.Json = False) -> None:
    """Show jobs live until all are closed.

    Without a terminal, prints a line for every change. Ctrl-C leaves; the jobs go on.
    """
    live = sys.stdout.isatty() and not as_json
    with suppress(KeyboardInterrupt), _view(live=live) as drawn:
        follow(opt.client_of(context), jobs, show=drawn or changes(as_json=as_json))


def follow(client: "Client", jobs: Sequence[str], *, show: Show, timeout_s: float | None = None) -> "list[Status]":
    """Show the jobs' statuses again and again, until all are closed or the time is up.

    Args:
        client: Asked for the statuses.
        jobs: Their ids.
        show: Called with the statuses of all, in their order.
        timeout_s: Seconds; None waits for ever.

    Returns:
        The last statuses.
    """
    until_s = math.inf if timeout_s is None else time.monotonic() + timeout_s
    while True:
        statuses = [client.status(job) for job in jobs]
        show(statuses)
        left_s = until_s - time.monotonic()
        waiting = [status["job"] for status in statuses if not is_closed(status)]
        if not waiting or left_s <= 0:
            return statuses
        # Waited for, not slept: a job that closes is shown at once. One of them will do, the others
        # are asked again above.
        with suppress(TimeoutError):
            client.wait(waiting[0], timeout_s=min(_TICK_S, left_s))


def changes(*, as_json: bool) -> Show:
    """Prints a job's status to stdout whenever it has changed, as JSON or in words."""
    last: dict[str, Status] = {}

    def show(statuses: "Sequence[Status]") -> None:
        for status in statuses:
            if last.get(status["job"]) != status:
                last[status["job"]] = status
                print_json(status) if as_json else print_line(line(status))
        sys.stdout.flush()  # a pipe is written in blocks of 8 KB otherwise, and nothing would be seen for minutes

    return show


def finish(client: "Client", job: str, *, wait: bool, timeout_s: float | None, as_json: bool) -> None:
    """Print what a submit prints: the job's id; with `wait`, its status when it is closed.

    Raises:
        typer.Exit: The time is up and the job still open; its status is printed all the same.
    """
    if not wait:
        try:
            print_json({"job": job}) if as_json else print_line(job)
            sys.stdout.flush()
        except OSError as error:
            # The id is lost with the pipe, and without this note the message
            # would be handed over again.
            error.add_note(f"job {job} was taken all the same")
            raise
        return
    say(f"job {job}; it goes on if you leave (smsline watch {job})")
    # The view is on stderr: stdout holds the final status and nothing else, for whatever reads it.
    with _view(live=sys.stderr.isatty(), stderr=True) as drawn:
        if drawn:
            status = follow(client, [job], show=drawn, timeout_s=timeout_s)[0]
        else:
            try:
                status = client.wait(job, timeout_s=timeout_s)
            except TimeoutError:
                status = client.status(job)
    print_status(status, as_json=as_json)
    if not is_closed(status):
        say(f"job {job} is not closed after {timeout_s:g} s; it goes on")
        raise typer.Exit(FAILED)


def is_closed(status: "Status") -> bool:
    """Whether all recipients of the job are final."""
    return status["closed_at"] is not None


@contextmanager
def _view(*, live: bool, stderr: bool = False) -> "Iterator[Show | None]":
    """A table drawn over itself, if `live`.

    On stderr it vanishes at the end, because the final one goes to stdout.
    """
    if not live:
        yield None
        return
    from rich.live import Live  # noqa: PLC0415 - only on a terminal

    with Live(console=console(stderr=stderr), auto_refresh=False, transient=stderr) as view:
        yield lambda statuses: view.update(draw(statuses), refresh=True)
