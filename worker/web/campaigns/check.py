"""What a campaign's file would do: good rows, bad ones and why, duplicates, countries."""

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Final

from config.settings import Settings
from smsline.countries import country_of
from smsline.csvcolumns import Columns
from smsline.job import Recipient, Rejected, RowRules
from smsline.ledger import suppression
from smsline.ledger.link import Ledger
from smsline.numbers import e164, mask
from smsline.parts import Tally, parts
from worker.web.campaigns.sheet import Sheet, rows_of

SHOWN_REJECTS: Final = 50
SHOWN_ROWS: Final = 8
A_CALL: Final = 200
"""Recipients of a call that brings all of them the same text, at Tencent; others take more or fewer."""


@dataclass(slots=True)
class Reject:
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
        rejects: The first of them.
        duplicates: Rows that repeat another one.
        suppressed: Recipients of the good ones who are on the suppression list for this lane.
        countries: Recipients by ISO 3166 country, most first.
        first: The first rows, as they would be sent.
        calls: Calls to the provider, about.
        seconds: How long it would take at the limits or the pace; 0 when nothing is known of either.
    """

    good: int = 0
    rejected: int = 0
    rejects: list[Reject] = field(default_factory=list)
    duplicates: int = 0
    suppressed: int = 0
    countries: list[tuple[str, int]] = field(default_factory=list)
    first: list[Recipient] = field(default_factory=list)
    calls: int = 0
    seconds: float = 0.0


def check(sheet: Sheet, columns: Columns, *, ledger: Ledger, settings: Settings, lane: str, pace: float) -> Check:
    """Read a file to its end, without sending anything.

    Raises:
        BadInput: It is no table of text.
    """
    found, tally, countries = Check(), Tally(), Counter[str]()
    reader = Rows(sheet, columns, found)
    rules = RowRules(settings.region_default)
    # The client's own checks and parts, so that what is shown is what will happen.
    for part in parts(reader, tally, rules=rules, on_rejected=reader.on_rejected):
        if not found.first:
            every = zip(part.numbers, part.params or [None] * len(part.numbers), part.refs or [""] * len(part.numbers))  # noqa: B905
            found.first = [
                Recipient(e164(number), None if params is None else tuple(params), ref) for number, params, ref in every
            ][:SHOWN_ROWS]
        countries.update(map(country_of, part.numbers))
        found.suppressed += suppression.count_stopped(ledger, part.numbers, lane)
        reader.settled()
    found.good, found.duplicates, found.countries = tally.good, tally.doubled, countries.most_common()
    # With params of their own recipients share no call.
    found.calls = found.good if columns.params else -(-found.good // A_CALL)
    found.seconds = duration_s(settings, recipients=found.good, calls=found.calls, pace=pace)
    return found


class Rows:
    """The file's rows for the client, with the line of each that it may still refuse."""

    def __init__(self, sheet: Sheet, columns: Columns, found: Check) -> None:
        self._sheet, self._columns, self._found = sheet, columns, found
        self._lines: dict[int, int] = {}
        self._count = 0

    def __iter__(self) -> Iterator[Recipient]:
        with rows_of(self._sheet, self._columns) as rows:
            for row in rows:
                if row.reason:
                    self._note(Reject(row.line, mask(row.phone) if row.phone else "", row.reason))
                    continue
                self._count += 1
                self._lines[self._count] = row.line
                yield Recipient(row.phone, row.params, row.ref)

    def on_rejected(self, told: Rejected) -> None:
        """The checks refuse one."""
        self._note(Reject(self._lines.get(told.row, 0), mask(told.phone), f"{told.field} {told.reason}"))

    def settled(self) -> None:
        """All that was given so far is judged."""
        self._lines.clear()

    def _note(self, reject: Reject) -> None:
        self._found.rejected += 1
        if len(self._found.rejects) < SHOWN_REJECTS:
            self._found.rejects.append(reject)


def duration_s(settings: Settings, *, recipients: int, calls: int, pace: float) -> float:
    """Seconds at the pace, or else at the limits of the accounts that are configured here; 0 when neither is known."""
    if pace:
        return recipients / pace
    # About: which account a number goes to is decided when it is sent.
    limits = [max(account.limits.values(), default=0.0) for account in settings.accounts.values()]
    return calls / sum(limits) if sum(limits) else 0.0
