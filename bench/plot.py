"""Bars side by side as an SVG picture: forty lines, where a library would be a dependency."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final
from xml.sax.saxutils import escape

from bench.rows import Row

WIDTH: Final = 860
LABEL: Final = 330
"""Room for the words on the left, and 110 on the right for the figures."""

BAR: Final = 18
STEP: Final = 26
HEAD: Final = 40
OURS: Final = "#2563eb"
THEIRS: Final = "#94a3b8"


@dataclass(frozen=True, slots=True)
class Bar:
    """One figure.

    Attributes:
        label: Whose.
        value: How much; not negative.
        ours: Whether it is the engine's.
    """

    label: str
    value: float
    ours: bool = False


@dataclass(frozen=True, slots=True)
class BarGroup:
    """Bars on one scale of their own, which begins at 0."""

    title: str
    unit: str
    bars: tuple[Bar, ...]


def groups_of(rows: Sequence[Row]) -> list[BarGroup]:
    """Rows that measure the same share a group: the engine first, then what it is compared with."""
    groups: dict[str, list[Row]] = {}
    for row in rows:
        if row.baseline_value is not None:
            groups.setdefault(row.measure, []).append(row)
    return [_group(measure, same) for measure, same in groups.items()]


def _group(measure: str, rows: Sequence[Row]) -> BarGroup:
    theirs = [Bar(row.baseline, row.baseline_value or 0.0) for row in rows]
    return BarGroup(measure, rows[0].unit, (Bar("smsline", rows[0].value, ours=True), *theirs))


def draw(groups: Sequence[BarGroup]) -> str:
    """The picture."""
    height = sum(HEAD + STEP * len(group.bars) for group in groups) + 20
    size = f'viewBox="0 0 {WIDTH} {height}" width="{WIDTH}" height="{height}"'
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" {size} font-family="system-ui, sans-serif" font-size="13">',
        f'<rect width="{WIDTH}" height="{height}" fill="#ffffff"/>',
    ]
    top = 10
    for group in groups:
        parts += _drawn(group, top)
        top += HEAD + STEP * len(group.bars)
    return "\n".join([*parts, "</svg>", ""])


def _drawn(group: BarGroup, top: int) -> list[str]:
    unit = group.unit if group.unit.startswith("/") else f" {group.unit}"
    most = max(bar.value for bar in group.bars) or 1.0
    parts = [f'<text x="12" y="{top + 22}" font-weight="600" fill="#0f172a">{escape(group.title)}</text>']
    for at, bar in enumerate(group.bars):
        y, length = top + HEAD - 6 + at * STEP, round(bar.value / most * (WIDTH - LABEL - 110), 1)
        colour = OURS if bar.ours else THEIRS
        parts += [
            f'<text x="{LABEL - 8}" y="{y + 13}" text-anchor="end" fill="#334155">{escape(bar.label)}</text>',
            f'<rect x="{LABEL}" y="{y}" width="{length}" height="{BAR}" rx="2" fill="{colour}"/>',
            f'<text x="{LABEL + length + 6}" y="{y + 13}" fill="#0f172a">{_figure(bar.value)}{escape(unit)}</text>',
        ]
    return parts


def _figure(value: float) -> str:
    return f"{value:,.0f}" if value >= 100 else f"{value:.3g}"
