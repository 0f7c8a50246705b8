"""What one account can ask of the provider besides sending.

The actions themselves, typed, are functions in the modules of their subjects: `replies`,
`statistics`, `signatures`, `templates`, `numbers_info` and `conversions`. Each takes an `Api`
first.
"""

from collections.abc import Callable, Mapping
from typing import Any, Final, Protocol, TypeVar

import msgspec

from worker.providers.base import Broken, Refused
from worker.providers.cleaning import Clean
from worker.providers.reading import Row, unreadable
from worker.providers.tencent import answers
from worker.providers.tencent.caller import TencentCaller

T = TypeVar("T")

BUSY: Final = "limit.Busy"
"""Code of a call that was not made because its bucket gave no token in time (smsline/codes)."""


class Gate(Protocol):
    """Keeps an account's calls under the limit of each action."""

    def admit(self, action: str) -> float:
        """Take a token for a call of the action, waiting a little; ms still to wait when there was none, else 0."""

    def refused(self, action: str, answer: Refused | Broken) -> None:
        """Learn from a call that went wrong: too many calls close the action's bucket for a while."""


class Api:
    """One account's actions. Threads may share it."""

    def __init__(self, caller: TencentCaller, gate: Gate) -> None:
        """Make no call yet.

        Args:
            caller: Signs and posts.
            gate: Asked for a token before each call.
        """
        self._caller = caller
        self._gate = gate

    @property
    def sdk_app_id(self) -> str:
        """SmsSdkAppId, which some actions want among their parameters."""
        return self._caller.account.sdk_app_id

    @property
    def clean(self) -> Clean:
        """Makes the provider's words fit to be shown."""
        return self._caller.clean()

    def ask(self, action: str, params: Mapping[str, object]) -> Row | Refused | Broken:
        """Make one call under a token of its own, never repeated.

        Args:
            action: As the provider spells it.
            params: Its parameters; empty text, empty lists and null are left out.

        Returns:
            What stands in the answer's `Response`, undecoded; or why there is none.
        """
        # Empty optional fields are left out: some actions refuse an empty text where they take
        # none.
        body = msgspec.json.encode({name: value for name, value in params.items() if value not in ("", None, [])})
        return self.read(action, body, lambda reply: answers.opened(reply, clean=self.clean))

    def row(self, action: str, params: Mapping[str, object], field: str) -> Row | Refused | Broken:
        """What `ask` returns, of it the field that holds one object."""
        response = self.ask(action, params)
        if not isinstance(response, dict):
            return response
        found = response.get(field)
        return (
            # A success without its object is no success: whether the action was carried out is then
            # in doubt.
            found if isinstance(found, dict) else unreadable(f"an answer with neither an Error nor an object {field}")
        )

    def rows(
        self, action: str, params: Mapping[str, object], field: str, read: Callable[[Row], T]
    ) -> tuple[T, ...] | Refused | Broken:
        """What `ask` returns, of it the rows of the field that holds a list, each read; what is no row is left out."""
        found = self.listed(action, params, field)
        return tuple(read(row) for row in found if isinstance(row, dict)) if isinstance(found, list) else found

    def listed(self, action: str, params: Mapping[str, object], field: str) -> list[Any] | Refused | Broken:
        """What `ask` returns, of it the field that holds a list; null is an empty one, and what stands in it may be anything."""
        response = self.ask(action, params)
        if not isinstance(response, dict):
            return response
        found = response.get(field, ...)
        if found is None or isinstance(found, list):
            return found or []
        return unreadable(f"an answer with neither an Error nor a list {field}")

    def read(self, action: str, body: bytes, reader: Callable[[bytes], T | Refused | Broken]) -> T | Refused | Broken:
        """Make one call under a token of its own, never repeated, and read its answer.

        Args:
            action: As the provider spells it.
            body: Its parameters as JSON.
            reader: Reads the answer's body.
        """
        # The workers use the same bucket, so that a command cannot push a campaign over the limit.
        if wait_ms := self._gate.admit(action):
            detail = f"no call of {action} is free for another {wait_ms / 1000:.1f} s"
            return Broken(maybe_sent=False, code=BUSY, detail=detail)
        reply = self._caller.call(action, body, timeout_s=self._caller.account.timeout_s)
        answer = reply if isinstance(reply, Broken) else reader(reply)
        # The bucket learns of "too many" at once, so that the next command waits instead of
        # knocking.
        if isinstance(answer, Refused | Broken):
            self._gate.refused(action, answer)
        return answer

    def close(self) -> None:
        """Close kept-alive connections."""
        self._caller.close()
