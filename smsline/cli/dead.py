"""The dead letter: what could not be sent or was not delivered, why, and what to do about it.

Requeue or drop a selection.
"""

import sys
from itertools import islice
from typing import TYPE_CHECKING, Annotated, Final, TypedDict

import typer

from smsline.cli import options as opt
from smsline.cli.errors import FAILED
from smsline.cli.listing import Column, show_listing
from smsline.cli.output import console, print_json, print_line, say
from smsline.counted import counted
from smsline.errors import BadInput

if TYPE_CHECKING:
    from smsline.admin import Admin

commands = typer.Typer(
    context_settings=opt.HELP,
    help="What could not be sent, why, and what to do about it.",
    epilog=opt.example(
        "smsline dead list", "smsline dead requeue --code FailedOperation.TemplateIncorrectOrUnapproved"
    ),
)

ROW_COLUMNS: Final = ("job", "phone", "ref", "account", "provider", "state", "code", "attempts", "final_at")

# What a narrow terminal can do without, the highest first.
_SPARE: Final = {"provider": 6, "final_at": 5, "ref": 4, "attempts": 3, "account": 2, "state": 1}

_GROUP_COLUMNS: Final = (
    Column("code"),
    Column("state"),
    Column("provider", spare=2),
    Column("account", spare=1),
    Column("numbers", number=True),
    Column("jobs", spare=3),
    Column("meaning", words=True),
    Column("what to do", words=True),
)
_SHOWN_JOBS: Final = 3


class DeadOptions(TypedDict):
    """Which dead letters: all conditions hold at once, an empty one always holds."""

    code: str
    job: str
    account: str
    state: str


Limit = Annotated[int, typer.Option(metavar="N", min=0, help="Rows of the table; 0 for all. JSON has all.")]
All = Annotated[bool, typer.Option("--all", help="All of them, whatever code, job or account.")]
Yes = Annotated[bool, typer.Option("--yes", "-y", help="Do not ask.")]


@commands.command("list", context_settings=opt.HELP, epilog=opt.example("smsline dead list --job JOB"))
def list_groups(
    context: typer.Context,
    *,
    code: opt.OfCode = "",
    job: opt.OfJob = "",
    account: opt.OfAccount = "",
    state: opt.OfState = "",
    as_json: opt.Json = False,
) -> None:
    """Show why numbers were not reached, per code.

    Apart by state: undelivered (its receipt failed), dead (rejected for good, or retries
    exhausted), unknown (no receipt came). With what each code means and what to do about it.
    """
    groups = opt.admin_of(context).dead_groups(code=code, job=job, account=account, state=state)
    if as_json:
        print_json(groups)
        return
    rows = list[tuple[object, ...]]()
    for group in groups:
        # A code may have struck thousands of jobs: three of them are examples enough, JSON has all.
        more = len(group["jobs"]) - _SHOWN_JOBS
        shown = " ".join(group["jobs"][:_SHOWN_JOBS]) + (f" +{more}" if more > 0 else "")
        facts = (group["code"], group["state"], group["provider"], group["account"], group["count"], shown)
        rows.append((*facts, group["meaning"], group["advice"]))
    if rows:
        show_listing(_GROUP_COLUMNS, rows)
    else:
        print_line("no dead letters")


@commands.command(
    "show", context_settings=opt.HELP, epilog=opt.example("smsline dead show --code X --json > dead.jsonl")
)
def show_rows(
    context: typer.Context,
    *,
    code: opt.OfCode = "",
    job: opt.OfJob = "",
    account: opt.OfAccount = "",
    state: opt.OfState = "",
    limit: Limit = 100,
    as_json: opt.Json = False,
) -> None:
    """Show the numbers in the dead letter, one row each.

    --json prints an object per line.
    """
    rows = iter(opt.admin_of(context).dead_rows(code=code, job=job, account=account, state=state))
    if as_json:
        for row in rows:
            print_json(row)
        return
    columns = [Column(name, spare=_SPARE.get(name, 0), number=name == "attempts") for name in ROW_COLUMNS]
    some: list[dict[str, object]] = [{**row} for row in islice(rows, limit or None)]
    show_listing(columns, ([row[name] for name in ROW_COLUMNS] for row in some))
    # One row more than asked for tells that there are more, without counting them all.
    if next(rows, None) is not None:
        say(f"there are more than {limit:,}; --limit 0 shows all")


@commands.command("requeue", context_settings=opt.HELP, epilog=opt.example("smsline dead requeue --code X --job JOB"))
def requeue(
    context: typer.Context,
    *,
    code: opt.OfCode = "",
    job: opt.OfJob = "",
    account: opt.OfAccount = "",
    state: opt.OfState = "",
    everything: All = False,
    yes: Yes = False,
    as_json: opt.Json = False,
) -> None:
    """Send a selection again, now that the cause is gone.

    Takes undelivered and dead numbers and those whose outcome is unknown. Their jobs open again.
    Asks first on a terminal.
    """
    selection = _selection({"code": code, "job": job, "account": account, "state": state}, everything=everything)
    admin = opt.admin_of(context)
    _ask_first(admin, selection, verb="requeue", yes=yes)
    if sys.stderr.isatty():
        with console(stderr=True).status("…") as running:
            count = admin.requeue(**selection, on_progress=lambda count: running.update(f"{count:,}"))
    else:
        count = admin.requeue(**selection)
    _report("requeued", count, as_json=as_json)


@commands.command("drop", context_settings=opt.HELP, epilog=opt.example("smsline dead drop --job JOB --yes"))
def drop(
    context: typer.Context,
    *,
    code: opt.OfCode = "",
    job: opt.OfJob = "",
    account: opt.OfAccount = "",
    state: opt.OfState = "",
    everything: All = False,
    yes: Yes = False,
    as_json: opt.Json = False,
) -> None:
    """Take a selection out of the dead letter for good.

    It cannot be requeued after that; its state in results stays. Asks first on a terminal.
    """
    selection = _selection({"code": code, "job": job, "account": account, "state": state}, everything=everything)
    admin = opt.admin_of(context)
    _ask_first(admin, selection, verb="drop", yes=yes)
    _report("dropped", admin.drop(**selection), as_json=as_json)


def _selection(given: DeadOptions, *, everything: bool) -> DeadOptions:
    """What the options pick out; picking nothing must be meant, so it needs --all.

    Raises:
        BadInput: Neither a filter nor --all, or both.
    """
    chosen = any(given.values())
    # A shell variable that is empty must not turn "this code" into everything.
    if chosen and everything:
        raise BadInput("--all", "given", "contradicts --code, --job, --account and --state; leave one out")
    if not chosen and not everything:
        raise BadInput("selection", "", "give --code, --job, --account or --state, or --all for the whole dead letter")
    return given


def _ask_first(admin: "Admin", selection: DeadOptions, *, verb: str, yes: bool) -> None:
    """A person confirms; a script, which has no terminal, has already said what it wants.

    Raises:
        typer.Exit: The answer was no.
    """
    if yes or not sys.stdin.isatty():
        return  # a question that a script cannot see would hang it
    groups = admin.dead_groups(**selection)
    numbers = sum(group["count"] for group in groups)
    jobs = len({job for group in groups for job in group["jobs"]})
    if not typer.confirm(f"{verb} {counted(numbers, 'number')} of {counted(jobs, 'job')}?", err=True):
        say("nothing was changed")
        raise typer.Exit(FAILED)


def _report(done: str, count: int, *, as_json: bool) -> None:
    print_json({done: count}) if as_json else print_line(f"{done} {count:,}")
