"""The world behind the wires, in memory: messages that went out, their receipts, tried numbers.

A message is a row of typed arrays: number 8 bytes, origin 4, due time 4, fate 1; four more once
receipts are asked for by number.
"""

import secrets
from array import array
from collections import defaultdict
from collections.abc import Callable, Iterator, Sequence
from random import Random
from typing import Final, NamedTuple

from msgspec import Struct

from worker.sandbox.numbers import is_mainland
from worker.sandbox.receipts import ReceiptQueue
from worker.sandbox.steering import FATES

_NINE_DIGITS: Final = 10**8
# Due time of a receipt that does not come.
NEVER: Final = 0xFFFFFFFF


class Origin(Struct, frozen=True, gc=False):
    """What the messages of one send have in common.

    Attributes:
        app: The app that sent, whose queue gets the receipts.
        context: Echoed in the receipts.
        sent_ms: Epoch milliseconds.
    """

    app: str
    context: str
    sent_ms: int


class Callback(NamedTuple):
    """Where an app's receipts and replies are pushed; empty for what is not."""

    status: str
    reply: str


class SandboxReceipt(Struct, frozen=True, gc=False):
    """The carrier's word on one message, before a wire spells it.

    Attributes:
        number: E.164 integer.
        serial: The id the send's answer gave, or would have given.
        delivered: Whether the handset has it.
        code: The carrier's code.
        received_s: Epoch seconds.
        context: What the send said.
        message: The message's index in the world.
    """

    number: int
    serial: str
    delivered: bool
    code: str
    received_s: int
    context: str
    message: int = 0


class Delay(Struct, frozen=True):
    """Milliseconds from a message to its receipt, and up to so much more."""

    ms: int
    jitter_ms: int


def push_queue(app: str) -> str:
    """The queue of an app's receipts that are to be pushed."""
    return f"push {app}"


class World:
    """Every message that went out and its receipts.

    Args:
        now_ms: Epoch milliseconds; the beginning of the world is its first value.
        seed: Of the receipts' jitter.
    """

    def __init__(self, now_ms: Callable[[], int], seed: int) -> None:
        self._now_ms = now_ms
        self._start_ms = now_ms()
        self._rng = Random(seed)  # noqa: S311 - repeatable on purpose
        # Serials of two worlds must never meet: a client may hold receipts of the one before a
        # reset.
        self._nonce = f"{_NINE_DIGITS + secrets.randbelow(9 * _NINE_DIGITS)}"
        self.numbers: array[int] = array("Q")
        self._origin: array[int] = array("I")
        self._due: array[int] = array("I")
        self._fate: array[int] = array("B")
        self._origins: list[Origin] = []
        self._last: dict[int, int] = {}
        self._previous: array[int] = array("i")
        self._tried: set[int] = set()
        self._watched: dict[int, Callable[[], None]] = {}
        self.queues: defaultdict[str, ReceiptQueue] = defaultdict(ReceiptQueue)
        self.pushing: dict[str, Callback] = {}
        """Apps whose receipts are pushed as well, and whereto: they stand in a second queue."""

    def first_try(self, number: int) -> bool:
        """Whether this is asked for the first time about the number."""
        if number in self._tried:
            return False
        self._tried.add(number)
        return True

    def send(self, origin: Origin, numbers: Sequence[int], fates: Sequence[int], delay: Delay) -> int:
        """Let messages go out.

        Args:
            origin: What they share.
            numbers: E.164 integers.
            fates: Index of each one's fate, in the same order.
            delay: Until their receipts.

        Returns:
            The id of the first message; the others follow it.
        """
        first = len(self.numbers)
        self._origins.append(origin)
        self.numbers.extend(numbers)
        self._origin.extend(array("I", (len(self._origins) - 1,)) * len(numbers))
        # One byte a message: an index into FATES, of which there are 21.
        self._fate.frombytes(bytes(fates))
        # The ordinary send has one due time, and all of its receipts go into one bucket at once.
        if delay.jitter_ms or any(fates):
            self._schedule_each(origin, first, delay)
        else:
            due = origin.sent_ms + delay.ms
            self._due.extend(array("I", (due - self._start_ms,)) * len(numbers))
            for queue in self._queues_of(origin.app):
                queue.schedule(range(first, len(self.numbers)), due)
        return first

    def _schedule_each(self, origin: Origin, first: int, delay: Delay) -> None:
        queues = self._queues_of(origin.app)
        for message in range(first, len(self.numbers)):
            fate = FATES[self._fate[message]]
            if not fate.receipts:
                self._due.append(NEVER)
                continue
            # Early: due at once, so that it can be pulled before the send is answered.
            wait_ms = 0 if fate.early else delay.ms + self._rng.randrange(delay.jitter_ms + 1)
            due = origin.sent_ms + wait_ms
            self._due.append(due - self._start_ms)
            # A second copy comes as much later again, so that it meets a client that is done with
            # the first.
            for copy in range(fate.receipts):
                for queue in queues:
                    queue.schedule((message,), due + copy * wait_ms)

    def _queues_of(self, app: str) -> list[ReceiptQueue]:
        return [self.queues[app], *([self.queues[push_queue(app)]] if app in self.pushing else [])]

    def serial(self, message: int) -> str:
        """A message's opaque id, in one of the shapes of the document (lines 2718, 3833)."""
        return self.serials(message, 1)[0]

    def serials(self, first: int, count: int) -> list[str]:
        """The ids of messages of one send, one behind the other, all mainland or all global.

        Mainland: `5000:` and 28 digits; global: `14:` and 34 hexadecimal digits.
        """
        if not count:
            return []
        sent_ms = self._origins[self._origin[first]].sent_ms
        messages = range(first, first + count)
        if is_mainland(self.numbers[first]):
            prefix = f"5000:{self._nonce}{sent_ms // 1000:010d}"
            # The offset makes nine digits of every id; a format specification would triple the
            # time.
            return [f"{prefix}{_NINE_DIGITS + message}" for message in messages]
        prefix = f"14:{int(self._nonce):012x}{sent_ms:014x}"
        return [f"{prefix}{message:08x}" for message in messages]

    def take(self, app: str, limit: int) -> list[SandboxReceipt]:
        """The next receipts of an app; they are gone from its queue afterwards."""
        taken = self.queues[app].take(limit, self._now_ms())
        receipts = [self._receipt(message) for message in taken]
        if self._watched:
            for message in taken:
                if given := self._watched.pop(message, None):
                    given()
        return receipts

    def watch(self, message: int, given: Callable[[], None]) -> None:
        """Call `given` when the message's receipt is taken off its queue."""
        self._watched[message] = given

    def about(self, app: str, number: int, *, begin_s: int, end_s: int) -> Iterator[SandboxReceipt]:
        """Receipts of one number between two epoch seconds, newest first, off no queue."""
        # The index is built when first asked for: most worlds never are, and it costs 100 bytes a
        # number.
        for fresh in range(len(self._previous), len(self.numbers)):
            self._previous.append(self._last.get(self.numbers[fresh], -1))
            self._last[self.numbers[fresh]] = fresh
        # To the end of the second that was asked for, and never beyond now.
        until = min(end_s * 1000 + 999, self._now_ms()) - self._start_ms
        message = self._last.get(number, -1)
        while message >= 0:
            ours = self._origins[self._origin[message]].app == app
            if ours and begin_s * 1000 - self._start_ms <= self._due[message] <= until:
                yield self._receipt(message)
            message = self._previous[message]

    def came(self, app: str, *, begin_ms: int, end_ms: int) -> Iterator[SandboxReceipt]:
        """Receipts so far of what an app sent from `begin_ms` until before `end_ms`."""
        until = self._now_ms() - self._start_ms
        ours = {
            place
            for place, origin in enumerate(self._origins)
            if origin.app == app and begin_ms <= origin.sent_ms < end_ms
        }
        for message, place in enumerate(self._origin):
            # Over all messages: statistics are asked for seldom, and an index for them would cost
            # every send.
            if place in ours and self._due[message] <= until:
                yield self._receipt(message)

    def _receipt(self, message: int) -> SandboxReceipt:
        fate = FATES[self._fate[message]]
        return SandboxReceipt(
            number=self.numbers[message],
            serial=self.serial(message),
            delivered=fate.delivered,
            code=fate.receipt_code,
            received_s=(self._start_ms + self._due[message]) // 1000,
            context=self._origins[self._origin[message]].context,
            message=message,
        )
