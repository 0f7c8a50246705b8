"""Metric families as Prometheus' text format has them."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Literal, TypeAlias

Labels: TypeAlias = Mapping[str, str]
# Labels, value, and for a histogram the ending of the name.
Sample: TypeAlias = tuple[Labels, float] | tuple[Labels, float, str]


@dataclass(slots=True)
class Family:
    """Samples of one name.

    Attributes:
        name: Without the prefix `smsline_`.
        help: What it counts, one line.
        kind: Of Prometheus.
        samples: What was measured.
    """

    name: str
    help: str
    kind: Literal["gauge", "counter", "histogram"] = "gauge"
    samples: list[Sample] = field(default_factory=list)

    def lines(self) -> Iterator[str]:
        """The family as Prometheus reads it."""
        yield f"# HELP smsline_{self.name} {self.help}"
        yield f"# TYPE smsline_{self.name} {self.kind}"
        for labels, value, *ending in self.samples:
            name = f"smsline_{self.name}{ending[0] if ending else ''}"
            # The text format knows three escapes in a value and no others.
            texts = {k: v.replace("\\", r"\\").replace("\n", r"\n").replace('"', r"\"") for k, v in labels.items()}
            told = ",".join(f'{label}="{text}"' for label, text in texts.items())
            # 17 digits: counters of millions must not be rounded to six.
            yield f"{name}{{{told}}} {value:.17g}" if told else f"{name} {value:.17g}"
