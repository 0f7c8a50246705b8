"""Every reading of a code that a person typed in, over all providers, best first."""

from collections.abc import Iterable, Sequence
from difflib import get_close_matches
from functools import lru_cache
from typing import Final, TypeAlias

from smsline.codes import store
from smsline.codes.lookup import rows
from smsline.codes.parse import LONGEST_CODE
from smsline.codes.row import How, Match
from smsline.codes.spellings import coloned, parts, plain, surely_several, tidy, unlabelled, variants
from smsline.codes.table import Table, TableHit

_RANK: Final[dict[How, int]] = {"exact": 0, "alias": 1, "range": 2, "wildcard": 3, "family": 4, "unknown": 5}
_NAMED: Final = frozenset({"exact", "alias"})

# Added to the rank of what was not written so: the worst reading of a spelling stands
# before the best guess.
_GUESS: Final = len(_RANK)

# A reading with its place: by how it was found, then by the spelling.
Ranked: TypeAlias = tuple[tuple[int, int], TableHit]


def explain(code: str, provider: str | None = None) -> list[Match]:
    """Every reading of a code in any of its spellings.

    Finds other cases and separators, full-width signs, brackets and labels around it, `isv.` and
    `isp.`, trailing dots, zeros too many or too few, numbers that a document prints beside a code,
    codes whose meaning depends on the endpoint, several codes run together, and receipt codes that
    a spreadsheet has spoiled. Only people are met with this patience: the engine's `lookup` takes a
    code to the letter.

    Args:
        code: As typed or pasted.
        provider: Only this provider's readings, and smsline's own.

    Returns:
        The readings, best first; the families when nothing else fits; empty when nothing is known.
    """
    if len(code) > LONGEST_CODE:
        return []
    # All tables are made anew together, when rows are overridden or brought: one of them
    # stands for the state of all.
    return list(_explained(code, provider, store.table(*store.LOCAL)))


@lru_cache(maxsize=2_048)
def _explained(code: str, provider: str | None, _: Table) -> tuple[Match, ...]:
    # Remembered, because a page of dead letters asks for the same few codes again and again, and an
    # unknown one takes 30 ms to be told from all others.
    tables = [
        store.table(space.provider, space.name)
        for space in store.namespaces().values()
        if provider in {None, space.provider} or (space.provider, space.name) == store.LOCAL
    ]
    texts = (plain(tidy(code)), *unlabelled(code))
    # Each provider's codes are tried for themselves: a spelling that names a row of one says
    # nothing against a weaker reading by another.
    by_provider: dict[str, list[Table]] = {}
    for table in tables:
        name = next((row.provider for row in (*table.rows, *table.families)), "")
        by_provider.setdefault(name, []).append(table)
    ranked = [entry for own in by_provider.values() for entry in _of_provider(own, code)]
    found = [one for _, one in sorted(ranked, key=lambda entry: entry[0])]
    if not found:
        # Rows named without the words before their dot. Digits alone are no name: `0`
        # would be the tail of many.
        tails = [text for text in texts if text[:1].isalpha()]
        found = [one for text in tails for table in tables for one in table.by_tail(text)]
    # What the rows found refer to: a legacy number leads to its code in the current API, and back.
    see = {(one.row.provider, code) for one in found for code in one.row.see}
    known = {(one.row.provider, one.row.code) for one in found if one.how in _NAMED}
    found += [
        TableHit(row, "alias")
        for owner, to in sorted(see)
        for table in tables
        for row in table.named(to)
        if row.provider == owner
    ]
    found += [
        TableHit(row, "alias")
        for table in tables
        for row in table.referring
        if any((row.provider, to) in known for to in row.see)
    ]
    if not found:
        of_family = ([one for table in tables if (one := table.family(text))] for text in (plain(code), *texts))
        found = next((some for some in of_family if some), [])
    # A row may be met by several spellings; the first meeting is the best one. By identity:
    # to hash a row is slow.
    met: dict[int, TableHit] = {}
    for one in found:
        met.setdefault(id(one.row), one)
    return tuple(Match(one.row, one.how, code) for one in met.values())


def close_codes(code: str, provider: str | None = None, limit: int = 3) -> list[str]:
    """Known codes that are spelt much like this one, for a "did you mean"."""
    known = {row.code.casefold(): row.code for row in rows(provider)}
    return [known[text] for text in get_close_matches(code[:LONGEST_CODE].casefold(), known, n=limit, cutoff=0.75)]


def _of_provider(tables: list[Table], code: str) -> list[Ranked]:
    """The readings of the first spellings that name a row, with the weaker ones met on the way."""
    texts = (code, *unlabelled(code))
    ranked: list[Ranked] = []
    for text in texts:
        ranked += _spelt(tables, variants(text))
        if not (_names(ranked) or surely_several(text)):
            ranked += _guessed(one for table in tables for one in table.alike(text))
        # Cut into parts only when the whole names nothing: a sign between two numbers
        # may belong to one code.
        if not _names(ranked):
            ranked += _spelt(tables, parts(text))
        if _names(ranked):
            return ranked
    # Nothing is named: rows that differ in the zeros of their numbers, else what begins or ranges
    # so when it is written in the carriers' own shape.
    for text in texts:
        if found := _guessed(one for table in tables for one in table.alike_but_zeros(text)):
            return ranked + found
    shapes = [shape for text in texts for shape in coloned(text)]
    return ranked + _guessed(one for shape in shapes for table in tables for one in table.readings(shape))


def _names(ranked: list[Ranked]) -> bool:
    return any(one.how in _NAMED for _, one in ranked)


def _spelt(tables: list[Table], spellings: Sequence[str]) -> list[Ranked]:
    """Every reading of every spelling; the first one alone is the literal one, and can be exact."""
    return [
        ((_RANK[one.how], place), TableHit(one.row, "alias") if place and one.how == "exact" else one)
        for place, spelling in enumerate(spellings)
        for table in tables
        for one in table.readings(spelling)
    ]


def _guessed(found: Iterable[TableHit]) -> list[Ranked]:
    return [((_RANK[one.how] + _GUESS, 0), one) for one in found]
