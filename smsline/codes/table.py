"""An index of one namespace: a row by its code's spelling, its number range or its beginning."""

import re
from collections.abc import Callable, Iterator, Sequence
from functools import cached_property
from typing import Final, NamedTuple

from smsline.codes.row import CodeRow, How
from smsline.codes.spellings import skeleton, unpadded

_SPAN: Final = re.compile(r"(?P<stem>.*?)(?P<low>[0-9]{1,6})-(?P<high>[0-9]{1,6})")
_NUMBER: Final = re.compile(r"(?P<stem>.*?)(?P<number>0|[1-9][0-9]{0,5})")


class TableHit(NamedTuple):
    """A row and how it was found."""

    row: CodeRow
    how: How


class _Span(NamedTuple):
    stem: str
    low: int
    high: int
    row: CodeRow


class Table:
    """One namespace's rows. Immutable; safe to share between threads."""

    def __init__(self, rows: Sequence[CodeRow]) -> None:
        self.rows: Final = tuple(row for row in rows if row.form != "family")
        self.referring: Final = tuple(row for row in self.rows if row.see)
        self.families: Final = tuple(row for row in rows if row.form == "family")
        # Lists: documents give one code twice with different meanings, and a person is shown both.
        self._exact: Final[dict[str, list[CodeRow]]] = {}
        for row in self.rows:
            self._exact.setdefault(row.code, []).append(row)
        # Backwards, so that of two rows with one alias the first one in the table has it.
        self._aliases: Final = {alias: row for row in reversed(self.rows) for alias in row.aliases}
        self._spans: Final = [span for row in self.rows if row.form == "range" for span in _spans(row)]
        self._beginnings: Final = _longest_first((row.code, row) for row in self.rows if row.form == "wildcard")
        self._families: Final = _longest_first((row.code.removesuffix("*"), row) for row in self.families)

    def find(self, code: str) -> TableHit | None:
        """The row of this very spelling: exact, alias, range or wildcard, in this order."""
        if same := self._exact.get(code):
            # Of rows that contradict each other under one code, the one that does not
            # condemn a number for ever.
            return TableHit(min(same, key=_condemns), "exact")
        if row := self._aliases.get(code):
            return TableHit(row, "alias")
        if row := self._in_span(code):
            return TableHit(row, "range")
        if row := _beginning(self._beginnings, code):
            return TableHit(row, "wildcard")
        return None

    def family(self, code: str) -> TableHit | None:
        """The row for codes that begin like this one, for a code that has no row.

        `Foo` belongs to `Foo.*` too.
        """
        # The dot first, so that `Foo` finds the family `Foo.*` and not a shorter one that
        # it begins with as well.
        row = _beginning(self._families, code + ".") or _beginning(self._families, code)
        return TableHit(row, "family") if row else None

    def readings(self, code: str) -> Iterator[TableHit]:
        """Every row that this spelling may mean, best first.

        Twins, other cases and printed numbers are among them.
        """
        named = [TableHit(row, "exact") for row in sorted(self.named(code), key=_condemns)]
        named += [TableHit(row, "alias") for row in self._loose.get(code.casefold(), ())]
        yield from named
        # A receipt carries no carrier, so one carrier's range may be meant although
        # another has this very code.
        if (row := self._in_span(code)) and (row.carrier or not named):
            yield TableHit(row, "range")
        if (row := _beginning(self._beginnings, code)) and not named:
            yield TableHit(row, "wildcard")

    def named(self, code: str) -> Sequence[CodeRow]:
        """The rows filed under this very code."""
        return self._exact.get(code, ())

    def alike(self, code: str) -> Iterator[TableHit]:
        """Rows that differ from this spelling in nothing but case and separators.

        For people only: on the wire `MB1013` and `MB:1013` may be two codes.
        """
        yield from (TableHit(row, "alias") for row in self._skeletons.get(skeleton(code), ()))

    def alike_but_zeros(self, code: str) -> Iterator[TableHit]:
        """Rows that differ in the zeros before their numbers too.

        A spreadsheet makes `2` of `002`.
        """
        yield from (TableHit(row, "alias") for row in self._unpadded.get(unpadded(code), ()))

    def by_tail(self, code: str) -> Iterator[TableHit]:
        """Rows whose code ends in these words after its dot, in any case.

        `PhoneNumberInBlacklist`.
        """
        yield from (TableHit(row, "alias") for row in self._tails.get(skeleton(code), ()))

    def _in_span(self, code: str) -> CodeRow | None:
        # _NUMBER takes no zeros in front: `MK:0012` is a code of its own and not within MK:1-20.
        if not self._spans or (parts := _NUMBER.fullmatch(code)) is None:
            return None
        stem, number = parts["stem"], int(parts["number"])
        return next((span.row for span in self._spans if span.stem == stem and span.low <= number <= span.high), None)

    # All below serve people alone, so they are made when a person first asks;
    # workers never pay for them.
    @cached_property
    def _loose(self) -> dict[str, list[CodeRow]]:
        """Rows by what people write for them: any case, or a number printed beside the code."""
        index: dict[str, list[CodeRow]] = {}
        for row in self.rows:
            numbers = [number.partition(" ")[0] for number in row.numbers]
            for spelling in dict.fromkeys((row.code, *row.aliases, *numbers)):
                index.setdefault(spelling.casefold(), []).append(row)
        return index

    @cached_property
    def _skeletons(self) -> dict[str, list[CodeRow]]:
        return _by_spelling(self.rows, skeleton)

    @cached_property
    def _tails(self) -> dict[str, list[CodeRow]]:
        index: dict[str, list[CodeRow]] = {}
        for row in self.rows:
            _, dot, tail = row.code.rpartition(".")
            if dot and (spelling := skeleton(tail)):
                index.setdefault(spelling, []).append(row)
        return index

    @cached_property
    def _unpadded(self) -> dict[str, list[CodeRow]]:
        return _by_spelling(self.rows, unpadded)


def _by_spelling(rows: Sequence[CodeRow], key: Callable[[str], str]) -> dict[str, list[CodeRow]]:
    index: dict[str, list[CodeRow]] = {}
    for row in rows:
        for spelling in dict.fromkeys(map(key, (row.code, *row.aliases))):
            if spelling:
                index.setdefault(spelling, []).append(row)
    return index


def _condemns(row: CodeRow) -> bool:
    return row.permanent


def _spans(row: CodeRow) -> Iterator[_Span]:
    for text in (row.code, *row.aliases):
        if parts := _SPAN.fullmatch(text):
            yield _Span(parts["stem"], int(parts["low"]), int(parts["high"]), row)


def _longest_first(named: Iterator[tuple[str, CodeRow]]) -> list[tuple[str, CodeRow]]:
    """`MI:XXXX` stands for everything that begins with `MI:`.

    The X are a document's way to write it.
    """
    stems = [(stem.removesuffix("XXXX"), row) for stem, row in named]
    return sorted(stems, key=lambda pair: -len(pair[0]))


def _beginning(stems: Sequence[tuple[str, CodeRow]], code: str) -> CodeRow | None:
    return next((row for stem, row in stems if code.startswith(stem)), None)
