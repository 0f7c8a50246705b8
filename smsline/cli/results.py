"""`smsline results`: a job's recipients, one row each, streamed as CSV or JSON lines."""

from typing import Annotated, Final

import typer

from smsline.cli import options as opt
from smsline.cli.output import chosen_format, print_rows

commands = typer.Typer()

COLUMNS: Final = (
    *("phone", "ref", "state", "code", "provider", "serial", "attempts", "accepted_at", "final_at"),
    *("fee", "country", "message"),
)

Format = Annotated[
    str,
    typer.Option("--format", metavar="csv|jsonl", help="csv, or a JSON object per line.", show_default="csv"),
]

State = Annotated[
    str, typer.Option("--state", metavar="STATE", help="Only this state, such as undelivered.", show_default=False)
]


@commands.command(
    context_settings=opt.HELP,
    epilog=opt.example("smsline results JOB > results.csv", "smsline results JOB --state undelivered --json"),
)
def results(
    context: typer.Context,
    job: opt.Job,
    *,
    state: State = "",
    code: opt.OfCode = "",
    fmt: Format = "",
    as_json: opt.Json = False,
) -> None:
    """Print what became of every number of a job, or of those in a state or with a code.

    Rows come as CSV with a header; --json is --format jsonl.
    """
    from smsline.ledger.jobs import picked  # noqa: PLC0415 - loads Redis, which help does without

    # Before the job is asked for: a mistyped option should not wait for Redis.
    chosen = chosen_format(fmt, as_json=as_json)
    print_rows(picked(opt.client_of(context).results(job), state=state, code=code), COLUMNS, fmt=chosen)
