"""`smsline results`: a job's recipients, one row each, streamed as CSV or JSON lines."""

from typing import Annotated, Final

import typer

from smsline.cli import options as opt
from smsline.cli.output import chosen_format, print_rows

commands = typer.Typer()

COLUMNS: Final = ("phone", "ref", "state", "code", "provider", "serial", "attempts", "accepted_at", "final_at")

Format = Annotated[
    str,
    typer.Option("--format", metavar="csv|jsonl", help="csv, or a JSON object per line.", show_default="csv"),
]


@commands.command(
    context_settings=opt.HELP,
    epilog=opt.example("smsline results JOB > results.csv", "smsline results JOB --format jsonl"),
)
def results(context: typer.Context, job: opt.Job, *, fmt: Format = "", as_json: opt.Json = False) -> None:
    """Print what became of every number of a job.

    Rows come as CSV with a header; --json is --format jsonl.
    """
    chosen = chosen_format(fmt, as_json=as_json)
    print_rows(opt.client_of(context).results(job), COLUMNS, fmt=chosen)
