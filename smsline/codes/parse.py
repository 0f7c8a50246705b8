"""Parse the cells of a table line, shipped or overriding: a checked `CodeRow` or a `Fault`."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import Final

from smsline.codes.row import FORMS, WINDOWS, CodeRow, Namespace
from smsline.codes.words import default_advice
from smsline.verdicts import Scope, Verdict

# What a verdict can speak of; a park of one recipient, or the death of an
# account, would be a mistake.
SCOPES: Final[dict[Verdict, frozenset[Scope]]] = {
    Verdict.OK: frozenset({Scope.RECIPIENT, Scope.REQUEST}),
    Verdict.RETRY: frozenset({Scope.RECIPIENT, Scope.REQUEST, Scope.PROVIDER}),
    Verdict.THROTTLE: frozenset({Scope.RECIPIENT, Scope.TEMPLATE, Scope.ACCOUNT, Scope.PROVIDER}),
    Verdict.PARK: frozenset({Scope.TEMPLATE, Scope.REGION, Scope.PROCESS, Scope.ACCOUNT}),
    Verdict.REROUTE: frozenset({Scope.RECIPIENT, Scope.PROVIDER}),
    Verdict.DEAD: frozenset({Scope.RECIPIENT, Scope.CONTENT, Scope.REQUEST}),
    Verdict.UNSURE: frozenset({Scope.RECIPIENT, Scope.REQUEST, Scope.PROVIDER}),
}

# What a table may say of a code, in its usual order.
COLUMNS: Final = (
    "code",
    "aliases",
    "match",
    "verdict",
    "scope",
    "read",
    "delay_s",
    "until_window",
    "permanent",
    "reroute_ok",
    "pending",
    "numbers",
    "see",
    "meaning",
    "advice",
    "does",
    "source",
)

# A month: the longest window that a provider names. Of a longer wait a mistyped row
# is the likelier cause.
LONGEST_DELAY_S: Final = 31 * 86_400
LONGEST_CODE: Final = 200

_VERDICTS: Final = {verdict.value: verdict for verdict in Verdict}
_SCOPES: Final = {scope.value: scope for scope in Scope}
_FLAGS: Final = {"yes": True, "no": False, "": False}


@dataclass(frozen=True, slots=True)
class Fault:
    """Why a line is refused: the column, its value, and the rule that it breaks."""

    field: str
    value: str
    rule: str


def read_row(cells: Mapping[str, str], space: Namespace) -> CodeRow | Fault:
    """Turn one line's cells, by column name, into a row of the namespace.

    Args:
        cells: Texts by column; a missing column is an empty text. Lists are separated by `;`.
        space: The namespace that the row belongs to.

    Returns:
        The row, or the first fault found.
    """
    # Known words first: the later checks look verdicts and scopes up without asking
    # whether there are such.
    for check in (_known_words, _verdict_fits, _waiting):
        if fault := check(cells):
            return fault
    cell = {**dict.fromkeys(COLUMNS, ""), **cells}
    verdict, scope = _VERDICTS[cell["verdict"]], _SCOPES[cell["scope"]]
    read, _, read_scope = cell["read"].partition("/")
    return CodeRow(
        provider=space.provider,
        namespace=space.name,
        kind=space.kind,
        code=cell["code"],
        verdict=verdict,
        scope=scope,
        meaning=cell["meaning"],
        advice=cell["advice"] or default_advice(space.kind, verdict, scope),
        source=cell["source"],
        aliases=_several(cell["aliases"]),
        form=next((form for form in FORMS if form == cell["match"]), "exact"),
        read_verdict=_VERDICTS[read] if read else None,
        read_scope=_SCOPES[read_scope] if read else None,
        delay_s=int(cell["delay_s"]) if cell["delay_s"] else None,
        until_window=next((window for window in WINDOWS if window == cell["until_window"]), None),
        permanent=_FLAGS[cell["permanent"]],
        reroute_ok=_FLAGS[cell["reroute_ok"]],
        pending=_FLAGS[cell["pending"]],
        numbers=_several(cell["numbers"]),
        see=_several(cell["see"]),
        does=cell["does"],
    )


def cells_of(row: CodeRow) -> dict[str, str]:
    """The inverse of `read_row`.

    The row's texts by column, for an override that changes only some of them.
    """
    read = f"{row.read_verdict}/{row.read_scope}" if row.read_verdict else ""
    return {
        "code": row.code,
        "aliases": "; ".join(row.aliases),
        "match": row.form,
        "verdict": row.verdict.value,
        "scope": row.scope.value,
        "read": read,
        "delay_s": "" if row.delay_s is None else str(row.delay_s),
        "until_window": row.until_window or "",
        "permanent": "yes" if row.permanent else "no",
        "reroute_ok": "yes" if row.reroute_ok else "no",
        "pending": "yes" if row.pending else "no",
        "numbers": "; ".join(row.numbers),
        "see": "; ".join(row.see),
        "meaning": row.meaning,
        "advice": row.advice,
        "does": row.does,
        "source": row.source,
    }


def _several(text: str) -> tuple[str, ...]:
    return tuple(part.strip() for part in text.split(";")) if text else ()


def _known_words(cells: Mapping[str, str]) -> Fault | None:
    known: dict[str, Collection[str]] = {
        "verdict": _VERDICTS,
        "scope": _SCOPES,
        "match": ("", *FORMS),
        "until_window": ("", *WINDOWS),
        "permanent": _FLAGS,
        "reroute_ok": _FLAGS,
        "pending": _FLAGS,
    }
    for field, words in known.items():
        if (value := cells.get(field, "")) not in words:
            return Fault(field, value, "is one of " + ", ".join(word for word in words if word))
    code = cells.get("code", "")
    if not code:
        return Fault("code", code, "is the code to file the row under and cannot be empty")
    if len(code) > LONGEST_CODE:
        return Fault("code", code, f"has at most {LONGEST_CODE} characters")
    if not cells.get("meaning", ""):
        return Fault("meaning", "", "is a sentence for people and cannot be empty")
    return None


def _verdict_fits(cells: Mapping[str, str]) -> Fault | None:
    allowed = SCOPES[_VERDICTS[cells["verdict"]]]
    if _SCOPES[cells["scope"]] not in allowed:
        return Fault("scope", cells["scope"], f"for {cells['verdict']} is one of " + ", ".join(sorted(allowed)))
    read = cells.get("read", "")
    verdict, _, scope = read.partition("/")
    known = verdict in _VERDICTS and scope in _SCOPES
    if read and not (known and _SCOPES[scope] in SCOPES[_VERDICTS[verdict]]):
        return Fault("read", read, "is a verdict and a scope that fit, such as retry/provider")
    # All else may be different tomorrow; only what is dead can be so for good, and
    # goes to no other account.
    if cells.get("permanent") == "yes" and cells["verdict"] != Verdict.DEAD:
        return Fault("permanent", "yes", "holds for the verdict dead only")
    return None


def _waiting(cells: Mapping[str, str]) -> Fault | None:
    delay, window = cells.get("delay_s", ""), cells.get("until_window", "")
    # isdigit alone takes `²` too, which int() refuses; nine digits, because int() of a long text
    # takes its square in time.
    if delay and not (delay.isascii() and delay.isdigit() and int(delay[:9]) <= LONGEST_DELAY_S):
        return Fault("delay_s", delay, f"is whole seconds from 0 to {LONGEST_DELAY_S}")
    if delay and window:
        return Fault("until_window", window, "cannot stand beside delay_s: a code waits a time or until a time")
    if cells["verdict"] == Verdict.THROTTLE and not (delay or window):
        return Fault("delay_s", delay, "or until_window is needed: a throttle says how long it lasts")
    return None
