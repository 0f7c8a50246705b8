"""One call of any action: signed as the account says, sent once, judged by its HTTP status."""

import secrets
import time
from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Final

import msgspec

from config.accounts import Account
from worker.providers.base import Broken
from worker.providers.cleaning import Clean, cleaner
from worker.providers.http import HttpPort, HttpRequest, HttpResponse, host_of
from worker.providers.reading import patient, without_a_word
from worker.providers.tencent import form, wire
from worker.providers.tencent.facts import FACTS
from worker.providers.tencent.signing import ALGORITHM, sign

VERSION: Final = "2021-01-11"
SERVICE: Final = "sms"
CONTENT_TYPE: Final = "application/json"
LANGUAGE: Final = "en-US"
BODY_LIMIT: Final = 10 * 1024 * 1024
"""Most bytes of a POST signed with TC3-HMAC-SHA256 (Tencent SMS API document, line 353)."""


def new_nonce() -> int:
    """A positive number that a request of the same second has hardly had before; of signature v1 only."""
    return secrets.randbelow(2**62) + 1


class TencentCaller:
    """Signs and sends for one account. Threads may share it."""

    def __init__(
        self,
        account: Account,
        *,
        port: HttpPort,
        clock: Callable[[], float] = time.time,
        nonce: Callable[[], int] = new_nonce,
    ) -> None:
        """Make no call yet.

        Args:
            account: Whose calls these are.
            port: Sends to `account.endpoint`.
            clock: Epoch seconds, read once for each call, when it is signed.
            nonce: A fresh number for each call signed by algorithm v1.
        """
        self.account: Final = account
        self.limits: Final[Mapping[str, float]] = MappingProxyType({**FACTS.limits(), **account.limits})
        self._port = port
        self._clock = clock
        self._nonce = nonce
        self._host = host_of(account.endpoint)
        self._signing = account.signing or ALGORITHM
        # A form may have a tenth of what a JSON body may (document, line 353); images of a
        # signature can reach that.
        self._limit = BODY_LIMIT if self._signing == ALGORITHM else form.BODY_LIMIT
        self._secret_id = account.secret_id.get_secret_value()
        self._secret_key = account.secret_key.get_secret_value()
        self._token = account.token.get_secret_value()
        self._headers = {"x-tc-version": VERSION, "x-tc-region": account.region, "x-tc-language": LANGUAGE}
        if self._token:
            self._headers["x-tc-token"] = self._token

    def call(self, action: str, body: bytes, *, timeout_s: float) -> bytes | Broken:
        """Send once, never again, and keep the answer's body if it is the provider's word.

        Args:
            action: X-TC-Action.
            body: The action's parameters as JSON.
            timeout_s: Whole time allowed, seconds.
        """
        if self._signing == ALGORITHM:
            signature = sign(
                body,
                secret_id=self._secret_id,
                secret_key=self._secret_key,
                service=SERVICE,
                host=self._host,
                content_type=CONTENT_TYPE,
                timestamp_s=int(self._clock()),
            )
            # Signed when the call is made: the gateway refuses a timestamp that is more than 5
            # minutes off (document, line 4912).
            headers = {**self._headers, **signature, "x-tc-action": action}
        else:
            body, headers = self._form(action, body), {"content-type": form.CONTENT_TYPE, "host": self._host}
        # Found out here, where it is certain that nothing was sent; the provider's refusal would
        # come from a proxy as 413.
        if len(body) > self._limit:
            detail = f"the request has {len(body)} bytes, {self._limit} are allowed with {self._signing}"
            return Broken(maybe_sent=False, code="http.413", detail=detail)
        response = self._port.send(HttpRequest(timeout_s, body, headers))
        return response if isinstance(response, Broken) else judge(response)

    def clean(self, *words: str) -> Clean:
        """What takes the account's secrets, and these words, out of the provider's messages."""
        return cleaner((self._secret_id, self._secret_key, self._token, *words))

    def close(self) -> None:
        """Close kept-alive connections."""
        self._port.close()

    def _form(self, action: str, body: bytes) -> bytes:
        """The same call as algorithm v1 wants it. Its own parameters are read back from the JSON, so that there is one way to make them."""
        params = {
            **form.flattened(msgspec.json.decode(body)),
            "Action": action,
            "Version": VERSION,
            "Region": self.account.region,
            "Language": LANGUAGE,
            # Signed with the time, and with a nonce against replays within it (document, line 484).
            "Timestamp": str(int(self._clock())),
            "Nonce": str(self._nonce()),
            "SecretId": self._secret_id,
        }
        if self._token:
            params["Token"] = self._token
        # The setting is a text; its type has to be that of the algorithm for mypy, and the settings
        # know no other.
        method = next(one for one in form.METHODS if one == self._signing)
        return form.signed_form(params, secret_key=self._secret_key, method=method, host=self._host)


@patient
def judge(response: HttpResponse) -> bytes | Broken:
    """The body, if it is the provider's word; else what the status says.

    The provider answers 200 even to refuse a call. A 4xx that holds the provider's own error is believed; any other answer of the
    provider's under another status is a riddle.
    """
    status, body = response.status, response.body
    # 429 with the provider's error in it is still turned away: its own "too many" comes as 200.
    if status == 200 or (400 <= status < 500 and status != 429 and wire.is_error(body)):
        return body
    return without_a_word(status, answered=status != 429 and wire.is_answer(body))
