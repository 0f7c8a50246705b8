"""The interface of a provider's wire, which admits a `Request` and answers its `WireCall`."""

from collections.abc import Mapping, Sequence
from typing import Any, Final, Protocol

from msgspec import Struct

# Code of a reply that refuses nothing.
OK: Final = "Ok"


class Request(Struct, frozen=True):
    """One HTTP request, read whole.

    Attributes:
        method: `GET`, `POST` …, upper case.
        path: Decoded path.
        query: Query string exactly as sent, since signatures cover its bytes.
        headers: Lower-case names to values.
        body: The bytes sent.
        at_s: Arrival, epoch seconds by this machine's clock.
        tick_s: Arrival, monotonic seconds.
    """

    method: str
    path: str
    query: str
    headers: Mapping[str, str]
    body: bytes
    at_s: float
    tick_s: float


class Subject(Struct, frozen=True, gc=False):
    """What a send is about, for the log, which masks and hashes it.

    Attributes:
        numbers: As the request spells them.
        template: Template id; empty when the numbers differ in it, as in the next two.
        values: The template's values.
        context: What receipts shall echo.
    """

    numbers: Sequence[str]
    template: str
    values: Sequence[str]
    context: str


class WireCall(Struct, frozen=True):
    """A request whose sender, action and rate are in order.

    Attributes:
        action: What is asked for.
        key: Whose credentials signed.
        params: The action's parameters, their presence and types checked.
        subject: What it is about, when it is a send.
    """

    action: str
    key: str
    params: Mapping[str, Any]
    subject: Subject | None = None


class WireReply(Struct, frozen=True):
    """An answer ready to be sent.

    Attributes:
        body: The bytes.
        code: The wire's code for the whole call, `Ok` when it was carried out.
        status: HTTP status.
        content_type: Of the body, exactly as on the provider's wire.
        early: Messages whose receipts should be pulled before this reply leaves.
        headers: Further ones, lower-case names to values.
    """

    body: bytes
    code: str = OK
    status: int = 200
    content_type: str = "application/json"
    early: tuple[int, ...] = ()
    headers: Mapping[str, str] = {}


class WireRefusal(Struct, frozen=True):
    """Why a whole call is refused: the provider's code, and words without number or secret."""

    code: str
    message: str


class Wire(Protocol):
    """One provider's protocol. All is decided at once; the endpoint waits and breaks."""

    def action_of(self, request: Request) -> str:
        """What the request calls itself, for the statistics; empty when it does not say."""

    def admit(self, request: Request) -> WireCall | WireReply:
        """Check sender, clock, version, action, rate and parameters, in the provider's order."""

    def carry_out(self, call: WireCall) -> WireReply:
        """Let the call take effect and answer it."""

    def refuse(self, code: str) -> WireReply:
        """The provider's answer that refuses a whole call with a code."""
