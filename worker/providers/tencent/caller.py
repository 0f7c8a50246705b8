"""One call of any action: an action's name and its JSON in, one signed request out; the answer's body or a `Broken` back."""

import secrets
import time
from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Final

import msgspec

from worker.providers.base import Broken
from worker.providers.cleaning import Clean, cleaner
from worker.providers.tencent import form, wire
from worker.providers.tencent.account import TencentAccount, host_of
from worker.providers.tencent.limits import DEFAULTS
from worker.providers.tencent.signing import ALGORITHM, sign
from worker.providers.transport import Poster, Reply

VERSION: Final = "2021-01-11"
SERVICE: Final = "sms"
CONTENT_TYPE: Final = "application/json"
LANGUAGE: Final = "en-US"
BODY_LIMIT: Final = 10 * 1024 * 1024
"""Most bytes of a POST signed with TC3-HMAC-SHA256 (Tencent SMS API document, line 353)."""


def new_nonce() -> int:
    """A positive number that a request of the same second has hardly had before; of signature v1 only."""
    return secrets.randbelow(2**62) + 1


class Caller:
    """Signs and posts for one account, by the algorithm the account names. Threads may share it."""

    def __init__(
        self,
        account: TencentAccount,
        *,
        poster: Poster,
        clock: Callable[[], float] = time.time,
        nonce: Callable[[], int] = new_nonce,
    ) -> None:
        """Make no call yet.

        Args:
            account: Whose calls these are.
            poster: Posts to `account.endpoint`.
            clock: Epoch seconds, read once for each call, when it is signed.
            nonce: A fresh number for each call signed by algorithm v1.
        """
        self.account: Final = account
        self._poster = poster
        self._clock = clock
        self._nonce = nonce
        self._host = host_of(account.endpoint)
        self._limit = BODY_LIMIT if account.signing == ALGORITHM else form.BODY_LIMIT
        self.limits: Final[Mapping[str, float]] = MappingProxyType({**DEFAULTS, **account.limits})
        self._headers = {"X-TC-Version": VERSION, "X-TC-Region": account.region, "X-TC-Language": LANGUAGE}
        if account.token:
            self._headers["X-TC-Token"] = account.token

    def call(self, action: str, body: bytes, *, timeout_s: float) -> bytes | Broken:
        """Post once, never again, and keep the answer's body if it is the provider's word.

        Args:
            action: X-TC-Action.
            body: The action's parameters as JSON.
            timeout_s: Whole time allowed, seconds.
        """
        sent, headers = self._signed(action, body)
        if len(sent) > self._limit:
            detail = f"the request has {len(sent)} bytes, {self._limit} are allowed with {self.account.signing}"
            return Broken(maybe_sent=False, code="http.413", detail=detail)
        reply = self._poster.post(sent, headers, timeout_s=timeout_s)
        return reply if isinstance(reply, Broken) else judge(reply)

    def clean(self, *words: str) -> Clean:
        """What takes the account's secrets, and these words, out of the provider's messages."""
        return cleaner((self.account.secret_id, self.account.secret_key, self.account.token, *words))

    def close(self) -> None:
        """Close kept-alive connections."""
        self._poster.close()

    def _signed(self, action: str, body: bytes) -> tuple[bytes, dict[str, str]]:
        if self.account.signing == ALGORITHM:
            return body, self._tc3_headers(action, body)
        return self._form(action, body), {"Content-Type": form.CONTENT_TYPE, "Host": self._host}

    def _tc3_headers(self, action: str, body: bytes) -> dict[str, str]:
        signature = sign(
            body,
            secret_id=self.account.secret_id,
            secret_key=self.account.secret_key,
            service=SERVICE,
            host=self._host,
            content_type=CONTENT_TYPE,
            timestamp_s=int(self._clock()),
        )
        return {**self._headers, **signature, "X-TC-Action": action}

    def _form(self, action: str, body: bytes) -> bytes:
        """The same call as algorithm v1 wants it. Its own parameters are read back from the JSON, so that there is one way to make them."""
        account = self.account
        params = {
            **form.flattened(msgspec.json.decode(body)),
            "Action": action,
            "Version": VERSION,
            "Region": account.region,
            "Language": LANGUAGE,
            "Timestamp": str(int(self._clock())),
            "Nonce": str(self._nonce()),
            "SecretId": account.secret_id,
        }
        if account.token:
            params["Token"] = account.token
        method = next(one for one in form.METHODS if one == account.signing)
        return form.signed_form(params, secret_key=account.secret_key, method=method, host=self._host)


def judge(reply: Reply) -> bytes | Broken:
    """The body, if it is the provider's word; else what the status says.

    The provider answers 200 even to refuse a call. Other statuses come from what stands in front of it: a 3xx or a 4xx has
    turned the request away, except 408, which waited for something; a 5xx may have let it through first. A 4xx that holds the
    provider's own error is believed; any other answer of the provider's under such a status is a riddle, so anything may have
    happened.
    """
    if reply.status == 200:
        return reply.body
    code = f"http.{reply.status}"
    if reply.status == 429:
        return Broken(maybe_sent=False, code=code, detail="too many requests, turned away before the provider")
    if 400 <= reply.status < 500 and wire.is_error(reply.body):
        return reply.body
    turned_away = 300 <= reply.status < 500 and reply.status != 408 and not wire.is_answer(reply.body)
    return Broken(
        maybe_sent=not turned_away,
        code=code,
        detail=f"HTTP status {reply.status} without an error of the provider's own",
    )
