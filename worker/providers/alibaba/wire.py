"""What both of Alibaba's APIs have in common: a question to ask, and an answer's first look.

Nothing that arrives raises. A fault of the business comes with HTTP 200 and a code that is not OK; a fault of the gateway with
another status and `{Code, Message, RequestId}`. The code decides, whatever the status.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final, TypeAlias
from urllib.parse import urlencode

import msgspec

from worker.providers.alibaba.transport import Reply
from worker.providers.base import Broken, Refused
from worker.providers.cleaning import Clean

Row: TypeAlias = Mapping[str, Any]

OK: Final = "ok"
_LONGEST: Final = 512
"""Characters; OutId and TaskId, the longest fields that count, have fewer than 256."""


@dataclass(frozen=True, slots=True)
class Question:
    """One call of an action.

    Attributes:
        action: Its name.
        version: Of the API it belongs to.
        query: Parameters in the query string; empty ones are left out.
        form: Parameters in a form as the body.
    """

    action: str
    version: str
    query: Mapping[str, str]
    form: Mapping[str, str] = field(default_factory=dict)

    @property
    def asked(self) -> dict[str, str]:
        """The parameters of the query string that are there."""
        return {name: value for name, value in self.query.items() if value}

    @property
    def body(self) -> bytes:
        """The form as bytes, sorted by name; empty when there is none."""
        return urlencode(sorted((name, value) for name, value in self.form.items() if value)).encode()


def judge(reply: Reply, *, clean: Clean) -> bytes | Refused | Broken:
    """The body to read, or what the gateway or somebody in front of it says.

    Without the provider's own code a 3xx or a 4xx has turned the request away, except 408, which waited for something; a 5xx may
    have let it through first. An acceptance under such a status is a riddle, so anything may have happened.
    """
    if reply.status == 200:
        return reply.body
    found = opened(reply.body)
    row = {} if isinstance(found, Broken) else found
    if refused := refusal(row, "Code", "Message", clean=clean):
        return Refused(refused.code, refused.message, refused.request_id, reply.retry_after_s)
    riddle = text(row.get("Code")) or text(row.get("ResponseCode"))
    turned_away = 300 <= reply.status < 500 and reply.status != 408 and not riddle
    return Broken(
        maybe_sent=not turned_away,
        code=f"http.{reply.status}",
        detail=f"HTTP status {reply.status} without a code of the provider's own",
    )


def opened(body: bytes) -> Row | Broken:
    """The object in an answer's body; what cannot be read may have been carried out."""
    try:
        found = msgspec.json.decode(body)
    except (ValueError, RecursionError) as error:  # msgspec's errors and bad UTF-8 are ValueErrors
        return unreadable(f"{len(body)} bytes that are not JSON ({type(error).__name__})")
    return found if isinstance(found, dict) else unreadable(f"{len(body)} bytes of JSON that are no object")


def refusal(row: Row, code: str, message: str, *, clean: Clean) -> Refused | None:
    """The refusal that an answer is, by the names of its fields; None when its code is OK or not there."""
    found = text(row.get(code))
    if not found or found.casefold() == OK:
        return None
    return Refused(found, clean(text(row.get(message))), text(row.get("RequestId")))


def unreadable(what: str) -> Broken:
    """An answer that says nothing."""
    return Broken(maybe_sent=True, code="http.NotJson", detail=f"the provider answered {what}")


def listed(row: Row, *names: str) -> list[Any]:
    """The list at the end of these names, one within the other; empty when there is none."""
    found: Any = row
    for name in names:
        found = found.get(name) if isinstance(found, dict) else None
    return found if isinstance(found, list) else []


def text(value: object) -> str:
    """A field documented as text or a number, trimmed and cut at the longest; empty for what is neither."""
    if isinstance(value, bool) or not isinstance(value, (str, int)):
        return ""
    return str(value)[:_LONGEST].strip()


def whole(value: object) -> int:
    """A count, written as a number or digits; 0 for null, nonsense and what no counter holds."""
    found = text(value)
    return int(found) if found.isascii() and found.isdigit() and len(found) < 16 else 0
