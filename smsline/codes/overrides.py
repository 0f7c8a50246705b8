"""Put a user's file of rows in force, or tell each fault with its line and change nothing."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from difflib import get_close_matches
from os import PathLike, fspath
from pathlib import Path
from typing import Final

from smsline.codes import store
from smsline.codes.lookup import forget
from smsline.codes.parse import COLUMNS, Fault, cells_of, read_row
from smsline.codes.row import CodeRow, Namespace
from smsline.codes.spellings import plain
from smsline.counted import counted
from smsline.errors import BadInput

KEYS: Final = ("provider", "namespace", "code")

# A cell that empties what the shipped row says; an empty cell keeps it.
CLEARED: Final = "-"

SHOWN: Final = 10


@dataclass(frozen=True, slots=True)
class LineFault:
    """One refused line of a file of overrides.

    Attributes:
        line: Its number, from 1.
        field: The column.
        value: What stands there.
        rule: What would have been right.
    """

    line: int
    field: str
    value: str
    rule: str

    def __str__(self) -> str:
        """The fault as one line for people."""
        return f"line {self.line}: {self.field}: {self.value!r} {self.rule}"


class BadOverrides(BadInput):
    """A file of overrides with at least one bad line; none of its lines holds.

    Attributes:
        path: The file.
        faults: Every fault found, in the order of the lines.
    """

    def __init__(self, path: str, faults: tuple[LineFault, ...]) -> None:
        first = faults[0]
        super().__init__(f"{path} line {first.line}: {first.field}", first.value, first.rule)
        self.path = path
        self.faults = faults

    def __str__(self) -> str:
        """The file and its faults, the first ten in words."""
        shown = "; ".join(str(fault) for fault in self.faults[:SHOWN])
        more = len(self.faults) - SHOWN
        return f"{self.path}: {shown}" + (f"; and {more} more" if more > 0 else "")


def load_overrides(path: str | PathLike[str]) -> tuple[CodeRow, ...]:
    r"""Let a file's rows override or add to the shipped ones, for this process.

    The file is text with tabs between its columns and a header: `provider`, `namespace`, `code`,
    and any of the other columns of the shipped tables. For a known code an empty cell keeps what is
    shipped and `-` clears it; a new code needs at least `verdict`, `scope` and `meaning`. A code
    ending in `*` is a family. Lines that begin with `#` and empty lines are skipped. Rows of an
    earlier file no longer hold. Call it at start, before other threads look up.

    Args:
        path: The file, UTF-8.

    Returns:
        The rows now in force, as they are after merging.

    Raises:
        BadOverrides: A line is bad; nothing has changed.
        BadInput: The file cannot be read.
    """
    name = fspath(path)
    try:
        # -sig: the byte order mark of Windows' editors would be part of the first column's name.
        text = Path(path).read_text(encoding="utf-8-sig")
    except (OSError, UnicodeDecodeError) as error:
        raise BadInput("codes file", name, f"cannot be read: {error}") from None
    # The whole file is read before a row holds: half a file in force would be a mixture
    # that was never written.
    results = list(_read(text, Path(name).name))
    if faults := tuple(one for one in results if isinstance(one, LineFault)):
        raise BadOverrides(name, faults)
    loaded = tuple(one for one in results if isinstance(one, CodeRow))
    store.set_overlay(loaded, forget)
    return loaded


def clear_overrides() -> None:
    """Let the shipped rows hold again."""
    store.set_overlay((), forget)


def _read(text: str, source: str) -> Iterator[CodeRow | LineFault]:
    numbered = enumerate(text.splitlines(), start=1)
    lines = [(number, line) for number, line in numbered if line.strip() and not line.startswith("#")]
    if not lines:
        yield LineFault(1, "header", "", "is missing; the first line names the columns")
        return
    (at, header), *rest = lines
    columns = [name.strip() for name in header.split("\t")]
    if fault := _header_fault(columns):
        yield LineFault(at, fault.field, fault.value, fault.rule)
        return
    seen: dict[tuple[str, ...], int] = {}
    for number, line in rest:
        values = [cell.strip() for cell in line.split("\t")]
        if len(values) > len(columns):
            yield LineFault(number, "line", line[:60], f"has {counted(len(values), 'cell')} for {len(columns)} columns")
            continue
        # Not strict: editors drop the tabs of empty cells at the end of a line.
        cells = dict(zip(columns, values, strict=False))
        key = tuple(cells.get(name, "") for name in KEYS)
        if key in seen:
            yield LineFault(number, "code", key[2], f"is given in line {seen[key]} already")
            continue
        seen[key] = number
        space = _space(cells)
        row = space if isinstance(space, Fault) else _merge(cells, space, f"{source} line {number}")
        yield LineFault(number, row.field, row.value, row.rule) if isinstance(row, Fault) else row


def _header_fault(columns: list[str]) -> Fault | None:
    known = (*KEYS[:2], *COLUMNS)
    for name in columns:
        if name not in known:
            return Fault("header", name, f"is no column{_meant(name, known)}; they are {', '.join(known)}")
    if missing := [key for key in KEYS if key not in columns]:
        return Fault("header", "", f"lacks {', '.join(missing)}; columns are separated by tabs")
    if len(set(columns)) < len(columns):
        return Fault("header", "", "names a column twice")
    return None


def _space(cells: Mapping[str, str]) -> Namespace | Fault:
    provider, name = cells.get("provider", ""), cells.get("namespace", "")
    spaces = store.namespaces()
    if space := spaces.get((provider, name)):
        return space
    names = [space.name for space in spaces.values() if space.provider == provider]
    if names:
        return Fault(
            "namespace", name, f"is no namespace of {provider}{_meant(name, names)}; it has {', '.join(names)}"
        )
    known = list(dict.fromkeys(space.provider for space in spaces.values()))
    return Fault("provider", provider, f"is no provider{_meant(provider, known)}; they are {', '.join(known)}")


def _merge(cells: Mapping[str, str], space: Namespace, source: str) -> CodeRow | Fault:
    code = cells["code"]
    table = store.shipped(space.provider, space.name)
    # Merged with what is shipped, not with an earlier file's row: what a file says
    # depends on that file alone.
    shipped = next((row for row in (*table.rows, *table.families) if row.code == code), None)
    found = table.find(plain(code))
    # Two rows for one code of the wire would leave it to their order which one is found.
    if shipped is None and found and found.how in {"exact", "alias"}:
        return Fault("code", code, f"is another spelling of {found.row.code}; override that one")
    given = {name: value for name, value in cells.items() if value and name not in KEYS[:2]}
    # A row waits for a time or until a window, never both, so a wait that is given
    # clears the other kind.
    for wait, other in (("delay_s", "until_window"), ("until_window", "delay_s")):
        if wait in given:
            given.setdefault(other, CLEARED)
    base = cells_of(shipped) if shipped else {"match": "family" if code.endswith("*") else "exact"}
    seen_in = f"{shipped.source}; changed by {source}" if shipped else source
    merged = base | {"source": seen_in} | given
    return read_row({name: "" if value == CLEARED else value for name, value in merged.items()}, space)


def _meant(word: str, known: list[str] | tuple[str, ...]) -> str:
    close = get_close_matches(word, known, n=1)
    return f" (did you mean {close[0]}?)" if close else ""
