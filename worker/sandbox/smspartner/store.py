"""What SMSPartner remembers of calls, in memory: the status of each message that went out."""

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from itertools import count
from random import Random
from typing import Final

from msgspec import Struct

from worker.sandbox.smspartner.steering import WAITING, SmsPartnerFate

_FIRST_ID: Final = 100_001


class SmsPartnerMessage(Struct, gc=False):
    """One message that went out.

    Attributes:
        number: E.164 integer.
        fate: What happens to it.
        parts: Billable parts.
        due_ms: When its report comes, epoch ms.
    """

    number: int
    fate: SmsPartnerFate
    parts: int
    due_ms: int


class BulkCall(Struct):
    """One call that sent.

    Attributes:
        message_id: Its id.
        tag: Its tag, or empty.
        messages: What went out, by number.
        sent_ms: When it goes out, epoch ms: later than now when it is scheduled.
        cancelled: Whether it was taken back.
    """

    message_id: int
    tag: str
    messages: Mapping[int, SmsPartnerMessage]
    sent_ms: int
    cancelled: bool = False


class StatusReport(Struct, frozen=True):
    """The status of one message."""

    message_id: int
    number: int
    status: str
    at_s: int


class Store:
    """The calls of one world.

    Args:
        seed: Of the reports' jitter.
    """

    def __init__(self, seed: int) -> None:
        self._ids = count(_FIRST_ID)
        self._rng = Random(seed)  # noqa: S311 - repeatable on purpose
        self._calls: dict[int, BulkCall] = {}
        self._by_tag: defaultdict[str, list[BulkCall]] = defaultdict(list)
        self._by_world: dict[int, tuple[int, SmsPartnerMessage]] = {}
        self.stopped: dict[int, int] = {}
        """Numbers on the STOP list, and since when, epoch ms."""

    def next_id(self) -> int:
        """A message_id; the real ones are numbers too."""
        return next(self._ids)

    def keep(self, sending: BulkCall, first: int | None) -> None:
        """Remember a call; `first` is the place of its first message in the world, or None."""
        self._calls[sending.message_id] = sending
        if first is not None:
            for index, message in enumerate(sending.messages.values(), first):
                self._by_world[index] = sending.message_id, message
        if sending.tag:
            self._by_tag[sending.tag].append(sending)

    def jitter_ms(self, most_ms: int) -> int:
        """Up to so much, evenly spread."""
        return self._rng.randrange(most_ms + 1) if most_ms else 0

    def call(self, message_id: int) -> BulkCall | None:
        """A call by its id."""
        return self._calls.get(message_id)

    def at(self, index: int) -> tuple[int, SmsPartnerMessage]:
        """A message by its index in the world, and the id of its call."""
        return self._by_world[index]

    def last_to(self, number: int) -> int | None:
        """The id of the last call with a message to the number."""
        return next((one.message_id for one in reversed(self._calls.values()) if number in one.messages), None)

    def of_tag(self, tag: str) -> Sequence[BulkCall]:
        """The calls with a tag, oldest first."""
        return self._by_tag.get(tag, ())

    def scheduled(self, now_ms: int) -> int:
        """Messages that wait for their time."""
        waiting = (each for each in self._calls.values() if each.sent_ms > now_ms and not each.cancelled)
        return sum(len(each.messages) for each in waiting)


def reports(sending: BulkCall, now_ms: int) -> Iterator[StatusReport]:
    """The status of every message of a call."""
    for message in sending.messages.values():
        yield report(sending, message, now_ms)


def report(sending: BulkCall, message: SmsPartnerMessage, now_ms: int) -> StatusReport:
    """The status of one message: waiting until its report is due."""
    # A report that never comes has the status Waiting for ever.
    status = message.fate.status if message.due_ms <= now_ms else WAITING
    at_ms = sending.sent_ms if status == WAITING else message.due_ms
    return StatusReport(sending.message_id, message.number, status, at_ms // 1000)
