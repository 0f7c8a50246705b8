"""Recipients on their way into parts.

Bad rows are told and left out, doubles once, and no more than a part is held.
"""

from collections.abc import Iterator
from typing import Any

import pytest

from smsline.job import Recipient, Rejected, RowRules
from smsline.parts import Tally, nothing_good, parts
from smsline.repeats import KnownPhones
from smsline.row_values import HALF_RULE

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


TAKEN = "it is taken with allow_blank (--allow-blank)"
BAD = [
    ("12", "phone", "has no country code; write it as +<country><number> or give a default region", "****"),
    ("", "phone", "is empty; give a number such as '+8613711112222'", "****"),
    (None, "phone", "must be text such as '+8613711112222'", "NoneType"),
    (8613711112222, "phone", "must be text such as '+8613711112222'", "int"),
    (Recipient("+3361234"), "phone", "has too few or too many digits for its country", "+3****"),
    (Recipient(f"+{FIRST}", ("a",) * 21), "params", "must be at most 20 values; there are 21", "+86137****0000"),
    (Recipient(f"+{FIRST}", (1,)), "params", "every value must be text", "+86137****0000"),  # type: ignore[arg-type]
    (Recipient(f"+{FIRST}", ref="x" * 65), "ref", "must be text of at most 64 characters", "+86137****0000"),
    (
        Recipient(f"+{FIRST}", ("NULL",)),
        "params",
        f"value 1 is NULL, an export's word for a missing one; {TAKEN}",
        "+86137****0000",
    ),
    (
        Recipient(f"+{FIRST}", ("\ud83d",)),
        "params",
        f"value 1 {HALF_RULE}",
        "+86137****0000",
    ),
    ({"phone": f"+{FIRST}", "param": ["a"]}, "row", "has a field that is none of phone, params and ref", "dict"),
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


def test_a_phone_twice_with_the_same_content_is_one_recipient() -> None:
    """However it is written and however far apart; the second is a duplicate of the first."""
    tally, told = Tally(), list[Rejected]()
    given: list[str | Recipient] = [*rows(25), f"+86 {str(FIRST)[2:]}", "+54 9 11 1234-5678", "+54 11 1234-5678"]
    *_, last = parts(given, tally, size=10, on_duplicate=told.append)
    assert list(last.numbers)[5:] == [5491112345678]
    assert [(each.row, each.first) for each in told] == [(26, 1), (28, 27)]
    assert (tally.good, tally.doubled, last.doubled, tally.rows) == (26, 2, 2, 28)


def test_a_phone_twice_with_other_content_is_refused() -> None:
    """The first goes out; the second is told with the row it contradicts."""
    tally, told = Tally(), list[Rejected]()
    given = [
        Recipient(f"+{FIRST}", ("a",), "r"),
        Recipient(f"+{FIRST}", ("b",), "r"),
        Recipient(f"+{FIRST}", ("a",), "r"),
    ]
    (part,) = parts(given, tally, on_rejected=told.append)
    assert (list(part.numbers), part.params, part.refs) == ([FIRST], [("a",)], ["r"])
    assert [(each.row, each.first) for each in told] == [(2, 1)]
    assert "other params or another ref" in told[0].reason
    assert (tally.good, tally.bad, tally.doubled) == (1, 1, 1)


def test_a_large_job_knows_all_its_numbers_in_little_memory(monkeypatch: pytest.MonkeyPatch) -> None:
    """The dict becomes a table, which grows and loses none; each keeps its row and its mark."""
    monkeypatch.setattr(KnownPhones, "FEW", 500)
    known = KnownPhones()
    for number in range(FIRST, FIRST + 5_000):
        assert known.add(number, row=number - FIRST + 1, mark=number % 3) == -1
    found = [known.add(number, row=1, mark=5) for number in range(FIRST, FIRST + 5_000)]
    assert [(known.row_at(at), known.mark_at(at)) for at in found] == [
        (row, (FIRST + row - 1) % 3) for row in range(1, 5_001)
    ]


def test_own_params_and_refs_stay_with_their_numbers() -> None:
    """None stands for the job's own params."""
    (part,) = parts([f"+{FIRST}", Recipient(f"+{FIRST + 1}", ("b",), "two")], Tally())
    assert part.params == [None, ("b",)]
    assert part.refs == ["", "two"]


def test_national_numbers_take_the_region() -> None:
    """A campaign of one country needs no country codes."""
    (part,) = parts(["13711112222", "137 1111 3333"], Tally(), rules=RowRules("CN"))
    assert list(part.numbers) == [8613711112222, 8613711113333]


def test_an_input_without_a_good_row_is_refused() -> None:
    """It says how many rows there were and the first one's fault; or that there was none."""
    tally = Tally()
    assert not list(parts(["12", "34"], tally))
    assert str(nothing_good(tally)).startswith(
        "to: '2 rows': no row is good; the first, row 1: phone has no country code"
    )
    assert str(nothing_good(Tally())) == "to: '[]': is empty; give at least one number"
