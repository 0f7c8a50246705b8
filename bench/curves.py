"""Curves over time as an SVG picture, one panel above the other on the same axis of time."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final
from xml.sax.saxutils import escape

WIDTH: Final = 860
LEFT: Final = 80
RIGHT: Final = 20
HEAD: Final = 34
HEIGHT: Final = 150
"""Of a panel's plot; above it is `HEAD` for its title, below it 14 for air."""

COLOURS: Final = ("#2563eb", "#d97706", "#64748b", "#059669")


@dataclass(frozen=True, slots=True)
class Curve:
    """One value at each of the panel's times."""

    name: str
    values: Sequence[float]


@dataclass(frozen=True, slots=True)
class Panel:
    """Curves on one scale, which begins at 0."""

    title: str
    unit: str
    curves: tuple[Curve, ...]


def draw(times_s: Sequence[float], panels: Sequence[Panel], marks: Sequence[tuple[float, str]] = ()) -> str:
    """The picture.

    Args:
        times_s: When the values were taken, seconds from the beginning.
        panels: From top to bottom.
        marks: Moments that all panels show, with a word for each.
    """
    height = len(panels) * (HEAD + HEIGHT + 14) + 30
    size = f'viewBox="0 0 {WIDTH} {height}" width="{WIDTH}" height="{height}"'
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" {size} font-family="system-ui, sans-serif" font-size="13">',
        f'<rect width="{WIDTH}" height="{height}" fill="#ffffff"/>',
    ]
    last_s = max([*times_s, 1.0])
    places_x = [LEFT + at_s / last_s * (WIDTH - LEFT - RIGHT) for at_s in times_s]
    marked = [(LEFT + at_s / last_s * (WIDTH - LEFT - RIGHT), word) for at_s, word in marks]
    for nth, panel in enumerate(panels):
        parts += _drawn(panel, places_x, nth * (HEAD + HEIGHT + 14), marked)
    parts += [
        f'<text x="{LEFT}" y="{height - 10}" fill="#334155">0 s</text>',
        f'<text x="{WIDTH - RIGHT}" y="{height - 10}" text-anchor="end" fill="#334155">{last_s:.0f} s</text>',
    ]
    return "\n".join([*parts, "</svg>", ""])


def _drawn(panel: Panel, places_x: Sequence[float], top: float, marks: Sequence[tuple[float, str]]) -> list[str]:
    most = max((value for curve in panel.curves for value in curve.values), default=0.0) or 1.0
    floor, scale = top + HEAD + HEIGHT, f"{most:,.0f}" if most >= 1000 else f"{most:.3g}"
    parts = [
        f'<text x="12" y="{top + 22}" font-weight="600" fill="#0f172a">{escape(panel.title)}</text>',
        f'<line x1="{LEFT}" y1="{floor}" x2="{WIDTH - RIGHT}" y2="{floor}" stroke="#cbd5e1"/>',
        f'<text x="{LEFT - 8}" y="{floor}" text-anchor="end" fill="#334155">0</text>',
        f'<text x="{LEFT - 8}" y="{top + HEAD + 8}" text-anchor="end" fill="#334155">{scale} {escape(panel.unit)}</text>',
    ]
    for x, word in marks:
        parts += [
            f'<line x1="{x:.1f}" y1="{top + HEAD}" x2="{x:.1f}" y2="{floor}" stroke="#94a3b8" stroke-dasharray="3 3"/>',
            f'<text x="{x + 4:.1f}" y="{top + HEAD + 10}" font-size="11" fill="#64748b">{escape(word)}</text>',
        ]
    for nth, curve in enumerate(panel.curves):
        points = " ".join(
            f"{x:.1f},{floor - value / most * HEIGHT:.1f}" for x, value in zip(places_x, curve.values, strict=True)
        )
        colour = COLOURS[nth % len(COLOURS)]
        # Names stand beside the title, each in the colour of its line.
        parts += [
            f'<polyline points="{points}" fill="none" stroke="{colour}" stroke-width="1.5"/>',
            f'<text x="{330 + nth * 170}" y="{top + 22}" fill="{colour}">{escape(curve.name)}</text>',
        ]
    return parts
