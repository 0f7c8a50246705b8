"""One job as a collector of a producer's tests keeps it (`smsline.testing`)."""

from dataclasses import dataclass, field

from smsline.job import JobSpec
from smsline.names import Lane
from smsline.numbers import e164
from smsline.states import FINAL, State


@dataclass(slots=True)
class Collected:
    """One job as it was handed over.

    Attributes:
        id: Job id.
        spec: Content, lane and deadline, as checked.
        numbers: E.164 integers; doubles are left out.
        params: The params each number is sent with.
        refs: The producer's name of each number, or empty.
        states: The state of each number; `Collector.finish` changes it.
        control: `open`, `paused` or `cancelled`.
        created_ms: Epoch ms.
        rows: What its rows are, to tell a repetition under the same key from another job.
    """

    id: str
    spec: JobSpec
    numbers: list[int] = field(default_factory=list)
    params: list[tuple[str, ...]] = field(default_factory=list, repr=False)
    refs: list[str] = field(default_factory=list)
    states: list[State] = field(default_factory=list)
    control: str = "open"
    created_ms: int = 0
    rows: str = ""

    @property
    def phones(self) -> list[str]:
        """The numbers as `+8613711112222`."""
        return [e164(number) for number in self.numbers]

    @property
    def lane(self) -> Lane:
        """The job's lane."""
        return self.spec.lane

    @property
    def template(self) -> str:
        """The job's template id."""
        return self.spec.template

    @property
    def closed(self) -> bool:
        """Whether every number has a final state."""
        return all(state in FINAL for state in self.states)
