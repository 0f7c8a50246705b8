"""Recipients in, parts out: each row is checked as it comes, bad ones are reported, and no more than one part is in memory."""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field

from smsline import numbers
from smsline.errors import BadInput
from smsline.job import PART_SIZE, Recipient, Rejected, check_params, check_ref
from smsline.ledger.inbox import Part


@dataclass(slots=True)
class Tally:
    """How many rows were good, bad, or double within their part; `first_bad` is the first refusal."""

    good: int = 0
    bad: int = 0
    doubled: int = 0
    first_bad: Rejected | None = None

    @property
    def rows(self) -> int:
        """Rows read."""
        return self.good + self.bad + self.doubled


@dataclass(slots=True)
class _Filling:
    known: set[int] = field(default_factory=set)
    numbers: list[int] = field(default_factory=list)
    params: list[tuple[str, ...] | None] = field(default_factory=list)
    refs: list[str] = field(default_factory=list)
    doubled: int = 0

    def part(self) -> Part:
        own_params = self.params if any(params is not None for params in self.params) else None
        return Part(self.numbers, own_params, self.refs if any(self.refs) else None, self.doubled)


def parts(
    rows: Iterable[str | Recipient],
    tally: Tally,
    *,
    region: str | None = None,
    on_rejected: Callable[[Rejected], None] | None = None,
    size: int = PART_SIZE,
) -> Iterator[Part]:
    """Cut rows into parts.

    Args:
        rows: Numbers or recipients; read once, as they are needed.
        tally: Counts what was seen, while the parts are taken.
        region: Country of numbers without a country code.
        on_rejected: Told of each bad row.
        size: Recipients of a part.
    """
    filling = _Filling()
    for row_no, row in enumerate(rows, tally.rows + 1):
        try:
            number, params, ref = check_row(row, region)
        except BadInput as error:
            _reject(tally, Rejected(row_no, _masked(row), error.field, error.rule), on_rejected)
            continue
        if number in filling.known:
            tally.doubled += 1
            filling.doubled += 1
            continue
        filling.known.add(number)
        filling.numbers.append(number)
        filling.params.append(params)
        filling.refs.append(ref)
        tally.good += 1
        if len(filling.numbers) == size:
            yield filling.part()
            filling = _Filling()
    if filling.numbers:
        yield filling.part()


def check_row(row: object, region: str | None) -> tuple[int, tuple[str, ...] | None, str]:
    """Number, params and ref of a row.

    Raises:
        BadInput: One of them breaks its rule.
    """
    if not isinstance(row, Recipient):
        return numbers.parse_number(row, region=region, field="phone"), None, ""
    number = numbers.parse_number(row.phone, region=region, field="phone")
    params = None if row.params is None else check_params(row.params)
    return number, params, check_ref(row.ref)


def _reject(tally: Tally, rejected: Rejected, on_rejected: Callable[[Rejected], None] | None) -> None:
    tally.bad += 1
    tally.first_bad = tally.first_bad or rejected
    if on_rejected:
        on_rejected(rejected)


def _masked(row: object) -> str:
    phone = row.phone if isinstance(row, Recipient) else row
    return numbers.mask(phone) if isinstance(phone, str) else type(phone).__name__


def nothing_good(tally: Tally) -> BadInput:
    """The refusal of an input without a single good row."""
    first = tally.first_bad
    if first is None:
        return BadInput("to", "[]", "is empty; give at least one number")
    return BadInput(
        "to", f"{tally.bad} rows", f"no row is good; the first, row {first.row}: {first.field} {first.reason}"
    )
