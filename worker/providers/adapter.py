"""The one story of every adapter: a token, a signed request, a judged answer, a value read from it.

A provider's class brings what differs: its facts, how a request is made (`request`), which answers
are its own word (`judge`), and what an answer's object says (`answered`).
"""

import logging
import secrets
import time
from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping
from dataclasses import replace
from types import MappingProxyType
from typing import ClassVar, Final, Protocol, TypeVar

from config.accounts import Account
from config.providers import facts_of
from worker.providers.base import Answer, Broken, Call, ReceiptPage, Refused
from worker.providers.cleaning import Clean, cleaner
from worker.providers.http import HttpPort, HttpRequest, HttpResponse, HttpxPort, host_of
from worker.providers.reading import Oddities, Row, held, made
from worker.transport.egress import egress_of
from worker.transport.retry_after import retry_after_s

LOG: Final = logging.getLogger(__name__)

T = TypeVar("T")

# Code of a call that was not made because its bucket gave no token in time (smsline/codes).
BUSY: Final = "limit.Busy"

POOL_SIZE: Final = 8


class Gate(Protocol):
    """Keeps an account's calls under the limit of each action."""

    def admit(self, action: str) -> float:
        """Take a token for a call of the action; ms still to wait when there was none, else 0."""

    def refused(self, action: str, answer: Refused | Broken) -> None:
        """Learn from a failed call: too many calls close the bucket of the action for a while."""


class Adapter(ABC):
    """One account at one provider: nothing is repeated, nothing raised, and threads may share it.

    A process that forks opens its own afterwards: connections must not be shared between processes.

    Attributes:
        ask_action: See `Provider`.
        calls_at_once: Calls that a thread may have under way side by side; each needs a connection.
        limits: Calls per second for each action: the account's own where set, else as declared.
        gate: Asked for a token before each call of `manage`; None where the caller has taken it
            already.
    """

    ask_action: ClassVar[str] = ""
    calls_at_once: ClassVar[int] = 1

    def __init__(
        self,
        name: str,
        account: Account,
        *,
        pool_size: int = POOL_SIZE,
        port: HttpPort | None = None,
        clock: Callable[[], float] = time.time,
        nonce: Callable[[], object] | None = None,
        gate: Gate | None = None,
    ) -> None:
        """Make no call yet.

        Args:
            name: What smsline calls the account.
            account: Whose calls these are.
            pool_size: Connections at most; as many as threads that call.
            port: Sends to `account.endpoint`, in place of the network.
            clock: Epoch seconds, read once for each call, when it is signed.
            nonce: A value that no request has had before, for providers that want one in each call.
            gate: See the class.
        """
        self.name, self.account, self.clock, self.gate = name, account, clock, gate
        # Only the actions of the account's own site: another site has another API.
        self.limits: Final[Mapping[str, float]] = MappingProxyType(
            {**facts_of(account.provider).limits(account.site), **account.limits}
        )
        self.host: Final = host_of(account.endpoint)
        self.nonce = nonce or self.new_nonce
        self._port = port or HttpxPort(
            account.endpoint, pool_size=pool_size * self.calls_at_once, egress=egress_of(account)
        )
        # A refusal may quote any field back at us, the secret in the path of a callback among them.
        held = (account.secret_id, account.secret_key, account.token, *account.callback_secret)
        self._secrets = tuple(secret.get_secret_value() for secret in held)

    def __repr__(self) -> str:
        return f"{type(self).__name__}({self.name!r})"

    @abstractmethod
    def request(self, action: str, params: Mapping[str, object], timeout_s: float) -> HttpRequest | Broken:
        """One request, signed now; `Broken` when the provider would certainly not take it."""

    @abstractmethod
    def judge(self, response: HttpResponse) -> bytes | Refused | Broken:
        """The body if it is the provider's word, else what the status says; not cleaned yet."""

    @abstractmethod
    def answered(self, body: bytes, clean: Clean) -> Row | Refused | Broken:
        """The object in an answer's body, or the one error that it says of the whole call."""

    @staticmethod
    def new_nonce() -> object:
        """A word that no request has had before."""
        return secrets.token_hex(16)

    def once(
        self, action: str, params: Mapping[str, object], *, timeout_s: float | None = None, clean: Clean | None = None
    ) -> bytes | Refused | Broken:
        """Make one call, never again, and keep the answer's body if it is the provider's word.

        Args:
            action: As the provider spells it.
            params: Its parameters; those that are null, or empty texts or lists, are left out.
            timeout_s: Whole time allowed, seconds; that of the account unless given.
            clean: Applied to the provider's words; `self.clean()` unless given.
        """
        # Some actions refuse an empty text where they take none, and no official SDK sends what is
        # not set. A 0 is a value.
        filled = {name: value for name, value in params.items() if value or value == 0}
        request = self.request(action, filled, self.account.timeout_s if timeout_s is None else timeout_s)
        if isinstance(request, Broken):
            return request
        # Never repeated, here or below: after a lost answer the messages may be out, and a second
        # call would text people twice.
        response = self._port.send(request)
        if isinstance(response, Broken):
            return response
        found = self.judge(response)
        if isinstance(found, bytes):
            return found
        if isinstance(found, Refused):
            found = replace(found, message=(clean or self.clean())(found.message))
        if response.status not in {429, 503} or found.delay_s is not None:
            return found
        # Only these two statuses have a Retry-After that is about calls (RFC 9110, 10.2.3).
        return replace(found, delay_s=retry_after_s(response.headers, now_s=time.time()))

    def row(
        self, action: str, params: Mapping[str, object], *, timeout_s: float | None = None, clean: Clean | None = None
    ) -> Row | Refused | Broken:
        """`once`, and the object in its answer."""
        clean = clean or self.clean()
        reply = self.once(action, params, timeout_s=timeout_s, clean=clean)
        return self.answered(reply, clean) if isinstance(reply, bytes) else reply

    def manage(
        self, action: str, params: Mapping[str, object], read: Callable[[Row], T | Broken]
    ) -> T | Refused | Broken:
        """`row` under a token of its own, and what `read` makes of it: for a command's calls."""
        # The workers use the same bucket, so that a command cannot push a campaign over the limit.
        if self.gate and (wait_ms := self.gate.admit(action)):
            detail = f"no call of {action} is free for another {wait_ms / 1000:.1f} s"
            return Broken(maybe_sent=False, code=BUSY, detail=detail)
        row = self.row(action, params)
        answer = read(row) if isinstance(row, dict) else row
        # The bucket learns of "too many" at once: the next command waits instead of knocking.
        if self.gate and isinstance(answer, Refused | Broken):
            self.gate.refused(action, answer)
        return answer

    def one(self, action: str, params: Mapping[str, object], kind: type[T], field: str = "") -> T | Refused | Broken:
        """`manage`, and a dataclass of the object under a field, or of the answer itself."""

        def read(row: Row) -> T | Broken:
            found = held(row, field, dict) if field else row
            return found if isinstance(found, Broken) else made(kind, found, self.clean())

        return self.manage(action, params, read)

    def several(
        self, action: str, params: Mapping[str, object], kind: type[T], field: str
    ) -> tuple[T, ...] | Refused | Broken:
        """`manage`, and dataclasses of the objects in the list under a field of the answer."""

        def read(row: Row) -> tuple[T, ...] | Broken:
            found, clean = held(row, field, list), self.clean()
            if isinstance(found, Broken):
                return found
            return tuple(made(kind, each, clean) for each in found if isinstance(each, dict))

        return self.manage(action, params, read)

    def ask(self, number: int, *, since_s: int, until_s: int) -> ReceiptPage | Refused | Broken:  # noqa: ARG002
        """An empty page; never called where `ask_action` is empty."""
        return ReceiptPage((), 0, 0)

    def clean(self, *words: str) -> Clean:
        """What takes the account's secrets, and these words, out of the provider's messages."""
        return cleaner((*self._secrets, *words))

    def clean_of(self, call: Call, message: str = "") -> Clean:
        """`clean` with the params and the text of a call, which messages repeat ("bad 482913")."""
        params = {param for params in (call.content.params, *call.own_params) for param in params}
        # Where params are written name=value, a message may quote the value without its name.
        return self.clean(message, *params, *[param.partition("=")[2] for param in params if "=" in param])

    def noted(self, call: Call, found: tuple[Answer, Oddities]) -> Answer:
        """The answer to a send; what was left out of it goes to the log."""
        answer, oddities = found
        if oddities:
            LOG.warning("account %s, call %s: left out of the answer: %s", self.name, call.context, oddities)
        return answer

    def close(self) -> None:
        """Close kept-alive connections."""
        self._port.close()
