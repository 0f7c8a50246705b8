"""A code that a person typed in, every reading of it out, over all providers, best first."""

from collections.abc import Iterator
from difflib import get_close_matches
from typing import Final

from smsline.codes import store
from smsline.codes.lookup import rows
from smsline.codes.parse import LONGEST_CODE
from smsline.codes.row import How, Match
from smsline.codes.spellings import plain, spellings
from smsline.codes.table import Found, Table

_RANK: Final[dict[How, int]] = {"exact": 0, "alias": 1, "range": 2, "wildcard": 3, "family": 4, "unknown": 5}


def explain(code: str, provider: str | None = None) -> list[Match]:
    """Every reading of a code in any of its spellings.

    Finds other cases, `isv.` and `isp.`, trailing dots, numbers that a document prints beside a code, codes whose
    meaning depends on the endpoint, several codes run together, and receipt codes that a spreadsheet has spoiled.

    Args:
        code: As typed or pasted.
        provider: Only this provider's readings, and smsline's own.

    Returns:
        The readings, best first; the families when nothing else fits; empty when nothing is known.
    """
    if len(code) > LONGEST_CODE:
        return []
    tables = list(_tables(provider))
    found = _direct(tables, code) or _by_tail(tables, plain(code))
    found += _seen_from(tables, found)
    found = found or [one for table in tables if (one := table.family(plain(code)))]
    return [Match(one.row, one.how, code) for one in _without_repeats(found)]


def close_codes(code: str, provider: str | None = None, limit: int = 3) -> list[str]:
    """Known codes that are spelt much like this one, for a "did you mean"."""
    known = {row.code.casefold(): row.code for row in rows(provider)}
    return [known[text] for text in get_close_matches(code[:LONGEST_CODE].casefold(), known, n=limit, cutoff=0.75)]


def _tables(provider: str | None) -> Iterator[Table]:
    for space in store.namespaces().values():
        if provider in {None, space.provider} or (space.provider, space.name) == store.LOCAL:
            yield store.table(space.provider, space.name)


def _direct(tables: list[Table], code: str) -> list[Found]:
    """The readings of the first spelling that has any with certainty, and the weaker ones of the others after them."""
    ranked: list[tuple[int, int, Found]] = []
    for turn, spelling in enumerate(spellings(code)):
        for table in tables:
            ranked.extend((turn, _RANK[one.how], _spelt(one, turn)) for one in table.readings(spelling))
    ranked.sort(key=lambda entry: entry[:2])
    return [one for _, _, one in ranked]


def _by_tail(tables: list[Table], code: str) -> list[Found]:
    """Rows named without the words before their dot; digits alone are no name."""
    return [one for table in tables for one in table.by_tail(code)] if code[:1].isalpha() else []


def _spelt(one: Found, turn: int) -> Found:
    return Found(one.row, "alias") if turn and one.how == "exact" else one


def _seen_from(tables: list[Table], found: list[Found]) -> list[Found]:
    """What the rows found refer to: a legacy number leads to its code in the current API, and back."""
    wanted = sorted({(one.row.provider, code) for one in found for code in one.row.see})
    known = {(one.row.provider, one.row.code) for one in found if one.how in {"exact", "alias"}}
    to = [row for provider, code in wanted for table in tables for row in table.named(code) if row.provider == provider]
    back = [
        row for table in tables for row in table.referring if any((row.provider, code) in known for code in row.see)
    ]
    return [Found(row, "alias") for row in (*to, *back)]


def _without_repeats(found: list[Found]) -> Iterator[Found]:
    seen: set[int] = set()
    for one in found:
        if id(one.row) not in seen:
            seen.add(id(one.row))
            yield one
