"""`smsline campaign`: a CSV of recipients as one job, and a file of the rows that are not sent."""

import sys
from array import array
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import Annotated, Final, TypedDict

import typer

from smsline.cli import options as opt
from smsline.cli.errors import notes_of
from smsline.cli.output import console, say
from smsline.cli.times import example_at, parse_at, said
from smsline.cli.watch import finish
from smsline.counted import counted
from smsline.csvfile import CampaignFile, open_campaign
from smsline.errors import BadInput, SmslineError
from smsline.job import CampaignOptions, Recipient, Rejected, RowRules, Summary
from smsline.rejects import RejectedFile, rejected_path

commands = typer.Typer()

Tick = Callable[[], None]

# Rows between two steps of the progress bar.
_TICK_ROWS: Final = 1000

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
At = Annotated[
    str, typer.Option(metavar="TIME", help=f"Start then: {example_at()} (local) or +10m.", show_default="now")
]
PhoneColumn = Annotated[
    str,
    typer.Option(metavar="NAME", help="The column with the numbers.", show_default="phone, or a usual name for it"),
]
Rejects = Annotated[
    str,
    typer.Option(
        "--rejects", metavar="FILE", help="Where rows go that are not sent.", show_default="FILE.rejected.csv"
    ),
]
DryRun = Annotated[
    bool, typer.Option("--dry-run", help="Say what would go out and in how many segments, and send nothing.")
]
Text = Annotated[
    str,
    typer.Option(
        metavar="TEXT", help="With --dry-run: the template's text, {1}… for its params.", show_default="not known"
    ),
]


class Listeners(TypedDict):
    """Told of refused rows, of duplicates, and of how many rows were read."""

    on_rejected: Callable[[Rejected], None]
    on_duplicate: Callable[[Rejected], None]
    on_progress: Callable[[int], None]


class FileIntake:
    """The rows of a file as the client takes them, and the line of each rejected position.

    Attributes:
        unread: Rows that the file's reader would not take.
        refused: How many of the recipients the client would not take.
        exhausted: Whether the file has been read to its end.
    """

    def __init__(self, file: CampaignFile, rejects: RejectedFile, tick: Tick) -> None:
        self._file = file
        self._rejects = rejects
        self._tick = tick
        self._plain = not file.columns.params and file.columns.ref is None
        # Numbers in full of the rows that the client has not judged yet, a part of them at most; a
        # rejection shows a masked number, and the person who mends the file needs the whole one.
        self._unjudged: list[str] = []
        self._judged = 0
        # Four bytes a row, for the whole file: a duplicate may name any earlier line.
        self._lines = array("I")
        self.unread = self.refused = 0
        self.exhausted = False

    def __iter__(self) -> Iterator[str | Recipient]:
        plain, lines, phones = self._plain, self._lines, self._unjudged
        for count, (line, phone, params, ref, reason, _) in enumerate(self._file.rows()):
            if count % _TICK_ROWS == 0:
                self._tick()
            if reason:
                self.unread += 1
                self._rejects.add(line, phone, reason)
                continue
            lines.append(line)
            phones.append(phone)
            yield phone if plain else Recipient(phone, params, ref)
        self.exhausted = True

    @property
    def listeners(self) -> Listeners:
        """What it hears of its rows, by the names under which a client tells it."""
        return Listeners(on_rejected=self.rejected, on_duplicate=self.repeated, on_progress=self.settled)

    def rejected(self, rejected: Rejected) -> None:
        """The client will not take one of them."""
        self.refused += 1
        self._add(rejected)

    def repeated(self, rejected: Rejected) -> None:
        """It repeats an earlier row: in the file of those that do not go out, but not refused."""
        self._add(rejected)

    def _add(self, rejected: Rejected) -> None:
        at = rejected.row - self._judged - 1
        phone = self._unjudged[at] if 0 <= at < len(self._unjudged) else rejected.phone
        reason = rejected.reason.replace(f"row {rejected.first},", f"line {self._line(rejected.first)},")
        self._rejects.add(self._line(rejected.row), phone, f"{rejected.field} {reason}")

    def _line(self, row: int) -> int | str:
        return self._lines[row - 1] if 0 < row <= len(self._lines) else ""

    @property
    def taken(self) -> int:
        """Recipients given to the client so far."""
        return len(self._lines)

    def settled(self, count: int) -> None:
        """The client has judged the first `count` of them.

        Their phones need not be known any more.
        """
        del self._unjudged[: count - self._judged]
        self._judged = count

    def told(self, summary: Summary) -> str:
        """What became of the rows, in one line."""
        if summary.repeated:
            words = ["nothing added: the key belongs to a job that has all its rows"]
        else:
            words = [f"accepted {summary.added:,}"]
            words += [f"in the job before {summary.held:,}"] if summary.held else []
        words += [f"duplicates {summary.duplicates:,}"] if summary.duplicates else []
        words += [f"rejected {self.unread + self.refused:,}"] if self.unread + self.refused else []
        return " · ".join(words) + (f" (see {self._rejects.path})" if self._rejects.count else "")

    def nothing_accepted(self) -> BadInput | None:
        """The error of a file that was read to its end and has no valid recipient, if so."""
        # The client speaks of rows, the person knows lines: the file's own
        # error is the clearer one.
        if not self.exhausted or self.taken > self.refused:
            return None
        if not self._rejects.count:
            return BadInput("file", self._file.name, "has a header but no rows")
        rule = f"none of its {counted(self._rejects.count, 'row')} can be sent; see {self._rejects.path}"
        return BadInput("file", self._file.name, rule)


@commands.command(
    context_settings=opt.HELP,
    epilog=opt.example(
        "smsline campaign may.csv --template 5678 --sign Shop --at +2h --pace 500 --window 09:00-20:00",
        "smsline campaign may.csv --template 5678 --dry-run --text 'Hello {1}, our sale begins'",
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
    job_id: opt.JobId = "",
    account: opt.Account = "",
    pace: Pace = None,
    at: At = "",
    window: opt.Window = "",
    phone_column: PhoneColumn = "",
    encoding: opt.Encoding = "",
    rejects: Rejects = "",
    allow_unassigned: opt.AllowUnassigned = False,
    allow_blank: opt.AllowBlank = False,
    dry_run: DryRun = False,
    text: Text = "",
    wait: opt.Wait = False,
    timeout: opt.Timeout = None,
    as_json: opt.Json = False,
) -> None:
    """Send to every row of a CSV; prints the job's id.

    Bad rows go to FILE.rejected.csv, the others go out.
    """
    from smsline.calls import checked_campaign  # noqa: PLC0415 - both load the ledger, which --help does without
    from smsline.cli.preview import look, show_look  # noqa: PLC0415

    if text and not dry_run:
        raise BadInput("--text", text, "is for a first look: with --dry-run; else the provider's template is the text")
    params = opt.params_of(param, stdin_taken=str(file) == "-")
    client = opt.client_of(context)
    # By Redis' clock: the workers go by it, and this machine's may be wrong.
    at_s = parse_at(at, now_s=client.now_s()) if at else None
    rules = RowRules(client.region, allow_unassigned, allow_blank)
    asked = CampaignOptions(params=params, sign=sign, sender=sender, account=account, lane=lane, ttl_s=ttl, key=key)
    asked |= CampaignOptions(pace=pace, window=window, allow_unassigned=allow_unassigned, allow_blank=allow_blank)
    if dry_run:  # a first look refuses what the campaign itself would refuse, a start in a hundred years for one
        checked_campaign({"template": template, "start_s": at_s, **asked}, to=())
    submit, told = partial(client.campaign, template=template, at=at_s, job_id=job_id or None, **asked), list[Summary]()
    with open_campaign(file, encoding=encoding, phone_column=phone_column) as source:
        _check_columns(source, params_given=bool(param))
        with RejectedFile(_rejects_of(file, rejects)) as bad, _progress(source) as tick:
            intake = FileIntake(source, bad, tick)
            with _told_at_the_end(intake, bad):
                if dry_run:
                    seen = look(intake, rules, text=text, sign=sign, params=params, **intake.listeners)
                else:
                    job = submit(to=intake, on_summary=told.append, **intake.listeners)
    if at_s:
        say(f"starts {said(at_s)}")
    if dry_run:
        show_look(seen, refused=intake.unread + intake.refused, as_json=as_json)
    else:
        say(intake.told(told[0]))
        finish(client, job, wait=wait, timeout_s=timeout, as_json=as_json)
    if bad.trouble:
        raise SmslineError(bad.trouble)


@contextmanager
def _told_at_the_end(intake: FileIntake, bad: RejectedFile) -> Iterator[None]:
    """Say in the file's words why nothing went out, and after Ctrl-C what did."""
    try:
        yield
    except BadInput as error:
        if (nothing := intake.nothing_accepted()) is None:
            raise
        bad.keep()
        raise nothing from error
    except KeyboardInterrupt as error:
        # Here and not in `main`: typer makes an exit code of it, and drops what it carries.
        say(f"smsline: interrupted: {'; '.join(notes_of(error)) or 'nothing was taken'}")
        raise


def _check_columns(source: CampaignFile, *, params_given: bool) -> None:
    if source.columns.params and params_given:
        raise BadInput("--param", "…", f"{source.name} has param columns; give params there or here, not both")
    if source.columns.ignored:
        # Said, not refused: exports bring columns along; but a misspelt `params1`
        # would be missed in silence.
        say(f"columns not used: {', '.join(source.columns.ignored)}")


def _rejects_of(file: str, named: str) -> Path:
    # samefile, not ==: the campaign may be named by another path, and would be
    # replaced by its own bad rows.
    path = Path(named) if named else rejected_path(file)
    if path.exists() and Path(file).exists() and path.samefile(file):
        raise BadInput("--rejects", named, "is the campaign itself; name another file")
    return path


@contextmanager
def _progress(source: CampaignFile) -> Iterator[Tick]:
    """A bar of the bytes read, on a terminal; for a pipe of unknown length, one that only moves."""
    if not sys.stderr.isatty():
        yield lambda: None
        return
    # On stderr, and gone at the end: stdout has the job's id and nothing else, for scripts.
    from rich.progress import Progress  # noqa: PLC0415 - only on a terminal

    with Progress(console=console(stderr=True), transient=True) as bar:
        task = bar.add_task(source.name, total=source.size)
        yield lambda: bar.update(task, completed=source.bytes_read)
