"""A provider that answers as a test tells it to.

Calls are kept, receipts queued, and what really went out is known.
"""

import json
import threading
from collections import Counter, deque
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Final, TypeAlias

from worker.providers.base import (
    Answer,
    BatchRule,
    Broken,
    Call,
    Item,
    Receipt,
    ReceiptPage,
    Refused,
    Region,
    Sent,
)

SEND: Final = "SendSms"
PULL: Final = "PullSmsSendStatus"
ASK: Final = "PullSmsSendStatusByPhoneNumber"
UNLIMITED: Final[Mapping[str, float]] = {SEND: 1e6, PULL: 1e6, ASK: 1e6}

Script: TypeAlias = Callable[["FakeProvider", Call], Answer]
"""How one call is answered."""


@dataclass(frozen=True, slots=True)
class Message:
    """One message that went out: to whom, under which serial and context, with which params."""

    number: int
    serial: str
    context: str
    params: tuple[str, ...]
    template: str


@dataclass(slots=True)
class FakeProvider:
    """One account's adapter; implements `worker.providers.base.Provider`.

    Attributes:
        limits: Calls per second by action.
        rule: How numbers are packed.
        calls: Every call that was made, in order.
        script: How the next calls are answered, in order; when it is empty, `usual` answers.
        usual: How a call is answered that no script is left for.
        out: Every message that went out, whatever the answer said.
        queue: Receipts that the next pulls take.
        history: Receipts that can be asked for by number; those that were queued are in it too.
        pull_script: Answers of the next pulls in place of a page.
        ask_script: Answers of the next questions in place of what is in the history.
        asked: Every number that was asked about, with the times it was asked about between.
        pulls: How many pulls were made.
        pull_limit: Rows in a page, at most.
    """

    limits: Mapping[str, float] = field(default_factory=lambda: dict(UNLIMITED))
    rule: BatchRule = field(default_factory=lambda: BatchRule(SEND, 200))
    calls: list[Call] = field(default_factory=list)
    script: deque[Script] = field(default_factory=deque)
    usual: Script = field(default_factory=lambda: accept)
    out: list[Message] = field(default_factory=list)
    queue: list[Receipt] = field(default_factory=list)
    history: list[Receipt] = field(default_factory=list)
    pull_script: deque[bytes | Broken] = field(default_factory=deque)
    ask_script: deque[Refused | Broken] = field(default_factory=deque)
    asked: list[tuple[int, int, int]] = field(default_factory=list)
    pulls: int = 0
    pull_limit: int = 100
    _lock: threading.Lock = field(default_factory=threading.Lock)

    @property
    def pull_action(self) -> str:
        """The action of a pull."""
        return PULL

    @property
    def ask_action(self) -> str:
        """The action of a question."""
        return ASK

    def batch_rule(self, region: Region) -> BatchRule:  # noqa: ARG002 - one rule for both
        """The rule."""
        return self.rule

    def send(self, call: Call) -> Answer:
        """Keep the call and answer it as scripted."""
        with self._lock:
            self.calls.append(call)
            script = self.script.popleft() if self.script else self.usual
            return script(self, call)

    def pull(self) -> bytes | Broken:
        """The next receipts, taken off the queue."""
        with self._lock:
            self.pulls += 1
            if self.pull_script:
                return self.pull_script.popleft()
            page, self.queue = self.queue[: self.pull_limit], self.queue[self.pull_limit :]
            return json.dumps([receipt._asdict() for receipt in page]).encode()

    def read_page(self, raw: bytes) -> ReceiptPage | Refused | Broken:
        """A page as `pull` gives it; `refused <code>` is an error of the provider."""
        if raw.startswith(b"refused "):
            return Refused(raw.decode().split(" ")[1], "", "r")
        rows = json.loads(raw)
        good = tuple(Receipt(**row) for row in rows if row is not None)
        return ReceiptPage(good, len(rows) - len(good), len(rows))

    def ask(self, number: int, *, since_s: int, until_s: int) -> ReceiptPage | Refused | Broken:
        """The number's receipts, which stay."""
        with self._lock:
            self.asked.append((number, since_s, until_s))
            if self.ask_script:
                return self.ask_script.popleft()
            found = tuple(receipt for receipt in self.history if receipt.number == number)
            return ReceiptPage(found, 0, len(found))

    def close(self) -> None:
        """Nothing is open."""

    def send_out(self, number: int, call: Call) -> Message:
        """One message leaves."""
        serial = f"s{len(self.out)}:{number}"
        message = Message(number, serial, call.context, call.content.params, call.content.template)
        self.out.append(message)
        return message

    def texts(self) -> Counter[int]:
        """How many messages went out to each number."""
        return Counter(message.number for message in self.out)

    def receipt(self, message: Message, *, ok: bool = True, code: str = "", context: bool = True) -> Receipt:
        """The receipt of a message, not queued yet."""
        code = code or ("DELIVRD" if ok else "UNDELIV")
        return Receipt(message.number, message.serial, ok, code, 1_790_000_000, message.context if context else "")

    def deliver(
        self,
        messages: Iterable[Message] | None = None,
        *,
        ok: bool = True,
        code: str = "",
        context: bool = True,
        pulled: bool = True,
    ) -> list[Receipt]:
        """Receipts of messages (all when None) become known; `pulled`: also by the queue."""
        made = [
            self.receipt(m, ok=ok, code=code, context=context) for m in (self.out if messages is None else messages)
        ]
        with self._lock:
            self.history += made
            if pulled:
                self.queue += made
        return made


def accept(provider: FakeProvider, call: Call) -> Answer:
    """Every message goes out and the answer says so, in another order than the request's."""
    sent = [provider.send_out(number, call) for number in call.numbers]
    return Sent(tuple(Item(m.number, True, "Ok", m.serial, 1, "") for m in reversed(sent)), "r")


def lost(code: str = "http.ReadTimeout", *, carried_out: bool = True) -> Script:
    """The answer never comes; the messages are out, or not."""

    def script(provider: FakeProvider, call: Call) -> Answer:
        if carried_out:
            for number in call.numbers:
                provider.send_out(number, call)
        return Broken(maybe_sent=True, code=code, detail="nothing came back")

    return script


def never_left(code: str = "http.ConnectError") -> Script:
    """The call never reached the provider."""
    return lambda _provider, _call: Broken(maybe_sent=False, code=code, detail="not connected")


def refuse(code: str, message: str = "", delay_s: float | None = None) -> Script:
    """One error for the whole call; nothing goes out."""
    return lambda _provider, _call: Refused(code, message, "r", delay_s)


def refuse_where(code: str, spoilt: Callable[[Call], bool]) -> Script:
    """Whole calls with this code, those that fit; the others are taken."""
    return lambda provider, call: refuse(code)(provider, call) if spoilt(call) else accept(provider, call)


def refuse_items(codes: Mapping[int, str] | str, *, missing: Iterable[int] = ()) -> Script:
    """Numbers with a code are refused with it (a text: all of them), others go out.

    `missing` go out and are left out.
    """
    left_out = set(missing)

    def script(provider: FakeProvider, call: Call) -> Answer:
        items = []
        for number in call.numbers:
            code = codes if isinstance(codes, str) else codes.get(number, "Ok")
            serial = provider.send_out(number, call).serial if code == "Ok" else ""
            if number not in left_out:
                items.append(Item(number, code == "Ok", code, serial, int(code == "Ok"), ""))
        return Sent(tuple(items), "r")

    return script
