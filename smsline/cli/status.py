"""Looking at jobs and steering them: `status`, `jobs`, `pause`, `resume`, `cancel`."""

from typing import TYPE_CHECKING, Annotated, Final, cast

import typer

from smsline.cli import options as opt
from smsline.cli.listing import Column, show_listing
from smsline.cli.output import print_json, print_line
from smsline.cli.view import print_status
from smsline.errors import BadInput
from smsline.states import JobState

if TYPE_CHECKING:
    from smsline.client import Client

commands = typer.Typer()

Limit = Annotated[int, typer.Option(metavar="N", min=1, help="At most so many, newest first.")]
State = Annotated[
    str,
    typer.Option(metavar="STATE", help="Only open, paused, cancelled or closed ones.", show_default=False),
]

_COUNTS: Final = ("total", "waiting", "sending", "accepted", "delivered", "undelivered", "dead")

# What a narrow terminal can do without, the highest first; `status` has it all.
_SPARE: Final = {"template": 7, "created": 6, "sending": 5, "accepted": 4, "undelivered": 3, "lane": 2, "waiting": 1}


@commands.command(context_settings=opt.HELP, epilog=opt.example("smsline status JOB", "smsline status JOB --json"))
def status(context: typer.Context, job: opt.Job, *, as_json: opt.Json = False) -> None:
    """Show how many numbers of a job are in which state."""
    print_status(opt.client_of(context).status(job), as_json=as_json)


@commands.command(context_settings=opt.HELP, epilog=opt.example("smsline jobs --state open"))
def jobs(context: typer.Context, *, limit: Limit = 50, state: State = "", as_json: opt.Json = False) -> None:
    """List jobs, newest first."""
    if state and state not in set(JobState):
        raise BadInput("--state", state, f"must be one of {', '.join(JobState)}")
    admin = opt.admin_of(context)
    found = admin.jobs(limit=limit, state=state)
    if as_json:
        print_json(found)
        return
    names = ("job", "state", "lane", "template", *_COUNTS, "created")
    columns = [Column(name, spare=_SPARE.get(name, 0), number=name in _COUNTS) for name in names]
    rows = list[tuple[object, ...]]()
    for one in found:
        counts = cast("dict[str, int]", one["counts"])
        # An incomplete job is open and sends nothing: without the word its counts look
        # like a worker that hangs.
        shown = one["state"] if one["complete"] else f"{one['state']}, incomplete"
        facts = (one["job"], shown, one["lane"], one["template"])
        rows.append((*facts, *(counts[name] for name in _COUNTS), one["created_at"]))
    show_listing(columns, rows)
    from smsline.ledger.hours import in_words  # noqa: PLC0415 - redis takes longer to load than --help to print

    for each in admin.never_sent():
        typer.echo(in_words(each), err=True)


@commands.command(context_settings=opt.HELP, epilog=opt.example("smsline pause JOB"))
def pause(context: typer.Context, job: opt.Job, *, as_json: opt.Json = False) -> None:
    """Hold a job's waiting numbers back until it is resumed.

    Calls under way are finished.
    """
    client = opt.client_of(context)
    client.pause(job)
    _print_state(client, job, as_json=as_json)


@commands.command(context_settings=opt.HELP, epilog=opt.example("smsline resume JOB"))
def resume(context: typer.Context, job: opt.Job, *, as_json: opt.Json = False) -> None:
    """Go on with a paused job."""
    client = opt.client_of(context)
    client.resume(job)
    _print_state(client, job, as_json=as_json)


@commands.command(context_settings=opt.HELP, epilog=opt.example("smsline cancel JOB"))
def cancel(context: typer.Context, job: opt.Job, *, as_json: opt.Json = False) -> None:
    """Never send what is still waiting; what is sent stays sent."""
    client = opt.client_of(context)
    client.cancel(job)
    _print_state(client, job, as_json=as_json)


def _print_state(client: "Client", job: str, *, as_json: bool) -> None:
    now = client.status(job)
    print_json(now) if as_json else print_line(f"{now['job']} {now['state']}")
