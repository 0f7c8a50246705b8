"""What a campaign's file would do: good rows, bad ones and why, duplicates, countries."""

from array import array
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from config.settings import Settings
from smsline.countries import country_of
from smsline.csvcolumns import Columns
from smsline.job import Recipient, Rejected, RowRules
from smsline.ledger import suppression
from smsline.ledger.link import Ledger
from smsline.numbers import e164, is_mainland, mask
from smsline.parts import Tally, parts
from smsline.windows import refuse_never_open
from worker.providers.base import Provider, Region
from worker.web.campaigns.forecast import HoursClosed, calls_and_seconds, closed_at, segments_of, text_of
from worker.web.campaigns.sheet import Sheet, rows_of

SHOWN_REJECTS: Final = 50
SHOWN_ROWS: Final = 8
# Rows whose segments are counted one by one; the others are taken to be as long on average.
COUNTED_ROWS: Final = 5_000


@dataclass(slots=True)
class RowReject:
    """A row that will not be sent: its line, its number masked, why."""

    line: int
    phone: str
    reason: str


@dataclass(slots=True)
class Check:
    """What was found.

    Attributes:
        good: Recipients that will be handed over.
        rejected: Rows that will not.
        duplicates: Rows that repeat another one.
        left_out: The first of both.
        suppressed: Recipients of the good ones who are on the suppression list for this lane.
        countries: Recipients by ISO 3166 country, most first.
        first: The first rows, as they would be sent.
        calls: Calls to the provider, about.
        seconds: How long it would take at the limits or the pace; 0 when nothing is known of
            either.
        segments: What would be billed, about; None where the provider keeps the text.
        closed: Accounts whose hours hold some of it back at the start.
    """

    good: int = 0
    rejected: int = 0
    duplicates: int = 0
    left_out: list[RowReject] = field(default_factory=list)
    suppressed: int = 0
    countries: list[tuple[str, int]] = field(default_factory=list)
    first: list[Recipient] = field(default_factory=list)
    calls: int = 0
    seconds: float = 0.0
    segments: int | None = None
    closed: list[HoursClosed] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class CampaignPlan:
    """What a form asks for.

    Attributes:
        options: The client's arguments, besides the rows.
        template: The template.
        lane: The lane.
        account: The account, or empty.
        sign: The signature, or empty for the account's.
        pace: Recipients a second; 0 for no limit.
        start_s: Epoch seconds; the present, when it starts at once.
        ttl_s: Seconds after the start in which it may be sent.
    """

    options: Mapping[str, Any]
    template: str
    lane: str
    account: str
    sign: str
    pace: float
    start_s: float
    ttl_s: float


def check(
    sheet: Sheet,
    columns: Columns,
    plan: CampaignPlan,
    *,
    settings: Settings,
    ledger: Ledger,
    providers: Mapping[str, Provider],
) -> Check:
    """Read a file to its end, without sending anything.

    Args:
        sheet: The file.
        columns: What its columns mean.
        plan: What the form asks for.
        settings: The service's.
        ledger: Has the suppression list.
        providers: Account -> adapter.

    Raises:
        BadInput: It is no table of text, or its window opens for none of its recipients.
    """
    found, tally, countries, regions = Check(), Tally(), Counter[str](), Counter[Region]()
    accounts = {name: each for name, each in settings.accounts.items() if plan.account in {"", name}}
    used = {name: each for name, each in providers.items() if name in accounts}
    known, counted = text_of(accounts, plan.template), 0
    reader = Rows(sheet, columns, found)
    rules = RowRules(settings.region_default)
    # The client's own checks and parts, so that what is shown is what will happen.
    for part in parts(reader, tally, rules=rules, on_rejected=reader.on_rejected, on_duplicate=reader.on_duplicate):
        params = part.params or [()] * len(part.numbers)
        if not found.first:
            refs = part.refs or [""] * len(part.numbers)
            every = zip(part.numbers, params, refs, strict=True)
            found.first = [Recipient(e164(number), tuple(own or ()), ref) for number, own, ref in every][:SHOWN_ROWS]
        # A text costs 20 us to count: a million of them would be a page that takes 20 s.
        if known and counted < COUNTED_ROWS:
            given = [own or () for own in params]
            text, account = known
            found.segments = (found.segments or 0) + segments_of(
                text, part.numbers, given, sign=plan.sign or account.sign
            )
            counted += len(part.numbers)
        countries.update(map(country_of, part.numbers))
        regions.update("mainland" if is_mainland(number) else "global" for number in part.numbers)
        found.suppressed += suppression.count_stopped(ledger, part.numbers, plan.lane)
    found.good, found.duplicates, found.countries = tally.good, tally.doubled, countries.most_common()
    if found.segments is not None:
        found.segments = round(found.segments * found.good / counted)
    found.calls, found.seconds = calls_and_seconds(used, regions, own_params=bool(columns.params), pace=plan.pace)
    window = str(plan.options["window"])
    found.closed = closed_at(accounts, list(countries), lane=plan.lane, window=window, start_s=plan.start_s)
    if window:
        # As the start would: said before a person has waited for it.
        its = {name: each.window for name, each in accounts.items()} if plan.lane == "marketing" else None
        refuse_never_open(window, countries, start_s=plan.start_s, ttl_s=plan.ttl_s, accounts=its)
    return found


class Rows:
    """The file's rows for the client, with the line of each that it may still refuse."""

    def __init__(self, sheet: Sheet, columns: Columns, found: Check) -> None:
        self._sheet, self._columns, self._found = sheet, columns, found
        # Four bytes a row, for the whole file: a duplicate may name any earlier line.
        self._lines = array("I")

    def __iter__(self) -> Iterator[Recipient]:
        with rows_of(self._sheet, self._columns) as rows:
            for row in rows:
                if row.reason:
                    self._found.rejected += 1
                    self._leave_out(RowReject(row.line, mask(row.phone) if row.phone else "", row.reason))
                    continue
                self._lines.append(row.line)
                yield Recipient(row.phone, row.params, row.ref)

    def on_rejected(self, told: Rejected) -> None:
        """The checks refuse one."""
        self._found.rejected += 1
        self.on_duplicate(told)

    def on_duplicate(self, told: Rejected) -> None:
        """One repeats an earlier row."""
        # The checks count the rows that they were given, the person who mends
        # the file knows its lines.
        first = self._lines[told.first - 1] if told.first else 0
        reason = told.reason.replace(f"row {told.first},", f"line {first},")
        self._leave_out(RowReject(self._lines[told.row - 1], mask(told.phone), f"{told.field} {reason}"))

    def _leave_out(self, row: RowReject) -> None:
        if len(self._found.left_out) < SHOWN_REJECTS:
            self._found.left_out.append(row)
