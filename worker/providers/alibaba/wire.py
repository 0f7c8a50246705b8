"""What both of Alibaba's APIs have in common: how a call is signed, and an answer's first look.

Nothing that arrives raises. A fault of the business comes with HTTP 200 and a code that is not OK;
a fault of the gateway with another status and `{Code, Message, RequestId}`. The code decides,
whatever the status.
"""

from collections.abc import Mapping
from dataclasses import replace
from typing import ClassVar, Final
from urllib.parse import urlencode

from worker.providers.adapter import Adapter
from worker.providers.alibaba.signing import canonical_query, date_of, sign
from worker.providers.base import QUERIES_AT_ONCE, Broken, Refused
from worker.providers.cleaning import Clean
from worker.providers.http import HttpRequest, HttpResponse
from worker.providers.reading import Row, opened, whole, without_a_word, word
from worker.transport.retry_after import LONGEST_WAIT_S

FORM: Final = "application/x-www-form-urlencoded"

# Parameters that go in a form as the body (official SDK 4.6.0, `send_batch_sms`); all others stand
# in the query string.
IN_BODY: Final = frozenset({"PhoneNumberJson", "SignNameJson", "TemplateParamJson", "SmsUpExtendCodeJson"})

# Header that names the wait after too many calls, in milliseconds (official SDK, which sleeps for
# so many).
RETRY_AFTER: Final = "x-acs-retry-after"


class AlibabaSite(Adapter):
    """One site's API: its version, and what it calls the code and the message of an answer."""

    # Each thread may have so many queries under way.
    calls_at_once = QUERIES_AT_ONCE
    version: ClassVar[str]
    code_field: ClassVar[str]
    message_field: ClassVar[str]

    def request(self, action: str, params: Mapping[str, object], timeout_s: float) -> HttpRequest:
        """A POST, its parameters in the query string, or in a form where the API wants them so."""
        key_id, key_secret = self._secrets[:2]
        query = {name: str(value) for name, value in params.items() if name not in IN_BODY}
        body = urlencode(sorted((name, str(value)) for name, value in params.items() if name in IN_BODY)).encode()
        # Every header that is named here is signed, so what httpx adds by itself must not be among
        # them.
        headers = {
            "accept": "application/json",
            "host": self.host,
            "x-acs-action": action,
            # The provider takes a time that is at most 15 minutes off, and a nonce once: both are
            # made anew for each call.
            "x-acs-date": date_of(self.clock()),
            "x-acs-signature-nonce": str(self.nonce()),
            "x-acs-version": self.version,
        }
        if body:
            headers["content-type"] = FORM
        signed = sign(headers, query=query, body=body, access_key_id=key_id, access_key_secret=key_secret)
        # Sent exactly as it was signed: another order or another encoding would be
        # SignatureDoesNotMatch.
        return HttpRequest(timeout_s, body, signed, "?" + canonical_query(query))

    def judge(self, response: HttpResponse) -> bytes | Refused | Broken:
        """The body, or what the gateway says; an OK under another status is a riddle."""
        if response.status == 200:
            return response.body
        found = opened(response.body)
        row = {} if isinstance(found, Broken) else found
        # The gateway has its own envelope, whatever the API behind it; its code counts more than
        # the HTTP status.
        if refused := refusal(row, "Code", "Message"):
            wait_ms = whole(response.headers.get(RETRY_AFTER))
            # Of 0, or of what is no number, nothing is learnt: then the code's own wait holds.
            return replace(refused, delay_s=min(wait_ms / 1000, LONGEST_WAIT_S) or None)
        return without_a_word(response.status, answered=bool(word(row.get("Code")) or word(row.get("ResponseCode"))))

    def answered(self, body: bytes, clean: Clean) -> Row | Refused | Broken:
        """The object of an answer whose code is OK, or not there."""
        row = opened(body)
        return row if isinstance(row, Broken) else refusal(row, self.code_field, self.message_field, clean) or row


def refusal(row: Row, code: str, message: str, clean: Clean = str) -> Refused | None:
    """The refusal that an answer is; None when its code is OK or not there."""
    found = word(row.get(code))
    if not found or found.casefold() == "ok":
        return None
    return Refused(found, clean(word(row.get(message))), word(row.get("RequestId")))
