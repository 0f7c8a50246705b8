"""The report: a table, JSON and a part of docs/performance.md, made of the rows and the machine."""

import json
import textwrap
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Final

from rich.table import Table

from bench.machine import MachineFacts
from bench.plot import draw, groups_of
from bench.rows import Row
from bench.volume import Volume

PAGE: Final = Path(__file__).resolve().parents[1] / "docs" / "performance.md"
BEGIN: Final = "<!-- figures: written by `python -m bench --write` -->"
END: Final = "<!-- end of figures -->"

_HEAD: Final = ("measure", "found", "compared with", "ratio", "target", "")
_MARK: Final = {True: "met", False: "missed", None: ""}


def amount(value: float) -> str:
    """A figure with three digits that say something: `0.42`, `12.3`, `4,560`."""
    if value >= 1000:
        return f"{float(f'{value:.3g}'):,.0f}"
    return f"{value:.0f}" if value >= 100 else f"{value:.3g}"


def cells(row: Row) -> tuple[str, str, str, str, str, str]:
    """A row's six columns; the last one says whether the target is met."""
    unit = row.unit if row.unit.startswith("/") else f" {row.unit}"
    baseline, ratio = row.baseline_value, row.ratio
    return (
        row.measure,
        f"{amount(row.value)}{unit}",
        "" if baseline is None else f"{row.baseline}: {amount(baseline)}{unit}",
        "" if ratio is None else f"{amount(ratio)} x",
        "" if row.target is None else row.target.text(row.unit),
        _MARK[row.met],
    )


def table(rows: Sequence[Row]) -> Table:
    """For a terminal."""
    made = Table(box=None, header_style="bold", pad_edge=False)
    for name, justify in zip(_HEAD, ("left", "right", "left", "right", "right", "left"), strict=True):
        made.add_column(name, justify=justify)  # type: ignore[arg-type]  # the words are Rich's own
    for row in rows:
        *front, mark = cells(row)
        colour = {True: "green", False: "red", None: ""}[row.met]
        made.add_row(*front, f"[{colour}]{mark}[/]" if mark else "")
        if row.note:
            made.add_row(f"  [dim]{row.note}[/]")
    return made


def to_json(machine: MachineFacts, size: str, rows: Sequence[Row], volumes: Sequence[Volume]) -> str:
    """Everything that was found, with the rounds."""
    found = {
        "machine": asdict(machine),
        "size": size,
        "rows": [row.to_json() for row in rows],
        "volumes": [{**asdict(volume), "total_s": volume.total_s} for volume in volumes],
    }
    return json.dumps(found, indent=2, ensure_ascii=False) + "\n"


def markdown(machine: MachineFacts, size: str, rows: Sequence[Row]) -> str:
    """The part of the page that is written anew each time."""
    lines = [machine_text(machine, size), "", "![the figures as bars](performance.svg)", ""]
    lines += [_line(_HEAD), _line(["---", "--:", "---", "--:", "--:", "---"])]
    lines += [_line(cells(row)) for row in rows]
    notes = [f"- {row.measure}: {row.note}" for row in rows if row.note]
    return "\n".join([*lines, *(["", *notes] if notes else [])])


def machine_text(machine: MachineFacts, size: str) -> str:
    """Where, when and how busy."""
    libraries = ", ".join(f"{name} {number}" for name, number in machine.libraries.items())
    load = " ".join(f"{value:.1f}" for value in machine.load)
    text = (
        f"Measured on {machine.date} at {machine.commit or 'an unknown commit'}, size `{size}`: {machine.processor}, {machine.cores} "
        f"cores, {machine.system}, Python {machine.python}, Redis {machine.redis}, {libraries}. Load before the start: {load}."
    )
    if machine.busy:
        text += " **The machine was shared: read the ratios, not the figures, and no ratio to the last digit.**"
    return text


def _line(columns: Sequence[str]) -> str:
    return f"| {' | '.join(columns)} |"


def write(page: Path, machine: MachineFacts, size: str, *, rows: Sequence[Row], volumes: Sequence[Volume]) -> None:
    """Put the figures into the page, and the plot and the JSON beside it.

    Raises:
        ValueError: The page has no place for them.
    """
    put(page, BEGIN, END, markdown(machine, size, rows))
    page.with_suffix(".svg").write_text(draw(groups_of(rows)), "utf-8")
    page.with_suffix(".json").write_text(to_json(machine, size, rows, volumes), "utf-8")


def put(page: Path, begin: str, end: str, text: str) -> None:
    """Replace what stands between two lines of a page.

    Raises:
        ValueError: The page has no such lines.
    """
    before, found, rest = page.read_text("utf-8").partition(begin)
    _, closed, after = rest.partition(end)
    if not (found and closed):
        raise ValueError(f"{page} has no lines {begin!r} and {end!r} between which the figures go")
    wrapped = "\n".join(map(_wrapped, text.split("\n")))
    page.write_text(f"{before}{begin}\n\n{wrapped}\n\n{end}{after}", "utf-8")


def _wrapped(line: str) -> str:
    if line.startswith(("|", "!")):
        return line
    hanging = "  " if line.startswith("- ") else ""
    return textwrap.fill(line, 100, subsequent_indent=hanging, break_long_words=False, break_on_hyphens=False)
