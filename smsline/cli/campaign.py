"""`smsline campaign`: a CSV of recipients goes in as one job; the job's id and a file of rejected rows come out."""

import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from typing import Annotated, Final

import typer

from smsline.cli import options as opt
from smsline.cli.output import console, say
from smsline.cli.times import parse_at
from smsline.cli.watch import finish
from smsline.csvfile import CampaignFile, RejectedFile, open_campaign, rejected_path
from smsline.errors import BadInput
from smsline.job import Recipient, Rejected

commands = typer.Typer()

Tick = Callable[[], None]

_TICK_ROWS: Final = 1000
"""Rows between two steps of the progress bar."""

File = Annotated[
    str,
    typer.Argument(
        metavar="FILE.csv",
        help="CSV with a column phone, and param1…, ref if wanted; - reads stdin.",
        show_default=False,
    ),
]
Pace = Annotated[
    float | None, typer.Option(metavar="NUMBERS", help="At most so many a second.", show_default="no limit")
]
At = Annotated[str, typer.Option(metavar="TIME", help="Start then: 2030-05-01T09:00 or +10m.", show_default="now")]


class Intake:
    """The rows of a file on their way to the client, and the way back from a rejected position to its line.

    Attributes:
        taken: Recipients given to the client so far.
        refused: How many of them it would not take.
        exhausted: Whether the file has been read to its end.
    """

    def __init__(self, file: CampaignFile, rejects: RejectedFile, tick: Tick) -> None:
        self._file = file
        self._rejects = rejects
        self._tick = tick
        self._plain = not file.columns.params and file.columns.ref is None
        self._open: dict[int, tuple[int, str]] = {}
        self.taken = 0
        self.refused = 0
        self.exhausted = False

    def __iter__(self) -> Iterator[str | Recipient]:
        for count, row in enumerate(self._file.rows()):
            if count % _TICK_ROWS == 0:
                self._tick()
            if row.reason:
                self._rejects.add(row.line, row.phone, row.reason)
                continue
            self.taken += 1
            self._open[self.taken] = (row.line, row.phone)
            yield row.phone if self._plain else Recipient(row.phone, row.params, row.ref)
        self.exhausted = True

    def rejected(self, rejected: Rejected) -> None:
        """The client will not take one of them."""
        self.refused += 1
        line, phone = self._open.pop(rejected.row, ("", rejected.phone))
        self._rejects.add(line, phone, f"{rejected.field} {rejected.reason}")

    def settled(self, count: int) -> None:
        """The client has judged the first `count` of them: their lines need not be known any more."""
        for position in [position for position in self._open if position <= count]:
            del self._open[position]

    @property
    def accepted(self) -> int:
        """Recipients the client has taken."""
        return self.taken - self.refused

    def summary(self) -> str:
        """What became of the rows, in one line."""
        if not self.exhausted:
            return "nothing added: the key belongs to a job that has all its rows"
        if not self._rejects.count:
            return f"accepted {self.accepted:,}"
        return f"accepted {self.accepted:,} · rejected {self._rejects.count:,} (see {self._rejects.path})"

    def nothing_accepted(self) -> BadInput | None:
        """The error of a file read to its end without one recipient that can be sent, if that is so."""
        if not self.exhausted or self.accepted:
            return None
        if not self._rejects.count:
            return BadInput("file", self._file.name, "has a header but no rows")
        rule = f"none of its {self._rejects.count:,} rows can be sent; see {self._rejects.path}"
        return BadInput("file", self._file.name, rule)


@commands.command(
    context_settings=opt.HELP,
    epilog=opt.example(
        "smsline campaign may.csv --template 5678 --sign Shop --at 2030-05-01T09:00 --pace 500",
        "smsline campaign - --template 5678 --param 20% --wait < may.csv",
    ),
)
def campaign(  # noqa: PLR0913 - a command's options are its parameters
    context: typer.Context,
    file: File,
    *,
    template: opt.Template,
    param: opt.Params = None,
    sign: opt.Sign = "",
    sender: opt.Sender = "",
    lane: opt.Lane = "marketing",
    ttl: opt.Ttl = None,
    key: opt.Key = "",
    account: opt.Account = "",
    pace: Pace = None,
    at: At = "",
    wait: opt.Wait = False,
    timeout: opt.Timeout = None,
    as_json: opt.Json = False,
) -> None:
    """Send to every row of a CSV; prints the job's id. Bad rows go to FILE.rejected.csv, the others go out."""
    at_s = parse_at(at, now_s=time.time()) if at else None
    params = opt.params_of(param, stdin_taken=str(file) == "-")
    client = opt.client_of(context)
    submit = partial(client.campaign, template=template, params=params, sign=sign, sender=sender, account=account)
    submit = partial(submit, lane=lane, ttl_s=ttl, key=key, pace=pace, at=at_s)
    with open_campaign(file) as source:
        _check_columns(source, params_given=bool(param))
        with RejectedFile(rejected_path(file)) as rejects, _progress(source) as tick:
            intake = Intake(source, rejects, tick)
            job = _submit(submit, intake)
    say(intake.summary())
    finish(client, job, wait=wait, timeout_s=timeout, as_json=as_json)


def _check_columns(source: CampaignFile, *, params_given: bool) -> None:
    if source.columns.params and params_given:
        raise BadInput("--param", "…", f"{source.name} has param columns; give params there or here, not both")
    if source.columns.ignored:
        say(f"columns not used: {', '.join(source.columns.ignored)}")


def _submit(submit: Callable[..., str], intake: Intake) -> str:
    try:
        return submit(to=intake, on_rejected=intake.rejected, on_progress=intake.settled)
    except BadInput as error:
        raise intake.nothing_accepted() or error from None


@contextmanager
def _progress(source: CampaignFile) -> Iterator[Tick]:
    """A bar of the bytes read, on a terminal; for a pipe of unknown length, one that only moves."""
    if not sys.stderr.isatty():
        yield lambda: None
        return
    from rich.progress import Progress  # noqa: PLC0415 - only on a terminal

    with Progress(console=console(stderr=True), transient=True) as bar:
        task = bar.add_task(source.name, total=source.size)
        yield lambda: bar.update(task, completed=source.bytes_read)
