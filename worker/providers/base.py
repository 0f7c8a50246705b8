"""The interface of a provider's adapter: one `Provider` per account.

Answers are values and never exceptions.
"""

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final, Literal, NamedTuple, Protocol, TypeAlias, runtime_checkable

from smsline.receipt import Receipt as Receipt  # noqa: PLC0414 - adapters import all they answer with from here

Region: TypeAlias = Literal["mainland", "global"]

# Queries of one block under way side by side; an adapter's connections must do for so many in every
# thread.
QUERIES_AT_ONCE: Final = 4


@dataclass(frozen=True, slots=True)
class Content:
    """The content of a message, without its recipients.

    Attributes:
        template: The provider's template id.
        params: The template's values in order; secret, never logged.
        sign: The signature shown to the recipient (required for mainland numbers).
        sender: Sender id for global numbers, or empty.
        extend: Extend code appended to the sender number, or empty.
    """

    template: str
    params: tuple[str, ...] = ()
    sign: str = ""
    sender: str = ""
    extend: str = ""


@dataclass(frozen=True, slots=True)
class Call:
    """One provider call to make.

    Attributes:
        numbers: E.164 integers, at most the rule's limit, all of one region.
        content: What is said.
        context: Echoed in receipts where the provider can; identifies batch and attempt.
        timeout_s: Whole time allowed, seconds.
        own_params: The params of each number, in the order of `numbers`, where each brings its own;
            empty when `content.params` hold for all of them.
    """

    numbers: Sequence[int]
    content: Content
    context: str
    timeout_s: float
    own_params: Sequence[tuple[str, ...]] = ()


# Code of a number that could not be in the call with the others: nothing was sent to it, and it
# goes with the next call (smsline/codes).
AGAIN: Final = "call.Again"


class Item(NamedTuple):
    """The provider's word on one number of a call; `ok` by the provider's own success spelling."""

    number: int
    ok: bool
    code: str
    serial: str = ""
    fee: int = 0
    message: str = ""


@dataclass(frozen=True, slots=True)
class Sent:
    """The call was carried out, with items in any order, perhaps not for every number."""

    items: tuple[Item, ...]
    request_id: str


def put_off(numbers: Iterable[int], *, because_of: Collection[int], code: str, message: str = "") -> Sent:
    """The answer to a call that some of its numbers spoilt: nothing went out, others go next.

    Args:
        numbers: Of the call.
        because_of: Those of them that spoilt it.
        code: What is wrong with these.
        message: The same in words.
    """
    bad = frozenset(because_of)
    items = [
        Item(number, ok=False, code=code, message=message) if number in bad else Item(number, ok=False, code=AGAIN)
        for number in numbers
    ]
    return Sent(tuple(items), "")


@dataclass(frozen=True, slots=True)
class Refused:
    """The provider answered with one error for the whole call."""

    code: str
    message: str
    request_id: str
    delay_s: float | None = None


@dataclass(frozen=True, slots=True)
class Broken:
    """No readable answer. `maybe_sent` is False only when the request certainly never left.

    Attributes:
        code: A local code, `http.ConnectError`, `http.ReadTimeout`, `http.503`, `http.NotJson`.
        detail: Words for a log; no number, secret or text in it.
        delay_s: How long the answer asks to wait before the next call; None when it does not say.
    """

    maybe_sent: bool
    code: str
    detail: str
    delay_s: float | None = None


Answer: TypeAlias = Sent | Refused | Broken


@dataclass(frozen=True, slots=True)
class ReceiptPage:
    """One page of receipts, decoded.

    Attributes:
        receipts: The rows that could be read.
        bad_rows: How many rows could not.
        rows: How many rows the page had in all; equal to the limit means there may be more.
    """

    receipts: tuple[Receipt, ...]
    bad_rows: int
    rows: int


@dataclass(frozen=True, slots=True)
class BatchRule:
    """How numbers and contents may share a call.

    Attributes:
        action: The provider's action, whose bucket the call is charged to.
        limit: Numbers in one call.
        params_differ: Whether numbers with different params can share a call.
        own: The rule of calls for such numbers, where it is another than this one; None when it is
            the same.
    """

    action: str
    limit: int
    params_differ: bool = False
    own: "BatchRule | None" = None


@dataclass(frozen=True, slots=True)
class QueryRule:
    """How a provider without a queue of receipts is asked about messages.

    Attributes:
        action: The provider's action, whose bucket a query is charged to.
        limit: Messages in one query.
    """

    action: str
    limit: int = 1


@dataclass(frozen=True, slots=True)
class MessageRef:
    """One message that the provider took, to be asked about.

    Attributes:
        serial: `Item.serial` of the answer that took it.
        number: E.164 integer.
        accepted_s: When its call was begun, epoch seconds.
    """

    serial: str
    number: int
    accepted_s: int


class Provider(Protocol):
    """One account at one provider. Calls block; a thread may use it while others do.

    How its receipts come is said by one of two further protocols: `QueueProvider` or
    `QueryProvider` (docs/decisions/0010-receipts-by-query.md).
    """

    @property
    def limits(self) -> Mapping[str, float]:
        """Calls per second allowed for each action, as documented or as set for the account."""

    @property
    def ask_action(self) -> str:
        """The bucket of `ask`; empty where the provider cannot be asked by number."""

    def batch_rule(self, region: Region) -> BatchRule:
        """How numbers of this region are packed."""

    def send(self, call: Call) -> Answer:
        """Make one call, signed now, never repeated by any layer."""

    def ask(self, number: int, *, since_s: int, until_s: int) -> ReceiptPage | Refused | Broken:
        """Receipts of one number between two epoch times, without taking them off any queue.

        A provider that cannot be asked by number returns an empty page.
        """

    def close(self) -> None:
        """Close kept-alive connections."""


@runtime_checkable
class QueueProvider(Provider, Protocol):
    """A provider that queues an account's receipts, each given once."""

    @property
    def pull_action(self) -> str:
        """The action whose bucket `pull` is charged to."""

    @property
    def pull_limit(self) -> int:
        """Rows in a page, at most: only a full one promises more."""

    def pull(self) -> bytes | Refused | Broken:
        """Take the next page off the queue, raw: it is stored before it is read."""

    def read_page(self, raw: bytes) -> ReceiptPage | Refused | Broken:
        """Decode what `pull` returned."""


class Reply(NamedTuple):
    """One message from a person.

    Attributes:
        number: Who wrote it, E.164 integer.
        text: What it says; personal, never logged.
        at_s: Epoch seconds, 0 when the provider gives none.
        sign: The signature that was answered, or empty.
        extend: The number or extend code that was answered, or empty.
        stops: Whether the provider itself says that it is an opt-out.
    """

    number: int
    text: str
    at_s: int = 0
    sign: str = ""
    extend: str = ""
    stops: bool = False


class ReplyPage(NamedTuple):
    """Replies that could be read, and how many rows could not."""

    replies: tuple[Reply, ...]
    bad_rows: int = 0


@runtime_checkable
class ReplyProvider(Provider, Protocol):
    """A provider that queues an account's replies, each given once."""

    @property
    def replies_action(self) -> str:
        """The action whose bucket `pull_replies` is charged to."""

    @property
    def replies_limit(self) -> int:
        """Rows in a page, at most: only a full one promises more."""

    def pull_replies(self) -> bytes | Refused | Broken:
        """Take the next page off the queue, raw: it is stored before it is read."""

    def count_replies(self, raw: bytes) -> int | None:
        """How many rows such a page has; None when it is an error of the provider."""

    def read_replies(self, raw: bytes) -> ReplyPage | Refused | Broken:
        """Decode what `pull_replies` returned."""


@runtime_checkable
class AnswerProvider(Provider, Protocol):
    """A provider that answers what `smsline.questions` asks."""

    @property
    def questions(self) -> Mapping[str, str]:
        """What it can be asked, and the action that each question takes."""

    def answer(self, what: str, args: Mapping[str, Any]) -> list[dict[str, Any]] | Refused | Broken:
        """Ask one of them, with one call.

        Raises:
            BadInput: An argument that the provider cannot be asked.
        """


def questions_of(providers: Mapping[str, Provider]) -> dict[str, Collection[str]]:
    """What each account can be asked; one whose provider answers nothing is not in it."""
    return {name: one.questions for name, one in providers.items() if isinstance(one, AnswerProvider)}


@runtime_checkable
class QueryProvider(Provider, Protocol):
    """A provider without a queue: it tells what became of a message as often as it is asked."""

    @property
    def query_rule(self) -> QueryRule:
        """How it is asked."""

    def query(self, asked: Sequence[MessageRef]) -> ReceiptPage | Refused | Broken:
        """Receipts of these messages, at most the rule's limit; none of one on its way.

        A receipt carries the serial and the number as they were asked about.
        """


@dataclass(frozen=True, slots=True)
class Balance:
    """What is left on an account.

    Attributes:
        amount: Money, as the provider writes it (`10225.119`).
        currency: `EUR`.
        messages: How many messages that buys.
    """

    amount: str
    currency: str
    messages: int


@runtime_checkable
class BalanceProvider(Provider, Protocol):
    """A provider that tells what is left on the account."""

    @property
    def balance_action(self) -> str:
        """The action whose bucket `balance` is charged to."""

    def balance(self) -> Balance | Refused | Broken:
        """What is left now."""


@dataclass(frozen=True, slots=True)
class FoundMessage:
    """One message of a call whose answer was never seen: the provider took it.

    Attributes:
        number: E.164 integer.
        serial: What `Item.serial` would have been, or another name by which `query` can be asked
            about it.
        receipt: Its receipt, or None while it is on its way.
    """

    number: int
    serial: str
    receipt: Receipt | None = None


@runtime_checkable
class FindProvider(Provider, Protocol):
    """A provider that tells what it took of a call, by its context (decision 0011)."""

    @property
    def find_action(self) -> str:
        """The action whose bucket `find` is charged to."""

    @property
    def find_limit(self) -> int:
        """Numbers in one `find`."""

    def find(self, context: str, numbers: Sequence[int]) -> tuple[FoundMessage, ...] | Refused | Broken:
        """What the provider took of this call as far as it knows by now; perhaps nothing.

        A number that is missing may not have been taken, or not be known yet.
        """
