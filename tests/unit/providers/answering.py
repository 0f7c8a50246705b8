"""A provider without a queue of receipts, as its tests want it."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final

from worker.providers.base import (
    Answer,
    BatchRule,
    Broken,
    Call,
    MessageRef,
    QueryRule,
    Receipt,
    ReceiptPage,
    Refused,
    Region,
)

QUERY: Final = "QueryMessage"


@dataclass
class Answering:
    """A provider without a queue.

    `known` are the receipts it can tell, `trouble` answers in their place.
    """

    known: dict[int, Receipt] = field(default_factory=dict)
    trouble: Refused | Broken | None = None
    limit: int = 1
    limits: Mapping[str, float] = field(default_factory=lambda: {QUERY: 1e6, "SendSms": 1e6})
    asked: list[list[MessageRef]] = field(default_factory=list)
    by_number: list[Receipt] = field(default_factory=list)
    meanwhile: Callable[[], object] = lambda: None
    ask_action: str = QUERY

    @property
    def query_rule(self) -> QueryRule:
        """So many messages in a query."""
        return QueryRule(QUERY, self.limit)

    def batch_rule(self, region: Region) -> BatchRule:  # noqa: ARG002
        """Not asked for here."""
        return BatchRule("SendSms", 200)

    def send(self, call: Call) -> Answer:
        """Nothing is sent here."""
        raise NotImplementedError

    def query(self, asked: Sequence[MessageRef]) -> ReceiptPage | Refused | Broken:
        """What is known of these."""
        self.asked.append(list(asked))
        self.meanwhile()
        if self.trouble:
            return self.trouble
        found = tuple(self.known[each.number] for each in asked if each.number in self.known)
        return ReceiptPage(found, 0, len(found))

    def ask(self, number: int, *, since_s: int, until_s: int) -> ReceiptPage | Refused | Broken:  # noqa: ARG002
        """Whatever the test says."""
        return ReceiptPage(tuple(self.by_number), 0, len(self.by_number))

    def close(self) -> None:
        """Nothing is open."""

    def tells(self, number: int, *, ok: bool = True, code: str = "DELIVERED") -> None:
        """From now on there is a receipt of the message to this number."""
        self.known[number] = Receipt(number, f"s:{number}", ok, code, 1_790_000_000, "")

    @property
    def numbers(self) -> list[int]:
        """Every number that was asked about."""
        return [each.number for query in self.asked for each in query]
