"""Messages that went out over this wire, by the ids its answers gave, and what became of each."""

import secrets
from collections import defaultdict
from typing import Final

from msgspec import Struct

from worker.sandbox.alibaba.steering import AlibabaFate
from worker.sandbox.sandbox import Sandbox
from worker.sandbox.state import Origin

_TEN_DIGITS: Final = 10**9


class Outgoing(Struct, frozen=True):
    """What the messages of one call have in common.

    Attributes:
        key: AccessKey ID.
        context: OutId or TaskId.
        template: TemplateCode, or empty.
        sign: Signature or sender id.
        globe: Whether it was made at the international site.
    """

    key: str
    context: str
    template: str
    sign: str
    globe: bool = True


class AlibabaMessage(Struct, frozen=True):
    """One message that went out.

    Attributes:
        number: E.164 integer.
        call: What it shares with the others of its call.
        text: Its content, as far as it is known here.
        fate: What becomes of it.
        index: In the sandbox's world.
        biz_id: Of its call.
        sent_s: Epoch seconds.
    """

    number: int
    call: Outgoing
    text: str
    fate: AlibabaFate
    index: int
    biz_id: str
    sent_s: int

    @property
    def message_id(self) -> str:
        """The id of this message alone: the call's digits and its index."""
        return f"{self.biz_id.partition('^')[0]}{self.index}"


class AlibabaReceipt(Struct, frozen=True):
    """What the carrier said: whether it was delivered, and when, epoch seconds."""

    delivered: bool
    received_s: int


class AlibabaBook:
    """The messages of one world. A reset makes a new world, and the wire a new book with it.

    Args:
        sandbox: Whose world they are in.
    """

    def __init__(self, sandbox: Sandbox) -> None:
        self.world = sandbox.world
        self._sandbox = sandbox
        # Begins anywhere: ids of two runs of the sandbox do not meet in a client's ledger.
        self._calls = _TEN_DIGITS + secrets.randbelow(_TEN_DIGITS)
        self._by_id: dict[str, AlibabaMessage] = {}
        self._by_index: dict[int, AlibabaMessage] = {}
        self._by_number: defaultdict[tuple[str, int], list[AlibabaMessage]] = defaultdict(list)

    def send(
        self, call: Outgoing, numbers: list[int], fates: list[AlibabaFate], texts: list[str]
    ) -> list[AlibabaMessage]:
        """Let the messages of one call go out."""
        origin = Origin(_app(call.key), call.context, self._sandbox.now_ms())
        first = self.world.send(origin, numbers, [fate.world for fate in fates], self._sandbox.delay)
        self._calls += 1
        # Digits, a caret and a 0, as real ones look.
        biz_id = f"{self._calls}{origin.sent_ms}^0"
        messages = [
            AlibabaMessage(number, call, text, fate, index, biz_id, origin.sent_ms // 1000)
            for index, (number, fate, text) in enumerate(zip(numbers, fates, texts, strict=True), first)
        ]
        for message in messages:
            self._by_id[message.message_id] = self._by_index[message.index] = message
            self._by_number[call.key, message.number].append(message)
        return messages

    def find(self, key: str, message_id: str) -> AlibabaMessage | None:
        """A key's message by its id."""
        found = self._by_id.get(message_id)
        return found if found and found.call.key == key else None

    def at(self, index: int) -> AlibabaMessage:
        """A message by its index in the world."""
        return self._by_index[index]

    def to(self, key: str, number: int) -> list[AlibabaMessage]:
        """A key's messages to a number, newest first."""
        # Newest first, as QuerySendDetails lists them.
        return self._by_number.get((key, number), [])[::-1]

    def receipt(self, message: AlibabaMessage) -> AlibabaReceipt | None:
        """What became of a message, or None while it is on its way."""
        now_s = self._sandbox.now_ms() // 1000
        serial = self.world.serial(message.index)
        for found in self.world.about(_app(message.call.key), message.number, begin_s=0, end_s=now_s):
            if found.serial == serial:
                return AlibabaReceipt(found.delivered, found.received_s)
        return None


def _app(key: str) -> str:
    """Under which name the world keeps the key's messages, apart from the apps of other wires."""
    return f"alibaba {key}"
