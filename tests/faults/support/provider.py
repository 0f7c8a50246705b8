"""A provider in this process that answers as told, and counts what went out per number."""

import json
from collections import Counter, deque
from collections.abc import Callable, Mapping
from typing import Final

from worker.providers.base import Answer, BatchRule, Broken, Call, Item, Receipt, ReceiptPage, Refused, Region, Sent

LIMITS: Final = {"SendSms": 1e6, "Pull": 1e6, "Ask": 1e6}


class CountingProvider:
    """One account; implements `worker.providers.base.Provider`. Receipts come at once.

    Args:
        limit: Numbers in one call.
    """

    def __init__(self, limit: int = 200) -> None:
        self.limit = limit
        self.sent: Counter[int] = Counter()
        self.calls: list[Call] = []
        self.queue: deque[Receipt] = deque()
        self.history: dict[int, list[Receipt]] = {}
        self.answer: Callable[[Call], Answer | None] = lambda _call: None
        """Told what to answer before anything is carried out; None carries the call out."""
        self.garble: Callable[[Call, Sent], Answer] = lambda _call, answer: answer
        """What becomes of the answer of a call that was carried out."""

    @property
    def limits(self) -> Mapping[str, float]:
        """None that would be felt."""
        return LIMITS

    @property
    def pull_action(self) -> str:
        """The bucket of pulls."""
        return "Pull"

    @property
    def pull_limit(self) -> int:
        """Rows in a page."""
        return 100

    @property
    def ask_action(self) -> str:
        """The bucket of questions."""
        return "Ask"

    def batch_rule(self, region: Region) -> BatchRule:  # noqa: ARG002 - both alike
        """As many numbers as asked for."""
        return BatchRule("SendSms", self.limit)

    def send(self, call: Call) -> Answer:
        """Carry a call out, unless told otherwise."""
        self.calls.append(call)
        told = self.answer(call)
        return told if told is not None else self.garble(call, self.carry_out(call))

    def carry_out(self, call: Call) -> Sent:
        """Let the messages of a call go out."""
        items = []
        for number in call.numbers:
            self.sent[number] += 1
            serial = f"n{self.sent.total()}:{number}"
            receipt = Receipt(number, serial, ok=True, code="DELIVRD", received_at_s=0, context=call.context)
            self.queue.append(receipt)
            self.history.setdefault(number, []).append(receipt)
            items.append(Item(number, ok=True, code="Ok", serial=serial, fee=1, message=""))
        return Sent(tuple(reversed(items)), "request")

    def pull(self) -> bytes | Broken:
        """The next receipts, each given once."""
        taken = [self.queue.popleft() for _ in range(min(self.pull_limit, len(self.queue)))]
        return json.dumps([receipt._asdict() for receipt in taken]).encode()

    def read_page(self, raw: bytes) -> ReceiptPage | Refused | Broken:
        """What `pull` returned."""
        rows = [Receipt(**row) for row in json.loads(raw)]
        return ReceiptPage(tuple(rows), bad_rows=0, rows=len(rows))

    def ask(self, number: int, *, since_s: int, until_s: int) -> ReceiptPage | Refused | Broken:  # noqa: ARG002
        """Every receipt of a number."""
        rows = tuple(self.history.get(number, ()))
        return ReceiptPage(rows, bad_rows=0, rows=len(rows))

    def close(self) -> None:
        """Nothing to close."""
