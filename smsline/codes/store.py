"""One index per namespace, of data files and overrides.

It is loaded when first asked for, and kept until overrides change.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from functools import lru_cache
from pathlib import Path
from pkgutil import get_data
from typing import Final

from smsline.codes.parse import Fault, read_row
from smsline.codes.row import CodeRow, Kind, Namespace
from smsline.codes.table import Table
from smsline.verdicts import Verdict

# The namespace of codes that no provider gives: HTTP faults, expired jobs. Looked in after every
# other.
LOCAL: Final = ("smsline", "local")

_KINDS: Final[dict[str, Kind]] = {"send": "send", "read": "read", "receipt": "receipt", "manage": "manage"}
_RECEIPTS: Final = "tencent_receipt.tsv"
_REASONS: Final = "tencent_reasons.tsv"
_FAMILIES: Final = "families.tsv"
_ADDED: Final = "added.tsv"


@dataclass(slots=True)
class _Overlay:
    rows: tuple[CodeRow, ...] = ()


# Of the process, not of a caller: adapters and commands look codes up without being given a table.
_overlay: Final = _Overlay()
_brought: Final[dict[tuple[str, str], Namespace]] = {}


@lru_cache(maxsize=1)
def namespaces() -> Mapping[tuple[str, str], Namespace]:
    """Every namespace by provider and name, in the order they are shown."""
    own: dict[tuple[str, str], Namespace] = {}
    for line in _lines("namespaces.tsv"):
        own[line["provider"], line["namespace"]] = Namespace(
            provider=line["provider"],
            name=line["namespace"],
            kind=_KINDS[line["kind"]],
            file=line["file"],
            also=tuple(line["also"].split()),
            zone=line["zone"],
            title=line["title"],
            utc_offset_h=int(line["utc_offset_h"]),
        )
    # Our own codes last, behind those of providers that were brought: the order is that of
    # the docs' and of `codes`.
    local = own.pop(LOCAL)
    return {**own, **_brought, LOCAL: local}


def bring(provider: str, file: Path, *, zone: str, utc_offset_h: int) -> None:
    """Take in the table of a provider that is not in this package, if all its rows are usable.

    See `smsline.codes.add_provider`.
    """
    spaces: dict[tuple[str, str], Namespace] = {}
    takes = False
    for line in _lines(str(file)):
        name = line.get("namespace", "")
        if name not in _KINDS:
            raise ValueError(f"{file}: {line.get('code')}: namespace: {name!r} must be one of {', '.join(_KINDS)}")
        title = f"{provider.capitalize()}, {name}"
        space = spaces[provider, name] = Namespace(
            provider, name, _KINDS[name], str(file), (), zone=zone, title=title, utc_offset_h=utc_offset_h
        )
        # All of it now: found out when an answer is recorded, a bad row would cost that answer.
        takes |= _sound(line, space).verdict is Verdict.OK and name == "send"
    if not takes:
        raise ValueError(f"{file}: a row of the namespace send must have the verdict ok")
    _brought.update(spaces)
    for cached in (namespaces, shipped, table, _families, _added):
        cached.cache_clear()


@lru_cache(maxsize=64)
def shipped(provider: str, namespace: str) -> Table:
    """The index of one namespace as it comes with the package.

    Raises:
        KeyError: There is no such namespace.
    """
    space = namespaces()[provider, namespace]
    # Loaded when it is first asked for: a command about another code should not wait for
    # Tencent's 1,975 receipts.
    more = [row for row in (*_added(), *_families()) if _home(row) == (provider, namespace)]
    if space.file == _RECEIPTS:
        own = _load_receipts(space)
    else:
        # A file may hold several namespaces; one without such a column is of one.
        lines = (line for line in _lines(space.file) if line.get("namespace", space.name) == space.name)
        own = [_sound(line, space) for line in lines]
    return Table([*own, *more])


@lru_cache(maxsize=64)
def table(provider: str, namespace: str) -> Table:
    """The index of one namespace with overrides applied; raises KeyError as `shipped` does."""
    base = shipped(provider, namespace)
    own = [row for row in _overlay.rows if _home(row) == (provider, namespace)]
    if not own:
        return base
    replaced = {row.code for row in own}
    return Table([*(row for row in (*base.rows, *base.families) if row.code not in replaced), *own])


def search_path(provider: str, namespace: str) -> Iterator[Table]:
    """The tables in which a code of this namespace is looked for, nearest first.

    None for an unknown namespace.
    """
    space = namespaces().get((provider, namespace))
    if space is None:
        return
    for name in (space.name, *space.also):
        yield table(provider, name)
    if (provider, namespace) != LOCAL:
        yield table(*LOCAL)


def set_overlay(rows: Iterable[CodeRow], forget: Callable[[], None]) -> None:
    """Put these rows in place of the shipped ones of the same code.

    Args:
        rows: All overriding rows; those of an earlier call no longer hold.
        forget: Drops what callers have cached, once the new rows are in place.
    """
    _overlay.rows = tuple(rows)
    # In this order: forgotten first, another thread would remember an answer
    # of the old tables again.
    table.cache_clear()
    forget()


def _text(name: str) -> str:
    if Path(name).is_absolute():
        return Path(name).read_text(encoding="utf-8")
    # By the package's loader, so that it works from a zip file too.
    raw = get_data("smsline.codes", f"data/{name}")
    if raw is None:
        raise FileNotFoundError(f"smsline/codes/data/{name} cannot be read by the package's loader")
    return raw.decode()


def _lines(name: str) -> list[dict[str, str]]:
    header, *lines = _text(name).splitlines()
    columns = header.split("\t")
    return [dict(zip(columns, line.split("\t"), strict=False)) for line in lines]


def _load_receipts(space: Namespace) -> list[CodeRow]:
    """1,975 codes share some 35 reasons.

    A receipt's row is its reason's, with the code's own name and line.
    """
    # The reasons alone are checked, and the columns (code, reason, carrier, line, match, aliases)
    # are read by position: `read_row` takes 60 us a row, 0.1 s for all of them, in every process
    # and every command that meets a receipt.
    reasons = {line["reason"]: _sound(line | {"code": line["reason"]}, space) for line in _lines(_REASONS)}
    found: list[CodeRow] = []
    for text in _text(_RECEIPTS).splitlines()[1:]:
        code, name, carrier, line, form, aliases = f"{text}\t\t\t".split("\t")[:6]
        reason = reasons[name]
        row = CodeRow(
            provider=reason.provider,
            namespace=reason.namespace,
            kind=reason.kind,
            code=code,
            verdict=reason.verdict,
            scope=reason.scope,
            meaning=reason.meaning,
            advice=reason.advice,
            source=f"Tencent SMS API document, line {line}",
            aliases=tuple(aliases.split("; ")) if aliases else (),
            form="range" if form == "range" else "wildcard" if form == "wildcard" else "exact",
            delay_s=reason.delay_s,
            until_window=reason.until_window,
            permanent=reason.permanent,
            reroute_ok=reason.reroute_ok,
            reason=name,
            carrier=carrier,
        )
        found.append(row)
    return found


@lru_cache(maxsize=1)
def _families() -> tuple[CodeRow, ...]:
    return tuple(_of_any_namespace(_FAMILIES))


@lru_cache(maxsize=1)
def _added() -> tuple[CodeRow, ...]:
    """Codes seen elsewhere than in the tables' documents, kept apart to be counted."""
    return tuple(replace(row, added=True) for row in _of_any_namespace(_ADDED))


def _of_any_namespace(name: str) -> Iterator[CodeRow]:
    spaces = namespaces()
    yield from (_sound(line, spaces[line["provider"], line["namespace"]]) for line in _lines(name))


def _home(row: CodeRow) -> tuple[str, str]:
    return row.provider, row.namespace


def _sound(line: Mapping[str, str], space: Namespace) -> CodeRow:
    match read_row(line, space):
        case CodeRow() as row:
            return row
        case Fault() as fault:
            # A shipped table that contradicts itself is a fault of ours, so it is
            # loud and not left out.
            raise ValueError(f"{space.file}: {line.get('code')}: {fault.field}: {fault.value!r} {fault.rule}")
