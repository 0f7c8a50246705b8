"""Recipients on their way into parts: bad rows are told and left out, doubles once, and no more than a part is held."""

from collections.abc import Iterator
from typing import Any

import pytest

from smsline.job import Recipient, Rejected
from smsline.parts import Tally, nothing_good, parts

FIRST = 8613700000000


def rows(count: int) -> list[str]:
    """Distinct numbers."""
    return [f"+{FIRST + n}" for n in range(count)]


def test_rows_are_cut_into_parts_in_their_order() -> None:
    """The last one holds what is left."""
    tally = Tally()
    found = list(parts(rows(25), tally, size=10))
    assert [len(part.numbers) for part in found] == [10, 10, 5]
    assert [number for part in found for number in part.numbers] == [FIRST + n for n in range(25)]
    assert (tally.good, tally.bad, tally.doubled, tally.rows) == (25, 0, 0, 25)
    assert {(part.params, part.refs) for part in found} == {(None, None)}


def test_no_more_rows_are_read_than_a_part_needs() -> None:
    """A million rows never sit in memory."""
    read: list[int] = []

    def source() -> Iterator[str]:
        for n in range(1000):
            read.append(n)
            yield f"+{FIRST + n}"

    next(parts(source(), Tally(), size=10))
    assert len(read) == 10


BAD = [
    ("12", "phone", "has no country code; write it as +<country><number> or give a default region", "****"),
    ("", "phone", "is empty; give a number such as '+8613711112222'", "****"),
    (None, "phone", "must be text such as '+8613711112222'", "NoneType"),
    (8613711112222, "phone", "must be text such as '+8613711112222'", "int"),
    (Recipient("+3361234"), "phone", "has too few or too many digits for its country", "+3****"),
    (Recipient(f"+{FIRST}", ("a",) * 21), "params", "must be at most 20", "+86137****0000"),
    (Recipient(f"+{FIRST}", (1,)), "params", "every value must be text", "+86137****0000"),  # type: ignore[arg-type]
    (Recipient(f"+{FIRST}", ref="x" * 65), "ref", "must be text of at most 64 characters", "+86137****0000"),
    (Recipient(None), "phone", "must be text such as '+8613711112222'", "NoneType"),  # type: ignore[arg-type]
]


@pytest.mark.parametrize(("row", "field", "reason", "shown"), BAD)
def test_a_bad_row_is_told_and_the_good_ones_go_out(row: object, field: str, reason: str, shown: str) -> None:
    """Which row, what of it, and the rule; the number masked."""
    told: list[Rejected] = []
    tally = Tally()
    given: list[Any] = [f"+{FIRST + 1}", row, f"+{FIRST + 2}"]
    (part,) = parts(given, tally, on_rejected=told.append)
    assert list(part.numbers) == [FIRST + 1, FIRST + 2]
    assert told == [Rejected(2, shown, field, reason)]
    assert tally.first_bad == told[0]
    assert (tally.good, tally.bad) == (2, 1)


def test_a_number_twice_is_one_recipient() -> None:
    """However it is written; the first row's params and ref hold, and the part says how many it left out."""
    tally = Tally()
    given: list[str | Recipient] = [
        Recipient(f"+{FIRST}", ("a",), "first"),
        f"+86 {str(FIRST)[2:]}",
        Recipient(f"+{FIRST}", ref="third"),
    ]
    (part,) = parts(given, tally)
    assert (list(part.numbers), part.params, part.refs) == ([FIRST], [("a",)], ["first"])
    assert (tally.doubled, part.doubled) == (2, 2)


def test_own_params_and_refs_stay_with_their_numbers() -> None:
    """None stands for the job's own params."""
    (part,) = parts([f"+{FIRST}", Recipient(f"+{FIRST + 1}", ("b",), "two")], Tally())
    assert part.params == [None, ("b",)]
    assert part.refs == ["", "two"]


def test_national_numbers_take_the_region() -> None:
    """A campaign of one country needs no country codes."""
    (part,) = parts(["13711112222", "137 1111 3333"], Tally(), region="CN")
    assert list(part.numbers) == [8613711112222, 8613711113333]


def test_an_input_without_a_good_row_is_refused() -> None:
    """It says how many rows there were and what was wrong with the first; or that there was none."""
    tally = Tally()
    assert not list(parts(["12", "34"], tally))
    assert str(nothing_good(tally)).startswith(
        "to: '2 rows': no row is good; the first, row 1: phone has no country code"
    )
    assert str(nothing_good(Tally())) == "to: '[]': is empty; give at least one number"
