"""Look up the row of a provider's code.

It is on the path of every call and receipt: it never raises, and remembers.
"""

from collections.abc import Iterable, Iterator
from functools import lru_cache
from typing import Final

from smsline.codes import store
from smsline.codes.parse import LONGEST_CODE
from smsline.codes.row import CodeRow, Kind, Match
from smsline.codes.spellings import plain
from smsline.codes.table import TableHit
from smsline.codes.words import as_read, default_advice
from smsline.verdicts import Scope, Verdict

# All 2,560 rows in a few spellings each: 0.3 us a look, where the tables take 15 us and
# an unknown code 50 us.
_REMEMBERED: Final = 8_192

# The safe verdict for a code that no row speaks of. A send may have gone out, so it is not tried
# again; a question can be asked again; of a receipt the success flag is certain, whatever its code.
_UNKNOWN: Final[dict[Kind, tuple[Verdict, Scope, str]]] = {
    "send": (
        Verdict.UNSURE,
        Scope.REQUEST,
        "No row speaks of this code, so it is not known whether the message went out.",
    ),
    "read": (Verdict.RETRY, Scope.REQUEST, "No row speaks of this code; a question can safely be asked again."),
    "receipt": (
        Verdict.UNSURE,
        Scope.RECIPIENT,
        "No row explains this code. The success flag beside it is trusted.",
    ),
    "manage": (Verdict.UNSURE, Scope.REQUEST, "No row speaks of this code."),
}
_ADD_A_ROW: Final = "Add a row for it to the file of overrides, and report it so that the next version knows it."


def lookup(provider: str, namespace: str, code: str, *, read: bool = False) -> Match:
    """Find what a code means: exact, alias, range, wildcard, family, else unknown.

    A code that is not in the namespace is also looked for in its neighbours (Alibaba's gateway
    beside its API, SMSPartner's HTTP answers beside each endpoint) and among smsline's own codes
    (`http.ReadTimeout`).

    Args:
        provider: `tencent`, `alibaba`, `smspartner` or `smsline`.
        namespace: The provider's namespace; at SMSPartner the endpoint (`send`, `status`, `dlr`,
            …).
        code: The code as it came; any text will do.
        read: The call only reads, so that what a send must doubt can be asked again.

    Returns:
        Always a match. An unknown code, or an unknown namespace, gives a row with the safe verdict:
        unsure for a send; for a receipt, unsure too, which leaves the word to its success flag.
    """
    text = str(code)
    # Before anything is remembered: a provider (or a stranger's callback) may put a whole page
    # where a code should be.
    if len(text) > LONGEST_CODE:
        return _unknown(provider, namespace, text[: LONGEST_CODE - 1] + "…", read)
    return _lookup(provider, namespace, text, read)


@lru_cache(maxsize=_REMEMBERED)
def _lookup(provider: str, namespace: str, code: str, read: bool) -> Match:  # noqa: FBT001 - a key of the cache
    tidy = plain(code)
    # Nearest first over all tables, then families: a family of the namespace must not hide
    # a neighbour's own row.
    found = _nearest(provider, namespace, code)
    if found is None and tidy != code:
        # Another spelling of the code was written here, so that a person is told
        # `alias` and not `exact`.
        found = _nearest(provider, namespace, tidy)
        found = TableHit(found.row, "alias") if found and found.how == "exact" else found
    found = found or _first(table.family(tidy) for table in store.search_path(provider, namespace))
    if found is None:
        return _unknown(provider, namespace, code, read)
    return Match(as_read(found.row) if read else found.row, found.how, code)


def _nearest(provider: str, namespace: str, code: str) -> TableHit | None:
    return _first(table.find(code) for table in store.search_path(provider, namespace))


def _first(found: Iterable[TableHit | None]) -> TableHit | None:
    return next((one for one in found if one), None)


def _unknown(provider: str, namespace: str, code: str, read: bool) -> Match:  # noqa: FBT001 - as above
    space = store.namespaces().get((provider, namespace))
    kind: Kind = space.kind if space else "send"
    kind = "read" if read and kind == "send" else kind
    verdict, scope, meaning = _UNKNOWN[kind]
    row = CodeRow(
        provider=provider,
        namespace=namespace,
        kind=kind,
        code=code,
        verdict=verdict,
        scope=scope,
        meaning=meaning,
        advice=f"{default_advice(kind, verdict, scope)} {_ADD_A_ROW}",
        source="",
    )
    return Match(row, "unknown", code)


def forget() -> None:
    """Drop remembered answers, after the rows have changed."""
    _lookup.cache_clear()


def providers() -> tuple[str, ...]:
    """Every provider whose codes are known, and `smsline` for its own."""
    return tuple(dict.fromkeys(provider for provider, _ in store.namespaces()))


def rows(
    provider: str | None = None, namespace: str | None = None, verdict: Verdict | str | None = None
) -> Iterator[CodeRow]:
    """The known rows, in the order of their tables, without the families for unknown codes.

    Args:
        provider: Only this provider's.
        namespace: Only those of namespaces with this name.
        verdict: Only those that mean this for a send.
    """
    for space in store.namespaces().values():
        if provider in {None, space.provider} and namespace in {None, space.name}:
            table = store.table(space.provider, space.name)
            yield from (row for row in table.rows if verdict in {None, row.verdict})
