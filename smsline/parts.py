"""Recipients cut into parts.

Each row is checked as it comes, bad ones are reported, and one part is in memory at a time.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import TypedDict, Unpack

from smsline import numbers
from smsline.errors import BadInput, Conflict, shorten
from smsline.job import NO_RULES, PART_SIZE, Recipient, Rejected, RowRules
from smsline.ledger.inbox import Part
from smsline.repeats import KnownPhones, RowSums, mark_of
from smsline.row_values import check_params, check_ref

Listener = Callable[[Rejected], None]


@dataclass(slots=True)
class Tally:
    """What became of the rows of one call.

    Attributes:
        good: Numbers that are in the parts.
        bad: Rows that were refused.
        doubled: Rows that repeat an earlier one.
        held: Rows that the job had before this call.
        first_bad: The first refusal.
        content: Takes in every number that the job then has, to compare it with a repetition; None
            when none can come.
    """

    good: int = 0
    bad: int = 0
    doubled: int = 0
    held: int = 0
    first_bad: Rejected | None = None
    content: RowSums | None = None

    @property
    def rows(self) -> int:
        """Rows read."""
        return self.good + self.bad + self.doubled + self.held

    def leave_out(self, rejected: Rejected, listener: Listener | None, *, doubled: bool = False) -> None:
        """Count a row that breaks a rule, or repeats another, and tell of it."""
        if doubled:
            self.doubled += 1
        else:
            self.bad += 1
            self.first_bad = self.first_bad or rejected
        if listener:
            listener(rejected)


@dataclass(slots=True)
class _Filling:
    # By place, and only of rows that bring some: most bring a number alone.
    numbers: list[int] = field(default_factory=list)
    params: dict[int, tuple[str, ...]] = field(default_factory=dict)
    refs: dict[int, str] = field(default_factory=dict)
    doubled: int = 0

    def own(self, params: tuple[str, ...] | None, ref: str) -> None:
        """Note what the number that comes next has of its own."""
        if params is not None:
            self.params[len(self.numbers)] = params
        if ref:
            self.refs[len(self.numbers)] = ref

    def part(self) -> Part:
        """What has gathered, as columns."""
        # None where no number has its own: then the job's params are kept once,
        # and not a thousand times.
        places = range(len(self.numbers))
        own_params = [self.params.get(place) for place in places] if self.params else None
        return Part(
            self.numbers,
            own_params,
            [self.refs.get(place, "") for place in places] if self.refs else None,
            self.doubled,
        )


class CutOptions(TypedDict, total=False):
    """How rows are cut into parts.

    Attributes:
        rules: What is taken for a number and for params.
        known: Phones that the job has already; those of the rows are added.
        on_rejected: Told of each bad row.
        on_duplicate: Told of each row that repeats another.
        size: Recipients of a part.
    """

    rules: RowRules
    known: KnownPhones | None
    on_rejected: Listener | None
    on_duplicate: Listener | None
    size: int


def parts(  # noqa: C901 - one row's way, from top to bottom
    rows: Iterable[str | Recipient], tally: Tally, **how: Unpack[CutOptions]
) -> Iterator[Part]:
    """Cut rows into parts; a phone met before is a duplicate, with other content it is refused.

    Args:
        rows: Numbers or recipients; read once, as they are needed.
        tally: Counts what was seen, while the parts are taken.
        **how: See `CutOptions`.

    Raises:
        Conflict: The job has one of the numbers from an earlier call, to get something else.
    """
    filling, known = _Filling(), how.get("known") or KnownPhones()
    rules, size = how.get("rules", NO_RULES), how.get("size", PART_SIZE)
    on_rejected, on_duplicate = how.get("on_rejected"), how.get("on_duplicate")
    is_usual, add, content = numbers.usual_spelling(), known.add, tally.content
    for row_no, row in enumerate(rows, tally.rows + 1):
        # Nine rows in ten of a campaign are such text. One expression judges it; check_row takes
        # four times as long to say the same.
        if type(row) is str and is_usual(row):
            number = phone = int(row)
            params, ref, mark = None, "", 0
        else:
            try:
                number, params, ref = check_row(row, rules)
            except BadInput as error:
                tally.leave_out(Rejected(row_no, _masked(row), error.field, error.rule), on_rejected)
                continue
            phone, mark = numbers.same_phone(number), mark_of(params, ref) if params is not None or ref else 0
        at = add(phone, row_no, mark)
        first, same = 0, True
        if at >= 0:
            # Row 0 is an earlier call's: what is met there again is held, what is met in
            # this call is a duplicate.
            first, same = known.row_at(at), known.mark_at(at) in (mark, KnownPhones.ERASED)
        if first:
            filling.doubled += same
            found = "says the same" if same else "has other params or another ref; only that one goes out"
            again = Rejected(row_no, _masked(row), "phone", f"is that of row {first}, which {found}", first)
            tally.leave_out(again, on_duplicate if same else on_rejected, doubled=same)
            continue
        # Of every number that the job then has, those of earlier calls included: a
        # repetition brings all of them.
        if content is not None:
            content.add(number, params, ref)
        if at >= 0:
            if not same:
                told = f"row {row_no}, {_masked(row)}, was handed over before with other params or another ref"
                raise Conflict(f"{told}: the key belongs to another campaign; nothing was added")
            tally.held += 1
            known.meet(at, row_no)
            continue
        if params is not None or ref:
            filling.own(params, ref)
        filling.numbers.append(number)
        if len(filling.numbers) == size:
            tally.good += size
            yield filling.part()
            filling = _Filling()
    tally.good += len(filling.numbers)
    if filling.numbers:
        yield filling.part()


def check_row(row: object, rules: RowRules) -> tuple[int, tuple[str, ...] | None, str]:
    """Number, params and ref of a row.

    Raises:
        BadInput: One of them breaks its rule.
    """
    phone: object
    if isinstance(row, Recipient):
        phone, params, ref = row.phone, row.params, row.ref
    # A payload's row with a misspelt field arrives as the object it was: to send without it would
    # drop a param.
    elif isinstance(row, Mapping):
        raise BadInput("row", ", ".join(map(str, row)), "has a field that is none of phone, params and ref")
    else:
        phone, params, ref = row, None, ""
    number = numbers.parse_number(phone, region=rules.region, field="phone", allow_unassigned=rules.allow_unassigned)
    if params is not None:
        params = check_params(params, allow_blank=rules.allow_blank)
    return number, params, check_ref(ref)


def _masked(row: object) -> str:
    phone = row.phone if isinstance(row, Recipient) else row
    return shorten(numbers.mask(phone)) if isinstance(phone, str) else type(phone).__name__


def nothing_good(tally: Tally) -> BadInput:
    """The refusal of an input without a single good row."""
    first = tally.first_bad
    if first is None:
        return BadInput("to", "[]", "is empty; give at least one number")
    return BadInput(
        "to", f"{tally.bad} rows", f"no row is good; the first, row {first.row}: {first.field} {first.reason}"
    )
