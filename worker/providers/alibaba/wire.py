"""What both of Alibaba's APIs have in common: a question to ask, and an answer's first look.

Nothing that arrives raises. A fault of the business comes with HTTP 200 and a code that is not OK;
a fault of the gateway with another status and `{Code, Message, RequestId}`. The code decides,
whatever the status.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any, Final
from urllib.parse import urlencode

from worker.providers.base import Broken, Refused
from worker.providers.cleaning import Clean
from worker.providers.http import HttpResponse
from worker.providers.reading import Row, opened, patient, without_a_word, word

OK: Final = "ok"

RETRY_AFTER: Final = "x-acs-retry-after"
"""Header that names the wait after too many calls, in milliseconds (official SDK, which sleeps for so many)."""


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
        # An empty parameter is left out: one that is signed must be sent, and the official SDK
        # sends none that is not set.
        return {name: value for name, value in self.query.items() if value}

    @property
    def body(self) -> bytes:
        """The form as bytes, sorted by name; empty when there is none."""
        return urlencode(sorted((name, value) for name, value in self.form.items() if value)).encode()


@patient
def judge(response: HttpResponse, *, clean: Clean) -> bytes | Refused | Broken:
    """The body to read, or what the gateway or what stands in front of it says; an acceptance under another status is a riddle."""
    if response.status == 200:
        return response.body
    found = opened(response.body)
    row = {} if isinstance(found, Broken) else found
    # The gateway has its own envelope, whatever the API behind it; its code counts more than the
    # HTTP status.
    if refused := refusal(row, "Code", "Message", clean=clean):
        wait_ms = response.headers.get(RETRY_AFTER, "")
        plain = wait_ms.isascii() and wait_ms.isdigit() and len(wait_ms) < 10
        # Of 0, or of what is no number, nothing is learnt: then the code's own wait holds.
        return replace(refused, delay_s=int(wait_ms) / 1000 if plain and int(wait_ms) else None)
    return without_a_word(response.status, answered=bool(word(row.get("Code")) or word(row.get("ResponseCode"))))


def answered(body: bytes, code: str, message: str, *, clean: Clean) -> Row | Refused | Broken:
    """The object of an answer whose code is OK, or not there; the names of code and message are the API's."""
    row = opened(body)
    return row if isinstance(row, Broken) else refusal(row, code, message, clean=clean) or row


def refusal(row: Row, code: str, message: str, *, clean: Clean) -> Refused | None:
    """The refusal that an answer is, by the names of its fields; None when its code is OK or not there."""
    found = word(row.get(code))
    if not found or found.casefold() == OK:
        return None
    return Refused(found, clean(word(row.get(message))), word(row.get("RequestId")))


def listed(row: Row, *names: str) -> list[Any]:
    """The list at the end of these names, one within the other; empty when there is none."""
    found: Any = row
    for name in names:
        found = found.get(name) if isinstance(found, dict) else None
    return found if isinstance(found, list) else []
