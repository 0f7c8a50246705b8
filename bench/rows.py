"""One measure: median of its rounds, ratio to the baseline, and whether the target is met."""

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from math import ceil
from statistics import median
from typing import Literal


@dataclass(frozen=True, slots=True)
class TargetRow:
    """What is asked of a measure.

    Attributes:
        bound: Whether the figure must be at least or at most `figure`.
        figure: How much.
        of: Whether that is said of the ratio to the baseline or of the value itself.
    """

    bound: Literal["least", "most"]
    figure: float
    of: Literal["ratio", "value"] = "ratio"

    def met(self, found: float) -> bool:
        """Whether a figure is good enough."""
        return found >= self.figure if self.bound == "least" else found <= self.figure

    def text(self, unit: str) -> str:
        """For people: `≥ 0.5 x`, `≤ 120 s`."""
        sign = "≥" if self.bound == "least" else "≤"
        return f"{sign} {self.figure:g} {'x' if self.of == 'ratio' else unit}".strip()


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """One line of the table.

    Attributes:
        key: What it is called in JSON.
        measure: What was measured, for people.
        values: A figure for each round.
        unit: Of the figures.
        baseline: What it is compared with; empty when nothing.
        baselines: The baseline's figure in each round.
        target: What is asked; None when the row only informs.
        note: What one must know to read it.
    """

    key: str
    measure: str
    values: Sequence[float]
    unit: str
    baseline: str = ""
    baselines: Sequence[float] = ()
    target: TargetRow | None = None
    note: str = ""

    @property
    def value(self) -> float:
        """The median over the rounds."""
        return median(self.values)

    @property
    def baseline_value(self) -> float | None:
        """The baseline's median over the rounds."""
        return median(self.baselines) if self.baselines else None

    @property
    def ratio(self) -> float | None:
        """The median of the rounds' ratios: what slows down a whole round leaves it alone."""
        if not self.baselines:
            return None
        return median(ours / theirs for ours, theirs in zip(self.values, self.baselines, strict=True))

    @property
    def met(self) -> bool | None:
        """Whether the target is met; None without one."""
        if self.target is None:
            return None
        found = self.ratio if self.target.of == "ratio" else self.value
        return None if found is None else self.target.met(found)

    def to_json(self) -> dict[str, object]:
        """Everything, the derived figures too."""
        derived = {"value": self.value, "baseline_value": self.baseline_value, "ratio": self.ratio, "met": self.met}
        return {**asdict(self), **derived}


def percentile(values: Sequence[float], share: float) -> float:
    """The smallest of the values that at least this share of them does not exceed.

    Args:
        values: At least one.
        share: Above 0, at most 1.
    """
    ordered = sorted(values)
    return ordered[ceil(share * len(ordered)) - 1]
